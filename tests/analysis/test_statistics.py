"""Every statistic on numbers that can be checked by eye, or against another implementation."""

import numpy as np
import pytest
from scipy import stats

from vitprune_core.analysis.statistics import (
    bootstrap,
    concordance,
    discordance,
    estimate,
    own_images,
    rarer_than_half,
    ratio_of_means,
    redrawn,
    seeds_needed,
    share_interval,
    shared_images,
    sign_flip,
)

EIGHT = np.array([3.0, 1, 2, 4, 0, 2, 3, 1]) / 100


def test_the_interval_is_that_of_the_paired_t_test():
    found = estimate(EIGHT)
    low, high = stats.ttest_1samp(EIGHT, 0).confidence_interval(0.95)
    assert found.mean - found.half(0.05) == pytest.approx(low)
    assert found.mean + found.half(0.05) == pytest.approx(high)
    # mean 2, squares 1 1 0 4 4 0 1 1: deviation sqrt(12 / 7), t of 7 degrees of freedom 2.365
    assert found.half(0.05) == pytest.approx(0.02365 * np.sqrt(12 / 7 / 8), rel=1e-3)
    assert found.p(0) == pytest.approx(stats.ttest_1samp(EIGHT, 0).pvalue)


@pytest.mark.parametrize("level", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("floor", [0.0, 0.01, 0.05])
def test_p_is_the_level_whose_interval_ends_at_the_threshold(level, floor):
    found = estimate(EIGHT, floor)
    assert found.p(float(found.mean - found.half(level))) == pytest.approx(level)


def test_a_floor_counts_where_it_is_wider_than_students_interval():
    assert estimate(EIGHT, 0.001).half(0.05) == estimate(EIGHT).half(0.05)
    assert estimate(EIGHT, 0.1).half(0.05) == pytest.approx(1.96 * 0.1 / np.sqrt(8), rel=1e-3)
    alike = estimate(np.full(8, 0.02), 0.01)
    assert (alike.sd, alike.half(0.05)) == (0, pytest.approx(0.00693, rel=1e-3))


def test_seeds_without_any_spread_are_sure():
    found = estimate(np.full(8, 0.1))
    assert (found.p(0), found.p(0.1), found.half(0.05)) == (0, 1, 0)


def test_the_floor_is_what_mcnemar_counts():
    differences = np.repeat([1, -1, 0], [9, 3, 348])
    b, c, images = 9, 3, 360
    expected = np.sqrt((b + c - (b - c) ** 2 / images) / images**2)
    assert discordance(differences) == pytest.approx(expected)


def test_seeds_that_test_other_images_differ_at_least_by_the_floor():
    random = np.random.default_rng(0)
    counts = random.multinomial(360, [0.05, 0.02, 0.93], 50_000)
    seen = ((counts[:, 0] - counts[:, 1]) / 360).std()
    typical = np.repeat([1.0, -1.0, 0.0], [18, 7, 335])
    assert seen == pytest.approx(float(discordance(typical)), rel=0.02)


def test_as_many_seeds_as_needed_settle_it_and_one_less_does_not():
    found = estimate(EIGHT / 10 - 0.001)
    needed = seeds_needed(found, 0, 0.001)
    assert needed is not None
    for seeds, settled in ((needed, True), (needed - 1, False)):
        half = stats.t.isf(0.0005, seeds - 1) * found.sd / np.sqrt(seeds)
        assert (half < found.mean) == settled
    assert seeds_needed(found, float(found.mean), 0.05) is None


def test_a_ratio_weighs_seeds_by_what_there_was_to_gain():
    """8 of 10 points, 9 of 10, and a seed that lost a tenth of a point more where it lost one."""
    parts, wholes = np.array([8, 9, -0.1]), np.array([10, 10, 0.1])
    values = ratio_of_means(parts, wholes, 0.8)
    assert values.mean() == pytest.approx(16.9 / 20.1)
    assert np.abs(values - 0.8).max() < 0.16
    assert ratio_of_means(0.8 * wholes, wholes, 0.8) == pytest.approx(0.8)
    gained = parts - 0.8 * wholes
    assert estimate(values).p(0.8) == pytest.approx(stats.ttest_1samp(gained, 0).pvalue)


def test_flipped_signs_are_counted():
    assert sign_flip(np.ones(8)) == 2 / 256
    assert sign_flip(np.array([1.0, -1, 1, -1, 1, -1, 1, -1])) == 1
    assert sign_flip(np.array([1.0, 2, 3])) == 0.25
    # of 8 sign patterns of (1, 2, -3) two sum to 0 and only that is as near
    assert sign_flip(np.array([1.0, 2, -3])) == 1


def test_random_flips_agree_with_the_t_test():
    values = np.random.default_rng(1).normal(0.5, 1, 20)
    assert sign_flip(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)
    assert sign_flip(np.ones(20)) == 1 / 20_001


def test_the_bootstrap_is_as_wide_as_the_t_interval():
    values = np.random.default_rng(2).normal(0, 1, 20)
    low, high = bootstrap(values)
    found = estimate(values)
    assert high - low == pytest.approx(2 * found.half(0.05), rel=0.1)
    assert bootstrap(values) == bootstrap(values)


def test_images_that_all_seeds_share_widen_the_bootstrap():
    """Seeds alike and images not: what is left to chance is which images were drawn."""
    random = np.random.default_rng(3)
    images = random.normal(0, 1, 200)
    differences = np.broadcast_to(images, (20, 200))
    effects = shared_images(differences)
    assert effects == pytest.approx(images - images.mean())
    low, high = bootstrap(np.zeros(20), redrawn(effects))
    expected = 2 * 1.96 * images.std() / np.sqrt(200)
    assert high - low == pytest.approx(expected, rel=0.1)


def test_images_have_no_effect_where_seeds_and_images_only_meet_by_chance():
    differences = np.random.default_rng(4).normal(0, 1, (500, 20, 100))
    share = shared_images(differences).var(axis=-1) / differences.mean(axis=-2).var(axis=-1)
    assert share.mean() < 0.1


def test_images_that_each_seed_has_for_itself_are_counted_once():
    """Seeds that differ by their images only: resampling both is as wide as resampling seeds."""
    differences = np.random.default_rng(5).normal(0, 1, (300, 20, 100))
    values, inside = differences.mean(axis=-1), np.full(300, 0.1)
    low, high = bootstrap(values, redrawn(own_images(differences)), inside)
    expected = 2 * 1.96 * 0.1 / np.sqrt(20)
    assert (high - low).mean() == pytest.approx(expected, rel=0.12)
    assert (high - low).min() > 0.8 * expected  # seeds alike by luck are no reason to be sure
    twice = bootstrap(values, redrawn(own_images(differences)))
    assert (twice[1] - twice[0]).mean() > 1.35 * expected


def test_kendalls_w_is_the_textbooks():
    """Three judges rank six applicants (Siegel 1956): W = 0.16, far from any agreement."""
    ranks = np.array([[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]])
    w, p = concordance(ranks)
    assert w == pytest.approx(0.16, abs=0.005)
    assert p > 0.7


@pytest.mark.parametrize("objects", [4, 7, 8, 24])
def test_kendalls_w_goes_with_friedmans_test(objects):
    values = np.random.default_rng(5).normal(0, 1, (12, objects)) + np.arange(objects) / 5
    friedman = stats.friedmanchisquare(*values.T)
    w, p = concordance(values)
    assert w == pytest.approx(friedman.statistic / (12 * (objects - 1)))
    assert p == pytest.approx(friedman.pvalue, abs=0.03)


def test_equal_rankings_have_w_1_and_no_ranking_says_nothing():
    assert concordance(np.tile(np.arange(9.0), (8, 1)))[0] == 1
    assert concordance(np.ones((8, 9))) == (0, 1)


def test_rarer_than_half_is_the_level_whose_interval_ends_there():
    """Of 20 seeds none: 2 / 2 ** 20."""
    assert rarer_than_half(0, 20) == pytest.approx(2 / 2**20)
    for hits in (0, 2, 5):
        level = rarer_than_half(hits, 20)
        assert share_interval(hits, 20, level)[1] == pytest.approx(0.5)
    assert rarer_than_half(10, 20) == 1


def test_the_interval_of_a_share_is_exact():
    """Nothing in n: the upper limit u has (1 - u)^n = level / 2."""
    assert share_interval(0, 20, 0.05) == (0, pytest.approx(1 - 0.025 ** (1 / 20)))
    assert share_interval(20, 20, 0.05) == (pytest.approx(0.025 ** (1 / 20)), 1)
    exact = stats.binomtest(7, 20).proportion_ci(0.95, "exact")
    assert share_interval(7, 20, 0.05) == pytest.approx((exact.low, exact.high))
