"""Masks: laws over the whole grid, and numbers small enough to check by eye."""

from itertools import product

import pytest
import torch
from torch.nn.utils import prune as torch_prune

from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.pruning.mask import with_biases
from vitprune_core.engine.pruning.select import lowest_removed
from vitprune_core.engine.pruning.units import UNITS

GRANULARITIES = ["weight", "row", "column"]
DISTRIBUTIONS = ["global", "layerwise", "random"]
GRID = list(product(GRANULARITIES, DISTRIBUTIONS))
SPARSITIES = [0.0, 0.1, 0.25, 0.5, 0.77, 0.9, 0.99, 1.0]


def matrices(seed=0, scale=(1.0, 0.3, 2.0)):
    """Three matrices of other shapes and sizes of weights."""
    draw = torch.Generator().manual_seed(seed)
    shapes = {"a": (8, 6), "b": (6, 8), "c": (10, 8)}
    return {
        name: s * torch.randn(shape, generator=draw)
        for s, (name, shape) in zip(scale, shapes.items(), strict=True)
    }


def tied():
    """Every weight the same: all that decides is the order."""
    return {name: torch.ones_like(w) for name, w in matrices().items()}


def ints(masks):
    return {name: mask.int().tolist() for name, mask in masks.items()}


def removed(masks):
    return sum(int((~m).sum()) for m in masks.values())


def test_global_ranks_across_matrices_and_layerwise_inside_them():
    weights = {"a": torch.tensor([[0.1, -0.9], [0.2, 0.5]]), "b": torch.tensor([[-0.7, 0.8]])}
    assert ints(make_masks(weights, sparsity=0.5)) == {"a": [[0, 1], [0, 0]], "b": [[1, 1]]}
    layerwise = make_masks(weights, distribution="layerwise", sparsity=0.5)
    assert ints(layerwise) == {"a": [[0, 1], [0, 1]], "b": [[0, 1]]}


def test_a_line_scores_by_the_root_mean_square_of_its_weights():
    weights = {"a": torch.tensor([[3.0, 0.0], [2.0, 2.0], [1.0, 1.0]])}
    rows = make_masks(weights, "row", "global", 2 / 3)
    assert ints(rows) == {"a": [[1, 1], [0, 0], [0, 0]]}
    columns = make_masks(weights, "column", "global", 0.5)
    assert ints(columns) == {"a": [[1, 0], [1, 0], [1, 0]]}


def test_lines_of_other_lengths_compete_by_their_mean_and_count_by_their_weights():
    weights = {"long": torch.tensor([[1.0] * 4, [4.0] * 4]), "short": torch.tensor([[2.0, 2.0]])}
    masks = make_masks(weights, "row", "global", 0.5)  # 5 of 10: 4 weights are closer than 6
    assert ints(masks) == {"long": [[0] * 4, [1] * 4], "short": [[1, 1]]}
    masks = make_masks(weights, "row", "global", 0.6)
    assert ints(masks) == {"long": [[0] * 4, [1] * 4], "short": [[0, 0]]}


def test_of_two_prefixes_equally_close_the_shorter_is_taken():
    weights = {"a": torch.tensor([[1.0, 1.0], [2.0, 2.0]])}
    assert removed(make_masks(weights, "row", "global", 0.25)) == 0
    assert removed(make_masks(weights, "row", "global", 0.75)) == 2


def test_of_equal_scores_the_earlier_stays():
    weights = {"a": torch.ones(2, 2), "b": torch.ones(1, 2)}
    assert ints(make_masks(weights, sparsity=0.5)) == {"a": [[1, 1], [1, 0]], "b": [[0, 0]]}
    assert ints(make_masks(weights, "row", sparsity=2 / 3)) == {
        "a": [[1, 1], [0, 0]],
        "b": [[0, 0]],
    }


@pytest.mark.parametrize(("granularity", "distribution"), GRID)
@pytest.mark.parametrize("make", [matrices, tied])
@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_counts_are_exact_with_and_without_ties(granularity, distribution, make, sparsity):
    weights = make()
    masks = make_masks(weights, granularity, distribution, sparsity)
    total = sum(w.numel() for w in weights.values())
    if granularity == "weight" and distribution != "layerwise":
        assert removed(masks) == round(sparsity * total)
    elif granularity == "weight":
        for name, w in weights.items():
            assert int((~masks[name]).sum()) == round(sparsity * w.numel())
    else:
        longest = max(max(w.shape) for w in weights.values())
        pools = len(weights) if distribution == "layerwise" else 1
        assert abs(removed(masks) - sparsity * total) <= pools * longest / 2
    if sparsity in (0, 1):
        assert removed(masks) == sparsity * total


@pytest.mark.parametrize(("granularity", "distribution"), GRID)
@pytest.mark.parametrize("make", [matrices, tied])
def test_rounds_only_ever_remove(granularity, distribution, make):
    weights, before, seen = make(), None, 0
    for sparsity in SPARSITIES:
        masks = make_masks(weights, granularity, distribution, sparsity, before=before)
        if before:
            assert all((masks[n] <= before[n]).all() for n in masks)
            assert removed(masks) >= seen
        before, seen = masks, removed(masks)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("distribution", ["global", "layerwise"])
def test_what_is_gone_stays_gone_when_other_weights_have_become_small(granularity, distribution):
    before = make_masks(matrices(0), granularity, distribution, 0.5)
    after = make_masks(matrices(1), granularity, distribution, 0.8, before=before)
    assert all((after[n] <= before[n]).all() for n in after)
    if granularity == "weight":
        assert removed(after) == pytest.approx(0.8 * 176, abs=2)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("random_of", ["global", "layerwise", "none"])
@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_random_keeps_the_counts_of_every_matrix(granularity, random_of, sparsity):
    weights = matrices()
    ranked = make_masks(weights, granularity, random_of.replace("none", "layerwise"), sparsity)
    shuffled = make_masks(weights, granularity, "random", sparsity, random_of=random_of)
    assert {n: int(m.sum()) for n, m in ranked.items()} == {
        n: int(m.sum()) for n, m in shuffled.items()
    }


def test_random_depends_on_the_seed_and_not_on_which_matrix_came_before():
    weights = matrices()
    first = make_masks(weights, distribution="random", sparsity=0.5, random_of="layerwise")
    alone = make_masks(
        {"c": weights["c"]}, distribution="random", sparsity=0.5, random_of="layerwise"
    )
    other = make_masks(weights, distribution="random", sparsity=0.5, random_of="layerwise", seed=1)
    assert torch.equal(first["c"], alone["c"])
    assert not torch.equal(first["c"], other["c"])


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_row_mask_removes_whole_rows_and_a_column_mask_whole_columns(distribution):
    for axis, granularity in ((1, "row"), (0, "column")):
        for mask in make_masks(matrices(), granularity, distribution, 0.5).values():
            lines = mask.float().mean(dim=axis)
            assert set(lines.tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_gather_and_spread_are_inverse_on_units(granularity):
    matrix = matrices()["a"]
    group = UNITS[granularity]("a", matrix)
    kept = torch.arange(len(group.gather(matrix))) % 3 == 0
    spread = group.spread(kept)
    assert spread.shape == matrix.shape
    assert torch.equal(group.alive(spread), kept)


def test_only_rows_take_their_bias_along():
    masks = {"a": torch.tensor([[True, False], [False, False]])}
    assert set(with_biases(masks, "weight")) == set(with_biases(masks, "column")) == {"a.weight"}
    assert with_biases(masks, "row")["a.bias"].tolist() == [True, False]


@pytest.mark.parametrize(("granularity", "distribution"), GRID)
def test_the_inputs_are_not_changed(granularity, distribution):
    weights, before = matrices(), make_masks(matrices(), granularity, distribution, 0.1)
    copies = {n: w.clone() for n, w in weights.items()}, {n: m.clone() for n, m in before.items()}
    masks = make_masks(weights, granularity, distribution, 0.7, before=before)
    assert all(torch.equal(weights[n], copies[0][n]) for n in weights)
    assert all(torch.equal(before[n], copies[1][n]) for n in before)
    assert all(m.dtype == torch.bool and m.is_contiguous() for m in masks.values())


def test_scores_can_be_given():
    weights = {"a": torch.tensor([[1.0, 2.0]])}
    masks = make_masks(weights, sparsity=0.5, scores={"a": torch.tensor([[5.0, 1.0]])})
    assert ints(masks) == {"a": [[1, 0]]}


def test_scores_with_a_gradient_are_taken_as_numbers():
    scores = torch.tensor([[5.0, 1.0]], requires_grad=True)
    masks = make_masks({"a": torch.ones(1, 2)}, sparsity=0.5, scores={"a": scores})
    assert ints(masks) == {"a": [[1, 0]]}


def test_infinite_scores_and_half_precision_are_ranked_like_others():
    scores = {"a": torch.tensor([[-torch.inf, 1.0, torch.inf]])}
    assert ints(make_masks({"a": torch.ones(1, 3)}, sparsity=1 / 3, scores=scores)) == {
        "a": [[0, 1, 1]]
    }
    half = {"a": torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.bfloat16)}
    assert ints(make_masks(half, sparsity=1 / 3)) == {"a": [[0, 1, 1]]}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"granularity": "wieght"}, "granularity 'wieght' is not one of weight, row, column"),
        ({"distribution": "local"}, "'local' is not one of global, layerwise, random"),
        ({"random_of": "all"}, "random_of 'all' is not one of global, layerwise, none"),
        ({"sparsity": 1.1}, "sparsity 1.1 is not in 0..1"),
        ({"sparsity": "0.5"}, "sparsity '0.5' is not in 0..1"),
        ({"sparsity": float("nan")}, "sparsity nan is not in 0..1"),
        ({"scores": {}}, "scores: a is missing"),
        ({"scores": {"a": torch.full((2, 2), torch.nan)}}, "a has a score that is not a number"),
        ({"scores": {"a": torch.ones(2, 3)}}, r"scores: a has shape \(2, 3\), not \(2, 2\)"),
        ({"before": {}}, "before: a is missing"),
        ({"before": {"a": torch.zeros(2, 2).bool()}}, "4 more weights are gone already|gone"),
        (
            {"before": {"a": torch.zeros(2, 2).bool()}, "granularity": "row"},
            "4 of 4 weights are gone already, more than sparsity 0.5 removes",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_its_choices(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        make_masks({"a": torch.ones(2, 2)}, **{"sparsity": 0.5, **arguments})


def test_a_matrix_must_be_a_matrix():
    with pytest.raises(ValueError, match=r"weights: a has shape \(3,\), not \(out, in\)"):
        make_masks({"a": torch.ones(3)}, sparsity=0.5)
    with pytest.raises(ValueError, match="needs at least one matrix"):
        make_masks({}, sparsity=0.5)


def test_a_pool_may_be_asked_for_less_than_lines_already_overshot():
    alive = torch.tensor([False, True, True])
    kept = lowest_removed(torch.tensor([1.0, 2.0, 3.0]), alive, torch.full((3,), 10), 0.3)
    assert kept.tolist() == [False, True, True]


def test_a_line_with_the_lowest_score_there_is_comes_after_those_that_are_gone():
    scores = torch.tensor([-torch.inf, 1.0, 2.0, -torch.inf])
    alive = torch.tensor([False, True, True, True])
    kept = lowest_removed(scores, alive, torch.full((4,), 10), 0.5)
    assert kept.tolist() == [False, True, True, False]


def test_lines_of_one_weight_are_counted_as_lines():
    weights = {"a": torch.arange(1.0, 8.0).view(7, 1)}
    assert removed(make_masks(weights, "row", "global", 0.5)) == 3  # on a tie the shorter prefix
    assert removed(make_masks(weights, "weight", "global", 0.5)) == 4  # round(3.5), half to even


def linear(weights):
    layers = {}
    for name, weight in weights.items():
        layers[name] = torch.nn.Linear(weight.shape[1], weight.shape[0])
        layers[name].weight.data = weight.clone()
    return layers


def ours_and_torchs(weights, ours, prune):
    layers = linear(weights)
    prune(layers)
    return [(ours[n], layers[n].weight_mask.bool()) for n in weights]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.8, 0.95])
def test_global_weights_equal_torch_bit_for_bit(seed, sparsity):
    weights = matrices(seed)

    def prune(layers):
        parameters = [(layer, "weight") for layer in layers.values()]
        torch_prune.global_unstructured(parameters, torch_prune.L1Unstructured, amount=sparsity)

    for mine, theirs in ours_and_torchs(weights, make_masks(weights, sparsity=sparsity), prune):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.8, 0.95])
def test_layerwise_weights_equal_torch_bit_for_bit(seed, sparsity):
    weights = matrices(seed)

    def prune(layers):
        for layer in layers.values():
            torch_prune.l1_unstructured(layer, "weight", amount=sparsity)

    ours = make_masks(weights, "weight", "layerwise", sparsity)
    for mine, theirs in ours_and_torchs(weights, ours, prune):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("granularity", "dim"), [("row", 0), ("column", 1)])
def test_layerwise_lines_equal_torchs_ln_structured_bit_for_bit(seed, granularity, dim):
    weights = {n: w for n, w in matrices(seed).items() if n != "c"}  # lines of 8 and 6: halves
    for sparsity in (0.5, 1.0):

        def prune(layers, sparsity=sparsity):
            for layer in layers.values():
                torch_prune.ln_structured(layer, "weight", amount=sparsity, n=2, dim=dim)

        ours = make_masks(weights, granularity, "layerwise", sparsity)
        for mine, theirs in ours_and_torchs(weights, ours, prune):
            assert torch.equal(mine, theirs)


def test_masks_of_the_studys_size_equal_torch_too():
    draw = torch.Generator().manual_seed(0)
    weights = {f"m{i}": torch.randn(384, 384, generator=draw) for i in range(6)}

    def prune(layers):
        parameters = [(layer, "weight") for layer in layers.values()]
        torch_prune.global_unstructured(parameters, torch_prune.L1Unstructured, amount=0.95)

    ours = make_masks(weights, sparsity=0.95)
    for mine, theirs in ours_and_torchs(weights, ours, prune):
        assert torch.equal(mine, theirs)
