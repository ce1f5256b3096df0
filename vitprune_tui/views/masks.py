"""Masks: which weights of the shown run stayed; all blocks, one block, one matrix.

Files are read in threads and the last few levels are kept: a level is read again when it is looked
at again and its files have changed. Meanwhile what was known is shown.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from textual.app import ComposeResult
from textual.events import Click

from vitprune_core.store.clean import clean
from vitprune_core.store.events import Level
from vitprune_core.store.rundir import RunDir
from vitprune_tui.actions import bindings
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.masks.levels import Chosen, Place, head, sentences
from vitprune_tui.draw.masks.no_masks import missing, unreadable
from vitprune_tui.draw.masks.overview import layout
from vitprune_tui.draw.masks.scene import MATRIX, OVERVIEW, Scene, draw
from vitprune_tui.facts.levels import compare, read
from vitprune_tui.facts.matrices import Changes, Masks, Matrix
from vitprune_tui.state import Opened, State
from vitprune_tui.views.view import View
from vitprune_tui.widgets.canvas import Canvas

KEPT = 8
"""Levels, and comparisons of two, that stay in memory."""
AGAINST = ("", "level", "baseline")
Key = tuple[Any, ...]
"""A run and its level; or of each side of a comparison these and the stamp of its files."""


class MasksView(View):
    room = "masks"
    BINDINGS = bindings("masks")
    DEFAULT_CSS = """
    MasksView > #masks-head { height: 1; }
    MasksView > #masks-head.-two { height: 2; }
    MasksView > #masks-head.-three { height: 3; }
    MasksView > #masks-head.-four { height: 4; }
    MasksView > #masks { height: 1fr; }
    """

    def __init__(self, state: State):
        super().__init__(state)
        self.stage = OVERVIEW
        self.at = (0, 0)
        """Block and kind of matrix, counted."""
        self.wish: str | None = None
        """The level that was stepped to; None: the newest, also when another one comes."""
        self.against = ""
        self.known: OrderedDict[Key, Any] = OrderedDict()
        self.visit: object = None
        self.asked: set[Key] = set()
        """What was asked for since something else is looked at."""

    def compose(self) -> ComposeResult:
        yield Canvas(head, id="masks-head")
        yield Canvas(draw, id="masks", classes="main")

    def paint(self) -> None:
        masks = self._shown()
        if isinstance(masks, list):
            self._show(Chosen(None), masks)
            return
        matrix = self._chosen(masks)
        changes, against = self._changes(masks)
        change = changes.matrices.get(matrix.name) if changes else None
        problem = (changes.problem if changes else None) or masks.problem
        compared = changes.matrices if changes and changes.matrices else None
        scene = Scene(self.stage, list(masks.matrices.values()), compared, matrix.name)
        self._show(Chosen(matrix, against, change, problem), scene)

    def _show(self, chosen: Chosen, what: Scene | list[Line]) -> None:
        """Only what has changed: a large picture takes longer to draw than to compare."""
        self._make_room(1 + len(sentences(chosen)))
        shown: dict[str, tuple[Any, ...]] = {
            "masks-head": (self._place(), chosen),
            "masks": (what,),
        }
        for id, facts in shown.items():
            canvas = self.query_one(f"#{id}", Canvas)
            if canvas.facts != facts:
                canvas.show(*facts)

    def _make_room(self, lines: int) -> None:
        """Room for what is to be said above the picture."""
        canvas = self.query_one("#masks-head", Canvas)
        for number, name in ((2, "-two"), (3, "-three"), (4, "-four")):
            canvas.set_class(lines == number, name)

    def _shown(self) -> Masks | list[Line]:
        """The masks to look at, or what to read instead."""
        opened, level = self.state.run, self.level
        if opened is None or level is None:
            return missing(self.state, self.key)
        now = opened.levels, opened.summary.attempt, len(opened.summary.levels)
        self._visit((opened.run.path, level, self.against, self.state.baseline, now))
        masks = self._masks(opened.run, level)
        if masks is None:
            return [line((" reading", "dim"))]
        if not masks.matrices:
            return unreadable(masks.problem, self.key)
        return masks

    def _visit(self, what: object) -> None:
        """Whatever comes into view is asked for once, known or not: files may have changed."""
        if what != self.visit:
            self.visit, self.asked = what, set()

    def _masks(self, run: RunDir, level: str) -> Masks | None:
        """None: not read yet."""
        key = run.path, level
        known: Masks | None = self.known.get(key)
        self._ask(key, partial(read, run, level, known), Masks)
        return known

    def _changes(self, here: Masks) -> tuple[Changes | None, str | None]:
        """Against the other masks, and what those are called."""
        other = self._other()
        if not isinstance(other, tuple):
            return (Changes(problem=other) if other else None), None
        run, level, what = other
        there = self._masks(run, level)
        if there is None:
            return Changes(problem="reading"), what
        key = (self.state.shown, self.level, here.stamp, run.path, level, there.stamp)
        self._ask(key, partial(compare, here, there, what), Changes)
        return self.known.get(key, Changes(problem="reading")), what

    def _other(self) -> tuple[RunDir, str, str] | str | None:
        """What to compare with, or why that cannot be; None: nothing is to be compared."""
        opened, level = self.state.run, self.level
        if not self.against or opened is None or level is None:
            return None
        if self.against == "level":
            at = opened.levels.index(level)
            if at == 0:
                return f"no difference: {level} is the first level"
            return opened.run, opened.levels[at - 1], f"level {opened.levels[at - 1]}"
        baseline = self.state.baseline
        if baseline is None:
            keys = f"{self.key('curves.baseline')} in Curves, {self.key('runs.baseline')} in Runs"
            return f"no difference: no baseline is chosen ({keys})"
        if baseline == self.state.shown:
            return "no difference: this run is the baseline"
        return RunDir(self.state.lab.folder / baseline), level, clean(baseline)

    def _ask(self, key: Any, work: Callable[[], Any], made: Callable[..., Any]) -> None:
        if key in self.asked:
            return
        self.asked.add(key)
        self.bench.read(
            work,
            partial(self._keep, key),
            lambda problem: self._keep(key, made(problem=problem)),
        )

    def _keep(self, key: Key, value: Any) -> None:
        """What was read; the least recent of too many goes, and may be asked for again."""
        same = self.known.get(key) is value
        self.known[key] = value
        self.known.move_to_end(key)
        while len(self.known) > KEPT:
            self.asked.discard(self.known.popitem(last=False)[0])
        if not same:
            self.paint()

    @property
    def level(self) -> str | None:
        """The one that was stepped to as long as there is one, else the newest."""
        levels = self.state.run.levels if self.state.run else ()
        return self.wish if self.wish in levels else levels[-1] if levels else None

    def _place(self) -> Place | None:
        opened, level = self.state.run, self.level
        if opened is None or level is None:
            return None
        dense = opened.summary.dense.test.accuracy if opened.summary.dense else None
        return Place(opened.levels, level, accuracy(opened, level), dense)

    def _chosen(self, masks: Masks) -> Matrix:
        """The matrix under the cursor, which stays inside."""
        blocks, kinds = masks.blocks, masks.kinds
        self.at = min(self.at[0], len(blocks) - 1), min(self.at[1], len(kinds) - 1)
        block, kind = blocks[self.at[0]], kinds[self.at[1]]
        here = [matrix for matrix in masks.matrices.values() if matrix.block == block]
        return next((matrix for matrix in here if matrix.kind == kind), here[0])

    @property
    def _known(self) -> Masks | None:
        """What is shown, if it was read and has matrices."""
        opened = self.state.run
        masks = self.known.get((opened.run.path, self.level)) if opened else None
        return masks if masks and masks.matrices else None

    @property
    def _seen(self) -> Matrix | None:
        return self._chosen(self._known) if self._known else None

    @property
    def about(self) -> str:
        matrix = self._seen
        where = [self.state.shown or "", self.level or ""]
        if matrix and self.stage != OVERVIEW:
            where.append(f"block {matrix.block}")
        if matrix and self.stage == MATRIX:
            where.append(matrix.kind)
        return " ".join(filter(None, where))

    @property
    def copied(self) -> str:
        if not self.state.shown or not self.level:
            return self.state.shown or ""
        matrix = self._seen
        words = ["masks", self.state.shown, "--level", self.level]
        if matrix and self.stage != OVERVIEW:
            words += ["--layer", matrix.block]
        if matrix and self.stage == MATRIX:
            words += ["--matrix", matrix.kind]
        return self.command(*words)

    def _repaint(self) -> None:
        """Something else is looked at: the header tells it too."""
        self.bench.paint()

    def action_lower(self) -> None:
        self._step(-1)

    def action_higher(self) -> None:
        self._step(1)

    def _step(self, by: int) -> None:
        levels = self.state.run.levels if self.state.run else ()
        if self.level is None:
            return
        to = min(max(levels.index(self.level) + by, 0), len(levels) - 1)
        self.wish = levels[to] if to < len(levels) - 1 else None
        self._repaint()

    def action_open(self) -> None:
        self.stage = min(self.stage + 1, MATRIX)
        self._repaint()

    def action_close(self) -> None:
        self.stage = max(self.stage - 1, OVERVIEW)
        self._repaint()

    def on_click(self, event: Click) -> None:
        """A matrix of the overview is chosen, by a second click opened."""
        canvas, masks = self.query_one("#masks", Canvas), self._known
        if self.stage != OVERVIEW or event.widget is not canvas or not masks:
            return
        matrices = list(masks.matrices.values())
        drawn = layout(matrices, self._chosen(masks).name, *canvas.size)
        if cell := drawn.under(event.x, event.y):
            self.at = masks.blocks.index(cell[0]), masks.kinds.index(cell[1])
            self.stage += event.chain > 1
            self._repaint()

    def action_difference(self) -> None:
        self.against = AGAINST[(AGAINST.index(self.against) + 1) % len(AGAINST)]
        self._repaint()

    def action_up(self) -> None:
        self._move(-1, 0)

    def action_down(self) -> None:
        self._move(1, 0)

    def action_left(self) -> None:
        self._move(0, -1)

    def action_right(self) -> None:
        self._move(0, 1)

    def _move(self, blocks: int, kinds: int) -> None:
        self.at = max(self.at[0] + blocks, 0), max(self.at[1] + kinds, 0)
        self._repaint()

    def action_next(self) -> None:
        self.go(1)

    def action_previous(self) -> None:
        self.go(-1)


def accuracy(opened: Opened, level: str) -> float | None:
    """On the test images, of the level's pruned and retrained model."""
    tested = (event for event in reversed(opened.tested) if isinstance(event, Level))
    return next((e.test.accuracy for e in tested if format(e.sparsity_asked, "g") == level), None)
