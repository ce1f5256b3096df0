import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitprune_tui.draw.chart import Curve, Rule, chart, readout
from vitprune_tui.draw.glyphs import ASCII, BLOCKS, BRAILLE, EVERY
from vitprune_tui.draw.lines import SERIES, STYLES, plain, width
from vitprune_tui.draw.scale import Axis, bounds, extent, labels, nice, roomy, ticks

UNIT = Axis(low=0, high=1)
NAN, INF = math.nan, math.inf


def text(lines):
    return [plain(line).rstrip() for line in lines]


def drawn(x, y, columns, rows, glyphs, last=None, **more):
    """One curve on axes from 0 to `last`, or to where it ends."""
    ends = Axis(low=0, high=max(x) if last is None else last)
    down = Axis(low=0, high=max(y) if last is None else last)
    return inner([Curve("a", x, y, **more)], columns, rows, glyphs, ends, down)


def inner(curves, columns, rows, *more, **axes):
    """The field alone: less than 12 columns have no y axis, less than 5 rows no x axis."""
    return chart(curves, columns, rows if rows < 5 else rows + 2, *more, **axes)[:rows]


def at(lines, row, column):
    """The glyph in a cell and its style."""
    cells = [(glyph, style) for piece, style in lines[row] for glyph in piece]
    return cells[column]


def styles(lines, row):
    return [at(lines, row, column)[1] for column in range(width(lines[row]))]


# --- dots


def test_a_diagonal_of_four_points_is_four_dots():
    assert text(drawn(range(4), range(4), 2, 1, BRAILLE)) == ["⡠⠊"]
    assert text(drawn(range(4), range(4), 2, 2, BLOCKS)) == [" ▞", "▞"]
    assert text(drawn(range(4), range(4), 4, 4, ASCII)) == ["   .", "  .", " .", "."]


def test_each_dot_of_a_character_has_its_place():
    corners = [(0, 3), (0, 2), (0, 1), (0, 0), (1, 3), (1, 2), (1, 1), (1, 0)]
    sides = Axis(low=0, high=1), Axis(low=0, high=3)
    alone = [chart([Curve("a", [x], [y])], 1, 1, BRAILLE, *sides) for x, y in corners]
    assert "".join(plain(*lines) for lines in alone) == "⠁⠂⠄⡀⠈⠐⠠⢀"


def test_every_set_of_dots_has_a_character():
    full = [chart([Curve("a", [0, 0, 1, 1], [0, 1, 1, 0])], 1, 1, g, UNIT, UNIT) for g in EVERY]
    assert "".join(plain(*lines) for lines in full) == "⣿█."


def test_points_far_apart_are_joined():
    assert text(drawn([0, 7], [3, 3], 4, 1, BRAILLE)) == ["⠉⠉⠉⠉"]
    assert text(drawn([0, 2], [0, 6], 3, 7, ASCII)) == ["  .", "  .", " .", " .", " .", ".", "."]


def test_a_line_is_the_same_in_both_directions():
    there, back = [0, 3, 9], [9, 3, 0]
    for glyphs in EVERY:
        one = drawn(there, [0, 9, 4], 10, 5, glyphs)
        assert one == drawn(back, [4, 9, 0], 10, 5, glyphs)


def test_x_need_not_rise():
    loop = drawn([0, 2, 2, 0, 0], [0, 0, 2, 2, 0], 3, 3, ASCII)
    assert text(loop) == ["...", ". .", "..."]


def test_what_is_not_a_number_is_a_gap():
    for gap in (NAN, INF, -INF):
        assert text(drawn(range(6), [0, 0, gap, gap, 0, 0], 6, 1, ASCII, last=5)) == ["..  .."]
        assert text(drawn([0, 1, gap, 3, 4, 5], [0] * 6, 6, 1, ASCII, last=5)) == [".. ..."]


def test_a_point_alone_is_seen():
    assert text(drawn([1], [1], 3, 3, ASCII, last=2)) == ["", " .", ""]


def test_lines_go_on_beyond_the_picture():
    sides = Axis(low=1, high=3), Axis(low=1, high=3)
    shown = chart([Curve("a", [0, 4], [0, 4])], 3, 3, ASCII, *sides)
    assert text(shown) == ["  .", " .", "."]


@pytest.mark.parametrize("glyphs", EVERY, ids=lambda g: g.name)
def test_of_many_points_the_extremes_stay(glyphs):
    """A thousand points a column: all flat but one peak and one trough."""
    y = [0.5] * 10_000
    y[3_217], y[7_654] = 1.0, 0.0
    shown = text(drawn(range(10_000), y, 10, 5, glyphs, last=None, point=""))
    assert len(shown[0].strip()) == 1
    assert len(shown[-1].strip()) == 1
    assert shown[0].index(shown[0].strip()) == 3
    assert shown[-1].index(shown[-1].strip()) == 7


@pytest.mark.parametrize("glyphs", EVERY, ids=lambda g: g.name)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("zoom", [(None, None), (500.0, 1500.0)])
def test_many_points_are_drawn_like_few(glyphs, log, zoom):
    """What is thinned gives the very dots of what is not: falling x is never thinned."""
    x = [float(i) for i in range(3_000)]
    y = [1.5 + math.sin(i / 200) + (i % 7) / 20 for i in range(3_000)]
    y[700], y[2_000:2_300] = NAN, [INF] * 300
    axes = Axis(log=log, low=zoom[0], high=zoom[1]), Axis(log=log, low=0.1, high=3)
    rising, falling = Curve("a", x, y), Curve("a", x[::-1], y[::-1])
    pictures = [chart([curve], 60, 15, glyphs, *axes) for curve in (rising, falling)]
    different = sum(a != b for a, b in zip(*map(cells, pictures), strict=True))
    assert different <= 6  # a steep line between neighbours belongs to the second column


def cells(lines):
    return [glyph for line in lines for glyph in plain(line)]


# --- points, bands, rules, the cursor


def test_few_points_have_a_glyph_each():
    shown = drawn([0, 3, 6, 9], [0, 0, 0, 0], 12, 1, ASCII, last=11, point="o")
    assert text(shown) == ["o..o..o..o"]


def test_many_points_have_a_glyph_every_twelve_cells_and_at_the_end():
    shown = drawn(range(40), [0] * 40, 40, 1, ASCII, last=39, point="o")
    assert text(shown) == ["............o...........o...........o..o"]


def test_glyphs_of_dense_curves_do_not_stand_above_each_other():
    flat = [Curve(name, range(40), [y] * 40, point=name) for name, y in (("o", 1), ("x", 0))]
    shown = text(chart(flat, 40, 2, ASCII, Axis(low=0, high=39), UNIT))
    assert shown == [
        "............o...........o...........o..o",
        ".......x...........x...........x.......x",
    ]


def test_one_more_point_moves_no_glyph_but_the_last():
    ends = Axis(low=0, high=99)
    shown = [
        plain(*chart([Curve("a", range(n), [0] * n, point="o")], 100, 1, ASCII, ends, UNIT))
        for n in (50, 51)
    ]
    assert [i for i, pair in enumerate(zip(*shown, strict=True)) if len(set(pair)) > 1] == [49, 50]


def test_a_zoom_shows_each_point_that_is_left():
    sides = Axis(low=100, high=103), UNIT
    dense = Curve("a", range(1_000), [0] * 1_000, point="o")
    assert text(chart([dense], 13, 1, ASCII, *sides)) == ["o...o...o...o"]


def test_the_last_curve_wins_a_cell_and_points_stand_above_lines():
    first = Curve("a", [0, 4, 8], [0, 0, 0], "series0", "o")
    second = Curve("b", [0, 8], [0, 0], "series1")
    shown = chart([first, second], 9, 1, ASCII, Axis(low=0, high=8), UNIT)
    assert shown == [
        (
            ("o", "series0"),
            ("...", "series1"),
            ("o", "series0"),
            ("...", "series1"),
            ("o", "series0"),
        )
    ]
    third = Curve("c", [4], [0], "series2", "x")
    assert at(chart([first, third], 9, 1, ASCII, Axis(low=0, high=8), UNIT), 0, 4) == (
        "x",
        "series2",
    )


def test_a_rule_is_dashed_and_below_all():
    curve = Curve("a", [0, 2], [1, 1], "series0")
    shown = chart(
        [curve], 6, 3, ASCII, Axis(low=0, high=5), Axis(low=0, high=2), [Rule(1, "dense")]
    )
    assert text(shown) == ["", "...---", ""]
    assert styles(shown, 1) == ["series0"] * 3 + ["dim"] * 3
    shown = chart([curve], 6, 3, BRAILLE, Axis(low=0, high=5), Axis(low=0, high=2), [Rule(1, "d")])
    assert plain(shown[1]).endswith("╌╌╌")


def test_a_rule_beyond_the_axis_is_left_out():
    for y in (5, NAN):
        shown = chart([Curve("a", [0], [0])], 2, 2, ASCII, UNIT, UNIT, [Rule(y, "r")])
        assert text(shown) == ["", "."]


def test_a_band_is_a_whisker_at_each_point():
    curve = Curve("a", [0, 5], [2, 2], "series3", "o", low=[1, 0], high=[3, 4])
    shown = inner([curve], 6, 5, ASCII, Axis(low=0, high=5), Axis(low=0, high=4))
    assert text(shown) == ["     :", ":    :", "o....o", ":    :", "     :"]
    assert at(shown, 0, 5) == (":", "series3")
    shown = inner([curve], 6, 5, BRAILLE, Axis(low=0, high=5), Axis(low=0, high=4))
    assert text(shown) == ["     ⢸", "⡆    ⢸", "o⠤⠤⠤⠤o", "⠇    ⢸", "     ⢸"]


def test_a_dense_band_closes_to_a_light_fill():
    n = 12
    curve = Curve("a", range(n), [1] * n, low=[0] * n, high=[2] * n)
    shown = chart([curve], n, 3, ASCII, Axis(low=0, high=n - 1), Axis(low=0, high=2))
    assert text(shown) == [": : : : : :", "............", ": : : : : :"]


def test_a_gap_in_a_band_has_no_whisker():
    curve = Curve("a", [0, 5], [1, 1], low=[0, NAN], high=[2, 2])
    shown = chart([curve], 6, 3, ASCII, Axis(low=0, high=5), Axis(low=0, high=2))
    assert text(shown) == [":    :", "......", ":"]


def test_the_cursor_hides_no_point():
    curve = Curve("a", [0, 4, 8], [0, 0, 0], point="o")

    def shown(cursor):
        return chart([curve], 9, 2, ASCII, Axis(low=0, high=8), UNIT, cursor=cursor)

    assert text(shown(4)) == ["    |", "o...o...o"]
    assert at(shown(4), 0, 4) == ("|", "cursor")
    assert text(shown(6)) == ["      |", "o...o.|.o"]
    assert text(shown(9)) == text(shown(NAN)) == ["", "o...o...o"]


def test_the_point_that_is_read_out_shows_its_glyph():
    curve = Curve("a", range(40), [0] * 40, point="o")
    shown = chart([curve], 40, 1, ASCII, Axis(low=0, high=39), UNIT, cursor=5.2)
    assert plain(shown[0])[:8] == ".....o.."


# --- axes


def test_a_small_chart_as_text():
    curve = Curve("a", [0, 5, 10], [0, 100, 50], point="o")
    assert text(chart([curve], 15, 7, ASCII)) == [
        "100|     o.",
        "   |    .  ..",
        "   |  ..     .o",
        "   | .",
        "  0|o",
        "   +-----------",
        "    0        10",
    ]
    narrow = chart([Curve("a", [0, 9], [0, 2])], 10, 5, ASCII, Axis(low=0, high=9))
    assert text(narrow) == [
        "       ...",
        "   ....",
        "...",
        "----------",
        "0    5",
    ]


def test_labels_stand_above_and_below_where_there_is_room():
    axes = Axis("epoch", low=0, high=4), Axis("accuracy", low=0, high=1, percent=True)
    shown = text(chart([Curve("a", [0, 4], [0, 1])], 18, 10, ASCII, *axes))
    assert shown[0] == "accuracy"
    assert shown[-1] == "epoch".rjust(18)
    assert "epoch" not in "".join(text(chart([], 18, 9, ASCII, *axes)))


def test_axes_are_left_out_first():
    curve = Curve("a", [0, 1], [0, 1])
    assert "|" not in "".join(text(chart([curve], 11, 8, ASCII)))
    assert "-" in "".join(text(chart([curve], 11, 8, ASCII)))
    assert "-" not in "".join(text(chart([curve], 40, 4, ASCII)))


def test_given_ticks_stand_where_they_say_and_never_touch():
    places = Axis(low=0, high=2, ticks={0: "0 %", 1: "90 %", 1.1: "92 %", 2: "99 %", 3: "99.9 %"})
    shown = text(chart([Curve("a", [0, 2], [0, 1])], 33, 6, ASCII, places, UNIT))
    assert shown[-1] == " 0 %           90 %          99 %"


def test_labels_may_hold_anything_and_stay_text():
    wild = "\x1b[31ma\nb\t数値"
    axes = Axis(wild, ticks={0: wild}), Axis(wild, ticks={1: wild})
    curve = Curve(wild, [0, 1], [0, 1])
    lines = chart([curve], 40, 12, BRAILLE, *axes)
    assert all(plain(line).isprintable() for line in lines)
    assert all(width(line) <= 40 for line in lines)


@pytest.mark.parametrize("glyphs", EVERY, ids=lambda g: g.name)
def test_without_data_it_says_so(glyphs):
    for empty in ([], [Curve("a", [], [])]):
        shown = text(chart(empty, 40, 9, glyphs))
        assert "nothing yet" in shown[3]
        assert glyphs.horizontal * 20 in shown[-2]
    assert text(chart([], 5, 1, glyphs)) == [""]
    beyond = chart([Curve("a", [5], [5])], 40, 9, glyphs, UNIT, UNIT)
    assert "nothing here" in "".join(text(beyond))


def test_a_decade_takes_the_same_room_each():
    curve = Curve("a", [1, 10, 100, 1000], [1000, 100, 10, 1], point="")
    assert text(chart([curve], 4, 4, ASCII, Axis(log=True), Axis(log=True))) == [
        ".",
        " .",
        "  .",
        "   .",
    ]


def test_a_log_axis_leaves_out_what_is_not_above_zero():
    sides = Axis(low=0, high=4), Axis(log=True, low=1, high=10)
    shown = chart([Curve("a", range(5), [1, 1, 0, -3, 1])], 5, 1, ASCII, *sides)
    assert text(shown) == ["..  ."]
    shown = chart([Curve("a", [-1, 0, 1, 10], [0] * 4)], 2, 1, ASCII, Axis(log=True), UNIT)
    assert text(shown) == [".."]


def test_bounds_are_as_given_or_round():
    assert bounds(Axis(), [[3, 97]], 5) == (0, 100)
    assert bounds(Axis(low=10), [[3, 97]], 5) == (10, 100)
    assert bounds(Axis(low=1, high=2), [[3, 97]], 5) == (1, 2)
    assert bounds(Axis(), [[3, NAN], [INF, 97]], 5) == (0, 100)
    assert bounds(Axis(), [], 5) == (0, 1)
    assert bounds(Axis(log=True), [[0, 0.02, 3]], 5) == (0.01, 10)
    assert bounds(Axis(log=True, low=0), [[5]], 5) == (1, 10)


def test_an_extent_is_of_what_has_a_place():
    assert extent([3, -1, NAN]) == (-1, 3)
    assert extent([3, -1, 0], log=True) == (3, 3)
    assert extent([1, 1e305, -INF]) == (1, 1)
    assert extent([NAN]) is None


def test_decades_have_ticks_and_what_is_between_if_they_are_few():
    log = Axis(log=True)
    assert list(ticks(log, 1, 1000, 5).values()) == ["1", "10", "100", "1000"]
    assert list(ticks(log, 1e-6, 1, 3).values()) == ["1e-6", "0.0001", "0.01", "1"]
    assert list(ticks(log, 1, 5, 4).values()) == ["1", "2", "5"]
    assert list(ticks(log, 2.1, 2.4, 3)) == pytest.approx([2.1, 2.2, 2.3, 2.4])


def test_there_are_two_ticks_at_the_least():
    assert list(ticks(Axis(), 0, 9, 1)) == [0, 5]
    assert list(ticks(Axis(), 0.3, 1.1, 1)) == [0.5, 1]


def test_labels_are_short_differ_and_have_as_many_decimals():
    assert labels([0, 0.5, 1]) == ["0.0", "0.5", "1.0"]
    assert labels([0.85, 0.9], percent=True) == ["85 %", "90 %"]
    assert labels([0, 500_000, 1_000_000]) == ["0", "500000", "1e6"]
    assert labels([1e-5, 2e-5]) == ["1e-5", "2e-5"]
    assert labels([1_000_000.1, 1_000_000.2]) == ["1000000.1", "1000000.2"]


def test_small_numbers_have_round_neighbours_too():
    assert nice([1e-20, 3e-20], 2) == [1e-20, 2e-20, 3e-20]


def test_a_live_axis_only_grows_and_only_to_round_numbers():
    first = roomy(0, 0.93, None)
    assert first == (0, 1)
    assert roomy(0.2, 0.4, first) == first
    assert roomy(0.2, 1.7, first) == (0, 2)
    assert roomy(-0.1, 0.5, (0, 2)) == (-1, 2)
    assert roomy(0.02, 3, None, log=True) == (0.01, 10)


numbers = st.floats(-1e300, 1e300)


@given(numbers, numbers, numbers, numbers)
def test_a_live_axis_holds_all_it_held(a, b, c, d):
    first = roomy(min(a, b), max(a, b), None)
    second = roomy(min(c, d), max(c, d), first)
    near = 1e-8 * (second[1] - second[0])
    assert second[0] <= min(c, d, first[0]) + near
    assert max(c, d, first[1]) - near <= second[1]
    assert roomy(min(c, d), max(c, d), second) == second


# --- words


def test_a_readout_is_the_closest_point_of_each_curve():
    rising = Curve("a", [0, 1, 2], [5, NAN, 7])
    falling = Curve("b", [4, 1.5, 0], [1, 2, 3])
    gaps = Curve("c", [0, 1], [NAN, INF])
    assert readout([rising, falling, gaps], 1.2) == [(rising, 2, 7), (falling, 1.5, 2)]
    assert readout([rising], -50) == [(rising, 0, 5)]
    assert readout([rising], 50) == [(rising, 2, 7)]


# --- laws

SIZES = [(1, 1), (2, 1), (1, 9), (5, 3), (9, 4), (12, 5), (20, 5), (60, 16), (80, 24), (200, 60)]
SHAPES = {
    "empty": ([], []),
    "one": ([3], [0.5]),
    "constant": ([1, 2, 3], [7, 7, 7]),
    "at one place": ([2, 2, 2], [1, 2, 3]),
    "negative": ([-3, -2, -1], [-5, -1e6, -2]),
    "huge": ([-1.7e308, 0, 1.7e308], [1.7e308, -1.7e308, 1e299]),
    "tiny": ([0, 5e-324, 1e-310], [5e-324, 0, -5e-324]),
    "nothing": ([1, 2], [NAN, INF]),
    "dense": (range(2_000), [math.sin(i) for i in range(2_000)]),
}


@pytest.mark.parametrize("glyphs", EVERY, ids=lambda g: g.name)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_chart_fills_its_room_exactly(glyphs, shape, log, size):
    x, y = SHAPES[shape]
    curve = Curve("a", x, y, "series1", glyphs.points[0], low=y, high=y)
    axes = Axis("epoch", log), Axis("loss", log, percent=True)
    lines = chart([curve, curve], *size, glyphs, *axes, [Rule(0.5, "dense")], cursor=2)
    check(lines, *size, glyphs)


def check(lines, columns, rows, glyphs):
    assert [width(line) for line in lines] == [columns] * rows
    assert all(plain(line).isprintable() for line in lines)
    assert all(plain(line).isascii() for line in lines) or glyphs is not ASCII
    pieces = [piece for line in lines for piece in line]
    assert all(text and style in STYLES for text, style in pieces)
    assert all(a[1] != b[1] for line in lines for a, b in pairwise(line))


anything = st.floats() | st.integers(-1000, 1000)
points = st.lists(st.tuples(anything, anything, anything), max_size=30)
end = st.none() | anything.filter(lambda v: math.isfinite(v))


@st.composite
def curves(draw):
    x, y, low = tuple(zip(*draw(points), strict=True)) or ((), (), ())
    band = low if draw(st.booleans()) else None
    return Curve(
        "a", x, y, draw(st.sampled_from(SERIES)), draw(st.sampled_from(["", "o"])), band, band
    )


@settings(max_examples=300, deadline=None)
@given(
    shown=st.lists(curves(), max_size=3),
    columns=st.integers(0, 60),
    rows=st.integers(0, 30),
    glyphs=st.sampled_from(EVERY),
    x=st.builds(Axis, st.text(max_size=3), st.booleans(), end, end),
    y=st.builds(Axis, st.text(max_size=3), st.booleans(), end, end),
    rule=anything,
    cursor=st.none() | anything,
)
def test_no_numbers_break_a_chart(shown, columns, rows, glyphs, x, y, rule, cursor):
    lines = chart(shown, columns, rows, glyphs, x, y, [Rule(rule, "r")], cursor)
    assert [width(line) for line in lines] == [columns] * rows
    assert all(plain(line).isprintable() for line in lines)
    readout(shown, 0.5)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=20))
def test_every_point_in_sight_has_its_dot(pairs):
    x, y = zip(*pairs, strict=True)
    shown = text(drawn(x, y, 10, 10, ASCII, last=9))
    for a, b in pairs:
        assert shown[math.floor(9 - b + 0.5)][math.floor(a + 0.5)] == "."
