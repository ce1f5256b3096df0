"""Where a run is, between two steps: everything that what follows depends on, as one value.

Randomness is counted, not carried, so this is small: the state, the masks, and where in the plan.
A checkpoint is a position as one safetensors file: tensors as they are, the rest as JSON in its
metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from vitprune_core.engine.evaluate import PerImage, Scores
from vitprune_core.engine.files import as_bytes, check_state, on_cpu, packed, part, unpacked
from vitprune_core.engine.pruning.mask import Masks
from vitprune_core.engine.state import State
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config
from vitprune_core.spec.plan import plan
from vitprune_core.store.events import Epoch, Score
from vitprune_core.store.sealed import DamagedFile, number, unseal
from vitprune_core.store.values import WRONG, from_json, loads, to_json

NOT_PRUNED = -1
Stage = Literal["dense", "retrace", "rounds"]


@dataclass(frozen=True, kw_only=True)
class Position:
    stage: Stage
    """`retrace` trains the first epochs of `dense` again, for weights that were not kept."""
    step: int
    """Steps of training and prunings so far in this run; it numbers checkpoints."""
    round: int = 0
    """Index into the plan's rounds."""
    cycle: int = NOT_PRUNED
    """Which of the round's retrainings."""
    epoch: int = 0
    """Of the schedule; where a phase is over, its end."""
    batch: int = 0
    """The epoch's next batch."""
    total: float = 0.0
    """Sum of the losses of the epoch's images so far."""
    state: State
    masks: Masks = field(default_factory=dict)
    """Of every prunable matrix."""
    before: Scores | None = None
    """Of the round's pruned model, not yet retrained."""
    spent: int = 0
    """Retraining epochs from the dense model to the round's beginning."""
    told: tuple[Epoch, ...] = ()
    """Epochs of dense training so far: they become part of the shared model's record."""
    seconds: float = 0.0
    """Of dense training so far, for that record too."""
    differs: tuple[str, ...] = ()
    """What was another, in the fingerprint, before the run was resumed; for that record too."""


class Read(NamedTuple):
    """A checkpoint as it was found."""

    position: Position
    seq: int
    """Number of the log's last record when it was taken."""
    worked: float
    """Seconds since that record."""
    fingerprint: dict[str, Any]
    """Of the process that took it."""


APART = ("step", "state", "masks", "before", "told", "differs")
COUNTERS = tuple(f.name for f in fields(Position) if f.name not in APART)
"""Fields that are written as they are; the step is in the file's name."""
KINDS: dict[str, type] = {"stage": str, "total": float, "seconds": float}
"""Of those that are not whole numbers."""


def encode(
    position: Position, seq: int, worked: float, fingerprint: Mapping[str, Any]
) -> bytes | None:
    """The bytes of a checkpoint; None when a weight or moment is not a number any more."""
    tensors = packed(position.state)
    numbers = [*tensors.values(), torch.tensor(position.total)]
    if not all(bool(t.isfinite().all()) for t in numbers):
        return None
    tensors |= {f"masks.{name}": mask for name, mask in position.masks.items()}
    known: dict[str, Any] = {name: getattr(position, name) for name in COUNTERS}
    known |= {"updates": position.state.step, "told": to_json(position.told)}
    known["differs"] = list(position.differs)
    if position.before:
        tensors["before.correct"] = torch.from_numpy(position.before.images.correct)
        tensors["before.nll"] = torch.from_numpy(position.before.images.nll)
        known["before"] = [to_json(position.before.validation), to_json(position.before.test)]
    stamps = {"seq": seq, "worked": worked, "fingerprint": dict(fingerprint)}
    return as_bytes(on_cpu(tensors), {"position": json.dumps(known), "stamps": json.dumps(stamps)})


def read(path: Path, config: Config) -> Read:
    """A checkpoint's position, on the config's device.

    Raises `DamagedFile` where anything does not fit, OSError where it cannot be read.
    """
    data, step = unseal(path), number(path)
    try:
        words = _metadata(data)
        known, stamps = loads(words["position"]), loads(words["stamps"])
        tensors = {name: t.to(config.device) for name, t in load(data).items()}
        return Read(
            _position(step, known, tensors, config),
            from_json(int, stamps["seq"]),
            from_json(float, stamps["worked"]),
            dict(from_json(Mapping[str, Any], stamps["fingerprint"])),  # type: ignore[type-abstract]
        )
    except (SafetensorError, *WRONG) as error:
        raise DamagedFile(f"{path.name}: not a checkpoint of this run: {error}") from None


def _metadata(data: bytes) -> dict[str, str]:
    length = int.from_bytes(data[:8], "little")
    words: dict[str, str] = loads(data[8 : 8 + length])["__metadata__"]
    return words


def _position(
    step: int, known: dict[str, Any], tensors: dict[str, Tensor], config: Config
) -> Position:
    state = unpacked(tensors, from_json(int, known["updates"]))
    masks = part(tensors, "masks")
    check_state(state, config)
    _check_masks(masks, config)
    before = None
    if "before" in known:
        validation, test = (from_json(Score, score) for score in known["before"])
        correct, nll = (tensors[f"before.{n}"] for n in ("correct", "nll"))
        if correct.dtype != torch.bool or (correct.shape, correct.dim()) != (nll.shape, 1):
            raise ValueError("its test images are not those of a model")
        before = Scores(validation, test, PerImage(correct.cpu().numpy(), nll.cpu().numpy()))
    in_order = {n: masks[n] for n in shape.matrices(config.model)} if masks else {}
    told = tuple(from_json(Epoch, epoch) for epoch in known["told"])
    counters: dict[str, Any] = {
        name: from_json(KINDS.get(name, int), known[name]) for name in COUNTERS
    }
    differs = tuple(known.get("differs", ()))  # which the first checkpoints had not
    counters |= {"step": step, "told": told, "differs": differs}
    position = Position(**counters, state=state, masks=in_order, before=before)
    _check_place(position, config)
    return position


def _check_masks(masks: Masks, config: Config) -> None:
    """Raises ValueError unless they are none, or of the model's prunable matrices."""
    sizes = shape.matrices(config.model)
    prunable = {name: (torch.Size(size), torch.bool) for name, size in sizes.items()}
    if masks and {name: (mask.shape, mask.dtype) for name, mask in masks.items()} != prunable:
        raise ValueError("its masks are not those of the model")


def _check_place(here: Position, config: Config) -> None:
    """Raises ValueError where it is beyond all that the plan has, or lacks what is needed there."""
    steps = plan(config)
    phases = [steps.dense, *(phase for round in steps.rounds for phase in round.retrain)]
    cycles = max((len(round.retrain) for round in steps.rounds), default=0)
    known = (
        here.stage in get_args(Stage)
        and 0 <= here.round <= len(steps.rounds)
        and NOT_PRUNED <= here.cycle <= cycles
        and 0 <= here.epoch <= max(phase.stop for phase in phases)
        and min(here.batch, here.spent, here.state.step) >= 0
    )
    if not known:
        raise ValueError("its place is none of the plan")
    if here.cycle != NOT_PRUNED and not (here.masks and here.before):
        raise ValueError("it is pruned and has no masks or no scores")
