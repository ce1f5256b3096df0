"""`vitprune plot`: accuracy against sparsity, size, speed or epochs, for one run or several."""

from collections.abc import Sequence
from typing import Any

from vitprune_core.store.history import Reader
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Summary, summarize
from vitprune_tui.draw import text
from vitprune_tui.draw.plots import Look, Series, curves
from vitprune_tui.draw.scale import sparsity_axis
from vitprune_tui.facts import comparison
from vitprune_tui.facts.comparison import layers_of
from vitprune_tui.wrong import Wrong


def plot(found: Sequence[RunDir], x: str, look: Look) -> tuple[dict[str, Any], str]:
    """The series, and the picture with a table of the numbers below."""
    if x not in comparison.AXES:
        raise Wrong(f"--x {x}: choices are {', '.join(comparison.AXES)}")
    runs = [(run, summarize(run)) for run in found]
    if x == "epoch":
        return _over_epochs(runs, look)
    series = [series_of(run.id, s, x) for run, s in runs]
    shown = {"x": x, "y": "test_accuracy", "runs": [vars(s) for s in series]}
    return shown, "\n".join([curve(runs, x, look), "", _table(runs)])


def curve(runs: Sequence[tuple[RunDir, Summary]], x: str, look: Look) -> str:
    """Test accuracy after retraining, a line for each run; dense as a level."""
    known = [(run, s) for run, s in runs if s.levels]
    if not known:
        return "no level was measured yet"
    layers = {layers_of(s) for _, s in known}
    series = [series_of(_name(run, s, layers), s, x) for run, s in known]
    ticks = None
    if x == "sparsity":
        every = sorted({value for s in series for value in s.x})
        places, ticks = sparsity_axis(every)
        at = dict(zip(every, places, strict=True))
        series = [Series(s.name, [at[value] for value in s.x], s.y) for s in series]
    series = [Series(s.name, s.x, [100 * y for y in s.y]) for s in series]
    title = f"test accuracy in percent against {_axis(x, layers)}"
    drawn = curves(series, title, look, ticks, level=_dense([s for _, s in known]))
    scale = "equal steps to the right divide what is left by equal factors"
    return f"{drawn}\n{scale}" if ticks else drawn


def series_of(name: str, s: Summary, x: str) -> Series:
    """Accuracies are shares; sparsity is the one asked for."""
    along = comparison.along(s, x, "accuracy")
    known = [(place, accuracy) for place, accuracy in along.values() if place is not None]
    return Series(name, [place for place, _ in known], [accuracy for _, accuracy in known])


def _axis(x: str, layers: set[str]) -> str:
    if x != "sparsity":
        return comparison.AXIS_WORDS[x]
    which = "all matrices" if layers == {"all"} else f"the {', '.join(sorted(layers))} matrices"
    return f"the share removed of {which}" + (" that take part" if len(layers) > 1 else "")


def _name(run: RunDir, s: Summary, layers: set[str]) -> str:
    return f"{run.id} ({layers_of(s)})" if len(layers) > 1 else run.id


def _dense(summaries: Sequence[Summary]) -> tuple[float, str] | None:
    """Mean test accuracy of the dense models, in percent."""
    known = comparison.dense(summaries)
    return (100 * known[0], known[1]) if known else None


def _table(runs: Sequence[tuple[RunDir, Summary]]) -> str:
    asked = sorted({r.level.sparsity_asked for _, s in runs for r in s.levels})
    rows = []
    for run, s in runs:
        at = {r.level.sparsity_asked: text.percent(r.level.test.accuracy) for r in s.levels}
        dense = text.percent(s.dense.test.accuracy if s.dense else None)
        rows.append((run.id, dense, *(at.get(a, "") for a in asked)))
    return text.table(("RUN", "DENSE", *map(text.sparsity, asked)), rows, " " + "r" * 99)


def _over_epochs(runs: Sequence[tuple[RunDir, Summary]], look: Look) -> tuple[dict[str, Any], str]:
    """Validation accuracy over every epoch trained, dense first, one phase after the other."""
    series = []
    for run, _ in runs:
        reader = Reader(run)
        reader.read()
        places, values = reader.history.done, reader.history.accuracy
        series.append(Series(run.id, list(map(float, places)), list(values)))
    shown = {"x": "epoch", "y": "val_accuracy", "runs": [vars(s) for s in series]}
    known = [Series(s.name, s.x, [100 * y for y in s.y]) for s in series if s.x]
    if not known:
        return shown, "no epoch is done yet"
    title = "validation accuracy in percent over the epochs of all phases"
    points = len(known) > 1
    return shown, curves(known, title, look, points=points)
