"""What is dead can be taken out without a trace, and what is not dead matters: by arithmetic."""

from itertools import product

import pytest
import torch
from torch.nn.functional import gelu

from vitprune_core.engine import dead
from vitprune_core.engine.measure import remains
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.pruning.mask import with_biases
from vitprune_core.engine.pruning.units import takes_bias
from vitprune_core.engine.vit import ViT, patches
from vitprune_core.spec import shape
from vitprune_core.spec.request import load

MODEL = "model={patch: 4, width: 12, heads: 3, depth: 2, mlp: 8}"
SMALL = "model={patch: 4, width: 4, heads: 2, depth: 2, mlp: 3}"
ONE = SMALL.replace("depth: 2", "depth: 1")
GRANULARITIES = ["weight", "row", "column", "head", "neuron", "2:4"]
SPARSITIES = [0.5, 0.8, 0.9, 0.97]
GRID = [(g, s) for g, s in product(GRANULARITIES, SPARSITIES) if g != "2:4" or s == 0.5]


def asked(granularity="weight", model=MODEL, layers="all"):
    sparsities = "prune.sparsities=[0.5]"
    words = [model, f"prune.granularity={granularity}", f"prune.layers={layers}", sparsities]
    return load("oneshot_global", "digits", words).config


def whole(config):
    shapes = shape.matrices(config.model)
    return {name: torch.ones(size, dtype=torch.bool) for name, size in shapes.items()}


def random_masks(config, sparsity, seed=0):
    """As a run has them: matrices that take no part keep all."""
    names = shape.matrices(config.model, config.prune.layers)
    draw = torch.Generator().manual_seed(seed)
    made = make_masks(
        {name: torch.randn(size, generator=draw) for name, size in names.items()},
        granularity=config.prune.granularity,
        sparsity=sparsity,
        heads=config.model.heads,
    )
    return {**whole(config), **made}


def generic(config, masks, seed=0):
    """A model without any special number in it, biases least of all, pruned by the masks."""
    model = ViT(config.model, config.data).eval()
    draw = torch.Generator().manual_seed(seed)
    removed = with_biases(masks, config.prune.granularity)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.5)
            if name in removed:
                parameter.mul_(removed[name])
    return model


def images(seed=0, count=6):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 17, (count, 1, 8, 8), generator=draw)


@torch.no_grad()
def without_what_is_dead(model, config, masks):
    """Zero every weight off the paths; what it said the same of every image goes into a bias."""
    blocks = dead.paths(masks, config, config.prune.granularity)
    for block, alive in zip(model.blocks, blocks, strict=True):
        if alive.k.any() and not alive.q.any():  # it asks the same of every image
            block.attn.q.bias += block.attn.q.weight @ constant_token(model, block)
    for block, alive in zip(model.blocks, blocks, strict=True):
        gone = ~alive.vo
        block.attn.o.bias += block.attn.o.weight[:, gone] @ block.attn.v.bias[gone]
        gone = ~alive.hidden
        block.mlp.fc2.bias += block.mlp.fc2.weight[:, gone] @ gelu(block.mlp.fc1.bias[gone])
    for name, mask in dead.effective(masks, blocks).items():
        model.get_parameter(f"{name}.weight").mul_(mask)


def constant_token(model, block):
    """What a block's queries are made of at the class token, which has seen no image before it."""
    heard = []
    with block.norm1.register_forward_hook(lambda _, given, output: heard.append(output[:, 0])):
        model(images())
    (token_BW,) = heard
    torch.testing.assert_close(token_BW, token_BW[:1].expand(6, -1))
    return token_BW[0]


@pytest.mark.parametrize(("granularity", "sparsity"), GRID)
@pytest.mark.parametrize("seed", range(3))
def test_what_no_path_runs_through_can_go_without_a_trace(granularity, sparsity, seed):
    config = asked(granularity)
    masks = random_masks(config, sparsity, seed)
    model = generic(config, masks, seed)
    before = model(images())
    if not any(block.vo.any() for block in dead.paths(masks, config, granularity)):
        torch.testing.assert_close(before, before[:1].expand(6, -1))  # no image is seen at all
        return
    without_what_is_dead(model, config, masks)
    torch.testing.assert_close(model(images()), before, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("granularity", "sparsity"), GRID)
def test_every_weight_on_a_path_moves_the_logits(granularity, sparsity):
    config = asked(granularity)
    masks = random_masks(config, sparsity)
    model = generic(config, masks)
    on_path = dead.effective(masks, dead.paths(masks, config, granularity))
    assert sparsity > 0.5 or any(mask.any() for mask in on_path.values())
    model(images()).square().sum().backward()
    for name, mask in on_path.items():
        assert (mask <= masks[name]).all()
        assert (model.get_parameter(f"{name}.weight").grad[mask] != 0).all(), name


@pytest.mark.parametrize("granularity", ["weight", "row", "head"])
def test_without_any_attention_nothing_is_effective(granularity):
    config = asked(granularity, layers="attention")
    masks = whole(config)
    for name in shape.matrices(config.model, "attention"):
        masks[name][:] = False
    model = generic(config, masks)
    logits = model(images())
    torch.testing.assert_close(logits, logits[:1].expand(6, -1))  # the prediction is a constant
    counts = remains(masks, config)
    assert counts.effective_sparsity == 1
    on_path = dead.effective(masks, dead.paths(masks, config, granularity))
    assert not any(mask.any() for mask in on_path.values())  # the MLP's are not counted, but dead
    total = shape.multiply_adds(config.model, config.data)
    kept = 4 * 16 * 12 + 12 * 10  # 4 patches of 16 pixels, 10 classes
    assert counts.removable == pytest.approx(1 - kept / total)


def test_attention_in_one_block_is_enough_for_the_mlp_of_another():
    config = asked()
    for gone, left in ((0, 1), (1, 0)):
        masks = whole(config)
        for kind in "qkvo":
            masks[f"blocks.{gone}.attn.{kind}"][:] = False
        blocks = dead.paths(masks, config, "weight")
        assert not blocks[gone].vo.any()
        assert blocks[left].vo.all()
        assert all(block.hidden.all() for block in blocks)


@pytest.mark.parametrize("speaks", [0, 1, 2])
def test_where_only_one_block_attends_its_queries_are_on_no_path(speaks):
    """The class token that asks has seen no image, and nobody reads what other tokens hear."""
    config = asked(model=MODEL.replace("depth: 2", "depth: 3"))
    masks = whole(config)
    for silent in {0, 1, 2} - {speaks}:
        masks[f"blocks.{silent}.attn.v"][:] = False
    blocks = dead.paths(masks, config, "weight")
    assert not any(block.q.any() for block in blocks)
    assert [bool(block.k.all()) for block in blocks] == [b == speaks for b in range(3)]
    assert [bool(block.vo.all()) for block in blocks] == [b == speaks for b in range(3)]
    model = generic(config, masks)
    before = model(images())
    without_what_is_dead(model, config, masks)
    assert not model.blocks[speaks].attn.q.weight.any()
    torch.testing.assert_close(model(images()), before, rtol=0, atol=1e-5)
    without_keys = generic(config, {**masks, f"blocks.{speaks}.attn.k": torch.zeros(12, 12).bool()})
    assert (without_keys(images()) - before).abs().max() > 0.01


def test_where_two_blocks_attend_the_queries_of_both_are_on_a_path():
    """The first one's patches are read by the second, whose class token has seen the first."""
    config = asked(model=MODEL.replace("depth: 2", "depth: 3"))
    for silent in range(3):
        masks = whole(config)
        masks[f"blocks.{silent}.attn.o"][:] = False
        blocks = dead.paths(masks, config, "weight")
        assert [bool(block.q.all()) for block in blocks] == [b != silent for b in range(3)]


def test_a_model_of_one_block_asks_the_same_of_every_image():
    config = asked(model=ONE)
    counts = remains(whole(config), config)
    assert (counts.sparsity, counts.effective_sparsity) == (0, 16 / 88)  # q of 4 x 4
    total = shape.multiply_adds(config.model, config.data)
    assert counts.removable == pytest.approx(5 * 16 / total)  # for 5 tokens; what is asked remains


# Planted, one thing at a time, in the first block of two: width 4, two heads of two dimensions,
# three hidden neurons; 88 weights a block.


def planted(granularity="weight", **lines):
    """Masks of the small model without some rows (q=[0]) or columns (o=[1]) of its first block."""
    config = asked(granularity, SMALL, {"neuron": "mlp"}.get(granularity, "all"))
    masks = whole(config)
    for kind, which in lines.items():
        part = "mlp" if kind.startswith("fc") else "attn"
        mask = masks[f"blocks.0.{part}.{kind}"]
        if kind in ("o", "fc2"):
            mask[:, which] = False
        else:
            mask[which] = False
    return remains(masks, config), dead.paths(masks, config, granularity)[0], masks, config


def test_nothing_removed_is_nothing_dead():
    counts, block, _, _ = planted()
    assert (counts.silent_heads, counts.key_blind_heads, counts.dead_neurons) == ((), (), {})
    assert (counts.effective_sparsity, counts.removable) == (0, 0)
    for dimensions in (block.q, block.k, block.vo, block.hidden):
        assert dimensions.all()


@pytest.mark.parametrize("lines", [{"v": [2, 3]}, {"o": [2, 3]}, {"v": [2, 3], "o": [2, 3]}])
def test_a_head_without_its_v_rows_or_its_o_columns_is_silent(lines):
    counts, block, _, _ = planted(**lines)
    assert counts.silent_heads == ("blocks.0.attn.1",)
    assert counts.key_blind_heads == ()
    assert block.vo.tolist() == [True, True, False, False]
    assert block.q.tolist() == block.k.tolist() == [True, True, False, False]
    gone = 4 * 2 * 4  # two lines of four in q, k, v and o
    assert counts.effective_sparsity == pytest.approx(gone / 176)
    # two rows or columns of each for 5 tokens; two dimensions of scores and of mixing for 5 x 5
    total = shape.multiply_adds(asked(model=SMALL).model, asked(model=SMALL).data)
    assert counts.removable == pytest.approx((5 * gone + 25 * 4) / total)


def test_a_head_of_which_one_v_row_and_the_other_o_column_are_left_says_nothing():
    """Not silent by its name, as both are there; but no path runs through it."""
    counts, block, _, _ = planted(v=[2], o=[3])
    assert counts.silent_heads == ()
    assert block.vo.tolist() == [True, True, False, False]
    assert block.q.tolist() == block.k.tolist() == [True, True, False, False]
    assert counts.effective_sparsity == pytest.approx(32 / 176)


def test_a_head_without_k_rows_attends_to_all_tokens_alike():
    counts, block, masks, config = planted(k=[0, 1])
    assert counts.key_blind_heads == ("blocks.0.attn.0",)
    assert counts.silent_heads == ()
    assert block.q.tolist() == block.k.tolist() == [False, False, True, True]
    assert counts.effective_sparsity == pytest.approx(16 / 176)  # q's rows go with them
    attn = generic(config, masks).blocks[0].attn
    x_BNW = torch.randn(2, 5, 4)
    q_BHNE, k_BHNE, _ = attn.projected(x_BNW, x_BNW)
    shares_BHNN = (q_BHNE @ k_BHNE.mT).softmax(-1)
    assert (shares_BHNN[:, 0] - 0.2).abs().max() < 1e-6
    assert (shares_BHNN[:, 1] - 0.2).abs().max() > 0.01


def test_a_query_of_a_bias_alone_still_compares_keys_and_without_it_none():
    _, block, _, _ = planted("weight", q=[0])
    assert block.q.all()
    assert block.k.all()
    counts, block, _, _ = planted("row", q=[0])
    assert block.q.tolist() == block.k.tolist() == [False, True, True, True]
    assert counts.effective_sparsity == pytest.approx(8 / 176)


@pytest.mark.parametrize(
    ("granularity", "lines", "named", "alive"),
    [
        ("weight", {"fc1": [0]}, {}, [False, True, True]),  # it says its bias
        ("column", {"fc1": [0]}, {}, [False, True, True]),
        ("row", {"fc1": [0]}, {"blocks.0.mlp": 1}, [False, True, True]),
        ("neuron", {"fc1": [0], "fc2": [0]}, {"blocks.0.mlp": 1}, [False, True, True]),
        ("weight", {"fc2": [1, 2]}, {"blocks.0.mlp": 2}, [True, False, False]),
        ("row", {"fc1": [0], "fc2": [2]}, {"blocks.0.mlp": 2}, [False, True, False]),
    ],
)
def test_neurons_die_without_output_or_without_input_and_bias(granularity, lines, named, alive):
    counts, block, _, _ = planted(granularity, **lines)
    assert counts.dead_neurons == named
    assert block.hidden.tolist() == alive


def test_a_removed_head_is_silent_and_key_blind_and_wholly_removable():
    config = asked("head", SMALL, "attention")
    weights = {n: torch.ones(s) for n, s in shape.matrices(config.model, "attention").items()}
    masks = {**whole(config), **make_masks(weights, "head", "layerwise", 0.5, heads=2)}
    counts = remains(masks, config)
    second = ("blocks.0.attn.1", "blocks.1.attn.1")
    assert counts.silent_heads == counts.key_blind_heads == second
    assert counts.effective_sparsity == counts.sparsity == 0.5
    assert 1 / (1 - counts.removable) == pytest.approx(counts.speedup)


@pytest.mark.parametrize(("granularity", "sparsity"), [*GRID, ("weight", 0.0), ("row", 1.0)])
def test_effective_sparsity_is_never_below_sparsity(granularity, sparsity):
    config = asked(granularity)
    counts = remains(random_masks(config, sparsity), config)
    assert counts.effective_sparsity >= counts.sparsity
    assert 0 <= counts.removable <= 1


def test_it_equals_sparsity_where_nothing_is_dead():
    config = asked()
    counts = remains(random_masks(config, 0.2), config)
    assert (counts.dead_neurons, counts.removable) == ({}, 0)
    assert counts.effective_sparsity == counts.sparsity == pytest.approx(0.2, abs=1e-3)
    counts = remains(random_masks(asked("neuron"), 0.5), asked("neuron"))
    assert counts.effective_sparsity == counts.sparsity == 0.5  # what is removed is whole units


# Physically: smaller matrices without holes give the same output, and cost what is promised.


def cut(matrix, rows=None, columns=None, extra=0.0):
    """A smaller matrix of those rows and columns: weight and bias."""
    weight, bias = matrix.weight, matrix.bias + extra
    if rows is not None:
        weight, bias = weight[rows], bias[rows]
    return (weight if columns is None else weight[:, columns]), bias


def linear(x, matrix):
    weight, bias = matrix
    return x @ weight.T + bias


class Small:
    """One block of a model, cut down to what is alive, and what it costs an image of 5 tokens."""

    def __init__(self, block, alive, config):
        attn, mlp = block.attn, block.mlp
        silent = attn.o.weight[:, ~alive.vo] @ attn.v.bias[~alive.vo]
        constant = mlp.fc2.weight[:, ~alive.hidden] @ gelu(mlp.fc1.bias[~alive.hidden])
        self.q, self.k = cut(attn.q, rows=alive.q), cut(attn.k, rows=alive.k)
        self.v, self.o = cut(attn.v, rows=alive.vo), cut(attn.o, columns=alive.vo, extra=silent)
        self.fc1 = cut(mlp.fc1, rows=alive.hidden)
        self.fc2 = cut(mlp.fc2, columns=alive.hidden, extra=constant)
        self.block, self.alive, self.heads = block, alive, config.model.heads
        self.head_width = config.model.width // config.model.heads
        matrices = (self.q, self.k, self.v, self.o, self.fc1, self.fc2)
        self.multiply_adds = 5 * sum(weight.numel() for weight, _ in matrices)
        self.multiply_adds += 5 * 5 * int(alive.k.sum() + alive.vo.sum())

    def asked(self, y_BNW):
        """Queries where they are alive, or one of all images and tokens: the first class token's"""
        if self.alive.q.any() or not self.alive.k.any():
            return linear(y_BNW, self.q)
        constant = linear(y_BNW[:1, :1], cut(self.block.attn.q, rows=self.alive.k))
        return constant.expand(*y_BNW.shape[:2], -1)

    def __call__(self, x_BNW):
        y_BNW = self.block.norm1(x_BNW)
        queries, keys, values = self.asked(y_BNW), linear(y_BNW, self.k), linear(y_BNW, self.v)
        head_of, mixed = torch.arange(self.heads).repeat_interleave(self.head_width), []
        for head in range(self.heads):
            own_k, own_vo = (head_of[of] == head for of in (self.alive.k, self.alive.vo))
            shares = queries[..., own_k] @ keys[..., own_k].mT * self.head_width**-0.5
            mixed.append(shares.softmax(-1) @ values[..., own_vo])
        x_BNW = x_BNW + linear(torch.cat(mixed, -1), self.o)
        return x_BNW + linear(gelu(linear(self.block.norm2(x_BNW), self.fc1)), self.fc2)


@pytest.mark.parametrize(
    ("granularity", "sparsity"), [("weight", 0.9), ("row", 0.6), ("head", 0.5)]
)
@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_removable_can_be_removed(granularity, sparsity, depth):
    config = asked(granularity, MODEL.replace("depth: 2", f"depth: {depth}"))
    masks = random_masks(config, sparsity, seed=1)
    model = generic(config, masks)
    alive = dead.paths(masks, config, granularity)
    assert any(block.q.any() for block in alive) is (depth == 2)
    blocks = [Small(b, of, config) for b, of in zip(model.blocks, alive, strict=True)]

    pixels_BNP = patches((images() - model.mean) / model.std, model.patch)
    x_BNW = torch.cat([model.token.expand(6, -1, -1), model.embed(pixels_BNP)], 1) + model.positions
    for block in blocks:
        x_BNW = block(x_BNW)
    logits = linear(model.norm(x_BNW[:, 0]), cut(model.classifier))
    torch.testing.assert_close(logits, model(images()))

    multiply_adds = sum(block.multiply_adds for block in blocks)
    multiply_adds += 4 * model.embed.weight.numel() + model.classifier.weight.numel()
    total = shape.multiply_adds(config.model, config.data)
    removable = remains(masks, config).removable
    assert removable > 0
    assert removable == pytest.approx(1 - multiply_adds / total)


def test_biases_that_go_along_are_those_that_a_path_does_not_need():
    """`takes_bias` and `paths` agree: q's bias keeps a query alive, fc1's none."""
    for granularity in GRANULARITIES:
        goes = takes_bias(granularity, "blocks.0.attn.q")
        config = asked(granularity)
        masks = whole(config)
        masks["blocks.0.attn.q"][0] = False
        block = dead.paths(masks, config, granularity)[0]
        assert bool(block.q[0]) is bool(block.k[0]) is not goes
