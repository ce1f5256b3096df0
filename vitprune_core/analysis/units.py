"""In what unit the effect of a test is told, and against which marks: in figures, tables, words."""

import math
from dataclasses import dataclass

from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.spec.claims import Part
from vitprune_core.spec.studyfile import Thresholds


@dataclass(frozen=True)
class Unit:
    axis: str
    """What is drawn along the axis."""
    factor: float
    decimals: int
    sign: bool
    """Whether a plus is written."""
    suffix: str
    """After a number in a sentence."""
    logs: bool = False
    """Effects are logarithms of what is told."""

    def value(self, effect: float) -> float:
        return math.exp(effect) if self.logs else self.factor * effect

    def number(self, effect: float | None) -> str:
        if effect is None:
            return "-"
        value = round(self.value(effect), self.decimals) + 0.0  # no minus before a zero
        shown = f"{value:{'+' if self.sign else ''}.{self.decimals}f}"
        return shown.replace("-", "\N{MINUS SIGN}")

    def told(self, effect: float | None) -> str:
        return self.number(effect) + ("" if effect is None else self.suffix)

    def between(self, interval: tuple[float, float] | None) -> str:
        if interval is None:
            return "-"
        return f"{self.number(interval[0])} to {self.number(interval[1])}"


POINTS = Unit("difference of test accuracy, points", 100, 1, True, " points")
RECOVERY = Unit("brought back of what pruning cost, %", 100, 1, False, " %")
RATIO = Unit("times the variance of shuffled masks", 1, 2, False, " times", logs=True)
BETWEEN = Unit("between the highest and the lowest matrix, points", 100, 1, False, " points")
ACCURACY = Unit("test accuracy, %", 100, 1, False, " %")
UNITS = {
    "superior": POINTS,
    "noninferior": POINTS,
    "bounded": POINTS,
    "recovers": RECOVERY,
    "structured": RATIO,
    "uneven": BETWEEN,
    "constant": ACCURACY,
}


def unit(comparison: Comparison) -> Unit:
    return UNITS[comparison.part.test]


def margin(part: Part, thresholds: Thresholds) -> float:
    return thresholds.margin if part.margin is None else part.margin


def marks(part: Part, thresholds: Thresholds) -> dict[float, str]:
    """Value -> what it is: where an interval has to lie beyond."""
    if part.test == "superior":
        return {0.0: "no difference", thresholds.smallest: "smallest that matters"}
    if part.test == "noninferior":
        return {0.0: "no difference", -margin(part, thresholds): "margin"}
    if part.test == "bounded":
        return {0.0: "no difference", margin(part, thresholds): "margin"}
    if part.test == "recovers":
        return {part.least: "asked for", 1.0: "all of it"}
    if part.test == "uneven":
        return {thresholds.smallest: "smallest that matters"}
    return {0.0: "as by chance"} if part.test == "structured" else {}


def label(comparison: Comparison) -> str:
    """What is compared, in the unit in which it is told."""
    return comparison.label.replace("log variance ratio", "variance ratio")


def mark(part: Part, thresholds: Thresholds) -> tuple[float, int]:
    """What a mean has to lie beyond to point towards `supported`, and on which side: 1 above."""
    if part.test in ("noninferior", "bounded"):
        side = 1 if part.test == "noninferior" else -1
        return -side * margin(part, thresholds), side
    least = {"recovers": part.least, "uneven": thresholds.smallest}
    return least.get(part.test, 0.0), 1
