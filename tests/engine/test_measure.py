import pytest
import torch

from vitprune_core.engine.measure import grid, remains
from vitprune_core.spec import shape
from vitprune_core.spec.request import load


@pytest.fixture
def config():
    model = "model={patch: 4, width: 4, heads: 2, depth: 1, mlp: 3}"
    return load("oneshot_global", "digits", [model]).config


def whole(config):
    return {
        n: torch.ones(size, dtype=torch.bool) for n, size in shape.matrices(config.model).items()
    }


def with_prune(config, **changes):
    return config.model_copy(update={"prune": config.prune.model_copy(update=changes)})


def test_nothing_removed_is_nothing_gone(config):
    counts = remains(whole(config), config)
    assert (counts.sparsity, counts.compression, counts.speedup) == (0, 1, 1)
    assert (counts.collapsed, counts.dead_neurons) == ((), {})


def test_sparsity_counts_what_takes_part_and_says_the_share_of_all(config):
    masks = whole(config)
    masks["blocks.0.mlp.fc1"][:] = False  # 12 of 24 MLP weights, of 88 in all
    counts = remains(masks, with_prune(config, layers="mlp"))
    parameters = shape.parameters(config.model, config.data)
    assert counts.sparsity == 0.5
    assert counts.sparsity_prunable == 12 / 88
    assert counts.sparsity_parameters == 12 / parameters
    assert counts.nonzero_parameters == parameters - 12
    assert counts.collapsed == ("blocks.0.mlp.fc1",)


def test_a_bias_is_counted_only_where_rows_take_it_along(config):
    masks = whole(config)
    masks["blocks.0.attn.q"][0] = False
    parameters = shape.parameters(config.model, config.data)
    assert remains(masks, config).nonzero_parameters == parameters - 4
    rows = with_prune(config, granularity="row")
    assert remains(masks, rows).nonzero_parameters == parameters - 5
    assert remains(masks, rows).sparsity == 4 / 88
    assert remains(masks, rows).sparsity_parameters == 4 / parameters


def test_heads_are_rows_of_q_and_columns_of_o(config):
    masks = whole(config)
    masks["blocks.0.attn.q"][:2] = False
    masks["blocks.0.attn.o"][:, 2:] = False
    matrices = remains(masks, config).matrices
    assert matrices["blocks.0.attn.q"].heads == (0.0, 1.0)
    assert matrices["blocks.0.attn.o"].heads == (1.0, 0.0)
    assert matrices["blocks.0.mlp.fc1"].heads is None
    assert matrices["blocks.0.attn.q"].dead_rows == 2
    assert matrices["blocks.0.attn.o"].dead_columns == 2


def test_a_neuron_is_dead_without_output_or_without_input_and_bias(config):
    masks = whole(config)
    masks["blocks.0.mlp.fc1"][0] = False
    masks["blocks.0.mlp.fc2"][:, 2] = False
    assert remains(masks, config).dead_neurons == {"blocks.0.mlp": 1}
    assert remains(masks, with_prune(config, granularity="row")).dead_neurons == {"blocks.0.mlp": 2}


def test_the_speed_up_counts_non_zeros_and_living_dimensions(config):
    masks = whole(config)
    masks["blocks.0.attn.q"][0] = False
    masks["blocks.0.attn.k"][1] = False
    masks["blocks.0.attn.v"][2:] = False
    tokens, dense = 5, shape.multiply_adds(config.model, config.data)
    left = dense - tokens * (4 + 4 + 8) - tokens**2 * (2 + 2)
    assert remains(masks, config).speedup == pytest.approx(dense / left)


def test_a_grid_cell_is_exactly_nothing_or_exactly_everything_only_when_it_is():
    mask = torch.ones(96, 96, dtype=torch.bool)
    mask[0, 0] = False
    mask[2:4, 0:2] = False
    made = grid("blocks.0.attn.q", mask, heads=6)
    assert made.cells[0].startswith("bfff")  # three of four kept
    assert made.cells[1].startswith("00ff")
    assert (len(made.cells), len(made.cells[0])) == (48, 96)
    assert (made.head_axis, made.heads) == (0, 6)


def test_grid_cells_never_cross_a_head():
    mask = torch.ones(36, 36, dtype=torch.bool)
    mask[9:18] = False  # head 1 of 4
    made = grid("blocks.0.attn.v", mask, heads=4)
    rows = [set(row) for row in made.cells]
    each = len(rows) // 4
    assert [r == {"0"} for r in rows] == [each <= i < 2 * each for i in range(len(rows))]
