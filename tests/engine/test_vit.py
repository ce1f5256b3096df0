import pytest
import torch

from vitprune_core.engine.vit import ViT, decays, initial, patches
from vitprune_core.spec import shape
from vitprune_core.spec.request import load


def build(config, seed=None):
    model = ViT(config.model, config.data)
    model.load_state_dict(initial(config))
    return model.eval()


@pytest.mark.parametrize("workload", ["cifar10", "digits"])
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


def test_attention_equals_torchs_own(tiny):
    config = tiny("dense").config
    attention = build(config).blocks[0].attn
    x_BNW = torch.randn(2, 5, 12)

    def heads(matrix):
        return matrix(x_BNW).view(2, 5, 3, 4).transpose(1, 2)

    y = torch.nn.functional.scaled_dot_product_attention(
        heads(attention.q), heads(attention.k), heads(attention.v)
    )
    expected = attention.o(y.transpose(1, 2).reshape(2, 5, 12))
    torch.testing.assert_close(attention(x_BNW, x_BNW), expected)


def test_the_last_block_computes_for_the_token_what_it_would_for_all(tiny):
    model = build(tiny("dense").config)
    images = torch.randn(3, 1, 8, 8)
    x = model.embed(patches(images, 4))
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
    logits = model(torch.randn(5, 1, 8, 8))
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
