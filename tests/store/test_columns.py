"""Long histories are thinned: the rows that stay are those that a picture needs."""

import random
from array import array
from itertools import groupby

import pytest

from vitprune_core.store import columns as module
from vitprune_core.store.columns import CODES, TELLING, History
from vitprune_tui.draw.glyphs import BRAILLE
from vitprune_tui.draw.live import over_epochs
from vitprune_tui.draw.live.phases import starts


def history(stages, each):
    """So many stages of so many noisy epochs each."""
    draw, made = random.Random(0), History.empty()
    for stage in range(stages):
        loss = [2.3 / (1 + at) ** 0.3 + draw.random() / 10 for at in range(each)]
        seq = range(len(made) + 1, len(made) + each + 1)
        columns = seq, [stage] * each, [stage / 10] * each, loss, [1e-3] * each
        more = [1 - x / 3 for x in loss], [1.1 * x for x in loss]
        made.extend([array(code, x) for code, x in zip(CODES, columns + more, strict=False)])
    return made


def rows(history):
    return list(zip(*history.columns, strict=True))


def of_stages(history):
    return [list(some) for _, some in groupby(rows(history), lambda row: row[1])]


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 400)


def test_a_row_says_how_many_epochs_there_were_up_to_it():
    made = history(2, 3)
    assert list(made.done) == [1, 2, 3, 4, 5, 6]
    assert list(made.until(4).done) == [1, 2, 3, 4]


def test_a_long_history_is_thinned_to_whole_rows_of_its_own(few):
    whole = history(3, 1000)
    thin = whole.thinned()
    assert (whole.is_long, thin.is_long) == (True, False)
    assert len(thin) <= 200
    assert rows(thin) == sorted(set(rows(thin)) & set(rows(whole)))


def test_each_stage_keeps_its_ends_and_its_extremes(few):
    whole = history(3, 1000)
    for all_of_it, what_stays in zip(of_stages(whole), of_stages(whole.thinned()), strict=True):
        assert (what_stays[0], what_stays[-1]) == (all_of_it[0], all_of_it[-1])
        for column in (3, 5, 6):  # loss, accuracy, loss of the validation images
            values, kept = ([row[column] for row in some] for some in (all_of_it, what_stays))
            assert (min(kept), max(kept)) == (min(values), max(values))


def test_a_stretch_keeps_few_rows_and_every_stretch_as_many(few):
    thin = history(1, 5000).thinned()
    kept = [len(list(some)) for _, some in groupby(thin.done, lambda at: at // thin.span)]
    assert max(kept) <= TELLING
    assert len(kept) == 5000 // thin.span + 1
    assert min(kept[:-1]) >= 2


def test_a_thinned_history_grows_on_and_is_thinned_again(few):
    whole, grown = history(2, 2000), History.empty()
    for at in range(0, 4000, 50):
        grown.extend([column[at : at + 50] for column in whole.columns[:-1]])
        if grown.is_long:
            grown = grown.thinned()
        assert len(grown) <= 450
        assert (grown.done[-1], grown.loss[-1]) == (at + 50, whole.loss[at + 49])
    assert max(grown.accuracy) == max(whole.accuracy)
    assert [grown.done[row] for row in starts(grown, len(grown))] == [1, 2001]


def test_one_that_was_cut_back_grows_on_too(few):
    whole = history(1, 3000)
    cut = whole.thinned().until(1000)
    assert cut.done[-1] <= 1000
    cut.extend([column[1000:] for column in whole.columns[:-1]])
    thin = cut.thinned()
    assert len(thin) <= 200
    assert (thin.loss[0], thin.loss[-1]) == (whole.loss[0], whole.loss[-1])
    assert max(thin.accuracy) == max(whole.accuracy)


def test_stages_of_few_epochs_stay_whole_and_are_not_looked_at_again_and_again(few):
    short = history(300, 2)
    assert short.is_long
    thin = short.thinned()
    assert rows(thin) == rows(short)
    assert not thin.is_long


@pytest.mark.parametrize(("columns", "lines"), [(40, 8), (80, 12), (200, 30)])
def test_a_picture_of_it_hardly_differs(columns, lines):
    whole = history(3, 10_000)
    thin = whole.thinned()
    assert len(thin) < len(whole) / 3
    one, other = (drawn(some, columns, lines) for some in (whole, thin))
    assert sum(a != b for a, b in zip(one, other, strict=True)) <= 0.01 * len(one)


def drawn(history, columns, lines):
    made = over_epochs.losses(history, len(history), 30_000, (), None, False, 0.0)
    shown = over_epochs.loss(made, columns, lines, BRAILLE)
    return "".join(piece[0] for line in shown for piece in line)
