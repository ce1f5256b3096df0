"""A run, or several side by side, as Markdown and CSV. Drawings are handed in as text.

Everything that comes from files is escaped: a hostile name stays a name in the table it stands in.
"""

import csv
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vitprune_core.store.clean import cell, clean, field, prose
from vitprune_core.store.events import Level, Matrix, Score
from vitprune_core.store.summary import Dense, Reached, Summary, section


@dataclass(frozen=True)
class Exported:
    """One run and what was drawn of it."""

    id: str
    summary: Summary
    sentence: str
    """What the preset asks for, in words."""
    config: str
    """The complete config as YAML."""
    masks: Mapping[str, str]
    """Heading -> thumbnails as text."""


def markdown(runs: Sequence[Exported], curve: str) -> str:
    """The whole report, GitHub-flavoured."""
    title = runs[0].id if len(runs) == 1 else f"{len(runs)} runs"
    parts = [f"# vitprune: {cell(title)}"]
    if len(runs) > 1:
        parts += ["## Side by side", side_by_side(runs)]
    parts += ["## Accuracy against sparsity", fenced(curve)]
    for run in runs:
        parts += one(run, deeper="#" if len(runs) > 1 else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def one(run: Exported, deeper: str) -> list[str]:
    s, h = run.summary, f"##{deeper}"
    heading = [f"## {cell(run.id)}"] if deeper else []
    return [
        *heading,
        f"{h} What was asked",
        prose(run.sentence),
        asked(s),
        f"{h} Result",
        result(s),
        levels(s),
        *((f"{h} Density", density(s)) if s.levels else ()),
        *(
            part
            for title, text in run.masks.items()
            for part in (f"{h} {cell(title)}", fenced(text))
        ),
        f"{h} Environment",
        environment(s),
        f"{h} How to reproduce",
        reproduce(run),
    ]


def asked(s: Summary) -> str:
    prune, retrain = s.section("prune"), s.section("retrain")
    rows = [
        ("preset", s.preset),
        ("workload", s.config.get("workload")),
        ("seed", s.config.get("seed")),
        *((key, prune[key]) for key in prune),
        *(
            (f"retrain {key}", retrain[key])
            for key in retrain
            if prune and retrain[key] is not None
        ),
    ]
    return table(("", ""), rows)


def result(s: Summary) -> str:
    state = f"State: **{cell(s.state)}**"
    if s.reason:
        state += f" ({cell(s.reason)})"
    if s.dense is None:
        return f"{state}. There is no dense model yet."
    d = s.dense
    return (
        f"{state}. Dense model ({_origin(s, d)}): test accuracy **{_accuracy(d.test)}**, "
        f"validation {_accuracy(d.validation)}; "
        f"{s.parameters or 0:,} parameters, {s.prunable or 0:,} prunable, "
        f"{s.taking_part or 0:,} taking part."
    )


def _origin(s: Summary, dense: Dense) -> str:
    if given := s.section("dense"):
        file, sha256 = cell(given.get("file")), cell(given.get("sha256"))
        return f"given as {file}, SHA-256 {sha256}; retraining starts with fresh moments"
    by = "found in the shared folder" if dense.reused else "trained by this run"
    return f"{by}, {dense.epochs} epochs in {dense.seconds:,.0f} s"


LEVEL_HEAD = (
    "asked",
    "sparsity",
    "of all prunable",
    "test before",
    "test",
    "against dense",
    "validation",
    "test loss",
    "non-zero",
    "compression",
    "speed-up",
    "effective",
    "removable",
    "epochs",
    "seconds",
)


def levels(s: Summary) -> str:
    """One row a level. Accuracies in percent, differences in points."""
    if not s.levels and s.diverged is None:
        return "No level was measured."
    rows: list[Sequence[object]] = [_level_row(s, reached) for reached in s.levels]
    if s.diverged:
        why = f"diverged at epoch {s.diverged.epoch}, learning rate {s.diverged.lr:.3g}"
        asked = "dense" if s.diverged.level is None else _percent(s.diverged.level)
        rows.append((asked, why, *[""] * (len(LEVEL_HEAD) - 2)))
    notes = [line for reached in s.levels for line in _notes(reached.level)]
    unit = (
        "Accuracies in percent, differences in points; before = pruned and not yet retrained; "
        "sparsity counts the weights that take part; epochs and seconds count from the dense "
        "model; the speed-up is in multiply-adds, theoretical; effective counts weights that no "
        "path runs through as gone too; removable is the share of the multiply-adds that smaller "
        "matrices without holes would save."
    )
    return "\n\n".join([table(LEVEL_HEAD, rows), unit, *([bullets(notes)] if notes else [])])


def _level_row(s: Summary, reached: Reached) -> tuple[object, ...]:
    level = reached.level
    return (
        _percent(level.sparsity_asked),
        f"{100 * level.sparsity:.3f} %",
        _percent(level.sparsity_prunable),
        _accuracy(level.test_before),
        _accuracy(level.test),
        f"{100 * (level.test.accuracy - s.dense.test.accuracy):+.1f}" if s.dense else "",
        _accuracy(level.validation),
        f"{level.test.loss:.4f}",
        f"{level.nonzero_parameters:,}",
        f"{level.compression:.2f}x",
        f"{level.speedup:.2f}x",
        _share(level.effective_sparsity),
        _share(level.removable),
        level.epochs,
        f"{reached.seconds:.1f}",
    )


def _notes(level: Level) -> Iterable[str]:
    at = f"At {_percent(level.sparsity_asked)}"
    if level.collapsed:
        yield f"{at} nothing is left of {', '.join(level.collapsed)}."
    if level.silent_heads:
        yield f"{at} heads that say nothing: {', '.join(level.silent_heads)}."
    if level.key_blind_heads:
        yield f"{at} heads that attend to all tokens alike: {', '.join(level.key_blind_heads)}."
    if level.dead_neurons:
        dead = ", ".join(f"{name} ({n})" for name, n in level.dead_neurons.items())
        yield f"{at} hidden neurons without input or output: {dead}."


def density(s: Summary) -> str:
    """Share kept of each matrix at every level, and of each head where it says something."""
    names = [_percent(r.level.sparsity_asked) for r in s.levels]
    matrices = dict.fromkeys(name for r in s.levels for name in r.level.matrices)
    by_matrix = [
        (name, *(_kept(r.level.matrices.get(name)) for r in s.levels)) for name in matrices
    ]
    parts = ["Percent kept of each matrix, by sparsity asked:"]
    parts.append(table(("matrix", *names), by_matrix))
    for reached in s.levels:
        if 0 < reached.level.sparsity < 1:
            parts += heads(reached.level)
    return "\n\n".join(parts)


def _kept(matrix: Matrix | None) -> str:
    return "" if matrix is None else f"{100 * matrix.density:.2f}"


def heads(level: Level) -> list[str]:
    attention = {name: m.heads for name, m in level.matrices.items() if m.heads}
    number = max(map(len, attention.values()), default=0)
    head = ("matrix", *(f"head {h}" for h in range(number)))
    rows = [(name, *(f"{100 * h:.1f}" for h in shares)) for name, shares in attention.items()]
    return [f"Percent kept in each head at {_percent(level.sparsity_asked)}:", table(head, rows)]


def environment(s: Summary) -> str:
    return table(("", ""), [*s.fingerprint.items(), ("host", s.host)])


def reproduce(run: Exported) -> str:
    s = run.summary
    command = shlex.join(clean(word) for word in ("vitprune", "run", *s.request))
    parts = [fenced(command, "sh")] if s.request else []
    if s.state == "done":
        parts.append(
            "With an equal environment the weights come out the same, byte for byte: "
            f"`weights_sha256` {cell(s.weights_sha256)}."
        )
    or_ = "Or save" if s.request else "Save"
    parts.append(f"{or_} the complete config below as a file and run that:")
    return "\n\n".join([*parts, fenced(run.config, "yaml")])


def side_by_side(runs: Sequence[Exported]) -> str:
    """Test accuracy of every run at every sparsity that any of them was asked for."""
    asked = sorted({r.level.sparsity_asked for run in runs for r in run.summary.levels})

    def row(run: Exported) -> list[object]:
        s = run.summary
        at = {r.level.sparsity_asked: _accuracy(r.level.test) for r in s.levels}
        layers = s.section("prune").get("layers", "")
        dense = _accuracy(s.dense.test) if s.dense else ""
        return [run.id, layers, s.state, dense, *(at.get(a, "") for a in asked)]

    head = ("run", "layers", "state", "dense", *map(_percent, asked))
    note = "Test accuracy in percent by sparsity asked, which counts the layers that take part."
    return f"{table(head, [row(run) for run in runs])}\n\n{note}"


CSV_HEAD = (
    "run",
    "preset",
    "workload",
    "seed",
    "granularity",
    "distribution",
    "schedule",
    "layers",
    "round",
    "sparsity_asked",
    "sparsity",
    "sparsity_prunable",
    "sparsity_parameters",
    "dense_test_accuracy",
    "val_accuracy_before",
    "val_accuracy",
    "test_accuracy_before",
    "test_accuracy",
    "test_loss",
    "nonzero_parameters",
    "compression",
    "speedup",
    "effective_sparsity",
    "removable",
    "epochs",
    "diverged",
)


def as_csv(runs: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """A row a level; `runs` are ids with what `vitprune show --json` says of them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for id, shown in runs:
        prune = section(shown["config"], "prune")
        dense = (shown["dense"] or {}).get("test_accuracy")
        for level in shown["levels"]:
            known = {**shown, **prune, **level, "run": id, "dense_test_accuracy": dense}
            writer.writerow([_csv_value(known.get(key)) for key in CSV_HEAD])
    return text.getvalue()


def _csv_value(value: object) -> object:
    return field(value) if isinstance(value, str) else value


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; every cell is escaped here and nowhere else."""
    lines = [head, ["---"] * len(head)]
    escaped = [[cell(c) for c in head], lines[1], *([cell(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in escaped)


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {prose(line)}" for line in lines)


def fenced(text: str, language: str = "text") -> str:
    """Text as it stands; the fence is longer than any in it."""
    lines = [clean(line) for line in text.splitlines()]
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return "\n".join([fence + language, *lines, fence])


def _accuracy(score: Score) -> str:
    return f"{100 * score.accuracy:.2f} %"


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f} %"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
