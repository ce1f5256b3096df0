"""What is dead under a set of masks, followed through: parts that say nothing or that nobody hears.

A weight is *effective* when it lies on a path from the image to the logits (Vysogorets, Kempe 2021,
arXiv:2107.02306). Inside a block a path runs through dimensions of q and k, of v and o, or hidden
neurons; between blocks there is the residual stream, which is never pruned. What a dead part still
says is the same for every image, and could be added to the bias of the matrix that reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vitprune_core.engine.pruning.mask import Masks
from vitprune_core.engine.pruning.units import takes_bias
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config


@dataclass(frozen=True)
class Block:
    """Of one block, the dimensions that a path runs through; booleans."""

    qk: Tensor
    """Shape (width,): keys that are asked for, and queries that compare something."""
    vo: Tensor
    """Shape (width,): values that are written and read."""
    hidden: Tensor
    """Shape (mlp,): neurons with input and output."""


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
    if any(bool(block.vo.any()) for block in found):
        return found
    # No patch is ever attended to: the class token, and all that is made of it, is a constant.
    return [Block(b.qk, b.vo, torch.zeros_like(b.hidden)) for b in found]


def _block(lines: Lines, config: Config, granularity: str) -> Block:
    vo = lines.rows("attn.v") & lines.columns("attn.o")
    speaks = by_head(vo, config).any(dim=1, keepdim=True).expand_as(by_head(vo, config)).flatten()
    # A query that is its bias alone still tells keys apart. A key that is its bias alone adds the
    # same to the scores of all tokens, and softmax takes no notice.
    asked = lines.rows("attn.q")
    if not takes_bias(granularity, "attn.q"):
        asked = torch.ones_like(asked)
    qk = lines.rows("attn.k") & asked & speaks
    return Block(qk, vo, lines.rows("mlp.fc1") & lines.columns("mlp.fc2"))


def effective(masks: Masks, blocks: list[Block]) -> dict[str, Tensor]:
    """The weights on a path: matrix -> booleans, shape (out, in)."""
    on_path = dict(masks)
    for b, block in enumerate(blocks):
        across = {"attn.q": block.qk, "attn.k": block.qk, "attn.v": block.vo}
        for kind, rows in (across | {"mlp.fc1": block.hidden}).items():
            on_path[f"blocks.{b}.{kind}"] = masks[f"blocks.{b}.{kind}"] & rows.unsqueeze(1)
        for kind, columns in {"attn.o": block.vo, "mlp.fc2": block.hidden}.items():
            on_path[f"blocks.{b}.{kind}"] = masks[f"blocks.{b}.{kind}"] & columns.unsqueeze(0)
    return on_path


def removable(blocks: list[Block], config: Config) -> float:
    """Share of the multiply-adds that go when every dimension without a path is cut out.

    What remains are smaller matrices without holes, which any hardware multiplies faster.
    """
    sizes: dict[str, int] = {}
    for b, block in enumerate(blocks):
        inner = {"attn.q": block.qk, "attn.k": block.qk, "attn.v": block.vo, "attn.o": block.vo}
        inner |= {"mlp.fc1": block.hidden, "mlp.fc2": block.hidden}
        sizes |= {f"blocks.{b}.{k}": config.model.width * int(n.sum()) for k, n in inner.items()}
    scores, mixed = [int(b.qk.sum()) for b in blocks], [int(b.vo.sum()) for b in blocks]
    left = shape.multiply_adds(config.model, config.data, sizes, scores, mixed)
    return 1 - left / shape.multiply_adds(config.model, config.data)


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
