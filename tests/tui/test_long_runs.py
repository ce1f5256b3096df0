"""Runs of more epochs than a screen has places for: what is drawn is of the rows that stayed."""

import json

import pytest

from tests.tui.bench import dense, epoch, made, started
from vitprune_core.store import columns
from vitprune_core.store.history import Reader
from vitprune_tui.commands.plot import plot
from vitprune_tui.console import answer_each
from vitprune_tui.draw.plots import Look
from vitprune_tui.facts import comparison as c


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(columns, "ROWS", 64)


def long(folder, name, epochs):
    """A run that gets better with every epoch."""
    trained = (epoch(at, accuracy=at / 1000, loss=2 - at / 1000) for at in range(epochs))
    return made(folder, name, started(epochs), *trained, dense())


def subject(folder, name, epochs):
    reader = Reader(long(folder, name, epochs))
    reader.read()
    return c.Subject(name, reader.summary, reader.history, len(reader.history))


def test_a_curve_over_epochs_stands_where_its_epochs_were(tmp_path):
    curve = c.points([subject(tmp_path, "a", 500)], "epoch", "validation")
    assert len(curve.x) < 64
    assert (curve.x[0], curve.x[-1], curve.cuts) == (1.0, 500.0, (0, len(curve.x)))
    assert curve.y == tuple((x - 1) / 1000 for x in curve.x)


def test_seeds_that_were_thinned_otherwise_are_compared_at_the_same_epochs(tmp_path):
    """Where one of them has no row, the one before stands for it."""
    short, longer = (subject(tmp_path, str(n), n) for n in (50, 500))
    assert (len(short.history), longer.history.span > 1) == (50, True)
    curve = c.points([longer, short], "epoch", "validation")
    assert curve.x == tuple(map(float, range(1, 51)))
    assert curve.high == tuple((x - 1) / 1000 for x in curve.x)
    apart = [high - low for low, high in zip(curve.low, curve.high, strict=True)]
    assert 0 < max(apart) <= longer.history.span / 1000


def test_plot_tells_the_epochs_of_the_rows(tmp_path):
    shown, picture = plot([long(tmp_path, "a", 500)], "epoch", Look(60, 12, False, True))
    (told,) = json.loads(json.dumps(shown))["runs"]
    assert (told["x"][0], told["x"][-1], len(told["x"]) < 64) == (1.0, 500.0, True)
    assert told["y"][-1] == 0.499
    assert "500" in picture


@pytest.mark.parametrize("items", [[], [1], [1, 2, 3]])
def test_a_list_that_is_told_item_by_item_is_one_json_value(items, capsys):
    answer_each(iter(items), lambda x: {"x": [x, "a\nb"]}, str, json=True)
    value = [{"x": [x, "a\nb"]} for x in items]
    assert capsys.readouterr().out == json.dumps(value, indent=2) + "\n"
    answer_each(iter(items), lambda x: pytest.fail("not asked for"), str, json=False)
    assert capsys.readouterr().out.split() == list(map(str, items))
