"""Structure in masks: of a few weights, planted, and by chance alone."""

import json
from itertools import combinations, product
from statistics import fmean, pvariance

import numpy as np
import pytest

from vitprune_core.analysis.structure import (
    SHUFFLES,
    TRADES,
    dead,
    encode,
    gini,
    of_matrix,
    overlap,
    rounded,
    spread,
    structure,
)
from vitprune_core.analysis.structure_shuffles import (
    LEAST,
    Shuffled,
    _drawn,
    generator,
    p_value,
    sum_of_squares,
)
from vitprune_core.analysis.structure_trades import traded, with_margins

SEED = 100
SMALL = [(g, s, n) for g, s in ((1, 3), (2, 2), (3, 2), (2, 4), (4, 2)) for n in range(g * s + 1)]


def every_mask(groups: int, size: int, kept: int) -> list[list[int]]:
    """What each mask that keeps so many leaves in each group."""
    places = combinations(range(groups * size), kept)
    return [[sum(p // size == g for p in chosen) for g in range(groups)] for chosen in places]


@pytest.mark.parametrize(("groups", "size", "kept"), SMALL)
def test_moments_and_chances_are_those_of_all_masks_together(groups, size, kept):
    masks, null = every_mask(groups, size, kept), Shuffled(groups, size, kept)
    squares = [sum(c * c for c in mask) for mask in masks]
    assert float(null.mean) == pytest.approx(fmean(squares))
    assert float(null.variance) == pytest.approx(pvariance(squares), abs=1e-12)
    for least in range(groups + 1):
        share = fmean(mask.count(0) >= least for mask in masks)
        assert null.dead(least) == pytest.approx(max(share, LEAST), rel=1e-12)


def test_drawn_masks_are_as_the_exact_ones():
    null = Shuffled(6, 8, 12)
    drawn = null.draw(20_000, SEED)
    error = (float(null.variance) / len(drawn)) ** 0.5
    assert drawn.mean() == pytest.approx(float(null.mean), abs=4 * error)
    assert drawn.var() == pytest.approx(float(null.variance), rel=0.05)


def test_a_spread_is_the_variance_beside_its_mean_by_chance():
    """Of 4 x 4 weights two rows stay: counts vary by 4, of shuffled masks by 0.8 in the mean."""
    found = spread(np.array([4, 4, 0, 0]), 16, SEED)
    assert found["ratio"] == pytest.approx(5)
    assert found["p"] == 1 / (SHUFFLES + 1)
    assert spread(np.array([2, 2, 2, 2]), 16, SEED) == {
        "ratio": 0, "z": pytest.approx(-1.363, abs=1e-3), "p": 1,
    }  # fmt: skip


def test_where_chance_does_not_vary_there_is_no_z():
    nothing = {"ratio": None, "z": None, "p": 1}
    assert spread(np.array([0, 0, 0]), 6, SEED) == nothing
    assert spread(np.array([2, 2, 2]), 6, SEED) == nothing
    assert spread(np.array([0, 1, 0]), 6, SEED) == {"ratio": 1, "z": None, "p": 1}


def test_gini_is_0_where_all_are_alike_and_largest_where_one_has_all():
    assert gini(np.array([3, 3, 3, 3])) == 0
    assert gini(np.array([0, 4, 0, 0])) == 0.75
    assert gini(np.array([0, 0])) is None


def test_the_chance_of_dead_lines_is_told_however_small_it_is():
    assert dead(np.array([1, 1, 0, 2]), 16) == {"count": 1, "p": pytest.approx(1 - 4**4 / 1820)}
    assert dead(np.array([96] * 48 + [0] * 48), 96 * 96)["p"] == LEAST
    few = Shuffled(96, 96, 92)
    assert few.dead(1) == 1  # 92 weights cannot reach 96 rows
    assert 0 < few.dead(60) < few.dead(50) < few.dead(37) < 1


def test_a_p_is_never_0_and_1_where_all_are_alike():
    assert p_value(5, [1, 2, 3]) == 0.25
    assert p_value(2, [2, 2, 2]) == 1


def by_chance(draw, rows: int, columns: int, kept: int) -> np.ndarray:
    flat = np.zeros(rows * columns, bool)
    flat[draw.choice(flat.size, kept, replace=False)] = True
    return flat.reshape(rows, columns)


@pytest.mark.parametrize("density", [0.15, 0.5, 0.9])
@pytest.mark.parametrize("axis", [0, 1])
def test_planted_dead_heads_and_rows_are_found(density, axis):
    mask = by_chance(np.random.default_rng(1), 48, 48, round(density * 48 * 48))
    along = mask if axis == 0 else mask.T
    along[16:24] = False  # head 2 of 6
    along[3] = False
    found = of_matrix("blocks.0.attn.q", mask, None, axis, 6, SEED)
    lines, across = ("rows", "columns") if axis == 0 else ("columns", "rows")
    assert found["dead_heads"]["count"] == 1
    assert found["dead_heads"]["p"] < 1e-6
    assert found[f"dead_{lines}"]["count"] == 9 == int((~along.any(axis=1)).sum())
    assert found[f"dead_{lines}"]["p"] < 1e-6
    assert found["heads"]["p"] == found[lines]["p"] == 1 / (SHUFFLES + 1)
    assert found["heads"]["ratio"] > 5
    assert found[across]["ratio"] < 2


@pytest.mark.parametrize("repeats", [60, pytest.param(180, marks=pytest.mark.slow)])
def test_masks_of_chance_are_not_called_structure(repeats):
    """p <= a in no more than the share a of shuffled masks, within 4 standard errors."""
    draw, seen = np.random.default_rng(2), {}
    shapes, densities = ((24, 24), (12, 36), (36, 12)), (0.02, 0.1, 0.4, 0.8)
    for i, ((rows, columns), density) in product(range(repeats), product(shapes, densities)):
        mask = by_chance(draw, rows, columns, round(density * rows * columns))
        found = of_matrix("blocks.0.attn.q", mask, None, 0, 6, seed=i)
        ps = {kind: of["p"] for kind, of in found.items() if isinstance(of, dict) and "p" in of}
        ps |= {"labels": found["labels"]["heads_p"], "margins": found["margins"]["heads"]["p"]}
        for kind, p in ps.items():
            seen.setdefault(kind, []).append(p)
    assert len(seen) == 8
    for kind, ps in seen.items():
        assert len(ps) == 12 * repeats
        for a in (0.01, 1 / (TRADES + 1), 0.1):
            most = a + 4 * (a * (1 - a) / len(ps)) ** 0.5
            assert np.mean(np.array(ps) <= a + 1e-12) <= most, (kind, a)


def test_trades_keep_what_each_row_and_column_has():
    draw = np.random.default_rng(3)
    for rows, columns, kept in (
        (7, 5, 9),
        (8, 32, 100),
        (2, 2, 2),
        (4, 4, 0),
        (4, 4, 16),
        (3, 1, 2),
    ):
        mask = by_chance(draw, rows, columns, kept)
        after = traded(mask, draw)
        assert (after.sum(1) == mask.sum(1)).all()
        assert (after.sum(0) == mask.sum(0)).all()


def test_every_mask_with_the_same_margins_comes_as_often():
    draw, mask, seen = np.random.default_rng(4), np.eye(3, dtype=bool), {}
    for _ in range(6000):
        mask = traded(mask, draw)
        seen[mask.tobytes()] = seen.get(mask.tobytes(), 0) + 1
    assert len(seen) == 6
    assert all(abs(count - 1000) < 200 for count in seen.values())


def test_heads_that_keep_other_columns_are_found_by_margins_alone():
    mask = np.kron(np.eye(4, dtype=bool), np.ones((4, 4), bool))
    found = of_matrix("blocks.0.attn.q", mask, None, 0, 4, SEED)
    assert (found["rows"]["ratio"], found["columns"]["ratio"], found["heads"]["ratio"]) == (0, 0, 0)
    assert found["margins"]["heads"]["ratio"] > 2
    assert found["margins"]["heads"]["p"] == 1 / (TRADES + 1)


def test_rows_that_vary_alike_in_every_head_are_no_finding_of_heads():
    rows = np.tile([0, 2, 4, 8], 4)
    alike = rows[:, None] > np.arange(8)
    found = of_matrix("blocks.0.attn.k", alike, None, 0, 4, SEED)
    assert found["rows"]["p"] == 1 / (SHUFFLES + 1)
    assert found["labels"]["heads_p"] == 1
    apart = np.sort(rows)[:, None] > np.arange(8)
    found = of_matrix("blocks.0.attn.k", apart, None, 0, 4, SEED)
    assert found["labels"]["heads_p"] == 1 / (SHUFFLES + 1)


def test_the_initial_mask_stands_beside_with_what_both_keep():
    here, there = np.array([[1, 1, 0, 0]] * 2) == 1, np.array([[0, 1, 0, 0], [0, 0, 0, 1]]) == 1
    assert overlap(here, there) == {"share": 0.25, "expected": 0.25}
    assert overlap(here & ~here, there) == {"share": None, "expected": 0.25}
    known = of_matrix("blocks.0.mlp.fc1", here, there, None, 2, SEED)["initial"]
    assert known["rows"] == pytest.approx(spread(there.sum(1), 8, SEED)["ratio"])
    unknown = of_matrix("blocks.0.mlp.fc1", here, None, None, 2, SEED)["initial"]
    assert unknown == {"rows": None, "columns": None, "overlap": None}


MASKS = {
    f"blocks.0.{kind}": by_chance(np.random.default_rng(i), 12, 12, 30 + i)
    for i, kind in enumerate(("attn.q", "attn.o", "mlp.fc1"))
}
AXES = {"blocks.0.attn.q": 0, "blocks.0.attn.o": 1, "blocks.0.mlp.fc1": None}


def test_the_same_masks_and_seed_give_the_same_bytes_in_any_order():
    first = encode(structure(MASKS, AXES, 3, SEED, MASKS))
    _drawn.cache_clear()
    turned = structure(dict(reversed(MASKS.items())), AXES, 3, SEED, MASKS)
    assert encode({name: turned[name] for name in MASKS}) == first
    assert encode(structure(MASKS, AXES, 3, SEED + 1, MASKS)) != first


def test_a_file_has_everything_a_matrix_can_say_in_six_digits():
    found = json.loads(encode(structure(MASKS, AXES, 3, SEED, MASKS)))
    assert list(found) == list(MASKS)
    q, fc1 = found["blocks.0.attn.q"]["structure"], found["blocks.0.mlp.fc1"]["structure"]
    lines = ["rows", "columns", "gini", "dead_rows", "dead_columns", "shuffles", "initial"]
    assert list(fc1) == lines
    assert set(q) == {*lines, "heads", "dead_heads", "labels", "margins"}
    assert q["initial"]["overlap"]["share"] == 1
    assert rounded({"a": [1], "b": 1 / 3, "c": None, "d": 12345678}) == {
        "a": [1], "b": 0.333333, "c": None, "d": 12345678,
    }  # fmt: skip


def test_draws_are_named_by_what_they_are_for():
    assert generator("labels", 1).random() == generator("labels", 1).random()
    assert generator("labels", 1).random() != generator("labels", 2).random()


def test_sums_of_squares_are_whole_numbers_of_any_kind_of_count():
    assert sum_of_squares(np.array([[200, 100], [1, 0]], np.uint8)).tolist() == [50_000, 1]


def test_as_many_masks_are_walked_through_as_were_asked_for():
    walk = with_margins(np.eye(4, dtype=bool), 2, 7, np.random.default_rng(0))
    assert len(walk) == 7
