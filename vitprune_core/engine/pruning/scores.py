"""How much a weight matters; the lowest go first.

Magnitude looks at the weights alone. The others look at what training images do to the model as it
is, pruned so far: they take batches and yield after each, so that a request need not wait.

Shapes   B batch · N tokens · R tokens read · W width of an input
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn

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
    """|w| times the norm of its input over all tokens (Sun et al. 2023, arXiv:2306.11695)."""
    squares: dict[str, Tensor] = {}

    def add(name: str, input_BNW: Tensor) -> None:
        seen = input_BNW.detach().float().square().sum(dim=(0, 1))
        squares[name] = squares[name] + seen if name in squares else seen

    names = list(names)
    with ExitStack() as hooks:
        for name in names:
            hooks.enter_context(_listening(model, name, partial(add, name)))
        for images, labels in batches:
            with torch.no_grad():  # not around the yield: others may need gradients meanwhile
                loss(images, labels)
            yield
    return {name: _weight(model, name).abs() * squares[name].sqrt() for name in names}


def _listening(model: nn.Module, name: str, hear: Callable[[Tensor], None]) -> "ExitStack":
    """Hear the inputs of a matrix until closed; q, k and v have those of their attention."""
    part, _, kind = name.rpartition(".")
    heard = ExitStack()
    if kind in ("q", "k", "v"):  # computed by one product for all: their own modules stay silent
        which = 0 if kind == "q" else 1
        hook = model.get_submodule(part).register_forward_pre_hook(
            lambda _, given: hear(given[which])
        )
    else:
        hook = model.get_submodule(name).register_forward_pre_hook(lambda _, given: hear(given[0]))
    heard.callback(hook.remove)
    return heard


def _parameter(model: nn.Module, name: str) -> nn.Parameter:
    return model.get_parameter(f"{name}.weight")


def _weight(model: nn.Module, name: str) -> Tensor:
    return _parameter(model, name).detach()


SCORES: Mapping[str, Callable[[nn.Module, Iterable[str], Batches, Loss], Scoring]] = {
    "magnitude": by_magnitude,
    "taylor": by_taylor,
    "wanda": by_wanda,
}
