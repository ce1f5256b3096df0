"""What is removed together, and how a number a weight becomes a number a unit and back.

A *unit* is the smallest thing removed: a weight, a row, a column, a head, a neuron. A *group* is
the units of one kind in one matrix, or in the matrices of a block that a unit runs through: a head
is rows of q, k and v and columns of o. A group *gathers* one number a weight into one a unit and
*spreads* one boolean a unit back over the weights; scoring and selecting never ask which
granularity they are in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Matrices = Mapping[str, Tensor]
"""Name -> one value a weight, shape (out, in)."""
ROW, COLUMN = 0, 1
"""Which index of a weight says whose it is: its output's or its input's."""
HEAD: Mapping[str, int] = {"q": ROW, "k": ROW, "v": ROW, "o": COLUMN}
NEURON: Mapping[str, int] = {"fc1": ROW, "fc2": COLUMN}
"""Matrix -> which of its lines belong to a head, to a hidden neuron."""


@dataclass(frozen=True)
class Piece:
    """What the units of a group own in one matrix: neighbouring lines, or single weights."""

    matrix: str
    shape: tuple[int, int]
    """(out, in) of the matrix."""
    axis: int | None
    """ROW or COLUMN; None: every weight is a unit of its own."""
    each: int = 1
    """Lines of one unit."""

    @property
    def units(self) -> int:
        return self.shape[0] * self.shape[1] if self.axis is None else self.lines // self.each

    @property
    def lines(self) -> int:
        assert self.axis is not None
        return self.shape[self.axis]

    @property
    def size(self) -> int:
        """Weights of one unit."""
        return 1 if self.axis is None else self.each * self.shape[1 - self.axis]

    def by_unit(self, values: Tensor) -> Tensor:
        """The weights of each unit in a row of their own, shape (units, size)."""
        by_line = values.T if self.axis == COLUMN else values
        return by_line.reshape(self.units, self.size)

    def spread(self, kept: Tensor) -> Tensor:
        """One boolean a unit as one a weight, shape (out, in)."""
        if self.axis is None:
            return kept.view(self.shape)
        by_line = kept.repeat_interleave(self.each).unsqueeze(1 - self.axis)
        return by_line.expand(self.shape).contiguous()


@dataclass(frozen=True)
class Group:
    name: str
    """Of its matrix, or of the part of a block that its units run through."""
    pieces: tuple[Piece, ...]

    @property
    def single(self) -> bool:
        """Every weight is a unit of its own."""
        return self.pieces[0].axis is None

    @property
    def size(self) -> int:
        """Weights of one unit."""
        return sum(piece.size for piece in self.pieces)

    def gather(self, scores: Matrices) -> Tensor:
        """One score a unit, shape (units,): the root mean square of its weights'."""
        if self.single:
            return scores[self.name].flatten()
        squares = (p.by_unit(scores[p.matrix]).square().sum(dim=1) for p in self.pieces)
        return (torch.stack(list(squares)).sum(dim=0) / self.size).sqrt()

    def alive(self, kept: Matrices) -> Tensor:
        """Which units still have a weight, shape (units,)."""
        if self.single:
            return kept[self.name].flatten()
        return torch.stack([p.by_unit(kept[p.matrix]).any(dim=1) for p in self.pieces]).any(dim=0)

    def spread(self, kept: Tensor) -> dict[str, Tensor]:
        """Matrix -> one boolean a weight, shape (out, in)."""
        return {piece.matrix: piece.spread(kept) for piece in self.pieces}


Grouped = Callable[[Matrices, int | None], list[Group]]
"""All weights, and the number of heads where it is known, to groups of units."""


def of_matrices(axis: int | None) -> Grouped:
    """Every matrix for itself: its weights, its rows or its columns."""

    def grouped(weights: Matrices, heads: int | None) -> list[Group]:
        return [Group(n, (Piece(n, _shape(w), axis),)) for n, w in weights.items()]

    return grouped


def of_heads(weights: Matrices, heads: int | None) -> list[Group]:
    """A head is its rows of q, k and v and its columns of o; heads of a block are a group."""
    if heads is None or heads < 1:
        raise ValueError("heads: the number of heads is needed for granularity head")
    return _of_parts("head", HEAD, weights, count=heads)


def of_neurons(weights: Matrices, heads: int | None) -> list[Group]:
    """A hidden neuron is its row of fc1 and its column of fc2; those of a block are a group."""
    return _of_parts("neuron", NEURON, weights, count=None)


def _of_parts(
    unit: str, axes: Mapping[str, int], weights: Matrices, count: int | None
) -> list[Group]:
    """One group for each part of a block, of the matrices that `axes` names.

    `count` units a matrix, or as many as it has lines. Raises ValueError where matrices are missing
    or others are there.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    for name, weight in weights.items():
        part, _, kind = name.rpartition(".")
        if kind not in axes:
            raise ValueError(f"weights: {name} is no part of a {unit}: {', '.join(axes)}")
        parts.setdefault(part, {})[kind] = weight
    return [_part_group(unit, part, axes, found, count) for part, found in parts.items()]


def _part_group(
    unit: str, part: str, axes: Mapping[str, int], found: Mapping[str, Tensor], count: int | None
) -> Group:
    pieces = []
    for kind, axis in axes.items():
        name = f"{part}.{kind}".lstrip(".")
        if kind not in found:
            raise ValueError(f"weights: {name} is missing, and a {unit} runs through it")
        shape = _shape(found[kind])
        units = count or shape[axis]
        if shape[axis] % units:
            raise ValueError(f"heads: {units} does not divide the {shape[axis]} lines of {name}")
        pieces.append(Piece(name, shape, axis, each=shape[axis] // units))
    if len({piece.units for piece in pieces}) > 1:
        raise ValueError(f"weights: the matrices of {part} disagree about its {unit}s")
    return Group(part, tuple(pieces))


def _shape(matrix: Tensor) -> tuple[int, int]:
    out, into = matrix.shape
    return out, into


UNITS: Mapping[str, Grouped] = {
    "weight": of_matrices(None),
    "row": of_matrices(ROW),
    "column": of_matrices(COLUMN),
    "head": of_heads,
    "neuron": of_neurons,
}
WITH_BIAS: Mapping[str, tuple[str, ...]] = {"head": ("q", "k", "v"), "neuron": ("fc1",)}


def takes_bias(granularity: str, matrix: str) -> bool:
    """Whether a row that goes takes its bias along; elsewhere biases stay."""
    return granularity == "row" or matrix.rpartition(".")[2] in WITH_BIAS.get(granularity, ())
