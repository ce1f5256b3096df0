"""Criteria that look at what images do to a model: by eye, and heard the naive way."""

from functools import partial
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from tests.conftest import result
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.pruning.scores import SCORES
from vitprune_core.engine.train import CALIBRATION, calibration, loss_of
from vitprune_core.engine.vit import Attention, ViT, initial
from vitprune_core.spec import shape


class Few(nn.Module):
    """Two weights a matrix, so that everything can be counted: y = b(a(x))."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 1, bias=False), nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.a.weight.copy_(torch.tensor([[2.0, -1.0]]))
            self.b.weight.copy_(torch.tensor([[3.0], [0.0]]))

    def forward(self, x_BNW):
        return self.b(self.a(x_BNW))


NAMES = ["a", "b"]
FIRST = (torch.tensor([[[1.0, 0.0], [3.0, 4.0]]]), torch.tensor([0]))
SECOND = (torch.tensor([[[0.0, 3.0], [0.0, 0.0]]]), torch.tensor([0]))


def few_scores(criterion, *batches):
    model = Few()

    def loss(images, labels):
        return model(images).sum()

    return result(SCORES[criterion](model, NAMES, list(batches), loss))


def test_magnitude_looks_at_no_image():
    told = few_scores("magnitude")
    assert told["a"].tolist() == [[2, 1]]
    assert told["b"].tolist() == [[3], [0]]


def test_wanda_is_the_weight_times_the_root_mean_square_of_its_input_over_tokens_and_images():
    told = few_scores("wanda", FIRST, SECOND)
    first, second = (10 / 4) ** 0.5, (25 / 4) ** 0.5  # of 1, 3, 0, 0 and of 0, 4, 3, 0
    torch.testing.assert_close(told["a"], torch.tensor([[2 * first, 1 * second]]))
    output = (17 / 4) ** 0.5  # of 2 - 0, 6 - 4, 0 - 3 and 0
    torch.testing.assert_close(told["b"], torch.tensor([[3 * output], [0.0]]))


def test_to_wanda_batches_weigh_as_many_tokens_as_they_have():
    one = (torch.tensor([[[4.0, 0.0]]]), torch.tensor([0]))
    told = few_scores("wanda", FIRST, one)["a"]
    expected = [2 * (26 / 3) ** 0.5, (16 / 3) ** 0.5]  # of 1, 3, 4 and of 0, 4, 0
    torch.testing.assert_close(told, torch.tensor([expected]))


def test_to_wanda_the_same_tokens_again_are_no_more():
    once, twice = few_scores("wanda", FIRST), few_scores("wanda", FIRST, FIRST)
    for name in NAMES:
        torch.testing.assert_close(once[name], twice[name])


def test_taylor_is_the_weight_times_its_gradient_over_batches():
    told = few_scores("taylor", FIRST, SECOND)
    # The gradient of a is 3 times the sum of its inputs: 3 * (4, 4), then 3 * (0, 3).
    expected = [[2 * 12 / 2**0.5, ((1 * 12) ** 2 + (1 * 9) ** 2) ** 0.5 / 2**0.5]]
    torch.testing.assert_close(told["a"], torch.tensor(expected))
    # That of b the sum of its input: 4, then -3; what is zero scores zero whatever its gradient.
    torch.testing.assert_close(told["b"], torch.tensor([[3 * (25 / 2) ** 0.5], [0.0]]))


# On the ViT, whose products are joined.


@pytest.fixture
def bench(tiny):
    """A config, its model with biases that are not zero, and a few batches."""
    config = tiny("oneshot_global").config
    data, model = load_data(config), ViT(config.model, config.data)
    draw = torch.Generator().manual_seed(0)
    weights = {
        name: w + 0.2 * torch.randn(w.shape, generator=draw) for name, w in initial(config).items()
    }
    model.load_state_dict(weights)
    return config, model.eval(), list(calibration(data.train, config))


def scored(criterion, bench, names=None):
    config, model, seen = bench
    names = names or list(shape.matrices(config.model))
    return SCORES[criterion](model, names, seen, partial(loss_of, model, config=config))


class Unfused(Attention):
    """Every matrix computes for itself, as one would write it down."""

    def projected(self, x_BRW, context_BNW):
        given = (self.q, x_BRW), (self.k, context_BNW), (self.v, context_BNW)
        q, k, v = (m(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for m, x in given)
        return q / q.shape[-1] ** 0.5, k, v


def heard_naively(model, seen, names):
    """Matrix -> mean of its squared inputs, by hooks on the matrices of an unfused model."""
    squares = {name: [] for name in names}
    for block in model.blocks:
        block.attn.__class__ = Unfused
    for name in names:

        def hear(module, given, output, name=name):
            squares[name].append(given[0].flatten(0, -2).square())

        model.get_submodule(name).register_forward_hook(hear)
    with torch.no_grad():
        for images, _ in seen:
            model(images)
    return {name: torch.cat(heard).mean(0) for name, heard in squares.items()}


def test_wanda_hears_what_every_matrix_is_given_though_products_are_joined(bench):
    config, model, seen = bench
    names = list(shape.matrices(config.model))
    found = result(scored("wanda", bench))
    assert set(found) == set(names)
    squares = heard_naively(model, seen, names)
    for name in names:
        weight = model.get_submodule(name).weight.detach()
        torch.testing.assert_close(found[name], weight.abs() * squares[name].sqrt())


def test_under_wanda_the_last_block_keeps_as_much_as_others(tiny):
    """Of its matrices four are read at the class token only, one of 17; initially all are alike."""
    config = tiny("oneshot_global", "model.patch=2", "model.depth=3").config
    data, model = load_data(config), ViT(config.model, config.data)
    model.load_state_dict(initial(config))
    found = result(scored("wanda", (config, model.eval(), calibration(data.train, config))))
    masks = make_masks(found, sparsity=0.5, scores=found)
    for block in ("blocks.0", "blocks.1", "blocks.2"):
        kept = torch.cat([mask.flatten() for name, mask in masks.items() if block in name])
        assert kept.float().mean() == pytest.approx(0.5, abs=0.05)  # by sums the last kept 0.38


def test_taylor_is_the_gradient_of_every_batch(bench):
    config, model, seen = bench
    found = result(scored("taylor", bench))
    squares = dict.fromkeys(found, 0)
    for images, labels in seen:
        model.zero_grad()
        loss_of(model, images, labels, config).backward()
        for name in found:
            weight = model.get_submodule(name).weight
            squares[name] = squares[name] + (weight * weight.grad).detach().square()
    for name, square in squares.items():
        torch.testing.assert_close(found[name], (square / len(seen)).sqrt())


CRITERIA = ["magnitude", "taylor", "wanda"]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_it_rests_after_every_batch_and_asks_for_one_at_a_time(bench, criterion):
    config, model, seen = bench
    asked = []

    def batches():
        for batch in seen:
            asked.append(batch)
            yield batch

    scoring = scored(criterion, (config, model, batches()))
    rests = [len(asked) for _ in scoring]
    assert rests == ([] if criterion == "magnitude" else list(range(1, len(seen) + 1)))
    assert len(seen) == -(-min(CALIBRATION, 1257) // 256) > 1


@pytest.mark.parametrize("criterion", CRITERIA)
def test_it_leaves_nothing_behind_wherever_it_is_left(bench, criterion):
    _, model, seen = bench
    before = {n: w.detach().clone() for n, w in model.named_parameters()}
    for moments in range(len(seen) + 1):
        scoring = scored(criterion, bench)
        for _ in range(moments):
            next(scoring, None)
        assert torch.is_grad_enabled()  # while it rests others may train
        scoring.close()
        hooks = [len(m._forward_pre_hooks) + len(m._forward_hooks) for m in model.modules()]
        assert sum(hooks) == 0
    result(scored(criterion, bench))
    assert all(len(m._forward_pre_hooks) == 0 for m in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(w, before[n]) for n, w in model.named_parameters())


@pytest.mark.parametrize("criterion", CRITERIA)
def test_it_is_the_same_every_time_and_counts_from_zero(bench, criterion):
    first, second = (result(scored(criterion, bench)) for _ in range(2))
    for name, score in first.items():
        assert torch.equal(score, second[name])
        assert (score >= 0).all()
        assert not score.requires_grad
        assert score.shape == bench[1].get_submodule(name).weight.shape


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_weight_that_is_gone_scores_zero(bench, criterion):
    _, model, _ = bench
    with torch.no_grad():
        for name in ("blocks.0.attn.k", "blocks.1.mlp.fc2"):
            model.get_submodule(name).weight[:, 1::2] = 0
    found = result(scored(criterion, bench))
    for name in ("blocks.0.attn.k", "blocks.1.mlp.fc2"):
        assert not found[name][:, 1::2].any()
        assert found[name][:, ::2].all()


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_matrix_scores_the_same_alone_and_among_others(bench, criterion):
    together = result(scored(criterion, bench))
    alone = result(scored(criterion, bench, ["blocks.1.attn.v"]))
    assert list(alone) == ["blocks.1.attn.v"]
    torch.testing.assert_close(alone["blocks.1.attn.v"], together["blocks.1.attn.v"])


def test_criteria_disagree(bench):
    found = {criterion: result(scored(criterion, bench)) for criterion in CRITERIA}
    for one, other in product(CRITERIA, CRITERIA):
        if one < other:
            orders = (found[c]["blocks.0.mlp.fc1"].flatten().argsort() for c in (one, other))
            assert not torch.equal(*orders)


def test_wanda_hears_half_precision_as_numbers(bench):
    _, model, _ = bench
    exact = result(scored("wanda", bench))
    model.precision = "bf16"
    for name, score in result(scored("wanda", bench)).items():
        assert score.dtype == torch.float32
        torch.testing.assert_close(score, exact[name], rtol=0.03, atol=0.03)


def test_a_joined_product_is_what_the_parts_would_be(bench):
    """What the tests above rest on: hooks on q, k and v stay silent in the real model."""
    _, model, seen = bench
    heard = []
    model.blocks[0].attn.q.register_forward_hook(lambda *_: heard.append("q"))
    with torch.no_grad():
        model(seen[0][0])
    assert not heard
    x = torch.randn(3, 12)
    q = model.blocks[0].attn.q
    torch.testing.assert_close(q(x), linear(x, q.weight, q.bias))
