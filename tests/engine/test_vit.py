from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import result
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.removal import scored
from vitprune_core.engine.train import calibration
from vitprune_core.engine.vit import (
    EVERY,
    TOKEN,
    Attention,
    ViT,
    compute_with,
    decays,
    initial,
    patches,
)
from vitprune_core.spec import shape
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.request import load
from vitprune_core.store.checkpoints import Moment


def build(config, seed=None):
    model = ViT(config.model, config.data)
    model.load_state_dict(initial(config))
    return model.eval()


def pixels(count, channels=1, side=8, seed=0):
    """Images as they are stored."""
    draw = torch.Generator().manual_seed(seed)
    shape = (count, channels, side, side)
    return torch.randint(0, 17, shape, generator=draw, dtype=torch.uint8)


def generic(config, precision="fp32"):
    """A model without special numbers in it, biases least of all."""
    model, draw = ViT(config.model, config.data, precision), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=draw))
    return model.eval()


@pytest.mark.parametrize("workload", DATASETS)
def test_the_model_has_the_parameters_that_the_spec_counts(workload):
    config = load("dense", workload).config
    model = ViT(config.model, config.data)
    assert sum(p.numel() for p in model.parameters()) == shape.parameters(config.model, config.data)
    named = dict(model.named_parameters())
    for name, size in shape.matrices(config.model).items():
        assert named[f"{name}.weight"].shape == size


def test_the_study_has_6_268_810_parameters():
    config = load("dense", "cifar10").config
    model = ViT(config.model, config.data)
    assert sum(p.numel() for p in model.parameters()) == 6_268_810


def test_patches_are_squares_row_by_row():
    image = torch.arange(16.0).view(1, 1, 4, 4)
    assert patches(image, 2)[0].tolist() == [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [8, 9, 12, 13],
        [10, 11, 14, 15],
    ]


@pytest.mark.parametrize("read", [EVERY, TOKEN])
def test_attention_equals_torchs_own_and_so_do_its_gradients(read):
    torch.manual_seed(0)
    attention = Attention(width=6, heads=3)
    y, told = torch.randn(4, 5, 6, requires_grad=True), torch.randn(4, 5, 6)[:, read]

    def gradients(output):
        return torch.autograd.grad((output * told).sum(), [y, *attention.parameters()])

    x = y if read == EVERY else y[:, read]
    q, k, v = (
        matrix(given).unflatten(-1, (3, 2)).transpose(1, 2)
        for matrix, given in ((attention.q, x), (attention.k, y), (attention.v, y))
    )
    apart = attention.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
    together = attention(x, y)
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-6)
    for one, other in zip(gradients(together), gradients(apart), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_the_last_block_computes_for_the_token_what_it_would_for_all(tiny):
    model = build(tiny("dense").config)
    images = pixels(3)
    x = model.embed(patches((images - model.mean) / model.std, 4))
    x = torch.cat([model.token.expand(3, -1, -1), x], dim=1) + model.positions
    for block in model.blocks:
        x = block(x)
    expected = model.classifier(model.norm(x[:, 0]))
    torch.testing.assert_close(model(images), expected)


def test_without_attention_the_prediction_is_constant(tiny):
    model = build(tiny("dense").config)
    with torch.no_grad():
        for block in model.blocks:
            for matrix in (block.attn.q, block.attn.k, block.attn.v, block.attn.o):
                matrix.weight.zero_()
    logits = model(pixels(5))
    assert torch.equal(logits, logits[:1].expand(5, -1))


def test_initial_weights_are_truncated_normal_and_belong_to_the_seed(tiny):
    weights = initial(tiny("dense", "model.width=96", "model.heads=6").config)
    q = weights["blocks.0.attn.q.weight"]
    assert q.abs().max() <= 0.04
    assert q.std() == pytest.approx(0.0176, rel=0.05)  # of a normal cut at two deviations
    assert weights["blocks.0.attn.q.bias"].eq(0).all()
    assert weights["norm.weight"].eq(1).all()
    again = initial(tiny("dense", "model.width=96", "model.heads=6").config)
    other = initial(tiny("dense", "model.width=96", "model.heads=6", seed=1).config)
    assert torch.equal(q, again["blocks.0.attn.q.weight"])
    assert not torch.equal(q, other["blocks.0.attn.q.weight"])


def test_decay_is_for_matrices_only(tiny):
    model = build(tiny("dense").config)
    decayed = {name for name, p in model.named_parameters() if decays(name, p)}
    inside = {f"{m}.weight" for m in shape.matrices(tiny("dense").config.model)}
    assert decayed == inside | {"embed.weight", "classifier.weight"}


def test_a_parameter_has_the_name_of_its_matrix_and_pixels_statistics_are_none(tiny):
    config = tiny("dense").config
    model = ViT(config.model, config.data)
    of_a_block = {
        f"{part}.{kind}"
        for part in ("norm1", "norm2", *(f"attn.{m}" for m in "qkvo"), "mlp.fc1", "mlp.fc2")
        for kind in ("weight", "bias")
    }
    around = {"embed.weight", "embed.bias", "token", "positions", "norm.weight", "norm.bias"}
    expected = {f"blocks.{b}.{name}" for b in range(2) for name in of_a_block} | around
    expected |= {"classifier.weight", "classifier.bias"}
    assert set(model.state_dict()) == set(dict(model.named_parameters())) == expected


# Pixels and precision.


def test_bytes_and_floats_of_the_same_pixels_give_the_same_logits(tiny):
    model, images = generic(tiny("dense").config), pixels(5)
    assert torch.equal(model(images), model(images.float()))


def test_pixels_are_scaled_channel_by_channel():
    config = load("dense", "cifar10", ["model={depth: 1, width: 12, heads: 3, mlp: 8}"]).config
    model, facts = generic(config), DATASETS["cifar10"]
    seen = []
    model.embed.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    pixel = torch.tensor([255.0, 0.0, facts.mean[2]]).view(1, 3, 1, 1)
    model(pixel.expand(1, 3, 32, 32))
    red, green, blue = seen[0][0, 0].split(16)
    expected = [(255 - facts.mean[0]) / facts.std[0], -facts.mean[1] / facts.std[1], 0]
    for channel, value in zip((red, green, blue), expected, strict=True):
        assert channel.tolist() == pytest.approx([value] * 16)


def test_half_precision_is_for_products_and_logits_are_whole_and_near(tiny):
    config = tiny("dense").config
    whole, half = (generic(config, precision) for precision in ("fp32", "bf16"))
    kinds = set()
    for model in (whole, half):
        model.blocks[0].mlp.fc1.register_forward_hook(lambda *given: kinds.add(given[2].dtype))
    one, other = whole(pixels(20)), half(pixels(20))
    assert kinds == {torch.float32, torch.bfloat16}
    assert other.dtype == torch.float32
    assert not torch.equal(one, other)
    torch.testing.assert_close(one, other, rtol=0, atol=0.15)
    other.sum().backward()
    assert {p.dtype for p in half.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in half.parameters()} == {torch.float32}


@pytest.fixture
def compiler():
    """torch's, without what it has learned of other models."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def test_the_model_is_one_graph_to_a_compiler_and_gives_the_same(tiny, compiler):
    config, images = tiny("dense").config, pixels(6)
    for precision, near in (("fp32", 1e-4), ("bf16", 0.1)):
        model = generic(config, precision)
        one_graph = torch.compile(model, backend="aot_eager", fullgraph=True)
        for train in (False, True):
            model.train(train)
            expected = torch.autograd.grad(model(images).square().sum(), model.positions)
            logits = one_graph(images)
            torch.testing.assert_close(logits, model(images), rtol=0, atol=near)
            found = torch.autograd.grad(logits.square().sum(), model.positions)
            scale = expected[0].abs().max()
            assert (found[0] - expected[0]).abs().max() < near * max(scale, 1)


def test_what_a_compiled_model_hears_is_heard_too(tiny, compiler, monkeypatch):
    """What was compiled before anybody listened does not know that somebody does."""
    config = tiny("oneshot_global", "prune.criterion=wanda", "kernels=compiled").config
    compile = partial(nn.Module.compile, backend="eager")
    monkeypatch.setattr(ViT, "compile", lambda model, **how: compile(model, **how))
    data, names = load_data(config), list(shape.matrices(config.model))
    plain, model = generic(config), generic(config)
    compute_with(model, config.kernels)
    images, _ = next(calibration(data.train, config))
    with torch.no_grad():
        before = model(images)
    moment = Moment(0, None)
    heard, expected = (result(scored(m, names, config, data, moment)) for m in (model, plain))
    for name in names:
        torch.testing.assert_close(heard[name], expected[name])
    with torch.no_grad():
        assert torch.equal(model(images), before)
