"""What is painted: lines that fit, and only the cells that changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip

from tests.tui.screens import text
from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.draw.lines import STYLES, beside, fit, line, plain, styled, width
from vitprune_tui.widgets.canvas import Canvas, changed
from vitprune_tui.widgets.listing import Listing, Row, window

GRAPHEMES = ["a", "b", " ", "é", "é", "ж", "世", "界", "世́", "ｗ", "한", "🙂", "❤️", "█", "⣿"]
TEXTS = st.lists(st.sampled_from(GRAPHEMES), max_size=8).map("".join)
PIECES = st.tuples(TEXTS, st.sampled_from(STYLES[:4]))
LINES = st.lists(PIECES, max_size=4).map(lambda pieces: line(*pieces))


@given(LINES, st.integers(0, 40), st.sampled_from(["…", "~"]))
def test_a_line_that_is_fitted_takes_exactly_its_room(pieces, room, more):
    fitted = fit(pieces, room, more)
    assert width(fitted) == room
    if width(pieces) <= room:
        assert plain(fitted).rstrip() == plain(pieces).rstrip()
    elif room:
        assert plain(fitted).endswith(more)


@given(LINES, LINES, st.integers(0, 12), st.integers(0, 12), st.integers(0, 3))
def test_blocks_beside_each_other_stand_in_columns(one, other, left, right, gap):
    rows = beside([([one, one], left), ([other], right)], gap)
    assert [width(row) for row in rows] == [left + gap + right] * 2
    assert plain(rows[0])[: len(plain(fit(one, left)))] == plain(fit(one, left))
    assert plain(rows[1])[len(plain(fit(one, left))) :].strip() == ""


@given(LINES)
def test_a_style_changes_no_word(pieces):
    assert plain(styled(pieces, "chosen")) == plain(pieces)
    assert {style for _, style in styled(pieces, "chosen")} <= {"chosen"}


def test_a_line_is_made_of_words_and_styled_pieces_without_the_empty_ones():
    assert line("a", ("b", "dim"), "", ("", "bad")) == (("a", ""), ("b", "dim"))
    assert beside([]) == []


@pytest.mark.parametrize(
    ("old", "new", "cells"),
    [
        ("same", "same", None),
        ("loss 1.25", "loss 1.27", (8, 9)),
        ("a1b2c", "a3b4c", (1, 4)),
        ("a世c", "a界c", (1, 3)),
        ("世a", "a世", (0, 3)),
        ("e\u0301x", "ex", (0, 2)),
        ("世\u0301x", "世x", (0, 3)),
        ("x❤ ", "x❤\ufe0f", (1, 3)),
        ("", "", None),
    ],
)
def test_what_changed_is_told_in_cells_and_no_character_is_cut(old, new, cells):
    assert changed(line(old), line(new)) == cells
    assert changed(line(new), line(old)) == cells


def test_a_changed_style_is_a_change_and_another_split_is_none():
    assert changed(line(("ab", "dim")), line(("a", "dim"), ("b", ""))) == (1, 2)
    assert changed(line(("ab", "dim")), line(("a", "dim"), ("b", "dim"))) is None


@given(LINES, LINES, st.integers(1, 20))
def test_outside_of_what_changed_both_lines_look_the_same(old, new, room):
    old, new = fit(old, room), fit(new, room)
    first, last = changed(old, new) or (room, room)
    for start, stop in ((0, first), (last, room)):
        assert cropped(old, start, stop) == cropped(new, start, stop)
    if first < last:
        assert cropped(old, first, last) != cropped(new, first, last)


def cropped(pieces, start, stop):
    """What a terminal gets of these cells."""
    looks = {
        "": Style(),
        "dim": Style(dim=True),
        "strong": Style(bold=True),
        "good": Style(blink=True),
    }
    whole = Strip([Segment(words, looks[style]) for words, style in pieces])
    return [(c, piece.style) for piece in whole.crop(start, stop) for c in piece.text]


class Painted(App):
    """One widget, and every region of it that is painted anew."""

    def __init__(self, widget, monkeypatch):
        super().__init__()
        self.widget, self.regions = widget, []
        refresh = widget.refresh

        def noted(*regions, **options):
            self.regions.append(regions)
            return refresh(*regions, **options)

        monkeypatch.setattr(widget, "refresh", noted)

    def compose(self):
        yield self.widget


def as_given(lines, columns, rows, glyphs):
    return lines


@pytest.fixture
def painted(monkeypatch):
    def make(widget):
        return Painted(widget, monkeypatch)

    return make


async def test_only_cells_that_changed_are_painted(painted):
    canvas = Canvas(as_given)
    app = painted(canvas)
    async with app.run_test(size=(20, 4)) as pilot:
        canvas.show([line("loss 1.25 val 90 %"), line("level"), line(("dim", "dim"))])
        await pilot.pause()
        app.regions.clear()
        canvas.show([line("loss 1.27 val 91 %"), line("level"), line(("dim", "bad"))])
        assert app.regions == [(Region(8, 0, 8, 1),), (Region(0, 2, 3, 1),)]
        await pilot.pause()
        assert text(app) == "loss 1.27 val 91 %\nlevel\ndim\n"


async def test_nothing_is_painted_when_the_same_is_shown_again(painted):
    canvas = Canvas(as_given)
    app = painted(canvas)
    async with app.run_test(size=(20, 4)) as pilot:
        canvas.show([line("loss 1.25")])
        await pilot.pause()
        app.regions.clear()
        canvas.show([line("loss ", "1.25")])
        canvas.repaint()
        assert app.regions == []


async def test_what_is_shown_before_there_is_room_is_painted_when_there_is(painted):
    canvas = Canvas(as_given)
    canvas.show([line("early")])
    app = painted(canvas)
    async with app.run_test(size=(20, 2)) as pilot:
        assert text(app).splitlines()[0] == "early"
        await pilot.resize_terminal(3, 1)
        await pilot.pause()
        assert text(app) == "ea…"


async def test_a_canvas_is_filled_to_its_last_cell_and_draws_no_more_than_its_room(painted):
    canvas = Canvas(as_given)
    app = painted(canvas)
    async with app.run_test(size=(6, 2)) as pilot:
        canvas.show([line("世界世界"), line("b"), line("too many")])
        await pilot.pause()
        assert [plain(drawn) for drawn in canvas.lines] == ["世界 …", "b     "]
        assert text(app) == "世界 …\nb"


async def test_a_wide_character_is_painted_whole(painted):
    canvas = Canvas(as_given)
    app = painted(canvas)
    async with app.run_test(size=(6, 1)) as pilot:
        canvas.show([line("a世c")])
        await pilot.pause()
        app.regions.clear()
        canvas.show([line("a世\u0301c")])
        assert app.regions == [(Region(1, 0, 3, 1),)]  # cut behind a mark it would lose it
        await pilot.pause()
        assert text(app) == "a世\u0301c"


ROWS = [Row(line("one"), pickable=False), *(Row(line(f"row {i}")) for i in range(1, 9))]


@pytest.mark.parametrize(
    ("top", "at", "number", "room", "first"),
    [
        (0, 0, 9, 4, 0),
        (0, 3, 9, 4, 0),
        (0, 4, 9, 4, 1),
        (5, 2, 9, 4, 2),
        (5, 8, 9, 4, 5),
        (7, 3, 4, 9, 0),  # what was above comes back when there is room
        (0, 0, 0, 4, 0),
    ],
)
def test_the_chosen_row_is_in_sight_and_the_list_moves_no_more_than_it_must(
    top, at, number, room, first
):
    assert window(top, at, number, room) == first


@pytest.mark.parametrize(
    ("at", "by", "to"),
    [(1, 1, 2), (2, -1, 1), (1, -1, 1), (8, 1, 8), (1, 100, 8), (5, -100, 1), (5, -4, 1)],
)
def test_moving_passes_headings_and_stays_inside(at, by, to):
    listing = Listing()
    listing.rows, listing.at = ROWS, at
    assert listing.moved(by) == to


def test_a_heading_at_the_end_is_not_chosen_either_and_an_empty_list_stays():
    listing = Listing()
    listing.rows, listing.at = [Row(line("a")), Row(line("b")), Row(line("end"), pickable=False)], 0
    assert listing.moved(1) == 1
    assert listing.moved(9) == 1
    listing.rows = []
    assert listing.moved(1) == listing.moved(-1) == 0
    listing.rows = ROWS[:1]
    assert listing.moved(1) == listing.moved(-1) == 0


class Lists(Painted):
    def __init__(self, widget, monkeypatch):
        super().__init__(widget, monkeypatch)
        self.picked = []

    def on_listing_picked(self, message):
        assert message.control is self.widget
        self.picked.append((message.at, message.opens))


@pytest.fixture
def lists(monkeypatch):
    return Lists(Listing(), monkeypatch)


async def test_rows_are_shown_with_a_cursor_and_marks_below_a_head(lists):
    async with lists.run_test(size=(9, 4)) as pilot:
        rows = [
            Row(line("a")),
            Row(line(("b", "good")), marked=True),
            Row(lambda n, g: line(f"{n}{g.more}")),
        ]
        lists.widget.fill(rows, 1, head=line("head"))
        await pilot.pause()
        assert text(lists).splitlines() == ["  head", "  a", "❯●b", "  7…"]
        assert lists.widget.lines[2] == (("❯●b      ", "chosen"),)
        lists.widget.fill(rows, 1, head=line("head"), active=False)
        assert ("b", "good") in lists.widget.lines[2]


async def test_a_click_chooses_a_row_two_open_it_and_headings_are_none(lists):
    async with lists.run_test(size=(9, 4)) as pilot:
        lists.widget.fill(ROWS, 5, head=line("head"))
        await pilot.pause()
        assert lists.widget.top == 3
        await pilot.click(offset=(3, 0))
        await pilot.click(offset=(3, 1))
        await pilot.pause()
        assert lists.picked == [(3, False)]
        await pilot.click(offset=(3, 2), times=2)
        await pilot.pause()
        assert lists.picked == [(3, False), (4, False), (4, True)]
        lists.widget.fill(ROWS[:2], 1)
        await pilot.click(offset=(3, 0))
        await pilot.click(offset=(3, 3))
        await pilot.pause()
        assert len(lists.picked) == 3


async def test_the_wheel_moves_by_a_row_and_says_nothing_at_the_end(lists):
    async with lists.run_test(size=(9, 4)) as pilot:
        lists.widget.fill(ROWS, 1)
        wheel(lists.widget, events.MouseScrollDown)
        wheel(lists.widget, events.MouseScrollUp)
        await pilot.pause()
        assert lists.picked == [(2, False)]


def wheel(widget, kind):
    nowhere, no_button, no_keys = (0, 0, 0, 0), 0, (False, False, False)
    widget.post_message(kind(widget, *nowhere, no_button, *no_keys))


async def test_a_list_of_thousands_draws_what_is_in_sight(lists):
    class Many:
        asked = 0

        def __len__(self):
            return 100_000

        def __getitem__(self, at):
            Many.asked += 1
            return Row(line(str(at)))

    async with lists.run_test(size=(9, 4)) as pilot:
        Many.asked = 0
        lists.widget.fill(Many(), 50_000)
        await pilot.pause()
        assert Many.asked <= 8
        assert text(lists).splitlines()[-1] == "❯ 50000"


async def test_glyphs_of_the_app_are_drawn(lists):
    lists.glyphs = ASCII
    async with lists.run_test(size=(9, 2)) as pilot:
        lists.widget.fill([Row(line("a long row"), marked=True)], 0)
        await pilot.pause()
        assert text(lists).splitlines()[0] == ">*a long~"
    assert BRAILLE.cursor != ASCII.cursor
