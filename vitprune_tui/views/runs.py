"""Runs: all of the folder as a table, to sort, filter, mark and compare; the order of the queue.

A study is one row until it is unfolded, so that its hundreds of runs do not drown the others.

The chosen row belongs to a run, not to a place: it goes with it when others come or the order
changes. Nothing is opened by going through the rows, as that would read a log at each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from textual.app import ComposeResult

from vitprune_core.store import queue
from vitprune_core.store.clean import clean
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize
from vitprune_tui.actions import DEFAULTS, bindings, of_view
from vitprune_tui.draw.frame import Keys, keys_of
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.runs import detail as run_detail
from vitprune_tui.draw.runs import notes as runs_notes
from vitprune_tui.draw.runs import table as runs_table
from vitprune_tui.draw.runs.table import Table
from vitprune_tui.draw.text import several
from vitprune_tui.facts import differences, filters, folding
from vitprune_tui.state import State, study_of
from vitprune_tui.views.asks import Asks
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.dialogs import Pages
from vitprune_tui.widgets.listing import Listing, Row
from vitprune_tui.wrong import Wrong

MOST_FIRST = ("updated", "started", "accuracy", "sparsity", "dense")
"""Sorted by these, the largest comes first unless it is turned round."""


@dataclass(frozen=True)
class Shown:
    """Rows of the table, made when they are in sight."""

    table: Table
    marked: frozenset[str]

    def __len__(self) -> int:
        return len(self.table.runs)

    def __getitem__(self, at: int) -> Row:
        cells = partial(runs_table.row, self.table, at)
        return Row(cells, self.table.runs[at][0] in self.marked)


class RunsView(Asks):
    DEFAULT_CSS = """
    RunsView > #notes { height: 0; }
    RunsView > #table { height: 1fr; }
    RunsView > #detail { height: 8; display: none; }
    Screen.-tall RunsView > #detail { display: block; }
    Screen.-high RunsView > #detail { display: block; height: 16; }
    Screen.-flat RunsView > #notes { max-height: 1; }
    """
    SCOPED_CSS = False
    room = "runs"
    BINDINGS = bindings("runs", "run")

    def __init__(self, state: State):
        super().__init__(state)
        self.filter = filters.parse("")
        self.sort, self.reverse = "started", True
        self.chosen = state.study or state.shown
        """The chosen run, or study."""
        self.open: frozenset[str] = frozenset()
        """Studies whose runs are rows of their own."""
        self.at = 0
        """Its row."""
        self.table, self.left = Table(()), 0
        """And how many runs the filter leaves."""
        self.made_of: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield Canvas(runs_notes.draw, id="notes")
        yield Listing(id="table", classes="main")
        yield Canvas(run_detail.draw, id="detail")

    def paint(self) -> None:
        self._sort()
        self._choose(self._place())
        facts = self._facts()
        notes = self.query_one("#notes", Canvas)
        notes.styles.height = len(list(runs_notes.notes(facts, notes.glyphs)))
        notes.show(facts)

    def arrive(self) -> None:
        self.chosen = self.state.study or self.state.shown or self.chosen

    @property
    def points_at(self) -> str | None:
        return self.chosen

    def _sort(self) -> None:
        """Filter and order the runs anew, if that can make a difference."""
        lab = self.state.lab
        asked = self.filter, self.sort, self.reverse, self.state.baseline, self.open
        made_of = (*asked, lab.runs, lab.order, lab.asked, lab.studies)
        if made_of == self.made_of:
            return
        self.made_of = made_of
        found = folding.rows(lab, self.filter, self.sort, self.reverse, self.open)
        self.left, baseline = found.left, self.state.baseline
        self.table = Table(
            found.rows, lab.order, lab.asked, baseline, self.sort, self.reverse, found.studies
        )

    def _place(self) -> int:
        """The row of the chosen run, or of its study; of another one there, when it is gone."""
        names = [name for name, _ in self.table.runs]
        near = (self.chosen, study_of(self.chosen or ""))
        return next((names.index(name) for name in near if name in names), self.at)

    def _choose(self, at: int) -> None:
        runs = self.table.runs
        self.at = min(max(at, 0), max(len(runs) - 1, 0))
        self.chosen = runs[self.at][0] if runs else None
        rows = Shown(self.table, frozenset(self.state.marked))
        self._listing.fill(rows, self.at, partial(runs_table.head, self.table) if runs else None)
        self._show_detail()

    def _show_detail(self) -> None:
        lab, name = self.state.lab, self.chosen
        if (folded := self.table.studies.get(name or "")) is not None:
            keys = self.key("runs.open"), self.key("runs.unfold")
            study = run_detail.Whole(name or "", folded.counts, lab.studies[name or ""], keys)
            return self.query_one("#detail", Canvas).show(study)
        brief = lab.runs.get(name or "")
        detail = brief and run_detail.Chosen(
            name=name or "",
            brief=brief,
            opened=lab.opened.get(name or ""),
            place=self.table.places.get(name or ""),
            asked=lab.asked.get(name or ""),
            opens=self.key("runs.open"),
        )
        self.query_one("#detail", Canvas).show(detail)

    def _facts(self) -> runs_notes.Facts:
        state = self.state
        return runs_notes.Facts(
            lab=state.lab,
            filter=self.filter.text,
            shown=self.left,
            baseline=state.baseline,
            keys={action: self.key(action) for action in DEFAULTS},
        )

    @property
    def _listing(self) -> Listing:
        return self.query_one(Listing)

    @property
    def about(self) -> str:
        words = [f"by {self.sort}", *(["filtered"] if self.filter.text else [])]
        marked = self.state.marked
        return ", ".join([*words, *([f"{len(marked)} marked"] if marked else [])])

    @property
    def footer(self) -> Keys:
        """Without studies nothing unfolds."""
        if self.state.lab.studies:
            return super().footer
        actions = [action for action in of_view(self.room) if action.id != "runs.unfold"]
        return keys_of(actions, self.bench.keys)

    @property
    def copied(self) -> str:
        return self.chosen or ""

    @property
    def targets(self) -> list[str]:
        """All that are marked, else the chosen one."""
        one = self.chosen if self.chosen in self.state.lab.runs else None
        return list(self.state.marked) or ([one] if one else [])

    @property
    def study(self) -> str | None:
        return None if self.state.marked else self._study

    @property
    def _study(self) -> str | None:
        """The chosen row, if it is a study."""
        return self.chosen if self.chosen in self.table.studies else None

    def on_listing_picked(self, event: Listing.Picked) -> None:
        event.stop()
        self._choose(event.at)
        if event.opens:
            self.bench.call_later(self.action_open)

    def action_up(self) -> None:
        self._choose(self.at - 1)

    def action_down(self) -> None:
        self._choose(self.at + 1)

    def action_page_up(self) -> None:
        self._choose(self.at - self._listing.page)

    def action_page_down(self) -> None:
        self._choose(self.at + self._listing.page)

    def action_first(self) -> None:
        self._choose(0)

    def action_last(self) -> None:
        self._choose(len(self.table.runs) - 1)

    async def action_open(self) -> None:
        if self.chosen is None:
            return self._nothing()
        await (self.bench.open_study if self._study else self.bench.open)(self.chosen)

    def action_unfold(self) -> None:
        if self._study:
            self._fold(self.open | {self._study})
        else:
            self.bench.say("no study is chosen", "dim")

    def action_fold(self) -> None:
        """From one of its runs too."""
        folder = self._study or study_of(self.chosen or "")
        if folder in self.open:
            self.chosen = folder
            self._fold(self.open - {folder})

    def _fold(self, open: frozenset[str]) -> None:
        self.open = open
        self.bench.paint()

    def _one(self) -> str | None:
        """The chosen run; none, and that is said, where a study or nothing is chosen."""
        if self._study:
            key = self.key("runs.unfold")
            self.bench.say(f"that is for runs: {key} shows those of the study", "warn")
        elif self.chosen is None:
            self._nothing()
        return None if self._study else self.chosen

    def action_mark(self) -> None:
        """The next row is the chosen one then, so that one may go on marking."""
        if (name := self._one()) is None:
            return
        marked = self.state.marked
        others = tuple(other for other in marked if other != name)
        self.bench.become(marked=others if name in marked else (*others, name))
        self._choose(self.at + 1)

    def action_none(self) -> None:
        self.bench.become(marked=())

    def action_baseline(self) -> None:
        if chosen := self._one():
            self.bench.become(baseline=None if self.state.baseline == chosen else chosen)

    def action_sort(self) -> None:
        every = list(filters.SORTS)
        self.sort = every[(every.index(self.sort) + 1) % len(every)]
        self.reverse = self.sort in MOST_FIRST
        self.bench.paint()

    def action_reverse(self) -> None:
        self.reverse = not self.reverse
        self.bench.paint()

    def action_filter(self) -> None:
        self._ask_filter(self.filter.text)

    def _ask_filter(self, text: str) -> None:
        label = "Filter, like acc>0.9 preset~rand !failed"
        self.bench.ask_line(label, text, self._hint, self._filter)

    def _hint(self, typed: str) -> Line:
        try:
            wanted = filters.parse(typed)
        except Wrong as wrong:
            return line((str(wrong), "warn"))
        runs = self.state.lab.runs
        left = sum(wanted(name, brief) for name, brief in runs.items())
        return line((f"{left:,} of {several(len(runs), 'run')}", "" if left else "warn"))

    def _filter(self, typed: str) -> None:
        """A wrong one is there to be mended, with what is wrong below it."""
        try:
            self.filter = filters.parse(typed.strip())
        except Wrong:
            return self._ask_filter(typed)
        self.bench.paint()

    def action_difference(self) -> None:
        names = self._compared()
        if len(names) < 2:
            mark, baseline = self.key("runs.mark"), self.key("runs.baseline")
            what = f"two runs are needed: {mark} marks one, {baseline} makes one the baseline"
            return self.bench.say(what, "warn")
        self.bench.in_background(
            f"reading {several(len(names), 'config')}",
            partial(_differences, self.state.lab.folder, names),
            partial(self._show_differences, names),
        )

    def _compared(self) -> list[str]:
        """The marked runs; one alone, or none, is met by the chosen run or the baseline."""
        marked = self.state.marked
        if len(marked) > 1:
            return list(marked)
        others = [*marked, *([self.state.baseline] if self.state.baseline else [])]
        others = [name for name in others if name in self.state.lab.runs and name != self.chosen]
        return [*others[:1], *([self.chosen] if self.chosen and not self._study else [])]

    def _show_differences(self, names: list[str], rows: Sequence[differences.Row]) -> None:
        self.bench.say("")
        columns, glyphs = max(self.bench.size.width - 1, 1), self._listing.glyphs
        drawn = differences.lines(names, rows, columns, glyphs)
        title = line((f" Where the configs of {several(len(names), 'run')} differ", "strong"))
        self.bench.push_screen(Pages([title, (), *(line(" ", *row) for row in drawn)]))

    def action_earlier(self) -> None:
        self._move_in_queue(-1)

    def action_later(self) -> None:
        self._move_in_queue(+1)

    def _move_in_queue(self, by: int) -> None:
        lab, name = self.state.lab, self._one()
        if name is None:
            return
        if name not in lab.order:
            what = f"{clean(name)} is {clean(lab.runs[name].state)}: it is not in the queue"
            return self.bench.say(what, "warn")
        self.bench.in_background(
            f"moving {name}", partial(_moved, lab.folder, name, by), self.bench.say
        )


def _differences(folder: Path, names: Sequence[str]) -> list[differences.Row]:
    return differences.differences([summarize(RunDir(folder / name)).config for name in names])


def _moved(folder: Path, name: str, by: int) -> str:
    queue.move(folder, name, by)
    order = queue.order(folder)
    return f"{name}: #{order.index(name) + 1} of {len(order)}" if name in order else f"{name} is on"
