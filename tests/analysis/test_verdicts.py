"""Laws, and what a comparison says of numbers that can be checked by eye."""

import numpy as np
import pytest

from vitprune_core.analysis.verdicts import (
    Sample,
    Terms,
    bounded,
    judge,
    noninferior,
    recovers,
    superior,
)
from vitprune_core.spec.claims import Part

PART = Part(test="superior", arm="a", over="b", at=(0.9,))
ONE = Terms(0.05, 1, True, "")
EIGHT = np.array([3.0, 1, 2, 4, 0, 2, 3, 1]) / 100
"""Mean 2 points, interval at 0.05 from 0.9 to 3.1."""


def judged(values, law, terms=ONE, **told):
    return judge(PART, "a - b", Sample(np.asarray(values), **told), law, terms)


@pytest.mark.parametrize(
    ("law", "low", "high", "outcome"),
    [
        (superior(1), 0.1, 3, 1),
        (superior(1), 0.1, 0.9, 1),
        (superior(1), -0.1, 0.9, -1),
        (superior(1), -0.1, 1.1, 0),
        (noninferior(2), -1.9, 0, 1),
        (noninferior(2), -3, -2.1, -1),
        (noninferior(2), -3, -1, 0),
        (bounded(2), -9, 1.9, 1),
        (bounded(2), 2.1, 9, -1),
        (bounded(2), 1, 3, 0),
        (recovers(0.8), 0.81, 1, 1),
        (recovers(0.8), 0.5, 0.79, -1),
        (recovers(0.8), 0.5, 0.9, 0),
    ],
)
def test_an_interval_decides_as_a_whole(law, low, high, outcome):
    assert law.outcome(low, high) == outcome


def test_effect_interval_and_p_are_those_of_the_t_test():
    found = judged(EIGHT, superior(0.01))
    assert (found.verdict, found.seeds, found.small, found.seeds_needed) == (
        "supported",
        8,
        False,
        None,
    )
    assert found.effect == pytest.approx(0.02)
    assert found.interval == pytest.approx((0.00905, 0.03095), abs=1e-5)
    assert found.p == pytest.approx(0.0035, abs=1e-4)
    assert found.per_seed == tuple(EIGHT)


def test_correction_widens_and_multiplies():
    found = judged(EIGHT, superior(0.01), Terms(0.05, 20, True, ""))
    assert found.verdict == "inconclusive"
    assert found.p == pytest.approx(20 * judged(EIGHT, superior(0.01)).p)
    assert found.interval[0] < 0
    assert found.seeds_needed == 9
    assert judged(EIGHT, superior(0.01), Terms(0.05, 1_000, True, "")).p == 1


def test_p_of_what_is_refuted_is_against_what_refutes_it():
    """Mean 2 points against a threshold of 5: t = 3 / 0.463 = 6.5."""
    found = judged(EIGHT, recovers(0.05))
    assert found.verdict == "refuted"
    assert found.p == pytest.approx(0.00034, abs=1e-5)
    less = judged(EIGHT - 0.03, superior(0.01))
    assert less.verdict == "refuted"
    assert less.p == pytest.approx(judged(EIGHT, recovers(0.04)).p)


def test_bounded_is_noninferior_seen_from_the_other_side():
    for shift in (-0.05, 0.0, 0.01, 0.02):
        one, other = judged(EIGHT + shift, bounded(0.02)), judged(-EIGHT - shift, noninferior(0.02))
        assert (one.verdict, one.p, one.fragile) == (other.verdict, other.p, other.fragile)
        assert one.effect == -other.effect
        assert one.seeds_needed == other.seeds_needed


def test_what_the_images_imply_keeps_equal_seeds_from_being_sure():
    alike = np.full(8, 0.01)
    assert judged(alike, superior(0.01)).verdict == "supported"
    assert judged(alike, superior(0.01), floor=0.02).verdict == "inconclusive"


def test_other_values_may_refute():
    """The chosen spread is small by bad luck, the plain one is not: nothing is refuted."""
    assert judged(EIGHT - 0.05, superior(0.01)).verdict == "refuted"
    assert judged(EIGHT - 0.05, superior(0.01), refuting=EIGHT).verdict == "inconclusive"


def test_where_t_and_signs_disagree_it_is_fragile():
    """One seed of 8 against all others: t gives p = 0.0495, the signs 16 / 256."""
    values = np.array([2.0, 1, 3, 1, 2, 3, 2, -2.4]) / 100
    found = judged(values, superior(0.01))
    assert (found.verdict, found.fragile) == ("supported", True)
    assert (found.sign_flip_p, found.p) == (0.0625, pytest.approx(0.0495, abs=1e-4))
    assert not judged(EIGHT, superior(0.01)).fragile


def test_less_than_eight_seeds_do_not_decide_even_at_a_look():
    found = judged(EIGHT[:7] + 1, superior(0.01))
    assert (found.verdict, found.p, found.note) == (
        "inconclusive",
        None,
        "7 seeds decide nothing, 8 do",
    )
    assert found.interval is not None


def test_one_seed_has_an_effect_and_no_spread():
    found = judged([0.02], superior(0.01), Terms(0.05, 1, False, "a pilot"))
    assert (found.verdict, found.effect, found.interval) == ("inconclusive", 0.02, None)
    assert found.note == "a pilot"


def test_hopeless_needs_no_number():
    found = judged(EIGHT - EIGHT.mean() + 0.00001, noninferior(0.0))
    assert (found.verdict, found.seeds_needed) == ("inconclusive", None)
    assert found.note


def test_beside_the_corrected_interval_stands_the_one_of_95_percent():
    """sd 1.31 points over 8 seeds, t 2.36: 1.09 points to either side, whatever else is asked."""
    alone = judged(EIGHT, superior(0.01)).alone
    assert alone == pytest.approx((0.0091, 0.0309), abs=1e-4)
    many = judged(EIGHT, superior(0.01), Terms(0.05, 100, True, ""))
    assert many.alone == alone
    assert many.interval[0] < 0 < alone[0]
