"""Everything that training changes, as one value: weights, AdamW's moments and its step counter.

Training takes a state and gives back another; nothing is carried between phases beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class State:
    weights: Tensors
    """Every parameter by name."""
    first: Tensors
    """AdamW's moving mean of the gradients, by parameter."""
    second: Tensors
    """AdamW's moving mean of the squared gradients."""
    step: int
    """Updates that the moments have seen."""


def fresh(weights: Tensors) -> State:
    """These weights, and an optimizer that has seen nothing."""
    return State(weights, _zeros(weights), _zeros(weights), step=0)


def reset(state: State) -> State:
    """The same weights with a fresh optimizer."""
    return fresh(state.weights)


def masked(state: State, masks: Tensors) -> State:
    """Removed entries zeroed: weights and moments. `masks` are booleans by parameter."""

    def zeroed(values: Tensors) -> Tensors:
        return {n: v.masked_fill(~masks[n], 0) if n in masks else v for n, v in values.items()}

    first, second = zeroed(state.first), zeroed(state.second)
    return replace(state, weights=zeroed(state.weights), first=first, second=second)


@torch.no_grad()
def put_weights(state: State, model: nn.Module) -> None:
    """Make a model be the one of this state."""
    for name, parameter in model.named_parameters():
        parameter.copy_(state.weights[name])
        parameter.grad = None


def _zeros(weights: Tensors) -> Tensors:
    return {name: torch.zeros_like(w) for name, w in weights.items()}
