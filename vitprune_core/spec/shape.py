"""The ViT in numbers, from its config alone: matrices, parameters, multiply-adds. No torch.

A matrix is named by its place, `blocks.0.attn.q`; shapes are (out, in) as in a linear layer.
"""

from collections.abc import Iterable, Mapping

from vitprune_core.spec.config import Config, DataConfig, ModelConfig
from vitprune_core.spec.datasets import DATASETS

ATTENTION = ("attn.q", "attn.k", "attn.v", "attn.o")
MLP = ("mlp.fc1", "mlp.fc2")
LAYERS: dict[str, tuple[str, ...]] = {
    "all": ATTENTION + MLP,
    "attention": ATTENTION,
    "mlp": MLP,
    "qk": ("attn.q", "attn.k"),
    "vo": ("attn.v", "attn.o"),
}


def matrices(model: ModelConfig, layers: str = "all") -> dict[str, tuple[int, int]]:
    """Name -> (out, in) of every prunable matrix of those `layers`, block by block."""
    width, hidden = model.width, model.mlp
    shapes = {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}
    return {
        f"blocks.{block}.{kind}": shapes.get(kind, (width, width))
        for block in range(model.depth)
        for kind in LAYERS[layers]
    }


def weights(shapes: Mapping[str, tuple[int, int]]) -> int:
    return sum(rows * columns for rows, columns in shapes.values())


def sizes(config: Config) -> dict[str, int]:
    """How many parameters there are, how many can be removed, and among how many this removes."""
    layers = config.prune.layers if config.prune else "all"
    return {
        "parameters": parameters(config.model, config.data),
        "prunable": weights(matrices(config.model)),
        "taking_part": weights(matrices(config.model, layers)),
    }


def tokens(model: ModelConfig, data: DataConfig) -> int:
    """Patches and the class token."""
    return (DATASETS[data.name].side // model.patch) ** 2 + 1


def parameters(model: ModelConfig, data: DataConfig) -> int:
    """All parameters: embedding, class token, positions, blocks, final norm, classifier."""
    facts, width = DATASETS[data.name], model.width
    embed = (facts.channels * model.patch**2 + 1) * width
    prunable = matrices(model)
    biases = sum(rows for rows, _ in prunable.values())
    norms = (2 * model.depth + 1) * 2 * width
    classifier = (width + 1) * facts.classes
    positions = tokens(model, data) * width
    return embed + width + positions + weights(prunable) + biases + norms + classifier


def multiply_adds(
    model: ModelConfig,
    data: DataConfig,
    nonzero: Mapping[str, int] | None = None,
    scores: Iterable[int] | None = None,
    mixed: Iterable[int] | None = None,
) -> int:
    """Multiply-adds of one image through the model, once forward.

    A matrix costs its non-zeros for every token. Attention scores cost N x N for each of the
    dimensions that `scores` counts per block (alive in q and in k), the weighted sum N x N for
    each that `mixed` counts (alive in v); left out, all of them are alive.
    """
    facts, n = DATASETS[data.name], tokens(model, data)
    nonzero = nonzero or {}
    linear = sum(nonzero.get(m, rows * cols) for m, (rows, cols) in matrices(model).items())
    all_alive = [model.width] * model.depth
    attention = sum(all_alive if scores is None else scores)
    attention += sum(all_alive if mixed is None else mixed)
    embed = (n - 1) * facts.channels * model.patch**2 * model.width
    return embed + n * linear + n * n * attention + model.width * facts.classes
