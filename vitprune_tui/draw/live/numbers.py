"""The numbers of a run now, label and value in columns of fixed width: few cells change.

The most important come first; where there is no room for all, the last are left out. In two columns
what changes with every epoch stands on the left. `+-` is in points against the dense model.
"""

from collections.abc import Sequence
from itertools import islice

from vitprune_core.spec.datasets import DATASETS
from vitprune_core.store.columns import History
from vitprune_core.store.events import Level, Pruned
from vitprune_core.store.summary import Summary
from vitprune_tui.draw import text
from vitprune_tui.draw.clock import lasting
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece
from vitprune_tui.draw.live.phases import Where

Number = tuple[str, str, str]
"""Label, value and style."""
LABEL, VALUE, GAP = 10, 8, 2


def numbers(
    summary: Summary,
    where: Where,
    tested: Sequence[Pruned | Level],
    history: History,
    rows: int,
) -> tuple[Number, ...]:
    s, now = summary, summary.epoch
    here = history.accuracy[where.first : rows]
    best = max(here, default=None)
    is_best = now is not None and now.validation.accuracy == best
    against = now.validation.accuracy - s.dense.validation.accuracy if now and s.dense else None
    each = s.seconds_here / s.epochs_here if s.epochs_here else None
    last = next((event for event in reversed(tested) if isinstance(event, Level)), None)
    below = last.test.accuracy - s.dense.test.accuracy if last and s.dense else None
    stage = where.stage
    of = f"/{stage.epochs}" if stage and stage.epochs is not None else ""
    return (
        ("validation", text.percent(now.validation.accuracy if now else None), "strong"),
        ("last test", text.percent(last.test.accuracy if last else None), "strong"),
        ("loss", _short(now.loss if now else None), ""),
        ("at", text.sparsity(last.sparsity_asked) if last else text.MISSING, ""),
        ("val. +-", text.points(against), ""),
        ("test +-", text.points(below), ""),
        ("lr", text.MISSING if now is None else f"{now.lr:.1e}", ""),
        ("dense test", text.percent(s.dense.test.accuracy if s.dense else None), ""),
        ("images/s", text.MISSING if not each else _speed(s, each), ""),
        ("best val.", text.percent(best), "good" if is_best else ""),
        ("an epoch", text.MISSING if each is None else lasting(each), ""),
        ("dense val.", text.percent(s.dense.validation.accuracy if s.dense else None), ""),
        ("epoch", f"{where.epochs}{of}" if stage else text.MISSING, ""),
        ("smaller", text.times(last.compression if last else None), ""),
        ("stage", stage.name if stage else "all over", ""),
        ("fewer ops", text.times(last.speedup if last else None), ""),
        ("parameters", _count(s.parameters), ""),
        ("non-zero", _count(last.nonzero_parameters if last else None), ""),
        ("prunable", _count(s.prunable), ""),
        ("attempt", f"{s.attempt}", ""),
    )


def _short(number: float | None) -> str:
    if number is None:
        return text.MISSING
    return f"{number:.4f}" if abs(number) < 1000 else f"{number:.3g}"


def _count(number: int | None) -> str:
    """228,394 or 5.526 M: of eight characters."""
    return f"{number / 1e6:.4g} M" if number and number >= 1e6 else text.count(number)


def _speed(s: Summary, each: float) -> str:
    """Training images a second."""
    data = s.section("data")
    dataset = DATASETS.get(str(data.get("name")))
    held_back = data.get("validation")
    if dataset is None or not isinstance(held_back, int) or each <= 0:
        return text.MISSING
    return f"{float(f'{(dataset.images - held_back) / each:.2g}'):,.0f}"


def draw(numbers: Sequence[Number], columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """Row by row, in as many columns as fit."""
    across = max((columns + GAP) // (LABEL + VALUE + 1 + GAP), 1)
    shown = list(islice(numbers, across * rows))
    return [_row(shown[at : at + across]) for at in range(0, len(shown), across)]


def _row(some: Sequence[Number]) -> Line:
    pieces: list[Piece] = []
    for i, (label, value, style) in enumerate(some):
        pieces += [(" " * GAP, "")] if i else []
        pieces += [(f"{label:<{LABEL}} ", "dim"), (f"{value:>{VALUE}}", style)]
    return tuple(pieces)
