"""What is dead under a set of masks, followed through: parts that say nothing or that nobody hears.

A weight is *effective* when it lies on a path from the image to the logits (Vysogorets, Kempe 2021,
arXiv:2107.02306). Inside a block a path runs through dimensions of q and k, of v and o, or hidden
neurons; between blocks there is the residual stream, which is never pruned. What a dead part still
says is the same for every image, and could be added to the bias of the matrix that reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vitprune_core.engine.pruning.mask import Masks
from vitprune_core.engine.pruning.units import HEAD, NEURON, takes_bias
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config


@dataclass(frozen=True)
class Block:
    """Of one block, the dimensions that a path runs through; booleans."""

    q: Tensor
    """Shape (width,): queries that differ between images and are compared with something."""
    k: Tensor
    """Shape (width,): keys that are asked for."""
    vo: Tensor
    """Shape (width,): values that are written and read."""
    hidden: Tensor
    """Shape (mlp,): neurons with input and output."""


PATHS = {"q": "q", "k": "k", "v": "vo", "o": "vo", "fc1": "hidden", "fc2": "hidden"}
"""Matrix -> which dimensions of its block its lines are."""
AXES = {**HEAD, **NEURON}


class Lines:
    """Which rows and columns of a block's matrices have a weight left."""

    def __init__(self, masks: Masks, block: int):
        self.masks, self.block = masks, f"blocks.{block}"

    def rows(self, kind: str) -> Tensor:
        return self.masks[f"{self.block}.{kind}"].any(dim=1)

    def columns(self, kind: str) -> Tensor:
        return self.masks[f"{self.block}.{kind}"].any(dim=0)


def paths(masks: Masks, config: Config, granularity: str) -> list[Block]:
    """Block by block, what carries something on. `masks` has every prunable matrix."""
    found = [_block(Lines(masks, b), config, granularity) for b in range(config.model.depth)]
    speaking = sum(bool(block.vo.any()) for block in found)
    if speaking == 0:
        # No patch is ever attended to: the class token, and all that follows it, is a constant.
        return [replace(block, hidden=torch.zeros_like(block.hidden)) for block in found]
    if speaking == 1:
        # The one query that is read is the class token's, which has seen no image yet.
        return [replace(block, q=torch.zeros_like(block.q)) for block in found]
    return found


def _block(lines: Lines, config: Config, granularity: str) -> Block:
    vo = lines.rows("attn.v") & lines.columns("attn.o")
    of_head = by_head(vo, config)
    speaks = of_head.any(dim=1).repeat_interleave(of_head.shape[1])
    # A query that is its bias alone still tells keys apart. A key that is its bias alone adds the
    # same to the scores of all tokens, and softmax takes no notice.
    asked = lines.rows("attn.q")
    if not takes_bias(granularity, "attn.q"):
        asked = torch.ones_like(asked)
    k = lines.rows("attn.k") & asked & speaks
    return Block(k, k, vo, lines.rows("mlp.fc1") & lines.columns("mlp.fc2"))


def effective(masks: Masks, blocks: list[Block]) -> dict[str, Tensor]:
    """The weights on a path: matrix -> booleans, shape (out, in)."""
    return {
        name: mask & _dimensions(name, blocks).unsqueeze(1 - AXES[name.rpartition(".")[2]])
        for name, mask in masks.items()
    }


def removable(blocks: list[Block], config: Config) -> float:
    """Share of the multiply-adds that go when every dimension without a path is cut out.

    What remains are smaller matrices without holes.
    """
    names = shape.matrices(config.model)
    sizes = {n: config.model.width * int(_dimensions(n, blocks).sum()) for n in names}
    scores, mixed = [int(b.k.sum()) for b in blocks], [int(b.vo.sum()) for b in blocks]
    left = shape.multiply_adds(config.model, config.data, sizes, scores, mixed)
    return 1 - left / shape.multiply_adds(config.model, config.data)


def _dimensions(name: str, blocks: list[Block]) -> Tensor:
    """Of the lines of `blocks.0.attn.q` and the like, those that a path runs through."""
    _, block, _, kind = name.split(".")
    dimensions: Tensor = getattr(blocks[int(block)], PATHS[kind])
    return dimensions


def silent_heads(masks: Masks, config: Config) -> tuple[str, ...]:
    """Heads without any v row or without any o column; head 3 of block 0 is `blocks.0.attn.3`."""

    def silent(lines: Lines) -> Tensor:
        written, read = lines.rows("attn.v"), lines.columns("attn.o")
        return ~(by_head(written, config).any(dim=1) & by_head(read, config).any(dim=1))

    return _named(masks, config, silent)


def key_blind_heads(masks: Masks, config: Config) -> tuple[str, ...]:
    """Heads without any k row: they attend to all tokens alike."""
    return _named(masks, config, lambda lines: ~by_head(lines.rows("attn.k"), config).any(dim=1))


def dead_neurons(masks: Masks, config: Config, granularity: str) -> dict[str, int]:
    """Hidden neurons without input (fc1 row and bias gone) or without output (fc2 column gone).

    Where biases stay a neuron without weights still says its bias.
    """
    dead = {}
    for block in range(config.model.depth):
        lines = Lines(masks, block)
        silent = ~lines.columns("mlp.fc2")
        if takes_bias(granularity, "mlp.fc1"):
            silent = silent | ~lines.rows("mlp.fc1")
        if silent.any():
            dead[f"blocks.{block}.mlp"] = int(silent.sum())
    return dead


def by_head(dimensions: Tensor, config: Config) -> Tensor:
    """Shape (heads, head width)."""
    return dimensions.view(config.model.heads, -1)


def _named(masks: Masks, config: Config, which: Callable[[Lines], Tensor]) -> tuple[str, ...]:
    """The heads of all blocks that are so; `which` says it of one block's."""
    return tuple(
        f"blocks.{block}.attn.{head}"
        for block in range(config.model.depth)
        for head in which(Lines(masks, block)).nonzero().flatten().tolist()
    )
