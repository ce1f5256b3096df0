"""What arms do at sparsities that a finding does not ask about, where they do otherwise."""

import pytest

from tests.analysis.made import SMALL, measured, saved, steady, study
from vitprune_core.analysis.gather import gather
from vitprune_core.analysis.outside import outside

AT_HALF = SMALL.replace("over: random, at: [0.5, 0.9]", "over: random, at: [0.5]")
"""Magnitude beats random: declared at 50 %, measured at 50 and 90 %."""


@pytest.fixture
def said(tmp_path):
    """What is said of F1, where accuracies are these and otherwise 96 and 70 %."""

    def make(accuracies, text=AT_HALF, seeds=None):
        made = study(tmp_path, text)
        found = measured(
            made, lambda arm, seed, s: accuracies.get((arm, s), steady(arm, seed, s)), seeds
        )
        g = gather([saved(tmp_path / "made-digits", made, found)])[0]
        return g.verdicts[0].verdict, outside(g.verdicts[0], g)

    return make


def test_what_is_supported_and_turns_round_elsewhere_says_so(said):
    lost = {("global", 0.9): 0.68, ("random", 0.9): 0.70}
    assert said(lost) == (
        "supported",
        "Outside of what was declared, and not tested: with 90 % removed the mean of global is "
        "2.0 points below random's.",
    )


def test_what_is_supported_and_holds_elsewhere_needs_no_words(said):
    assert said({}) == ("supported", "")


def test_what_is_refuted_and_holds_elsewhere_says_so(said):
    alike = {("global", 0.5): 0.7, ("random", 0.5): 0.7, ("global", 0.9): 0.8, ("random", 0.9): 0.7}
    verdict, words = said(alike)
    assert verdict == "refuted"
    assert words.endswith("with 90 % removed the mean of global is 10.0 points above random's.")


def test_less_than_what_matters_is_not_told(said):
    assert said({("global", 0.9): 0.695, ("random", 0.9): 0.70})[1] == ""


def test_where_all_was_asked_nothing_is_outside(said):
    assert said({("global", 0.9): 0.68, ("random", 0.9): 0.70}, SMALL)[1] == ""


def test_what_another_finding_asks_about_is_not_outside(said):
    third = "test: noninferior, arm: random, over: {}, at: [0.9]"
    assert third.format("control") in AT_HALF
    text = AT_HALF.replace(third.format("control"), third.format("global"))
    assert said({("global", 0.9): 0.68, ("random", 0.9): 0.70}, text)[1] == ""


def test_before_the_first_look_nothing_is_told(said):
    assert said({("global", 0.9): 0.68, ("random", 0.9): 0.70}, seeds=3)[1] == ""
