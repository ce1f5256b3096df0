"""The simulated studies are what the tables say they are."""

import numpy as np
import pytest

from benchmarks.simulation.tables import PARTS, pair
from benchmarks.simulation.worlds import FOLDS, IMAGES, World, draw, images_of
from vitprune_core.analysis.findings import family
from vitprune_core.spec.study import load_study

STUDIES = 200


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("collapse", [0.0, 0.1])
def test_arms_have_the_accuracies_that_were_asked_for(fixed, collapse):
    world = World(((0.8,), (0.7,)), spread=0.02, collapse=collapse, fixed=fixed)
    drawn = draw(world, STUDIES, 1)[20]
    error = drawn.values.std() / np.sqrt(STUDIES)  # of means over 20 seeds: on the safe side
    assert drawn.values.mean() == pytest.approx(-0.1, abs=3 * error)
    assert drawn.for_these.mean() == pytest.approx(-0.1, abs=0.003)


def test_on_these_images_the_truth_is_where_their_seeds_are():
    """Means of 20 seeds scatter around the truth of their images as their error says, no more."""
    drawn = draw(pair(0.9, 0.88, spread=0.0, fixed=True), STUDIES, 2)[20]
    off = (drawn.values.mean(axis=-1) - drawn.for_these) / (drawn.estimate.sd / np.sqrt(20))
    assert off.std() == pytest.approx(1.05, abs=0.15)


def test_seeds_that_differ_by_their_images_only_differ_by_the_floor():
    drawn = draw(pair(0.9, 0.9, spread=0.0), STUDIES, 3)[20]
    assert drawn.values.std(axis=-1).mean() == pytest.approx(drawn.floor.mean(), rel=0.05)


def test_five_seeds_test_every_image_once():
    tested = images_of(20, False, np.random.default_rng(0))
    for n in range(0, 20, FOLDS):
        assert sorted(tested[n : n + FOLDS].ravel()) == list(range(FOLDS * IMAGES))


def test_power_is_told_at_the_level_of_the_posters_study():
    assert family(load_study("poster")) == PARTS
