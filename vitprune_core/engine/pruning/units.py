"""What is removed together, and how a number a weight becomes a number a unit and back.

A *unit* is the smallest thing removed: a weight, a row, a column. A *group* is the units of one
kind in one matrix. A group *gathers* one number a weight into one a unit and *spreads* one boolean
a unit back over the weights; scoring and selecting never ask which granularity they are in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Group:
    name: str
    shape: tuple[int, int]
    """(out, in) of the matrix."""
    axis: int | None
    """Which index of a weight is its unit's number; None: every weight is a unit of its own."""

    @property
    def size(self) -> int:
        """Weights of one unit."""
        return 1 if self.axis is None else self.shape[1 - self.axis]

    def gather(self, scores: Tensor) -> Tensor:
        """One score a unit, shape (units,): of a line, the root mean square of its weights'."""
        if self.axis is None:
            return scores.flatten()
        return scores.square().mean(dim=1 - self.axis).sqrt()

    def alive(self, kept: Tensor) -> Tensor:
        """Which units still have a weight, shape (units,)."""
        return kept.flatten() if self.axis is None else kept.any(dim=1 - self.axis)

    def spread(self, kept: Tensor) -> Tensor:
        """One boolean a weight, shape (out, in)."""
        if self.axis is None:
            return kept.view(self.shape)
        return kept.unsqueeze(1 - self.axis).expand(self.shape).contiguous()


def weights(name: str, matrix: Tensor) -> Group:
    return Group(name, _shape(matrix), axis=None)


def rows(name: str, matrix: Tensor) -> Group:
    """A row is an output of its matrix."""
    return Group(name, _shape(matrix), axis=0)


def columns(name: str, matrix: Tensor) -> Group:
    """A column is an input of its matrix."""
    return Group(name, _shape(matrix), axis=1)


def _shape(matrix: Tensor) -> tuple[int, int]:
    out, into = matrix.shape
    return out, into


UNITS: Mapping[str, Callable[[str, Tensor], Group]] = {
    "weight": weights,
    "row": rows,
    "column": columns,
}
