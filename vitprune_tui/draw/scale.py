"""From numbers to places along an axis: bounds, ticks and their labels, for paper and screen.

Bounds are round numbers and a live chart's only grow: what stays where it was isn't painted again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LARGEST, SMALLEST = 1e280, 1e-280
"""What is larger, as a loss that runs away, stretches no axis; no log axis goes further down."""
FAR = 1e9
"""In dots: how far beyond the picture a line is followed."""


@dataclass(frozen=True)
class Axis:
    label: str = ""
    log: bool = False
    """Each decade takes the same room; what is not above 0 has no place."""
    low: float | None = None
    """Where it begins and ends; None: at a round number that leaves all data inside."""
    high: float | None = None
    ticks: Mapping[float, str] | None = None
    """Place -> label; None: round numbers."""
    percent: bool = False
    """Labels tell shares in percent."""


@dataclass(frozen=True)
class Scale:
    """Values to dots; the first and the last dot stand for the two bounds."""

    first: float
    last: float
    dots: int
    log: bool = False

    def at(self, value: float) -> float:
        """In dots from the first one, for a value that has a place."""
        first, factor = self._line()
        return ((math.log10(value) if self.log else value) - first) * factor

    def nearest(self, values: Iterable[float]) -> list[int | None]:
        """The dot of each value, also beyond the ends; None for what has no place: a gap."""
        first, factor = self._line()
        if self.log:
            values = [math.log10(v) if v > 0 else math.nan for v in values]
        dots = [(v - first) * factor + 0.5 for v in values]
        return [math.floor(d) if -FAR < d < FAR else _far(d) for d in dots]

    def dot(self, value: float) -> int | None:
        """As `nearest`, for one value, and None beyond the ends."""
        dot = self.nearest([value])[0]
        return dot if dot is not None and 0 <= dot < self.dots else None

    def holds(self, values: Sequence[float]) -> bool:
        """Whether each value has a place: no gap."""
        return math.isfinite(sum(values)) and None not in self.nearest([min(values), max(values)])

    def _line(self) -> tuple[float, float]:
        first, last = self.first, self.last
        if self.log:
            first, last = math.log10(first), math.log10(last)
        return first, (self.dots - 1) / (last - first)


def _far(dots: float) -> int | None:
    return int(math.copysign(FAR, dots)) if math.isfinite(dots) else None


def extent(values: Sequence[float], log: bool = False) -> tuple[float, float] | None:
    """Lowest and highest of what has a place on an axis; None if nothing has."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    tame = math.isfinite(sum(values)) and max(-low, high) < LARGEST
    if not tame or (log and low <= SMALLEST):
        values = [v for v in values if abs(v) < LARGEST and (v > SMALLEST or not log)]
    return (min(values), max(values)) if values else None


def bounds(axis: Axis, data: Iterable[Sequence[float]], steps: int) -> tuple[float, float]:
    """Where an axis begins and ends: as it says, else at round numbers around all data."""
    low, high = (
        given if given is not None and extent([given], axis.log) else None
        for given in (axis.low, axis.high)
    )
    if low is None or high is None:
        ends = [end for values in data for end in extent(values, axis.log) or ()]
        ends += [end for end in (low, high) if end is not None]
        outer = around(*(extent(ends) or (0.1 if axis.log else 0.0, 1.0)), steps, axis.log)
        low, high = outer[0] if low is None else low, outer[1] if high is None else high
    if axis.log:
        return _powers(*spread(math.log10(low), math.log10(high)))
    return spread(low, high)


def _powers(low: float, high: float) -> tuple[float, float]:
    return 10.0**low, 10.0**high


def around(low: float, high: float, steps: int, log: bool = False) -> tuple[float, float]:
    """The closest round numbers, or decades, that hold both."""
    if log:
        first = math.floor(math.log10(low) + 1e-9)
        return _powers(first, max(math.ceil(math.log10(high) - 1e-9), first + 1))
    places = nice([low, high], steps)
    return places[0], places[-1]


def roomy(
    low: float, high: float, before: tuple[float, float] | None, log: bool = False
) -> tuple[float, float]:
    """Bounds of a live axis: those before while they hold the data, else larger round ones."""
    if before is None:
        return around(low, high, 4, log)
    low, high = min(low, before[0]), max(high, before[1])
    return before if (low, high) == before else around(low, high, 4, log)


def nice(values: Sequence[float], steps: int) -> list[float]:
    """Round numbers, about `steps` of them, from below the lowest value to above the highest."""
    low, high = spread(min(values, default=0.0), max(values, default=1.0))
    rough = (high - low) / max(steps, 1)
    tenth = 10.0 ** math.floor(math.log10(rough))
    step = next(tenth * m for m in (1, 2, 2.5, 5, 10) if tenth * m >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def spread(low: float, high: float) -> tuple[float, float]:
    """Two ends that are apart, also around one value."""
    if high - low > 1e-9 * max(abs(low), abs(high), SMALLEST):
        return low, high
    margin = 0.05 * (abs(low) if abs(low) > SMALLEST else 1)
    return low - margin, low + margin


def ticks(axis: Axis, low: float, high: float, steps: int) -> dict[float, str]:
    """Place -> label, between the bounds."""
    if axis.ticks is not None:
        return {place: label for place, label in axis.ticks.items() if low <= place <= high}
    places = (_decades if axis.log else _round)(low, high, steps)
    return dict(zip(places, labels(places, axis.percent, axis.log), strict=True))


def _round(low: float, high: float, steps: int) -> list[float]:
    """About as many as asked for, two at the least: between odd bounds there may be too few."""
    return _enough((nice([low, high], n) for n in (steps, 2 * steps, 4 * steps)), low, high)


def _decades(low: float, high: float, steps: int) -> list[float]:
    """Powers of ten, not more than asked for; where there are too few of them, what is between."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    apart = max(math.ceil((last - first) / max(steps, 1)), 1)
    powers = [10.0**p for p in range(first, last + 1) if p % apart == 0]
    finer = [m * 10.0**p for p in range(first, last + 1) for m in (1, 2, 5)]
    return _enough((powers, finer, _round(low, high, steps)), low, high)


def _enough(choices: Iterable[list[float]], low: float, high: float) -> list[float]:
    """The first choice with two places between the bounds, else the last."""
    low, high = low - 1e-9 * abs(low), high + 1e-9 * abs(high)
    inside: list[float] = []
    for places in choices:
        inside = [place for place in places if low <= place <= high]
        if len(inside) > 1:
            break
    return inside


def labels(places: Sequence[float], percent: bool = False, log: bool = False) -> list[str]:
    """As short as they can be and still differ; on a linear axis all with as many decimals."""
    values = [100 * place for place in places] if percent else places
    short = [f"{v:.6g}" for v in values]
    if len(set(short)) < len(short):
        short = [f"{v:.12g}" for v in values]
    if not log and not any("e" in label for label in short):
        decimals = max((len(label.partition(".")[2]) for label in short), default=0)
        short = [f"{v:.{decimals}f}" for v in values]
    return [_exponent(label) + (" %" if percent else "") for label in short]


def _exponent(label: str) -> str:
    """1e+06 as 1e6, 1e-05 as 1e-5."""
    mantissa, e, power = label.partition("e")
    return f"{mantissa}e{int(power)}" if e else label


def sparsity_axis(sparsities: Sequence[float]) -> tuple[list[float], dict[float, str]]:
    """Positions and ticks of an axis on which each tenfold compression takes the same room.

    Sparsity 1 has no place on it and stands one step beyond the others.
    """
    finite = [s for s in sparsities if s < 1]
    beyond = max((-math.log10(1 - s) for s in finite), default=0.0) + 0.3

    def at(sparsity: float) -> float:
        return -math.log10(1 - sparsity) if sparsity < 1 else beyond

    return [at(s) for s in sparsities], {at(s): f"{100 * s:.4g}%" for s in sparsities}
