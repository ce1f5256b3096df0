"""Whole heads that masks empty, beside what shuffled masks of the same matrices empty."""

import numpy as np
import pytest

from tests.analysis.planted import MATRICES, recorded, tables
from vitprune_core.analysis.findings import decide, family
from vitprune_core.analysis.heads import by_chance
from vitprune_core.analysis.structure_shuffles import Shuffled
from vitprune_core.spec.study import load_study

POSTER = load_study("poster")


def test_of_two_weights_in_two_heads_one_head_is_empty_every_third_time():
    """Heads of 2 weights, 2 kept: of 6 pairs of places 2 lie in one head."""
    assert by_chance([Shuffled(2, 2, 2)]) == pytest.approx([2 / 3, 1 / 3, 0])
    assert by_chance([Shuffled(2, 2, 2)] * 2) == pytest.approx([4 / 9, 4 / 9, 1 / 9, 0, 0])


def test_it_is_what_shuffling_gives():
    masks = [Shuffled(6, 12, 7), Shuffled(6, 12, 10), Shuffled(6, 12, 30)]
    draw, counts = np.random.default_rng(0), np.zeros(4000, int)
    for of in masks:
        kept = draw.multivariate_hypergeometric([of.size] * of.groups, of.kept, size=len(counts))
        counts += (kept == 0).sum(axis=1)
    chances = by_chance(masks)
    assert chances.sum() == pytest.approx(1)
    seen = np.bincount(counts, minlength=len(chances)) / len(counts)
    assert seen == pytest.approx(chances, abs=4 * 0.5 / len(counts) ** 0.5)


def test_one_matrix_in_sixteen_that_loses_a_head_is_not_drowned_by_the_others():
    found = recorded(POSTER, dead=0, density=lambda matrix, seed: 60 / 96**2)
    for at, matrices in found.items():
        if at.level != "alone":
            matrices[MATRICES[0]]["structure"]["dead_heads"]["count"] = 1
    verdicts = decide(POSTER, tables(POSTER, lambda arm, sparsity: 0.9, structure=found))
    (heads,) = [
        c
        for verdict in verdicts
        for c in verdict.comparisons
        if c.part.arm == "global" and "heads emptied" in c.label
    ]
    assert heads.verdict == "supported"
    assert heads.note.startswith(
        "1.0 of 72 parts of heads a mask, 0.0 by chance, any in 20 of 20 seeds"
    )


def test_heads_that_are_never_empty_are_refuted_with_the_p_of_that():
    """None in 20 seeds, if half of all seeds had one: 2 / 2 ** 20, corrected."""
    found = recorded(POSTER, dead=0, density=lambda matrix, seed: 0.02)
    verdicts = decide(POSTER, tables(POSTER, lambda arm, sparsity: 0.9, structure=found))
    heads = next(v for v in verdicts if v.id == "F4").comparisons[3]
    assert heads.verdict == "refuted"
    assert heads.p == pytest.approx(2 / 2**20 * 2 * family(POSTER))


def test_of_a_large_matrix_chances_are_known_at_once():
    assert by_chance([Shuffled(12, 12_288, 7_372)] * 50) == pytest.approx([1])
