"""From a config to what a run goes through. Pure: no torch, no files.

One schedule of T epochs serves every phase. Training covers all of it once; retraining replays
its last stretch from the weights at hand, which is learning-rate rewinding (Renda, Frankle, Carbin
2020, arXiv:2003.02389).

    dense     ├──────────────────────────────┤
    prune     ×
    retrain                  ├───────────────┤

One-shot starts every level again from the dense model, so each level is round 1 and gives the same
result alone or in a list. Iterative goes on from the round before.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from vitprune_core.spec.config import Config, PruneConfig, TrainConfig


@dataclass(frozen=True)
class Train:
    """Train over epochs `start` to `stop` of the one schedule."""

    round: int
    """0 is dense training; round k is pruning and retraining number k."""
    cycle: int
    """Which repetition of the retraining."""
    start: int
    stop: int
    policy: str
    """How the learning rate goes: `schedule` when dense (`given`: there is no training), else the
    retrain policy."""
    sparsity: float = 0.0

    @property
    def epochs(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Prune:
    """Remove units until `sparsity` of the weights that take part are gone."""

    round: int
    sparsity: float


@dataclass(frozen=True)
class Round:
    """Prune once, retrain, measure."""

    number: int
    sparsity: float
    listed: bool
    """One of the preset's sparsities: a level that is kept and reported."""
    from_dense: bool
    """Starts from the dense model rather than from the round before."""
    retrain: tuple[Train, ...]

    @property
    def phases(self) -> tuple[Train | Prune, ...]:
        """Sparsity 0 is the control: retrained without pruning."""
        prune = (Prune(self.number, self.sparsity),) if self.sparsity > 0 else ()
        return (*prune, *self.retrain)


@dataclass(frozen=True)
class Plan:
    dense: Train
    rounds: tuple[Round, ...]

    @property
    def phases(self) -> tuple[Train | Prune, ...]:
        return (self.dense, *(phase for round in self.rounds for phase in round.phases))

    @property
    def epochs(self) -> int:
        """Of all phases together."""
        return sum(phase.epochs for phase in self.phases if isinstance(phase, Train))

    @property
    def rewinds(self) -> frozenset[int]:
        """Epochs of the dense training whose weights a retraining starts from."""
        retrainings = (phase for round in self.rounds for phase in round.retrain)
        return frozenset(p.start for p in retrainings if p.policy == "weight_rewind")


def plan(config: Config) -> Plan:
    epochs = config.train.epochs
    dense = Train(0, 0, 0, epochs, "schedule")
    if config.dense:  # it is taken as it is, at the end of a schedule
        dense = Train(0, 0, epochs, epochs, "given")
    if config.prune is None:
        return Plan(dense, ())
    rounds = _iterative if config.prune.schedule == "iterative" else _oneshot
    return Plan(dense, tuple(rounds(config, config.prune)))


def _oneshot(config: Config, prune: PruneConfig) -> Iterator[Round]:
    (epochs,) = epochs_of(config)
    for sparsity in prune.sparsities:
        stretches = [epochs] * config.retrain.cycles
        yield Round(1, sparsity, True, True, _retrain(config, 1, sparsity, stretches))


def _iterative(config: Config, prune: PruneConfig) -> Iterator[Round]:
    epochs, cycles, number = epochs_of(config), config.retrain.cycles, 0
    if prune.sparsities[0] == 0:
        # The control gets what the trajectory gets: one retraining, or the whole of `total`.
        stretches = epochs if config.retrain.total is not None else epochs[:1] * cycles
        yield Round(1, 0.0, True, True, _retrain(config, 1, 0.0, stretches))
    for a, b in _steps(prune):
        rounds = rounds_between(a, b, prune.step)
        for k in range(1, rounds + 1):
            sparsity = b if k == rounds else 1 - (1 - a) * ((1 - b) / (1 - a)) ** (k / rounds)
            retrain = _retrain(config, number + 1, sparsity, [epochs[number]] * cycles)
            yield Round(number + 1, sparsity, k == rounds, number == 0, retrain)
            number += 1


def _steps(prune: PruneConfig) -> list[tuple[float, float]]:
    """The listed sparsities as steps of the trajectory, from nothing removed; 0 is not on it."""
    return list(pairwise((0.0, *(s for s in prune.sparsities if s > 0))))


def rounds_between(a: float, b: float, step: float) -> int:
    """Rounds from sparsity a to b, each removing about `step` of what is left; to 1 it is one."""
    if b >= 1 or a >= b:
        return 1
    return max(1, round(math.log((1 - b) / (1 - a)) / math.log(1 - step)))


def epochs_of(config: Config) -> list[int]:
    """Retraining epochs of each round (one-shot has one round, whatever the level)."""
    rounds = 1
    if config.prune and config.prune.schedule == "iterative":
        steps = _steps(config.prune)
        rounds = max(1, sum(rounds_between(a, b, config.prune.step) for a, b in steps))
    total = config.retrain.total
    if total is None:
        return [_fraction(config)] * rounds
    spent = [round(total * config.train.epochs * i / rounds) for i in range(rounds + 1)]
    return [b - a for a, b in pairwise(spent)]


def _fraction(config: Config) -> int:
    """t = max(1, round(fraction * T)); a fraction of 0 is no retraining."""
    share = config.retrain.fraction
    return max(1, round(share * config.train.epochs)) if share > 0 else 0


def _retrain(
    config: Config, round: int, sparsity: float, stretches: list[int]
) -> tuple[Train, ...]:
    policy, total = config.retrain.policy, config.train.epochs
    phases = []
    for cycle, epochs in enumerate(stretches):
        start = 0 if policy == "restart" else max(total - epochs, 0)
        if epochs:
            phases.append(Train(round, cycle, start, start + epochs, policy, sparsity))
    return tuple(phases)


def lr_at(progress: float, train: TrainConfig) -> float:
    """The one schedule: linear warm-up to `lr`, then a cosine to `lr_min`; progress 0 to 1."""
    if progress < train.warmup:
        return train.lr * progress / train.warmup
    t = (progress - train.warmup) / (1 - train.warmup) if train.warmup < 1 else 1.0
    return train.lr_min + (train.lr - train.lr_min) * 0.5 * (1 + math.cos(math.pi * t))


def lr_of(phase: Train, epoch: float, config: Config) -> float:
    """The learning rate at `epoch` of a phase, a point between its `start` and `stop`."""
    if phase.policy == "finetune":
        return config.train.lr_min if config.retrain.lr is None else config.retrain.lr
    length = phase.stop if phase.policy == "restart" else config.train.epochs
    return lr_at(epoch / length, config.train)


def rates(config: Config, steps: Plan, points: int) -> tuple[list[float], list[float]]:
    """Over the epochs of all phases, one after the other, the learning rate at about `points`."""
    x, y, done = [], [], 0
    for phase in steps.phases:
        if isinstance(phase, Train):
            each = max(points * phase.epochs // max(steps.epochs, 1), 2)
            for i in range(each + 1):
                x.append(done + phase.epochs * i / each)
                y.append(lr_of(phase, phase.start + phase.epochs * i / each, config))
            done += phase.epochs
    return x, y
