"""Figures: small, readable in grey, every axis says what is on it.

That they are the same bytes every time is seen where a report is written twice, in `test_report`.
"""

import math
from xml.etree import ElementTree

import pytest

from tests.analysis.made import SMALL, grids, measured, study
from vitprune_core.analysis import figures
from vitprune_core.analysis.drawing import looks, save, sheet, style
from vitprune_core.analysis.figures import place
from vitprune_core.analysis.forest import forest
from vitprune_core.analysis.gather import Gathered
from vitprune_core.analysis.illustrations import drafts, draw
from vitprune_core.analysis.panels import pictures
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.spec.claims import Part
from vitprune_core.spec.request import completed
from vitprune_core.spec.study import load_study
from vitprune_core.spec.studyfile import Thresholds
from vitprune_core.store.grids import Grids
from vitprune_core.store.values import from_json

SUPERIOR = Part(test="superior", arm="a", over="b", at=(0.9,))
RECOVERS = Part(test="recovers", arm="a", control="b", at=(0.9,))


@pytest.fixture(autouse=True)
def drawn_in_style():
    with style():
        yield


@pytest.fixture
def small(tmp_path):
    made = study(tmp_path)
    return Gathered(made, measured(made), (), made.hash)


def compared(effect, part=SUPERIOR, verdict="supported", label="a - b", **other):
    return Comparison(
        part,
        label,
        verdict,
        effect=effect,
        interval=(effect - 0.01, effect + 0.01),
        per_seed=(effect - 0.005, effect + 0.005),
        seeds=2,
        **other,
    )


def of(name):
    arms = load_study(f"presets/studies/{name}.yaml").arms
    return {p.axis: p for p in pictures({arm: completed(config) for arm, config in arms.items()})}


def test_equal_steps_divide_what_is_left_by_equal_factors():
    assert place(0.9, 0.99) - place(0, 0.99) == pytest.approx(place(0.99, 0.99) - place(0.9, 0.99))
    assert place(1, 0.99) > place(0.99, 0.99)


def test_a_panel_holds_arms_that_differ_in_one_choice_only():
    poster = of("poster")
    first = poster["distribution"].panels[0]
    assert first.title == "single weights, one-shot, optimizer kept"
    assert first.curves == {
        "global": "global",
        "layerwise": "layerwise",
        "random": "random, as global",
    }
    (layers,) = poster["layers"].panels
    assert list(layers.curves) == ["global", "qk", "vo", "mlp", "attention"]
    schedule = poster["schedule"].panels[0]
    assert schedule.curves["global_13"] == "one-shot, retrained 13 times"
    assert "optimizer reset" in poster["retraining"].names


def test_every_arm_of_the_cross_product_is_in_a_picture_of_each_choice():
    grid = of("grid")
    assert list(grid) == ["distribution", "granularity", "schedule", "layers"]
    shown = {arm for panel in grid["distribution"].panels for arm in panel.curves}
    assert len(shown) == 54


def test_no_two_layers_share_an_axis_that_does_not_say_so(small):
    picture = next(p for p in pictures(small.study.arms) if p.axis == "layers")
    lines = figures.Lines(small.levels, small.dense, {})
    asked, of_all = figures.accuracy(picture, lines).axes
    assert "take part" in asked.get_xlabel()
    assert "all" in of_all.get_xlabel()
    assert max(of_all.lines[1].get_xdata()) == pytest.approx(1 / 3)
    assert asked.get_xscale() == of_all.get_xscale() == "linear"


def test_a_curve_is_the_mean_and_its_band_reaches_from_the_lowest_to_the_highest_seed(small):
    picture = next(p for p in pictures(small.study.arms) if p.axis == "distribution")
    (axes,) = figures.accuracy(picture, figures.Lines(small.levels, small.dense, {})).axes
    line, band = axes.lines[0], axes.collections[0]
    assert line.get_ydata()[0] == pytest.approx(96.25)
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (pytest.approx(96), pytest.approx(96.5))


def test_what_has_one_name_looks_alike_in_every_panel():
    poster = of("poster")["distribution"]
    levels = {}
    figure = figures.accuracy(poster, figures.Lines(levels, None, {}))
    colours = {}
    for axes in figure.axes:
        for line in axes.lines:
            colours.setdefault(line.get_label(), set()).add(line.get_color())
    assert all(len(of_name) == 1 for of_name in colours.values())


def test_series_differ_without_colour():
    grey = {(looks(i)["marker"], str(looks(i)["linestyle"])) for i in range(8)}
    assert len(grey) == 8


def test_a_forest_has_a_row_for_each_comparison_and_an_axis_for_each_unit():
    drawn = forest([compared(0.02), compared(0.9, RECOVERS)], [compared(-0.1)], Thresholds())
    points, share = drawn.axes
    names = [text.get_text() for text in points.get_yticklabels()]
    assert names == ["a - b", "(a - b)"]
    assert "points" in points.get_xlabel()
    assert "%" in share.get_xlabel()


def test_large_and_small_effects_are_seen_in_one_forest():
    near = forest([compared(0.02)], [], Thresholds()).axes[0]
    far = forest([compared(0.02), compared(0.6)], [], Thresholds()).axes[0]
    assert (near.get_xscale(), far.get_xscale()) == ("linear", "symlog")
    assert "compressed" in far.get_xlabel()


def test_what_has_no_effect_is_not_drawn():
    left_out = Comparison(SUPERIOR, "a - b", "skipped", note="nothing was measured yet")
    assert forest([left_out], [left_out], Thresholds()) is None


def test_masks_have_a_line_between_heads(tmp_path):
    matrices = from_json(Grids, grids(study(tmp_path))).matrices
    q, k, v, o, _ = figures.masks({"global": matrices}, "blocks.1").axes
    for axes, across in ((q, False), (k, False), (v, False), (o, True)):
        ends = [line.get_xdata() if across else line.get_ydata() for line in axes.lines]
        assert [at[0] for at in ends] == [1.5, 3.5]  # 6 cells, 3 heads


def test_matrices_stand_where_their_names_say():
    figure = figures.matrices({"kept": {"blocks.0.attn.q": 5.0, "blocks.1.mlp.fc2": 50.0}})
    (axes,) = figure.axes
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "5.0", (5, 1): "50.0"}


def test_figures_are_small_and_know_no_date(small, tmp_path):
    draw(drafts(small), tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert {"made-digits-F1.svg", "made-digits-masks.png", "made-digits-layers.svg"} <= files.keys()
    assert max(len(data) for name, data in files.items() if name.endswith("svg")) < 200_000
    assert not any(b"<dc:date>" in data for data in files.values())


def test_names_from_files_are_text_in_a_figure(tmp_path):
    bad = "a$x_1$ <script>&\x1b[31m\u202e 字"
    figure = forest([compared(0.02, label=bad)], [], Thresholds())
    save(figure, tmp_path, "bad")
    tree = ElementTree.fromstring((tmp_path / "bad.svg").read_text())
    texts = "".join(tree.itertext())
    assert "$x_1$ <script>&" in texts
    assert "\x1b" not in texts
    assert not [e for e in tree.iter() if e.tag.endswith("script")]


def test_an_empty_sheet_belongs_to_no_window():
    import matplotlib.pyplot as plt

    sheet(2, 2)
    assert plt.get_fignums() == []


def test_one_seed_has_no_band_and_no_number_is_invented(tmp_path):
    made = study(tmp_path, SMALL)
    one = Gathered(made, measured(made, seeds=1), (), made.hash)
    picture = next(p for p in pictures(made.arms) if p.axis == "distribution")
    (axes,) = figures.accuracy(picture, figures.Lines(one.levels, one.dense, {})).axes
    assert not axes.collections
    assert all(math.isfinite(y) for line in axes.lines for y in line.get_ydata())


def test_a_check_is_no_row_of_a_forest():
    check = Part(test="constant", arm="a", at=(1.0,))
    (axes,) = forest([compared(0.02)], [compared(0.1, check)], Thresholds()).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a - b"]
