"""Everything that can happen in a run, one frozen value each.

    Created
    Starting                                once an attempt, by the process that works on the run
    Started | Resumed
    (DenseReused | DenseDamaged | DenseAdopted)?  Epoch, Epoch, …  DenseTrained
    for round in plan:
        Pruned?  Epoch, Epoch, …  Level
    Finished | Stopped | Failed | Diverged

and, whenever they happen, Checkpointed, Acknowledged, Paused, Continued, DenseAwaited, WaitEnded,
DenseKept, Retracing and Retraced. `PROCESS` are the kinds that depend on how often a run was
interrupted; all others are the same for one that never was.

Events say what happened, the log says when: the same seed gives equal events. Accuracies and
densities are shares, 0 to 1; losses are means of the negative log-likelihood in nats.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a model does on one part of the data."""

    accuracy: float
    loss: float
    top5: float | None = None
    """Only from 100 classes up."""


@dataclass(frozen=True, kw_only=True)
class Created:
    preset: str
    request: tuple[str, ...] = ()
    """The words after `vitprune run` that ask for the same again; the first version wrote none."""
    config: Mapping[str, Any]
    """As asked for: complete, with `auto` not yet resolved."""


@dataclass(frozen=True, kw_only=True)
class Starting:
    """A process has taken the run's lock; torch and the images are still to be loaded."""

    host: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """The run goes on from a checkpoint, or from its beginning where there is none."""

    after: int
    """Number of the record it goes on from: what lies between was told for nothing."""
    step: int | None
    """Of the checkpoint."""
    worked: float
    """Seconds of work after that record that the checkpoint holds."""
    exact: bool
    """The bytes that follow are those of a run that was never interrupted."""
    differs: tuple[str, ...]
    """Why they are not: keys of the fingerprint that were others before."""
    corrupt: tuple[str, ...]
    """Checkpoints that were damaged, under the names they were moved to."""


@dataclass(frozen=True, kw_only=True)
class Checkpointed:
    step: int
    file: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A request was read: pause, continue or stop. What it leads to follows."""

    request: str


@dataclass(frozen=True, kw_only=True)
class Paused:
    """Alive, and waiting to be continued."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Continued:
    pass


@dataclass(frozen=True, kw_only=True)
class Started:
    config: Mapping[str, Any]
    """With `auto` resolved."""
    fingerprint: Mapping[str, Any]
    """Versions, device, threads, precision, hashes: equal ones give equal bytes."""
    parameters: int
    prunable: int
    taking_part: int
    """Weights of the matrices that take part in pruning."""
    epochs: int
    """Of all phases of the plan together."""
    host: str


@dataclass(frozen=True, kw_only=True)
class DenseReused:
    """The dense model was found in the shared folder; its epochs follow as it was trained."""

    hash: str
    trained_seconds: float = 0.0
    """What its training took when it was trained; the first version wrote it elsewhere."""
    differs: tuple[str, ...] = ()
    """Keys of the fingerprint that were others then: its bytes may not be those of today."""


@dataclass(frozen=True, kw_only=True)
class DenseKept:
    """The run trained the dense model itself in an earlier attempt; its epochs follow again."""

    trained_seconds: float


@dataclass(frozen=True, kw_only=True)
class DenseDamaged:
    """A shared dense model whose files are not what was written: it is trained again."""

    hash: str
    kept_as: str
    """The folder it was moved to, beside its old place."""


@dataclass(frozen=True, kw_only=True)
class DenseAwaited:
    """Another run trains the dense model that this one needs, or rewinds it."""

    hash: str
    by: str
    """The run."""


@dataclass(frozen=True, kw_only=True)
class WaitEnded:
    """What a run waited for is there, or its own to do."""

    hash: str
    """Of the dense model."""


@dataclass(frozen=True, kw_only=True)
class DenseAdopted:
    """The run that trained the dense model is gone: this one goes on from its checkpoint."""

    hash: str
    of: str
    """The run."""
    step: int | None
    """Of the checkpoint; null where there was none and training begins anew."""


@dataclass(frozen=True, kw_only=True)
class Retracing:
    """The first epochs of the dense training once more, for weights that were not kept."""

    hash: str
    epochs: int


@dataclass(frozen=True, kw_only=True)
class Retraced:
    epoch: int
    """Of the schedule, from 0."""
    loss: float


@dataclass(frozen=True, kw_only=True)
class Epoch:
    round: int
    """0 is dense training; round k is pruning and retraining number k."""
    cycle: int
    epoch: int
    """Of the one schedule, from 0: a rewound phase repeats numbers."""
    sparsity: float
    loss: float
    """Mean training loss, label smoothing included."""
    lr: float
    """Of the last step."""
    validation: Score


@dataclass(frozen=True, kw_only=True)
class DenseTrained:
    hash: str
    epochs: int
    validation: Score
    test: Score
    weights_sha256: str


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """What is left of one prunable matrix."""

    density: float
    heads: tuple[float, ...] | None
    """Density of each head's rows (q, k, v) or columns (o); null for the MLP."""
    dead_rows: int
    dead_columns: int


@dataclass(frozen=True, kw_only=True)
class Pruned:
    round: int
    sparsity_asked: float
    sparsity: float
    """Of the weights that take part."""
    matrices: Mapping[str, Matrix]
    validation: Score
    """Before retraining, like `test`."""
    test: Score


@dataclass(frozen=True, kw_only=True)
class PrunedAlone:
    """What one matrix costs: the dense model without most of it, not retrained."""

    matrix: str
    sparsity: float
    """Of this matrix."""
    validation: Score
    test: Score


@dataclass(frozen=True, kw_only=True)
class Level:
    """A round is over: what the pruned and retrained model is and does."""

    round: int
    listed: bool
    sparsity_asked: float
    sparsity: float
    """Of the weights that take part."""
    sparsity_prunable: float
    """Of all prunable weights, those of other layers included."""
    sparsity_parameters: float
    """Of all parameters."""
    validation_before: Score
    validation: Score
    test_before: Score
    test: Score
    nonzero_parameters: int
    compression: float
    """Parameters divided by non-zero parameters."""
    speedup: float
    """Multiply-adds of the dense model divided by those that remain; theoretical."""
    effective_sparsity: float | None
    """Of the weights that take part, the share that is gone or that no path runs through."""
    removable: float | None
    """Share of the multiply-adds that could be removed physically."""
    epochs: int
    """Retraining epochs from the dense model to here."""
    collapsed: tuple[str, ...]
    """Matrices of which nothing is left."""
    silent_heads: tuple[str, ...] | None
    """Heads without any v row or o column: `blocks.0.attn.3`. Null, like the numbers above, in
    logs of earlier versions."""
    key_blind_heads: tuple[str, ...] | None
    """Heads without any k row."""
    dead_neurons: Mapping[str, int]
    """Block's MLP -> hidden neurons without input or without output; only where there are any."""
    matrices: Mapping[str, Matrix]
    weights_sha256: str


@dataclass(frozen=True, kw_only=True)
class Diverged:
    """The loss or a weight is not a number any more; the run ends here."""

    round: int
    sparsity_asked: float
    """Of the round; 0 in dense training."""
    level: float | None = None
    """The listed sparsity that the round was to lead to; null in dense training, and in logs of the
    first version."""
    step: int
    """Of the phase, from 0."""
    epoch: int
    lr: float
    gradient_norm: float | None
    """Of the last update; null if there was none or it overflowed."""

    @property
    def where(self) -> str:
        norm = "?" if self.gradient_norm is None else f"{self.gradient_norm:.3g}"
        at = f"step {self.step} of epoch {self.epoch}, learning rate {self.lr:.3g}"
        return f"{at}, gradient norm before it {norm}"


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """Asked to stop; what was finished stays."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    reason: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    weights_sha256: str


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A record that cannot be read: never written, only found."""

    bytes: int


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A record of a kind that only a newer version knows: never written, only found."""

    kind: str


Event = (
    Created
    | Starting
    | Started
    | Resumed
    | Checkpointed
    | Acknowledged
    | Paused
    | Continued
    | DenseReused
    | DenseKept
    | DenseDamaged
    | DenseAwaited
    | WaitEnded
    | DenseAdopted
    | Retracing
    | Retraced
    | Epoch
    | DenseTrained
    | Pruned
    | PrunedAlone
    | Level
    | Diverged
    | Stopped
    | Failed
    | Finished
)
Found = Event | Damaged | Unknown
"""What a record of a log may turn out to be."""
KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
PROCESS = (
    Starting,
    Resumed,
    Checkpointed,
    Acknowledged,
    Paused,
    Continued,
    DenseKept,
    DenseAwaited,
    WaitEnded,
    Retracing,
    Retraced,
    Stopped,
    Failed,
)
"""What happens to the process that works on a run: it differs from one attempt to another."""
