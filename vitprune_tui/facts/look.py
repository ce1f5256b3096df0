"""How curves are looked at, and what each key makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vitprune_tui.facts import smooth
from vitprune_tui.facts.comparison import AXES, measures_of

SCALES = ("linear", "y", "x", "both")
FINEST = 1e-6
"""Of the x axis: the least that is looked at."""
Window = tuple[float, float]
"""Of the x axis, in its own places."""


@dataclass(frozen=True)
class Look:
    axis: str = "sparsity"
    measures: tuple[str, str] = ("accuracy", "validation")
    """Of levels and of epochs."""
    seeds: bool = False
    log: str = "linear"
    smoothing: float = 0.0
    window: Window | None = None
    """None: all."""
    cursor: float | None = None

    @property
    def measure(self) -> str:
        return self.measures[self.of_epochs]

    @property
    def of_epochs(self) -> bool:
        return self.axis == "epoch"

    @property
    def percent(self) -> bool:
        return self.measure in ("accuracy", "before", "validation")

    def alone(self) -> "Look":
        """Without a baseline there is no difference."""
        first, second = self.measures
        return replace(self, measures=("accuracy", second)) if first == "difference" else self

    def next_axis(self) -> "Look":
        axis = following(AXES, self.axis)
        return replace(self, axis=axis, window=None, cursor=None, log="linear")

    @property
    def next_measure(self) -> str:
        return following(measures_of(self.axis), self.measure)

    def measuring(self, measure: str) -> "Look":
        first, second = self.measures
        measures = (first, measure) if self.of_epochs else (measure, second)
        log = "linear" if measure == "difference" else self.log  # it is on both sides of 0
        return replace(self, measures=measures, log=log)

    def smoother(self, by: int) -> "Look":
        return replace(self, smoothing=smooth.step(self.smoothing, by))

    def zoomed(self, factor: float, whole: Window) -> "Look":
        """So much more or less of the x axis, around the cursor, else around the middle."""
        low, high = self.window or whole
        middle = (low + high) / 2 if self.cursor is None else self.cursor
        half, most = (high - low) * factor / 2, (whole[1] - whole[0]) / 2
        if half >= most:
            return replace(self, window=None)
        if half <= FINEST * most:
            return self
        return replace(self, window=inside((middle - half, middle + half), whole))

    def pointing(self, at: float | None) -> "Look":
        """The cursor here; the window goes along, no further than it must."""
        if self.window is None or at is None:
            return replace(self, cursor=at)
        low, high = self.window
        shift = min(at - low, 0.0) + max(at - high, 0.0)
        return replace(self, cursor=at, window=(low + shift, high + shift))

    def moved(self, by: int, places: Sequence[float], whole: Window | None) -> "Look":
        """The cursor to the next of these places; without it the window, by a quarter."""
        if (at := self.cursor) is not None:
            beyond = [x for x in places if (x - at) * by > 0]
            return self.pointing(min(beyond, key=lambda x: abs(x - at), default=at))
        if self.window is None or whole is None:
            return self
        low, high = self.window
        step = by * (high - low) / 4
        return replace(self, window=inside((low + step, high + step), whole))


def inside(window: Window, whole: Window) -> Window:
    """Moved so that nothing beyond the data is looked at."""
    shift = max(whole[0] - window[0], 0.0) + min(whole[1] - window[1], 0.0)
    return window[0] + shift, window[1] + shift


def following(choices: Sequence[str], now: str) -> str:
    return choices[(choices.index(now) + 1) % len(choices)]
