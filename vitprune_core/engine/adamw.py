"""AdamW (Loshchilov, Hutter 2019, arXiv:1711.05101) over a model, by torch's fused kernel.

The kernel is called as a function, on moments that are ours: the class around it would load torch's
compiler at its first use, two seconds of every process, and keep a state of its own beside `State`.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from vitprune_core.engine.state import State, put_weights
from vitprune_core.engine.vit import ViT, decays

BETAS, EPS = (0.9, 0.999), 1e-8


class AdamW:
    """Puts a model into a state and moves both on, step by step; decay on matrices only."""

    def __init__(self, model: ViT, state: State, weight_decay: float):
        put_weights(state, model)
        self.weights = dict(model.named_parameters())
        self.first = {name: moment.clone() for name, moment in state.first.items()}
        self.second = {name: moment.clone() for name, moment in state.second.items()}
        self.steps = {
            n: torch.tensor(float(state.step), device=w.device) for n, w in self.weights.items()
        }
        matrices = [name for name, weight in self.weights.items() if decays(name, weight)]
        others = [name for name in self.weights if name not in matrices]
        self.groups = ((matrices, weight_decay), (others, 0.0))

    @torch.no_grad()
    def update(self, lr: float) -> None:
        """One step along the gradients that are on the model."""
        for names, weight_decay in self.groups:
            adamw(
                [self.weights[n] for n in names],
                [_gradient(self.weights[n]) for n in names],
                _of(self.first, names),
                _of(self.second, names),
                [],
                _of(self.steps, names),
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=lr,
                weight_decay=weight_decay,
                eps=EPS,
                maximize=False,
            )

    @property
    def state(self) -> State:
        """Where model and moments are now, as a copy."""
        return State(
            weights={name: w.detach().clone() for name, w in self.weights.items()},
            first={name: moment.clone() for name, moment in self.first.items()},
            second={name: moment.clone() for name, moment in self.second.items()},
            step=round(float(next(iter(self.steps.values())))),
        )


def _of(tensors: dict[str, Tensor], names: Iterable[str]) -> list[Tensor]:
    return [tensors[name] for name in names]


def _gradient(weight: Tensor) -> Tensor:
    assert weight.grad is not None
    return weight.grad
