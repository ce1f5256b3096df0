"""What is said of each curve beside the picture: a line of numbers behind its glyph and name."""

from collections.abc import Sequence
from dataclasses import dataclass

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.chart import Curve, readout
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, fit, line, width
from vitprune_tui.facts import comparison as c
from vitprune_tui.facts.look import Look

NUMBERS, ENOUGH = 24, 28
"""Columns of the numbers behind a name, and of so much of it that all of them come in."""


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


@dataclass(frozen=True)
class Widths:
    """Columns that the longest have."""

    name: int
    here: int
    """What is at the cursor; 0 without one."""

    def names(self, columns: int) -> int:
        """Of so many, those that a name gets; 0: there is no room for all numbers beside it."""
        room = columns - NUMBERS - (self.here and self.here + 2)
        return min(self.name, room) if room >= min(self.name, ENOUGH) else 0


def widths(curves: Sequence[Curve], every: Sequence[Facts], at: str) -> Widths:
    names = (width(_name(curve, facts)) for curve, facts in zip(curves, every, strict=True))
    here = (len(facts.at_cursor) for facts in every)
    return Widths(max(names, default=0), max([len(_at(at)), *here]) if at else 0)


def head(at: str, widths: Widths, columns: int, glyphs: Glyphs) -> Line:
    """`at`: where the cursor is."""
    if not (room := widths.names(columns)):
        value = _at(at) or "LAST"
        return line((f"{'run':<{max(columns - len(value), 0)}}{value}", "dim"))
    numbers = f"{'DENSE':>8}{'LAST':>9}{'+-':>7}" + _here(_at(at), widths)
    return line((f"{'run':<{room}}{numbers}", "dim"))


def entry(curve: Curve, facts: Facts, widths: Widths, columns: int, glyphs: Glyphs) -> Line:
    name = _name(curve, facts)
    if not (room := widths.names(columns)):
        value = f"  {facts.at_cursor or text.percent(facts.last)}"
        return line(*fit(name, columns - len(value)), value)
    numbers = (
        f"{text.percent(facts.dense):>8} {text.percent(facts.last):>8} "
        f"{text.points(facts.against):>6}"
    )
    return line(*fit(name, room), numbers + _here(facts.at_cursor, widths))


def _name(curve: Curve, facts: Facts) -> Line:
    return line(
        (f"{curve.point} ", curve.style),
        clean(curve.name),
        (" (baseline)" if facts.is_baseline else "", "key"),
        (f"  {clean(facts.remark)}" if facts.remark else "", "warn"),
    )


def _here(value: str, widths: Widths) -> str:
    return f"  {value:>{widths.here}}" if widths.here else ""


def _at(place: str) -> str:
    return f"AT {place}" if place else ""
