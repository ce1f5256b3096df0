"""Masks: laws over the whole grid, and numbers small enough to check by eye."""

from itertools import product

import pytest
import torch
from torch.nn.utils import prune as torch_prune

from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.pruning.mask import with_biases
from vitprune_core.engine.pruning.select import Units, kth_smallest, lowest_removed
from vitprune_core.engine.pruning.units import UNITS, Group, Piece

HEADS = 2
GRANULARITIES = ["weight", "row", "column", "head", "neuron"]
DISTRIBUTIONS = ["global", "layerwise", "random"]
GRID = list(product(GRANULARITIES, DISTRIBUTIONS))
SPARSITIES = [0.0, 0.1, 0.25, 0.5, 0.77, 0.9, 0.99, 1.0]


SHAPES = {"a": (8, 6), "b": (6, 8), "c": (10, 8)}
HEADED = {f"{block}.{kind}": (4, 4) for block in "xyz" for kind in "qkvo"}
HIDDEN = {f"{block}.{kind}": s for block in "xy" for kind, s in (("fc1", (5, 4)), ("fc2", (4, 5)))}


def matrices(seed=0, granularity="weight"):
    """Matrices that units of this granularity run through, of other sizes of weights."""
    draw = torch.Generator().manual_seed(seed)
    shapes = {"head": HEADED, "neuron": HIDDEN}.get(granularity, SHAPES)
    return {
        name: (1.0, 0.3, 2.0)[i % 3] * torch.randn(shape, generator=draw)
        for i, (name, shape) in enumerate(shapes.items())
    }


def tied(seed=0, granularity="weight"):
    """Every weight the same: all that decides is the order."""
    return {name: torch.ones_like(w) for name, w in matrices(seed, granularity).items()}


def largest_unit(granularity):
    return {"weight": 1, "head": 4 * 2 * 4, "neuron": 4 + 4}.get(granularity, 10)


def pools(granularity, distribution):
    """How many pools round by themselves."""
    groups = {"head": 3, "neuron": 2}.get(granularity, 3)
    return groups if distribution == "layerwise" else 1


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
    weights = make(granularity=granularity)
    masks = make_masks(weights, granularity, distribution, sparsity, heads=HEADS)
    total = sum(w.numel() for w in weights.values())
    if granularity == "weight" and distribution != "layerwise":
        assert removed(masks) == round(sparsity * total)
    elif granularity == "weight":
        for name, w in weights.items():
            assert int((~masks[name]).sum()) == round(sparsity * w.numel())
    else:
        tolerance = pools(granularity, distribution) * largest_unit(granularity) / 2
        assert abs(removed(masks) - sparsity * total) <= tolerance
    if sparsity in (0, 1):
        assert removed(masks) == sparsity * total


@pytest.mark.parametrize(("granularity", "distribution"), GRID)
@pytest.mark.parametrize("make", [matrices, tied])
def test_rounds_only_ever_remove(granularity, distribution, make):
    weights, before, seen = make(granularity=granularity), None, 0
    for sparsity in SPARSITIES:
        masks = make_masks(weights, granularity, distribution, sparsity, before=before, heads=HEADS)
        if before:
            assert all((masks[n] <= before[n]).all() for n in masks)
            assert removed(masks) >= seen
        before, seen = masks, removed(masks)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("distribution", ["global", "layerwise"])
def test_what_is_gone_stays_gone_when_other_weights_have_become_small(granularity, distribution):
    first, second = matrices(0, granularity), matrices(1, granularity)
    before = make_masks(first, granularity, distribution, 0.5, heads=HEADS)
    after = make_masks(second, granularity, distribution, 0.8, before=before, heads=HEADS)
    assert all((after[n] <= before[n]).all() for n in after)
    total = sum(w.numel() for w in first.values())
    tolerance = max(pools(granularity, distribution) * largest_unit(granularity) / 2, 2)
    assert removed(after) == pytest.approx(0.8 * total, abs=tolerance)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("random_of", ["global", "layerwise", "none"])
@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_random_keeps_the_counts_of_every_matrix(granularity, random_of, sparsity):
    weights, of = matrices(0, granularity), random_of.replace("none", "layerwise")
    ranked = make_masks(weights, granularity, of, sparsity, heads=HEADS)
    shuffled = make_masks(
        weights, granularity, "random", sparsity, random_of=random_of, heads=HEADS
    )
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
    weights = matrices(0, granularity)
    for group in UNITS[granularity](weights, HEADS):
        kept = torch.arange(len(group.gather(weights))) % 3 == 0
        spread = group.spread(kept)
        assert all(mask.shape == weights[name].shape for name, mask in spread.items())
        assert torch.equal(group.alive(spread), kept)
        assert sum(int(mask.sum()) for mask in spread.values()) == group.size * int(kept.sum())


def test_rows_take_their_bias_along_and_nothing_else_does():
    masks = {"a": torch.tensor([[True, False], [False, False]])}
    for granularity in ("weight", "column", "2:4"):
        assert set(with_biases(masks, granularity)) == {"a.weight"}
    assert with_biases(masks, "row")["a.bias"].tolist() == [True, False]


def test_a_head_takes_the_biases_of_q_k_v_and_a_neuron_that_of_fc1():
    heads = make_masks(matrices(0, "head"), "head", "global", 0.5, heads=HEADS)
    assert {n for n in with_biases(heads, "head") if n.endswith("bias")} == {
        f"{block}.{kind}.bias" for block in "xyz" for kind in "qkv"
    }
    neurons = make_masks(matrices(0, "neuron"), "neuron", "global", 0.5)
    assert {n for n in with_biases(neurons, "neuron") if n.endswith("bias")} == {
        "x.fc1.bias",
        "y.fc1.bias",
    }


def test_a_head_is_rows_of_q_k_v_and_columns_of_o_and_goes_as_one():
    weights = {name: torch.ones(4, 4) for name in ("b.q", "b.k", "b.v", "b.o")}
    weights["b.o"][:, :2] = 0.5  # the first head is the smaller one, by its outputs alone
    masks = make_masks(weights, "head", "global", 0.5, heads=2)
    for kind in "qkv":
        assert ints(masks)[f"b.{kind}"] == [[0] * 4, [0] * 4, [1] * 4, [1] * 4]
    assert ints(masks)["b.o"] == [[0, 0, 1, 1]] * 4


def test_a_neuron_is_a_row_of_fc1_and_a_column_of_fc2_and_goes_as_one():
    weights = {"b.fc1": torch.ones(3, 2), "b.fc2": torch.ones(2, 3)}
    weights["b.fc2"][:, 1] = 0.0
    masks = make_masks(weights, "neuron", "layerwise", 1 / 3)
    assert ints(masks) == {"b.fc1": [[1, 1], [0, 0], [1, 1]], "b.fc2": [[1, 0, 1]] * 2}


def test_two_of_four_keeps_the_two_largest_of_every_four_neighbours_in_a_row():
    weights = {"a": torch.tensor([[4.0, -3, 2, 1, 1, 1, 1, 1], [0, 9, 0, -9, 1, 2, 3, 4]])}
    expected = {"a": [[1, 1, 0, 0, 1, 1, 0, 0], [0, 1, 0, 1, 0, 0, 1, 1]]}
    for distribution in ("global", "layerwise"):
        assert ints(make_masks(weights, "2:4", distribution, 0.5)) == expected


@pytest.mark.parametrize(("n", "m"), [(1, 2), (1, 4), (2, 4), (3, 4), (4, 8), (1, 3), (5, 6)])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("make", [matrices, tied])
def test_n_of_m_keeps_exactly_n_of_every_m(n, m, distribution, make):
    weights = {name: w.repeat(1, 12) for name, w in make().items()}
    masks = make_masks(weights, f"{n}:{m}", distribution, 1 - n / m)
    for mask in masks.values():
        assert (mask.reshape(-1, m).sum(dim=1) == n).all()


def test_random_n_of_m_depends_on_the_seed():
    weights = {"a": torch.ones(8, 8)}
    masks = [make_masks(weights, "2:4", "random", 0.5, seed=seed)["a"] for seed in (0, 0, 1)]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_n_of_m_never_brings_back_what_is_gone():
    before = {"a": torch.tensor([[False, True, True, True]])}
    scores = {"a": torch.tensor([[9.0, -torch.inf, -torch.inf, 1.0]])}
    masks = make_masks({"a": torch.ones(1, 4)}, "3:4", sparsity=0.25, before=before, scores=scores)
    assert ints(masks) == {"a": [[0, 1, 1, 1]]}


def test_n_of_m_needs_n_of_every_m_that_are_left():
    """Three of eight are gone, fewer than the four that 2:4 removes, but of one four neighbours."""
    before = {"a": torch.tensor([[True] * 4 + [False, False, False, True]])}
    for distribution in DISTRIBUTIONS:
        with pytest.raises(ValueError, match="a: less than 2 of every 4 weights are left already"):
            make_masks({"a": torch.ones(1, 8)}, "2:4", distribution, 0.5, before=before)
    before["a"][0, 5] = True
    masks = make_masks({"a": torch.ones(1, 8)}, "2:4", sparsity=0.5, before=before)
    assert ints(masks) == {"a": [[1, 1, 0, 0, 0, 1, 0, 1]]}


@pytest.mark.parametrize("size", [1, 5, 1000, 300_000])
@pytest.mark.parametrize("kind", ["normal", "tied", "sorted", "infinite", "lumps"])
def test_the_kth_smallest_is_that_of_a_sort(size, kind):
    draw = torch.Generator().manual_seed(size)
    values = torch.randn(size, generator=draw).abs()
    if kind == "tied":
        values = torch.randint(3, (size,), generator=draw).float()
    if kind == "sorted":  # a sample of every so-manieth is no fair one, and a spike hides in it
        values = values.sort().values
    if kind == "infinite":
        values[: size // 3], values[size // 2 :] = -torch.inf, torch.inf
    if kind == "lumps":  # what the sample sees is unlike what is between
        values[:: max(size // (1 << 16), 1)] = 100.0
    parts = values.split(max(size // 3, 1))
    for k in {1, max(size // 10, 1), max(size // 2, 1), size}:
        assert kth_smallest(parts, k) == values.sort().values[k - 1]


@pytest.mark.parametrize(("granularity", "distribution"), GRID)
def test_the_inputs_are_not_changed(granularity, distribution):
    weights = matrices(0, granularity)
    before = make_masks(weights, granularity, distribution, 0.1, heads=HEADS)
    copies = {n: w.clone() for n, w in weights.items()}, {n: m.clone() for n, m in before.items()}
    masks = make_masks(weights, granularity, distribution, 0.7, before=before, heads=HEADS)
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
        (
            {"granularity": "wieght"},
            "granularity 'wieght' is not one of weight, row, column, head, neuron, n:m with n",
        ),
        ({"granularity": "4:2"}, "granularity '4:2' is not one of"),
        ({"granularity": "0:4"}, "granularity '0:4' is not one of"),
        ({"granularity": "1:4"}, "sparsity 0.5: granularity 1:4 removes 0.75"),
        ({"granularity": "2:4"}, "a: 4 does not divide its 2 inputs"),
        ({"granularity": "head"}, "heads: the number of heads is needed for granularity head"),
        ({"granularity": "head", "heads": 1}, "weights: a is no part of a head: q, k, v, o"),
        ({"granularity": "neuron"}, "weights: a is no part of a neuron: fc1, fc2"),
        ({"distribution": "local"}, "'local' is not one of global, layerwise, random"),
        ({"random_of": "all"}, "random_of 'all' is not one of global, layerwise, none"),
        ({"sparsity": 1.1}, "sparsity 1.1 is not in 0..1"),
        ({"sparsity": "0.5"}, "sparsity '0.5' is not in 0..1"),
        ({"sparsity": float("nan")}, "sparsity nan is not in 0..1"),
        ({"scores": {}}, "scores: a is missing"),
        ({"scores": {"a": torch.full((2, 2), torch.nan)}}, "a has a score that is not a number"),
        ({"scores": {"a": torch.ones(2, 3)}}, r"scores: a has shape \(2, 3\), not \(2, 2\)"),
        ({"before": {}}, "before: a is missing"),
        ({"before": {"a": torch.ones(2, 2)}}, "a has numbers of torch.float32, not booleans"),
        ({"before": {"a": torch.ones(2, 2, dtype=torch.uint8)}}, "numbers of torch.uint8, not"),
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


def test_a_head_needs_all_its_matrices_and_a_width_that_heads_divide():
    weights = {f"b.{kind}": torch.ones(4, 4) for kind in "qkvo"}
    with pytest.raises(ValueError, match=r"heads: 3 does not divide the 4 lines of b\.q"):
        make_masks(weights, "head", sparsity=0.5, heads=3)
    del weights["b.k"]
    with pytest.raises(ValueError, match=r"weights: b\.k is missing, and a head runs through it"):
        make_masks(weights, "head", sparsity=0.5, heads=2)
    with pytest.raises(ValueError, match=r"the matrices of b disagree about its neurons"):
        make_masks({"b.fc1": torch.ones(3, 2), "b.fc2": torch.ones(2, 4)}, "neuron", sparsity=0.5)


def test_a_matrix_must_be_a_matrix():
    with pytest.raises(ValueError, match=r"weights: a has shape \(3,\), not \(out, in\)"):
        make_masks({"a": torch.ones(3)}, sparsity=0.5)
    with pytest.raises(ValueError, match="needs at least one matrix"):
        make_masks({}, sparsity=0.5)


def test_a_pool_may_be_asked_for_less_than_lines_already_overshot():
    assert rows_left([1.0, 2.0, 3.0], [False, True, True], 0.3) == [False, True, True]


def test_a_line_with_the_lowest_score_there_is_comes_after_those_that_are_gone():
    scores = [-torch.inf, 1.0, 2.0, -torch.inf]
    assert rows_left(scores, [False, True, True, True], 0.5) == [False, True, True, False]


def rows_left(scores, alive, sparsity):
    """Of one matrix whose rows have ten weights each."""
    group = Group("a", (Piece("a", (len(scores), 10), axis=0),))
    units = Units(group, torch.tensor(scores), torch.tensor(alive))
    return lowest_removed([units], sparsity)["a"].tolist()


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
