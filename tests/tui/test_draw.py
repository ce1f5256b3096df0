import pytest

from vitprune_core.store.grids import Grid, encode
from vitprune_tui.draw import text
from vitprune_tui.draw.glyphs import ASCII, BLOCKS
from vitprune_tui.draw.heat import caption, heatmap, legend, pooled, step, top_of
from vitprune_tui.draw.lines import beside, line, plain
from vitprune_tui.draw.plots import Look, Series, curves
from vitprune_tui.draw.scale import nice, sparsity_axis


def test_one_is_told_as_one():
    assert text.several(1, "silent head") == "1 silent head"
    assert text.several(2, "silent head") == "2 silent heads"
    assert text.several(1200, "empty matrix", "empty matrices") == "1,200 empty matrices"


def grid(densities, head_axis=None, heads=None):
    rows, columns = len(densities), len(densities[0])
    return Grid((rows, columns), encode(densities), head_axis, heads, 0.5, 1, 2)


def drawn(made, columns=80, rows=40, top=1.0, glyphs=BLOCKS):
    return heatmap(pooled(made, columns, rows), made, top, glyphs)


def test_density_is_told_by_glyph():
    made = grid([[0.0, 0.1, 0.3, 0.6, 1.0]])
    assert drawn(made) == ["·░▒▓█"]
    assert drawn(made, glyphs=ASCII) == [".:=*#"]


def test_a_step_of_the_legend_holds_its_upper_end():
    assert drawn(grid([[0.25, 0.5, 0.75, 1.0]])) == ["░▒▓█"]


def test_only_nothing_is_drawn_as_nothing():
    assert drawn(grid([[0.0, 1e-9]])) == ["·░"]


def test_what_is_no_number_is_nothing():
    assert step(float("nan"), 0.1) == 0
    assert step(float("inf"), 0.1) == 4


def test_heads_are_rows_of_q_and_columns_of_o():
    half = [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    assert drawn(grid(half, 0, 2)) == ["██", "██", "──", "··", "··"]
    turned = [list(line) for line in zip(*half, strict=True)]
    assert drawn(grid(turned, 1, 2)) == ["██│··", "██│··"]


def test_a_matrix_is_pooled_into_the_room_and_heads_stay_apart():
    made = grid([[1.0] * 12] * 6 + [[0.0] * 12] * 6, 0, 2)
    assert drawn(made, columns=4, rows=5) == ["████", "████", "────", "····", "····"]
    assert drawn(made, columns=1, rows=1) == ["█", "─", "·"]


def test_pooling_keeps_the_mean():
    cells = pooled(grid([[1.0, 0.0], [0.0, 0.0]]), 1, 1)
    assert cells == [[0.25]]


def test_the_scale_ends_where_nearly_all_cells_do():
    assert top_of([[[0.0] * 99 + [1.0]]]) == 0.01
    assert top_of([[[0.05] * 50], [[0.2] * 50]]) == 0.2
    assert top_of([]) == 1.0
    assert plain(legend(0.2, BLOCKS)) == "· none kept  ░ to 5 %  ▒ to 10 %  ▓ to 15 %  █ more"


def test_the_caption_tells_what_is_dead():
    made = grid([[1.0]])
    assert caption("blocks.0.attn.q", made).endswith("50.0 % kept  dead: 1 row, 2 columns")


def test_drawings_stand_beside_each_other():
    blocks = [([line("ab"), line("c")], 2), ([line("x")], 1)]
    assert list(map(plain, beside(blocks, gap=1))) == ["ab x", "c   "]


def test_a_table_is_aligned():
    assert text.table(("A", "NUMBER"), [("x", 1), ("long", 22)], " r").splitlines() == [
        "A     NUMBER",
        "x          1",
        "long      22",
    ]


def test_a_table_is_cut_where_the_terminal_ends():
    assert text.table(("A", "B"), [("x", "long")], width=5).splitlines() == ["A  B", "x  l…"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "?"), (0.84, "0.8 s"), (44.6, "45 s"), (200, "3 min 20 s"), (8040, "2 h 14 min")],
)
def test_durations(seconds, expected):
    assert text.duration(seconds) == expected


def test_numbers_have_one_format_each():
    assert [text.sparsity(s) for s in (0.95, 0.995, 1)] == ["95 %", "99.5 %", "100 %"]
    assert (text.percent(0.12345), text.points(-0.012), text.times(2.04)) == (
        "12.3 %",
        "-1.2",
        "2.0x",
    )
    assert text.percent(None) == text.times(None) == text.points(None) == "-"


def test_axis_numbers_are_round_and_hold_everything():
    assert nice([0, 97], 5) == [0, 20, 40, 60, 80, 100]
    assert nice([0.0031], 4)[0] <= 0.0031 <= nice([0.0031], 4)[-1]
    assert nice([], 4)[0] < nice([], 4)[-1]


def test_each_tenfold_compression_takes_the_same_room():
    places, ticks = sparsity_axis([0.0, 0.9, 0.99, 1.0])
    assert places == pytest.approx([0, 1, 2, 2.3])
    assert list(ticks.values()) == ["0%", "90%", "99%", "100%"]


def test_curves_read_without_colour_and_in_ascii():
    series = [Series("global", [0, 1], [90, 80]), Series("random", [0, 1], [90, 20])]
    shown = curves(series, "title", Look(60, 12), level=(97.0, "dense"))
    assert "\x1b" not in shown
    assert ("● global" in shown, "▲ random" in shown, "╌ dense" in shown) == (True,) * 3
    plain = curves(series, "title", Look(60, 12, ascii=True), level=(97.0, "dense"))
    assert plain.isascii()
    assert "x random" in plain


def test_colour_is_there_when_it_is_asked_for():
    shown = curves([Series("a", [0, 1], [0, 1])], "title", Look(60, 12, colour=True))
    assert "\x1b[" in shown
