"""What is said of each curve beside the picture: a line of numbers behind its glyph and name."""

from collections.abc import Sequence
from dataclasses import dataclass

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve, readout
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, fit, line
from vitprune_tui.facts import comparison as c
from vitprune_tui.facts.look import Look

NUMBERS = 34
"""Columns of the numbers behind a name."""


@dataclass(frozen=True)
class Facts:
    """None: not known."""

    dense: float | None
    last: float | None
    """Test accuracy at the last level."""
    against: float | None
    """Points against the baseline there."""
    at_cursor: str = ""
    is_baseline: bool = False
    remark: str = ""


def facts(
    group: Sequence[c.Subject], base: Sequence[c.Subject], look: Look, here: float | None
) -> Facts:
    """`here`: where the curve is at the cursor."""
    dense = c.dense([s.summary for s in group])
    levels = c.points(group, "sparsity", "accuracy")
    is_baseline, against = bool(base) and base == group, None
    if base and not is_baseline:
        apart = c.differences(group, base, "sparsity")
        against = apart.y[-1] / 100 if apart.x and apart.x[-1] == levels.x[-1] else None
    value = "" if here is None else text.percent(here, 2) if look.percent else f"{here:.4g}"
    return Facts(
        dense=dense[0] if dense else None,
        last=levels.y[-1] if levels.y else None,
        against=against,
        at_cursor=value,
        is_baseline=is_baseline,
        remark="" if levels.y or look.of_epochs else "no level yet",
    )


def values(curves: Sequence[Curve], at: float | None) -> list[float | None]:
    """Of each curve its value at the cursor, where it has a point there."""
    if at is None:
        return [None] * len(curves)
    return [next((y for _, x, y in readout([c], at) if x == at), None) for c in curves]


def head(columns: int, glyphs: Glyphs) -> Line:
    if columns < NUMBERS + 20:
        return fit(line(("run", "dim")), columns)
    names = fit(line(("run", "dim")), columns - NUMBERS - 4)
    return line(*names, (f"{'DENSE':>8}{'LAST':>9}{'+-':>7}  HERE", "dim"))


def entry(curve: Curve, facts: Facts, columns: int, glyphs: Glyphs) -> Line:
    name: list[Piece] = [(f"{curve.point} ", curve.style), (clean(curve.name), "")]
    if facts.is_baseline:
        name.append((" (baseline)", "key"))
    if facts.remark:
        name.append((f"  {clean(facts.remark)}", "warn"))
    if columns < NUMBERS + 18:
        value = f"  {facts.at_cursor or text.percent(facts.last)}"
        return line(*fit(line(*name), columns - len(value)), value)
    numbers = (
        f"{text.percent(facts.dense):>8} {text.percent(facts.last):>8} "
        f"{text.points(facts.against):>6}  {facts.at_cursor}"
    )
    return line(*fit(line(*name), columns - NUMBERS), numbers)
