"""Runs one over the other: the numbers by eye, then the view on made runs."""

import shutil
from dataclasses import replace
from math import isnan, nan

import pytest

from tests.tui import screens
from tests.tui.bench import dense, epoch, finished, level, made, opened, pruned, started, until
from vitprune_core.store import events as e
from vitprune_core.store.history import Reader
from vitprune_tui.draw.chart import Curve
from vitprune_tui.draw.curves import legend
from vitprune_tui.draw.curves.legend import Facts
from vitprune_tui.draw.curves.overlay import Picture, composed, draw, within
from vitprune_tui.draw.glyphs import BRAILLE, EVERY
from vitprune_tui.draw.lines import plain
from vitprune_tui.draw.scale import Axis
from vitprune_tui.facts import comparison as c
from vitprune_tui.facts.look import Look, inside
from vitprune_tui.facts.smooth import smoothed
from vitprune_tui.views.curves import CurvesView

DIGITS = {"data": {"name": "digits"}}


def subject(folder, name, *levels, seed=0, diverged=None, preset="oneshot_global"):
    """A run with these (sparsity, accuracy), on a dense model of 95 %."""
    told = [started(), epoch(0, loss=2.0), epoch(1, loss=1.0), dense(0.95)]
    told += [level(s, accuracy, before=accuracy / 2) for s, accuracy in levels]
    if diverged:
        what = {"round": 1, "sparsity_asked": diverged, "level": diverged, "step": 3, "epoch": 2}
        told.append(e.Diverged(**what, lr=1e-3, gradient_norm=None))
    run = made(folder, name, *told, seed=seed, preset=preset)
    reader = Reader(run)
    reader.read()
    config = {**reader.summary.config, **DIGITS, "seed": seed}
    return c.Subject(name, replace(reader.summary, config=config), reader.history, 2)


def test_a_run_is_its_levels(tmp_path):
    run = subject(tmp_path, "a", (0.5, 0.9), (0.9, 0.7))
    curve = c.points([run], "sparsity", "accuracy")
    assert (curve.x, curve.y, curve.low) == ((0.5, 0.9), (0.9, 0.7), None)
    assert c.points([run], "sparsity", "before").y == (0.45, 0.35)
    assert c.points([run], "compression", "accuracy").x == pytest.approx((2.0, 10.0))


def test_a_diverged_level_is_at_chance(tmp_path):
    run = subject(tmp_path, "a", (0.5, 0.9), diverged=0.9)
    assert c.points([run], "sparsity", "accuracy").y == (0.9, 0.1)
    assert c.points([run], "compression", "accuracy").y == (0.9,), "it has no compression"


def test_seeds_together_are_a_mean_between_the_lowest_and_the_highest(tmp_path):
    a = subject(tmp_path, "a", (0.5, 0.9), (0.9, 0.6), seed=0)
    b = subject(tmp_path, "b", (0.5, 0.8), (0.9, 0.8), seed=1)
    other = subject(tmp_path, "c", (0.5, 0.7), seed=0, preset="oneshot_random")
    assert c.grouped([a, b, other], seeds=False) == [(a,), (b,), (other,)]
    assert c.grouped([a, b, other], seeds=True) == [(a, b), (other,)]
    curve = c.points([a, b], "sparsity", "accuracy")
    assert curve.y == pytest.approx((0.85, 0.7))
    assert (curve.low, curve.high) == ((0.8, 0.6), (0.9, 0.8))
    assert curve.name == "oneshot_global on digits, 2 seeds"


def test_a_seed_without_a_level_is_not_counted_there(tmp_path):
    a = subject(tmp_path, "a", (0.5, 0.9), (0.9, 0.6), seed=0)
    b = subject(tmp_path, "b", (0.5, 0.8), seed=1)
    assert c.points([a, b], "sparsity", "accuracy").y == pytest.approx((0.85, 0.6))


def test_differences_are_paired_by_seed(tmp_path):
    ours = [subject(tmp_path, f"a{s}", (0.5, 0.9 - s / 10), seed=s) for s in (0, 1)]
    theirs = [subject(tmp_path, f"b{s}", (0.5, 0.8 - s / 10), seed=s) for s in (1, 0)]
    curve = c.differences(ours, theirs, "sparsity")
    assert curve.y == pytest.approx((10.0,))
    assert (curve.low, curve.high) == (pytest.approx((10.0,)), pytest.approx((10.0,)))
    assert curve.note == ""


def test_differences_of_seeds_without_a_partner_say_so(tmp_path):
    ours = [subject(tmp_path, f"a{s}", (0.5, 0.9), seed=s) for s in (0, 1)]
    theirs = subject(tmp_path, "b", (0.5, 0.7), (0.9, 0.5), seed=1)
    curve = c.differences(ours, [theirs], "sparsity")
    assert (curve.x, curve.y, curve.note) == ((0.5,), pytest.approx((20.0,)), "1 of 2 seeds paired")
    stranger = subject(tmp_path, "c", (0.5, 0.8), seed=7)
    assert c.differences([stranger], [theirs], "sparsity").note == "no seed shared"


def test_epochs_of_seeds_are_those_that_all_have(tmp_path):
    a, b = subject(tmp_path, "a", seed=0), subject(tmp_path, "b", seed=1)
    shorter = c.Subject(b.name, b.summary, b.history, 1)
    curve = c.points([a, shorter], "epoch", "loss")
    assert (curve.x, curve.y) == ((1.0,), (2.0,))


def test_smoothing_is_a_mean_without_a_bias_at_its_start():
    assert list(smoothed([4.0, 4.0, 4.0], 0.5)) == [4.0, 4.0, 4.0]
    assert list(smoothed([0.0, 3.0], 0.5)) == [0.0, 2.0]
    assert list(smoothed([0.0, 3.0], 0.0)) == [0.0, 3.0]
    first, gap, last = smoothed([0.0, nan, 3.0], 0.5)
    assert (first, isnan(gap), last) == (0.0, True, 2.0)


def test_smoothing_begins_anew_with_a_stage_as_in_live(tmp_path):
    told = [epoch(0, loss=4.0), epoch(1, loss=2.0), epoch(1, 1, 0.5, loss=8.0)]
    runs = []
    for seed in (0, 1):
        run = made(tmp_path, f"s{seed}", started(), *told, seed=seed)
        reader = Reader(run)
        reader.read()
        runs.append(c.Subject(run.id, reader.summary, reader.history, 3))
    look = replace(Look(axis="epoch", smoothing=0.5), measures=("accuracy", "loss"))
    for groups in ([(runs[0],)], [tuple(runs)]):
        (curve,) = composed(groups, (), look, BRAILLE).curves
        assert list(curve.y) == pytest.approx([4.0, 8 / 3, 8.0])
        assert curve.high is None or list(curve.high) == pytest.approx(curve.y)


def test_the_cursor_takes_the_window_along():
    look = replace(Look(), window=(2.0, 4.0))
    whole, places = (1.0, 9.0), [1.0, 3.0, 6.0, 9.0]
    look = look.pointing(3.0)
    assert look.window == (2.0, 4.0)
    look = look.moved(1, places, whole)
    assert (look.cursor, look.window) == (6.0, (4.0, 6.0))
    look = look.moved(-1, places, whole).moved(-1, places, whole)
    assert (look.cursor, look.window) == (1.0, (1.0, 3.0))
    assert look.pointing(None).window == (1.0, 3.0)


def test_dense_models_are_counted_once(tmp_path):
    a, b = (subject(tmp_path, name, (0.5, 0.9)).summary for name in "ab")
    assert c.dense([a, b]) == (0.95, "dense 95.0 %")
    assert c.dense([]) is None


def test_a_window_keeps_the_next_point_on_either_side():
    curve = Curve("a", [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0])
    assert within(curve, (2.5, 3.5)).x == [2.0, 3.0, 4.0]
    assert within(curve, (2.1, 2.9)).x == [2.0, 3.0]
    assert within(curve, (2.0, 3.0)).x == [2.0, 3.0]
    assert within(curve, (0.0, 9.0)).x == curve.x
    assert within(curve, (0.0, 0.5)).x == within(curve, (6.0, 7.0)).x == []
    assert within(curve, None) is curve
    assert inside((-1.0, 2.0), (0.0, 10.0)) == (0.0, 3.0)
    assert inside((9.0, 12.0), (0.0, 10.0)) == (7.0, 10.0)


@pytest.mark.parametrize("glyphs", EVERY, ids=lambda g: g.name)
@pytest.mark.parametrize("size", [(1, 1), (20, 3), (50, 12), (200, 60)])
def test_a_picture_fits_every_size(glyphs, size):
    curve = Curve("a", [1.0, 2.0], [0.5, 0.9], point=glyphs.points[0])
    made = Picture("t", (curve,), Axis(), Axis(percent=True), captions=("c",))
    drawn = draw(made, (), *size, glyphs)
    assert len(drawn) <= size[1]
    assert all(len(plain(line)) <= size[0] or line[0][0].startswith(" t") for line in drawn)
    if glyphs.name == "ASCII":
        assert all(plain(line).isascii() for line in drawn)


def test_an_entry_has_its_glyph_and_its_numbers():
    curve = Curve("a-run", [1.0], [0.5], point="▲")
    facts = Facts(dense=0.95, last=0.5, against=-0.25, is_baseline=False, at_cursor="50.00 %")
    widths = legend.widths([curve], [facts], "EPOCH 12")
    assert [plain(legend.entry(curve, facts, widths, 70, BRAILLE)), shown(widths, 70)] == [
        "▲ a-run  95.0 %   50.0 %  -25.0      50.00 %",
        "run       DENSE     LAST     +-  AT EPOCH 12",
    ]
    assert [plain(legend.entry(curve, facts, widths, 30, BRAILLE)), shown(widths, 30)] == [
        "▲ a-run                50.00 %",
        "run                AT EPOCH 12",
    ]
    without = legend.widths([curve], [facts], "")
    assert plain(legend.head("", without, 30, BRAILLE)) == f"{'run':<26}LAST"


def shown(widths, columns):
    return plain(legend.head("EPOCH 12", widths, columns, BRAILLE))


def test_a_difference_stands_beside_the_level_that_it_is_of(tmp_path):
    run = (subject(tmp_path, "a", (0.5, 0.9), (0.9, 0.6)),)
    shorter = (subject(tmp_path, "b", (0.5, 0.8)),)
    as_long = (subject(tmp_path, "c", (0.5, 0.8), (0.9, 0.7)),)
    assert legend.facts(run, shorter, Look(), None).against is None
    assert legend.facts(run, as_long, Look(), None).against == pytest.approx(-0.1)
    assert legend.facts(run, run, Look(), None).is_baseline


@pytest.fixture
def folder(tmp_path):
    for seed in (0, 1):
        made(tmp_path, f"global-s{seed}", *finished(0.5, 0.9), seed=seed)
        made(tmp_path, f"random-s{seed}", *finished(0.5), seed=seed, preset="oneshot_random")
    return tmp_path


async def at_curves(pilot, *marked) -> CurvesView:
    app = pilot.app
    app.become(marked=marked)
    await pilot.press("3")
    await until(pilot, lambda: all(name in app.state.lab.opened for name in marked))
    app.paint()
    return app.view


async def test_marked_runs_are_drawn_with_glyph_and_name_until_space_takes_them_off(folder):
    async with opened(folder) as pilot:
        view = await at_curves(pilot, "global-s0", "random-s0")
        shown = screens.text(pilot.app)
        assert "● global-s0" in shown
        assert "▲ random-s0" in shown
        assert "test accuracy over the share removed" in shown
        assert "dense 95.0 %" in shown
        await pilot.press("down", "down")
        assert view.at == 1
        await pilot.press("up")
        assert view.at == 0
        await pilot.press("space")
        assert pilot.app.state.marked == ("random-s0",)
        assert "global-s0" not in screens.text(pilot.app)


async def test_without_marks_the_shown_run_is_drawn_and_what_to_do_is_told(tmp_path):
    async with opened(tmp_path) as pilot:
        pilot.app.keys = {**pilot.app.keys, "runs.mark": ("f9",), "app.bench": ("f2",)}
        await pilot.press("3")
        assert "No runs yet: start one on the Bench (f2)." in screens.text(pilot.app)
        made(tmp_path, "young", started(), epoch(0), pruned(0.5))
        await until(pilot, lambda: "no level yet" in screens.text(pilot.app))
        assert "mark others in Runs (5) with f9" in screens.text(pilot.app)


async def test_axes_measures_scales_and_smoothing_go_by_steps(folder):
    async with opened(folder) as pilot:
        view = await at_curves(pilot, "global-s0", "random-s0")
        await pilot.press("plus")
        assert "smoothing is for curves over epochs" in screens.text(pilot.app)
        await pilot.press("a", "plus", "plus")
        assert view.look.smoothing == 0.8
        assert "smoothed 0.8" in screens.text(pilot.app)
        await pilot.press("minus", "minus", "minus")
        assert view.look.smoothing == 0.0
        axes = [view.look.axis]
        for _ in range(3):
            await pilot.press("a")
            axes.append(view.look.axis)
        assert axes == ["epoch", "compression", "speedup", "sparsity"]
        await pilot.press("L")
        assert view.look.log == "y"
        await pilot.press("L")
        assert view.look.log == "linear"
        assert "logarithmic as it is" in screens.text(pilot.app)
        await pilot.press("v")
        assert view.look.measure == "before"
        pilot.app.keys = {**pilot.app.keys, "curves.baseline": ("f9",)}
        await pilot.press("v")
        assert view.look.measure == "accuracy", "differences need a baseline"
        assert "f9 makes the chosen run one" in screens.text(pilot.app)


async def test_a_baseline_gives_differences_as_long_as_there_is_one(folder):
    async with opened(folder) as pilot:
        app, view = pilot.app, await at_curves(pilot, "global-s0", "random-s0")
        await pilot.press("down", "b", "v", "v")
        assert app.state.baseline == "random-s0"
        assert view.look.measure == "difference"
        assert len(view.curves[0].x) == 1, "only what both have"
        assert "(baseline)" in screens.text(app)
        app.become(baseline=None)  # as in Runs
        assert view.look.measure == "accuracy"
        await pilot.pause()
        assert "test accuracy over" in screens.text(app)
        app.become(baseline="global-s1")  # which was not read yet
        assert view.look.measure == "accuracy"
        await until(pilot, lambda: view.look.measure == "difference")
        shutil.rmtree(folder / "global-s1")
        await until(pilot, lambda: app.state.baseline is None)
        assert view.look.measure == "accuracy"
        await pilot.press("b")
        assert view.look.measure == "difference"
        await pilot.press("b")
        assert app.state.baseline is None
        assert view.look.measure == "accuracy"


async def test_what_is_drawn_is_made_anew_only_when_something_is_new(folder):
    async with opened(folder) as pilot:
        app, view = pilot.app, await at_curves(pilot, "global-s0")
        drawn = view.drawn
        app.become(lab=replace(app.state.lab, order=("another",)))
        assert view.drawn is drawn
        with (folder / "global-s0" / "events.jsonl").open("ab") as log:
            log.write(b"damaged\n")
        await until(pilot, lambda: app.state.lab.opened["global-s0"].summary.damaged)
        assert view.drawn is not drawn


async def test_seeds_go_together_and_apart(folder):
    async with opened(folder) as pilot:
        view = await at_curves(pilot, "global-s0", "global-s1", "random-s0")
        await pilot.press("m")
        assert [len(group) for group in view.groups] == [2, 1]
        assert "bands: from the lowest to the highest seed" in screens.text(pilot.app)
        await pilot.press("m")
        assert len(view.groups) == 3


async def test_the_cursor_reads_values_and_the_picture_zooms(folder):
    async with opened(folder) as pilot:
        view = await at_curves(pilot, "global-s0")
        await pilot.press("c")
        assert "77.00 %" in screens.text(pilot.app)
        assert " AT 90 %" in screens.text(pilot.app)
        await pilot.press("left")
        assert "85.00 %" in screens.text(pilot.app)
        assert " AT 50 %" in screens.text(pilot.app)
        await pilot.press("c", "i", "i")
        low, high = view.look.window
        await pilot.press("left")
        assert view.look.window[0] < low
        await pilot.press("o")
        first, last = view.look.window
        assert last - first == pytest.approx(2 * (high - low))
        await pilot.press("o")
        assert view.look.window is None, "there is no more"
        await pilot.press("i", "0")
        assert view.look.window is None


async def test_every_size_is_drawn(folder):
    async with opened(folder) as pilot:
        await at_curves(pilot, "global-s0", "random-s1")
        for size in ((20, 5), (50, 14), (80, 24), (200, 60)):
            await pilot.resize_terminal(*size)
            for key in ("a", "u", "m", "c", "z", "z"):
                await pilot.press(key)
            shown = screens.text(pilot.app)
            assert "Bench" in shown
            assert "global" in shown
            assert size < (50, 14) or "random-s1" in shown
            assert size < (50, 14) or " over " in shown
