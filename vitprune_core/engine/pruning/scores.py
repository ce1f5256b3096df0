"""How much a weight matters; the lowest go first."""

from collections.abc import Callable, Mapping

from torch import Tensor


def magnitude(weight: Tensor) -> Tensor:
    """|w| (Han et al. 2015, arXiv:1506.02626)."""
    return weight.abs()


SCORES: Mapping[str, Callable[[Tensor], Tensor]] = {"magnitude": magnitude}
