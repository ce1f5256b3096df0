"""How much a weight matters; the lowest go first.

Magnitude looks at the weights alone. The others look at what training images do to the model as it
is, pruned so far: they take batches and yield after each, so that a request need not wait.

Shapes   B batch · N tokens · R tokens read · W width of an input
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

Batches = Iterable[tuple[Tensor, Tensor]]
"""Images and labels."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Of a batch: its mean."""
Scoring = Generator[None, None, dict[str, Tensor]]
"""Matrix -> one score a weight, shape (out, in), in the end."""


def magnitude(weight: Tensor) -> Tensor:
    """|w| (Han et al. 2015, arXiv:1506.02626)."""
    return weight.abs()


def by_magnitude(model: nn.Module, names: Iterable[str], batches: Batches, loss: Loss) -> Scoring:
    yield from ()
    return {name: magnitude(_weight(model, name)) for name in names}


def by_taylor(model: nn.Module, names: Iterable[str], batches: Batches, loss: Loss) -> Scoring:
    """|w g|: what the loss would change by without the weight, to first order.

    The root mean square over batches, g being a batch's gradient (Molchanov et al. 2019,
    arXiv:1906.10771).
    """
    weights = {name: _parameter(model, name) for name in names}
    squares, count = {name: torch.zeros_like(weight) for name, weight in weights.items()}, 0
    for images, labels in batches:
        count += 1
        found = torch.autograd.grad(loss(images, labels), list(weights.values()))
        for (name, weight), gradient in zip(weights.items(), found, strict=True):
            squares[name] += (weight.detach() * gradient).square()
        yield
    return {name: (square / max(count, 1)).sqrt() for name, square in squares.items()}


def by_wanda(model: nn.Module, names: Iterable[str], batches: Batches, loss: Loss) -> Scoring:
    """|w| times the root mean square of its input (Sun et al. 2023, arXiv:2306.11695).

    They sum over tokens and compare inside a row, where that is the same. To compare matrices, as
    we do, it must be a mean: of the last block's inputs some are read at the class token only.
    """
    squares: dict[str, Tensor] = {}
    tokens: Counter[str] = Counter()

    def hear(name: str, input_BNW: Tensor) -> None:
        squares[name] = squares.get(name, 0) + input_BNW.detach().float().square().sum(dim=(0, 1))
        tokens[name] += input_BNW.shape[0] * input_BNW.shape[1]

    names = list(names)
    with ExitStack() as hooks:
        for name in names:
            hooks.enter_context(_listening(model, name, partial(hear, name)))
        for images, labels in batches:
            with torch.no_grad():  # not around the yield: others may need gradients meanwhile
                loss(images, labels)
            yield
    norms = {name: (square / tokens[name]).sqrt() for name, square in squares.items()}
    return {name: _weight(model, name).abs() * norms[name] for name in names}


def _listening(model: nn.Module, name: str, hear: Callable[[Tensor], None]) -> RemovableHandle:
    """Hear the inputs of a matrix until closed; q, k and v have those of their attention."""
    part, _, kind = name.rpartition(".")
    if kind not in ("q", "k", "v"):
        return model.get_submodule(name).register_forward_pre_hook(lambda _, given: hear(given[0]))
    # Computed by one product for all: their own modules stay silent.
    which = 0 if kind == "q" else 1
    return model.get_submodule(part).register_forward_pre_hook(lambda _, given: hear(given[which]))


def _parameter(model: nn.Module, name: str) -> nn.Parameter:
    return model.get_parameter(f"{name}.weight")


def _weight(model: nn.Module, name: str) -> Tensor:
    return _parameter(model, name).detach()


SCORES: Mapping[str, Callable[[nn.Module, Iterable[str], Batches, Loss], Scoring]] = {
    "magnitude": by_magnitude,
    "taylor": by_taylor,
    "wanda": by_wanda,
}
