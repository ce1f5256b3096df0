"""`vitprune`: the bench without a screen. Each command is short and loads what it needs itself.

Data goes to stdout, everything else to stderr; `--json` prints one JSON value and nothing else.
Exit codes: 0 done, 2 the request is wrong and nothing was written, 75 somebody else holds the run,
130 interrupted, 1 anything else.
"""

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from vitprune_tui.console import (
    answer,
    answer_each,
    complain,
    find,
    finish,
    has_terminal,
    load,
    look,
    mode,
    one_of,
    several,
    width,
)

app = typer.Typer(
    help="Prune Vision Transformers, and see what it does to them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Runs = Annotated[
    Path,
    typer.Option(
        "--runs",
        envvar="VITPRUNE_RUNS",
        file_okay=False,
        help="The folder that runs are kept in.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]
Preset = Annotated[str, typer.Argument(metavar="PRESET", help="A path or a name.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id or a unique prefix of it.")]
Some = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids or unique prefixes.")]
Workload = Annotated[
    str | None, typer.Option("--workload", help="Dataset, model and recipe: a path or a name.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key; YAML value.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Split, initialisation, order, shuffles.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")]
Dense = Annotated[
    Path | None,
    typer.Option("--dense", metavar="FILE", help="Prune this model (safetensors); train none."),
]
Ascii = Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters only.")]
Theme = Annotated[
    str | None, typer.Option("--theme", help="dark, light, colour-blind or terminal.")
]
Here = Annotated[bool, typer.Option("--here", help="Train in this process.")]
Detach = Annotated[bool, typer.Option("--detach", help="Print the run's id and return.")]
RUNS = Path("runs")


@app.command()
def run(
    preset: Preset,
    workload: Workload = None,
    set: Set = None,
    seed: Seed = None,
    name: Annotated[str | None, typer.Option("--name", help="The run's id.")] = None,
    device: Device = None,
    dense: Dense = None,
    here: Here = False,
    detach: Detach = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Start it when those before it are through.")
    ] = False,
    runs: Runs = RUNS,
    json: Json = False,
) -> None:
    """Train, prune, retrain and measure what PRESET asks for, as a new run."""
    from vitprune_tui.commands import run as command

    how = mode(here=here, detach=detach, queue=queue)
    loaded = load(preset, workload, set, seed, device, dense)
    finish(command.run(loaded, runs, name, width(), how), json)


@app.command()
def sweep(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A path or a name.")],
    workload: Workload = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Some of those declared: 100,101 or 100-109.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Runs at a time; default: one a core.")
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Work on it beside those that do already.")
    ] = False,
    engine: Annotated[
        str, typer.Option("--engine", help="Who starts the runs: local or ray.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="HOST:PORT", help="Of Ray's cluster; default: its own."),
    ] = None,
    emit: Annotated[
        str | None, typer.Option("--emit", help="Do nothing, print a script: slurm.")
    ] = None,
    runs: Runs = RUNS,
    json: Json = False,
) -> None:
    """Do every run of STUDY that is not done yet: arms x seeds, several at a time.

    ctrl+c asks the runs to stop after a checkpoint; the same command goes on with them.
    """
    from vitprune_tui.commands import sweep as command
    from vitprune_tui.wrong import Wrong

    if emit is not None:
        one_of("--emit", emit, ("slurm",))
        finish(command.emitted(study, runs, workload, seeds, jobs), json)
    one_of("--engine", engine, ("local", "ray"))
    if address is not None and engine != "ray":
        raise Wrong("--address is that of Ray's cluster: it needs --engine ray")
    if join and engine == "ray":
        raise Wrong("--join is for processes of this machine: not with --engine ray")
    if engine == "ray":
        finish(command.sweep_on_ray(study, runs, workload, seeds, jobs, address), json)
    finish(command.sweep(study, runs, workload, seeds, jobs, join), json)


@app.command()
def report(
    study: Annotated[list[str], typer.Argument(metavar="STUDY...", help="Studies' folders.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The Markdown file to write.")
    ] = None,
    findings: Annotated[
        Path | None, typer.Option("--findings", help="Where the verdicts go as JSON.")
    ] = None,
    note: Annotated[str, typer.Option(help="What the reader has to know beside it.")] = "",
    runs: Runs = RUNS,
    ascii: Ascii = False,
    json: Json = False,
) -> None:
    """What studies found: verdicts, figures, tables. Parts of one study are put together.

    Without -o it is shown here, as text.
    """
    from vitprune_tui.commands import report as command

    answer(*command.report(study, runs, output, findings, note, look(ascii)), json)


@app.command()
def resume(
    run: Run, here: Here = False, detach: Detach = False, runs: Runs = RUNS, json: Json = False
) -> None:
    """Go on with a run from its last checkpoint, or continue a paused one, and follow it.

    As with `run`, ctrl+c asks it to stop after a checkpoint.
    """
    from vitprune_tui.commands import resume as command

    how = mode(here=here, detach=detach)
    finish(command.resume(find(runs, run), width(), how), json)


@app.command()
def watch(
    run: Run, runs: Runs = RUNS, ascii: Ascii = False, theme: Theme = None, json: Json = False
) -> None:
    """Follow a run until it is over; ctrl+c leaves it alone. Exits like `run`, 130 when left.

    On a terminal it is the bench's screen of this run, which --ascii and --theme are for.
    """
    found = find(runs, run)
    if has_terminal() and not json:
        from vitprune_tui.commands.watch import watch as on_screen

        finish(on_screen(runs, found, width(), ascii, theme), json)
    from vitprune_tui.commands import run as command

    finish(command.watch(found, width()), json)


@app.command()
def pause(run: Run, runs: Runs = RUNS, json: Json = False) -> None:
    """Let a run wait, alive, after a checkpoint."""
    from vitprune_tui.commands import control as command

    answer(*command.ask(runs, find(runs, run), "pause"), json)


@app.command(name="continue")
def continue_(run: Run, runs: Runs = RUNS, json: Json = False) -> None:
    """Let a paused run go on."""
    from vitprune_tui.commands import control as command

    answer(*command.ask(runs, find(runs, run), "continue"), json)


@app.command()
def stop(run: Run, runs: Runs = RUNS, json: Json = False) -> None:
    """End a run's process after a checkpoint; resume brings it back."""
    from vitprune_tui.commands import control as command

    answer(*command.ask(runs, find(runs, run), "stop"), json)


@app.command()
def kill(run: Run, runs: Runs = RUNS, json: Json = False) -> None:
    """End a run's process at once."""
    from vitprune_tui.commands import control as command

    answer(*command.kill(find(runs, run)), json)


@app.command()
def queue(
    change: Annotated[
        str | None, typer.Argument(metavar="[up|down|rm|start]", help="What to change.")
    ] = None,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Which run to change.")] = None,
    runs: Runs = RUNS,
    json: Json = False,
) -> None:
    """Runs that wait for their turn: up, down and rm change the order, start has them started."""
    from vitprune_tui.commands import control as command

    if change:
        command.change_queue(runs, change, find(runs, run) if run else None)
    answer(*command.show_queue(runs), json)


@app.command()
def plan(
    preset: Preset,
    workload: Workload = None,
    set: Set = None,
    seed: Seed = None,
    device: Device = None,
    dense: Dense = None,
    runs: Runs = RUNS,
    ascii: Ascii = False,
    json: Json = False,
) -> None:
    """Phases, learning rate, cost and ETA of what `run` would do."""
    from vitprune_tui.commands import plan as command

    config = load(preset, workload, set, seed, device, dense).config
    if json:
        return answer(command.as_json(config), "", json)
    answer(None, command.as_text(config, runs, look(ascii)), json)


@app.command()
def presets(
    show: Annotated[str | None, typer.Option("--show", help="Print this preset.")] = None,
    json: Json = False,
) -> None:
    """What can be asked for: presets and workloads, own and shipped."""
    from vitprune_tui.commands import presets as command

    value: Any
    value, shown = command.one(show) if show else command.everything(width())
    answer(value, shown, json)


@app.command()
def ls(runs: Runs = RUNS, json: Json = False) -> None:
    """All runs, the latest last."""
    from vitprune_core.store.brief import brief
    from vitprune_core.store.runs import name_of
    from vitprune_core.store.runs import runs as every
    from vitprune_core.store.values import to_json
    from vitprune_tui.draw import listed

    briefs = [(name_of(runs, run), brief(run)) for run in every(runs)]
    briefs.sort(key=lambda named: named[1].started or 0)
    if not briefs:
        complain(f"No runs yet in {runs}: start one with `vitprune run PRESET`.")
    value = [{"id": name, **to_json(b)} for name, b in briefs] if json else None
    answer(value, listed.runs(briefs, width()) if briefs else "", json)


@app.command()
def show(run: Run, runs: Runs = RUNS, json: Json = False) -> None:
    """One run: state, dense model, levels."""
    from vitprune_core.store.shown import as_shown
    from vitprune_core.store.summary import summarize
    from vitprune_tui.draw import tables

    found = find(runs, run)
    summary = summarize(found)
    answer(as_shown(found, summary), tables.run(found.id, summary, width()), json)


@app.command()
def rm(run: Run, runs: Runs = RUNS, json: Json = False) -> None:
    """Move a run to runs/.trash."""
    from vitprune_tui.doing.asking import remove

    found = find(runs, run)
    moved = remove(runs, found)
    answer({"id": found.id, "trash": str(moved)}, f"{found.id} is now {moved}", json)


@app.command()
def log(run: Run, runs: Runs = RUNS, json: Json = False) -> None:
    """Everything that happened in a run, record by record."""
    from vitprune_core.store.log import Entry, entries
    from vitprune_core.store.values import to_json
    from vitprune_tui.draw import tables

    def value(record: Entry) -> dict[str, Any]:
        event = {"event": type(record.event).__name__, **to_json(record.event)}
        return {**record._asdict(), **event}

    answer_each(entries(find(runs, run).log), value, tables.record, json)


@app.command()
def masks(
    run: Run,
    level: Annotated[str | None, typer.Option("--level", help="A sparsity; default: last.")] = None,
    layer: Annotated[int | None, typer.Option("--layer", help="A block, from 0.")] = None,
    matrix: Annotated[str | None, typer.Option("--matrix", help="q k v o fc1 or fc2.")] = None,
    runs: Runs = RUNS,
    ascii: Ascii = False,
    json: Json = False,
) -> None:
    """Which weights stayed: densities, and heatmaps with a line between heads."""
    from vitprune_tui.commands import masks as command

    answer(*command.masks(find(runs, run), level, layer, matrix, look(ascii)), json)


@app.command()
def plot(
    run: Some,
    x: Annotated[str, typer.Option("--x", help="sparsity, epoch, compression or speedup.")] = (
        "sparsity"
    ),
    runs: Runs = RUNS,
    ascii: Ascii = False,
    json: Json = False,
) -> None:
    """Accuracy curves of one run or several."""
    from vitprune_tui.commands import plot as command

    answer(*command.plot(several(runs, run), x, look(ascii)), json)


@app.command()
def export(
    run: Some,
    output: Annotated[Path, typer.Option("-o", "--output", help="The Markdown file to write.")],
    csv: Annotated[Path | None, typer.Option("--csv", help="Also a row a level as CSV.")] = None,
    runs: Runs = RUNS,
    json: Json = False,
) -> None:
    """Runs as Markdown: what was asked, results, densities, masks, how to reproduce."""
    from vitprune_tui.commands import export as command

    answer(*command.export(several(runs, run), output, csv), json)


@app.command()
def doctor(runs: Runs = RUNS, json: Json = False) -> None:
    """Device, versions, data found, disk, permissions."""
    from vitprune_tui.commands import doctor as command

    answer(*command.doctor(runs), json)


def main() -> None:
    """The console script: errors become a sentence and an exit code."""
    from vitprune_core.store.lock import Held
    from vitprune_core.store.rundir import nobody_else_writes
    from vitprune_tui.wrong import Unable, Wrong

    nobody_else_writes()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except Wrong as error:
        complain(str(error))
        sys.exit(2)
    except Unable as error:
        complain(str(error))
        sys.exit(1)
    except Held as error:
        complain(str(error))
        sys.exit(75)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        complain(f"{error.filename or 'output'}: {error.strerror or error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
