"""The phase strip: dense training, then every round of pruning and retraining, and where it is.

A plan is known once its config was read, in a thread; until then, and where that cannot be, the
sparsities that the log tells stand for it. A long plan shows a window around what is at work.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vitprune_core.store.columns import History
from vitprune_core.store.events import Level, Pruned
from vitprune_core.store.summary import Summary
from vitprune_tui.draw import text
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, line, width

if TYPE_CHECKING:
    from vitprune_core.spec.plan import Plan

GAP = "  "


@dataclass(frozen=True)
class Stage:
    """Dense training, or a round: pruned once, then retrained."""

    round: int
    sparsity: float
    listed: bool
    epochs: int | None
    """Of training; None where the plan is not known."""

    @property
    def name(self) -> str:
        if self.round == 0:
            return "dense"
        fine = self.listed or self.sparsity >= 0.99
        return text.sparsity(self.sparsity if fine else round(self.sparsity, 3))


@dataclass(frozen=True)
class Where:
    """How far a run is in its stages."""

    stages: tuple[Stage, ...]
    at: int
    """Which stage is at work: all before it are over."""
    doing: str
    """In the stage at work: `train`, `prune`, `retrain`, or nothing."""
    epochs: int
    """Trained in it."""
    reached: tuple[float | None, ...]
    """Test accuracy at the end of each stage that is over."""
    first: int
    """Rows of the history before it."""
    state: str

    @property
    def stage(self) -> Stage | None:
        return self.stages[self.at] if self.at < len(self.stages) else None

    @property
    def words(self) -> str:
        """`dense`, `80 % prune`, `80 % retrain`; the strip counts the epochs."""
        if self.stage is None:
            return ""
        return f"{self.stage.name} {self.doing}".rstrip() if self.stage.round else "dense"


def planned(plan: "Plan") -> tuple[Stage, ...]:
    rounds = (
        Stage(r.number, r.sparsity, r.listed, sum(phase.epochs for phase in r.retrain))
        for r in plan.rounds
    )
    return (Stage(0, 0.0, True, plan.dense.epochs), *rounds)


def guessed(summary: Summary, tested: Sequence[Pruned | Level]) -> tuple[Stage, ...]:
    """What the log alone says: the listed sparsities, or those that were reached."""
    rising = summary.section("prune").get("schedule") == "iterative"
    asked = sparsities(summary) or sorted({event.sparsity_asked for event in tested})
    stages = (Stage(i if rising else 1, s, True, None) for i, s in enumerate(asked, 1))
    return (Stage(0, 0.0, True, None), *stages)


def sparsities(summary: Summary) -> list[float]:
    """Those that are asked for."""
    asked = summary.section("prune").get("sparsities")
    asked = asked if isinstance(asked, list | tuple) else []
    return [float(s) for s in asked if isinstance(s, int | float) and 0 <= s <= 1]


def starts(history: History, rows: int) -> Iterator[int]:
    """Rows at which another stage begins; sparsities rise, so that few rows are looked at."""

    def stage(row: int) -> tuple[float, int]:
        return history.sparsity[row], history.round[row]

    at = 0
    while at < rows:
        yield at
        at = bisect_right(range(rows), stage(at), lo=at, key=stage)


def where(
    stages: tuple[Stage, ...],
    summary: Summary,
    tested: Sequence[Pruned | Level],
    history: History,
    rows: int,
) -> Where:
    levels = [event for event in tested if isinstance(event, Level)]
    reached: list[float | None] = [level.test.accuracy for level in levels if _in(level, stages)]
    if summary.dense:
        reached.insert(0, summary.dense.test.accuracy)
    over = summary.state == "done"
    at = len(stages) if over else min(len(reached), len(stages) - 1)
    first = max(starts(history, rows), default=0)
    here = 0
    if at < len(stages) and rows and _same(stages[at], history, first):
        here = history.done[rows - 1] - history.done[first] + 1
    ready = bool(tested) and isinstance(tested[-1], Pruned)
    doing = "train" if at == 0 else "retrain" if here or ready else "prune"
    doing = "" if over or summary.state == "queued" else doing
    return Where(stages, at, doing, here, tuple(reached[: len(stages)]), first, summary.state)


def _in(level: Level, stages: Sequence[Stage]) -> bool:
    """A guessed plan has no rounds between the listed ones."""
    return level.listed or any(not stage.listed for stage in stages)


def _same(stage: Stage, history: History, row: int) -> bool:
    near = abs(stage.sparsity - history.sparsity[row]) < 1e-6
    return near and (stage.round == 0) == (history.round[row] == 0)


def draw(where: Where, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """The stages, and with a second row what each of them reached."""
    cells = [_cell(where, i, glyphs) for i in range(len(where.stages))]
    below = [text.percent(reached) for reached in where.reached] if rows > 1 else []
    below += [""] * (len(cells) - len(below))
    widths = [max(width(cell), len(b) + 2) for cell, b in zip(cells, below, strict=True)]
    first, stop = _window(widths, where.at, columns)
    before, after = _beyond(first, len(cells) - stop, glyphs)
    above: list[str | Piece] = [before]
    under: list[str | Piece] = [" " * width(line(before))]
    for i in range(first, stop):
        above += [*cells[i], " " * (widths[i] - width(cells[i])) + GAP]
        under += [(f"  {below[i]}".ljust(widths[i]) + GAP, "dim")]
    return [line(*above, after), line(*under)][:rows]


def _cell(where: Where, i: int, glyphs: Glyphs) -> Line:
    stage = where.stages[i]
    if i < where.at:
        epochs = f" {stage.epochs}" if i == 0 and stage.epochs else ""
        return line((glyphs.over, "good"), f" {stage.name}{epochs}")
    if i > where.at or not where.doing:
        epochs = f" {stage.epochs}" if i == 0 and stage.epochs else ""
        return line((f"{glyphs.ahead} {stage.name}{epochs}", "dim"))
    ended = where.state in ("failed", "lost")
    mark = (glyphs.dead, "bad") if ended else (glyphs.now, "title")
    what = f" {where.doing}" if i else ""
    of = "" if stage.epochs is None else f"/{stage.epochs}"
    wide = len(str(stage.epochs or ""))
    told = f" {where.epochs:>{wide}}{of}" if stage.epochs or where.epochs else ""
    what += " " * (len(" retrain") - len(what)) if i and told else ""  # nothing moves behind it
    return line(mark, (f" {stage.name}{what}{told}", "strong"))


def _window(widths: Sequence[int], at: int, columns: int) -> tuple[int, int]:
    """Which stages fit: all, else what is at work, then in turn what follows and what was."""
    if sum(widths) + len(GAP) * (len(widths) - 1) <= columns:
        return 0, len(widths)
    room = columns - 2 * len("… 99 more  ")
    first = min(at, len(widths) - 1)
    stop, taken = first + 1, widths[first]
    for ahead in (True, True, False) * len(widths):
        more = stop if ahead else first - 1
        if 0 <= more < len(widths) and taken + widths[more] + len(GAP) <= room:
            taken += widths[more] + len(GAP)
            first, stop = min(first, more), max(stop, more + 1)
    return first, stop


def _beyond(before: int, after: int, glyphs: Glyphs) -> tuple[Piece, Piece]:
    """How many stages are not shown on either side."""
    over = f"{glyphs.over} {before} over{GAP}" if before else ""
    ahead = f"{glyphs.more} {after} more" if after else ""
    return (over, "dim"), (ahead, "dim")
