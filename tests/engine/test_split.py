import numpy as np
import pytest

from vitprune_core.engine.data import all_digits
from vitprune_core.engine.split import folds, held_out

UNEVEN = np.repeat([3, 0, 7, 2], [5, 11, 6, 9])[np.random.RandomState(1).permutation(31)]
"""Labels of four classes."""


def test_every_fold_has_its_share_of_every_class():
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    found = folds(labels, 2, seed=0)
    assert sorted(found[labels == 0]) == sorted(found[labels == 1]) == [0, 0, 1, 1]


def test_what_is_held_out_and_what_stays_are_all():
    kept, held = held_out(np.array([0, 0, 0, 1, 1, 1]), 2, seed=0)
    assert sorted([*kept, *held]) == list(range(6))
    assert [i // 3 for i in held] == [0, 1]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("labels", [UNEVEN, all_digits()[0].labels], ids=["uneven", "digits"])
def test_folds_are_those_of_scikit_learn(labels, seed):
    from sklearn.model_selection import StratifiedKFold

    found = folds(labels, 5, seed)
    theirs = StratifiedKFold(5, shuffle=True, random_state=seed).split(labels, labels)
    for fold, (_, test) in enumerate(theirs):
        assert np.flatnonzero(found == fold).tolist() == test.tolist()


@pytest.mark.parametrize("size", [4, 7, 13, 20])
@pytest.mark.parametrize("seed", range(10))
def test_held_out_are_those_of_scikit_learn(size, seed):
    from sklearn.model_selection import train_test_split

    index = np.arange(len(UNEVEN))
    theirs = train_test_split(index, test_size=size, stratify=UNEVEN, random_state=seed)
    for ours, other in zip(held_out(UNEVEN, size, seed), theirs, strict=True):
        assert ours.tolist() == sorted(other)


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    bunch, (half, _) = load_digits(), all_digits()
    assert (half.images[:, 0] == bunch.images).all()
    assert (half.labels == bunch.target).all()
