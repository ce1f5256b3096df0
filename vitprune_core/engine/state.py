"""Everything that training changes, as one value: weights, AdamW's moments and its step counter.

Training takes a state and gives back another; nothing is carried between phases beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from vitprune_core.engine.vit import decays

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
        return {n: v * masks[n] if n in masks else v for n, v in values.items()}

    first, second = zeroed(state.first), zeroed(state.second)
    return replace(state, weights=zeroed(state.weights), first=first, second=second)


def adamw(model: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """Decay on matrices only; one fused update of all parameters."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in model.named_parameters():
        (matrices if decays(name, parameter) else others).append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": matrices},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)


@torch.no_grad()
def put(state: State, model: nn.Module, optimizer: torch.optim.AdamW) -> None:
    """Make model and optimizer be in this state."""
    put_weights(state, model)
    for name, parameter in model.named_parameters():
        optimizer.state[parameter] = {
            "step": torch.tensor(float(state.step), device=parameter.device),
            "exp_avg": state.first[name].clone(),
            "exp_avg_sq": state.second[name].clone(),
        }


@torch.no_grad()
def put_weights(state: State, model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        parameter.copy_(state.weights[name])
        parameter.grad = None


def take(model: nn.Module, optimizer: torch.optim.AdamW) -> State:
    """The state that model and optimizer are in, as a copy."""
    parameters = dict(model.named_parameters())
    moments = {name: optimizer.state[p] for name, p in parameters.items()}
    return State(
        weights={name: p.detach().clone() for name, p in parameters.items()},
        first={name: m["exp_avg"].clone() for name, m in moments.items()},
        second={name: m["exp_avg_sq"].clone() for name, m in moments.items()},
        step=round(float(next(iter(moments.values()))["step"])),
    )


def _zeros(weights: Tensors) -> Tensors:
    return {name: torch.zeros_like(w) for name, w in weights.items()}
