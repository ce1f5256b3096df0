"""What a run is asked to do: one frozen, closed value, complete with every default.

The defaults are the study's (`presets/workloads/cifar10.yaml` states them again). Values outside
their range are refused here; what depends on two values at once is in `laws`.
"""

import re
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from vitprune_core.spec.datasets import AugmentName, DatasetName

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, le=1e30, allow_inf_nan=False)]
Multiple = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
AUTO = ("device", "precision", "kernels")
"""Keys that a machine answers for, where `auto` is asked."""
UNITS = ("weight", "row", "column", "head", "neuron")
GRANULARITIES = (*UNITS, "n:m with n below m (2:4)")
N_OF_M = re.compile(r"([1-9]\d{0,3}):([1-9]\d{0,3})")


def n_of_m(granularity: str) -> tuple[int, int] | None:
    """(2, 4) for `2:4`; None for a word that is no such pattern."""
    found = N_OF_M.fullmatch(granularity)
    n, m = map(int, found.groups()) if found else (1, 1)
    return (n, m) if n < m else None


def _granularity(word: str) -> str:
    if word not in UNITS and n_of_m(word) is None:
        raise PydanticCustomError("word", "not known", {"choices": GRANULARITIES})
    return word


Granularity = Annotated[str, AfterValidator(_granularity)]


class Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class DataConfig(Section):
    name: DatasetName = "cifar10"
    """The images to train on."""
    validation: Count = 5_000
    """Images set aside to watch the training by; nothing is selected on them."""
    fold: Annotated[int, Field(ge=0)] | None = None
    """Which fold is the test set, where a dataset has folds; null: the seed decides."""


class ModelConfig(Section):
    patch: Count = 4
    """Side of a square patch, in pixels."""
    width: Count = 384
    """Width of the residual stream."""
    heads: Count = 12
    """Attention heads in a block."""
    depth: Count = 7
    """Number of blocks."""
    mlp: Count = 384
    """Hidden neurons in a block's MLP."""


class TrainConfig(Section):
    epochs: Count = 200
    """Length of the learning-rate schedule."""
    batch_size: Count = 128
    """Images a step."""
    lr: Rate = 1e-3
    """Peak learning rate."""
    lr_min: Rate = 1e-5
    """Learning rate at the end of the cosine."""
    warmup: Share = 0.025
    """Share of the schedule spent climbing to the peak."""
    weight_decay: Rate = 0.05
    """Decay of matrices; biases, norms and positions have none."""
    label_smoothing: Share = 0.1
    """Share of the target spread over all classes."""
    augment: AugmentName = "autoaugment"
    """How training images are varied; autoaugment = crop, flip and AutoAugment for CIFAR-10."""


class PruneConfig(Section):
    granularity: Granularity = "weight"
    """The smallest thing removed together: weight, row (an output of its matrix), column, head,
    neuron, or n:m, which keeps n of every m neighbouring inputs."""
    distribution: Literal["global", "layerwise", "random"] = "global"
    """Where units compete: over all matrices, inside each, or not at all (shuffled masks)."""
    random_of: Literal["global", "layerwise", "none"] = "global"
    """Whose counts per matrix a random mask keeps; none: the same share everywhere."""
    criterion: Literal["magnitude", "taylor", "wanda"] = "magnitude"
    """How a unit is scored; the lowest go first."""
    layers: Literal["all", "attention", "mlp", "qk", "vo"] = "all"
    """Which matrices take part."""
    schedule: Literal["oneshot", "iterative"] = "oneshot"
    """oneshot: each sparsity on its own from the dense model; iterative: in rounds."""
    step: Annotated[float, Field(ge=0.001, lt=1, allow_inf_nan=False)] = 0.2
    """Share of what is left that an iterative round removes, about."""
    sparsities: Annotated[tuple[Share, ...], Field(min_length=1)]
    """Shares of the weights that take part to remove, rising; 0 is the control."""
    alone: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    """Measured with the control: what each matrix costs when it alone is pruned so far."""


class RetrainConfig(Section):
    policy: Literal["lr_rewind", "finetune", "weight_rewind", "restart"] = "lr_rewind"
    """The learning rate after pruning: replayed from T-t, constant, replayed from T-t with the
    weights of T-t, or a new schedule."""
    fraction: Multiple = 0.25
    """Retraining epochs as a share of the training epochs; 0 = none."""
    optimizer: Literal["keep", "reset"] | None = None
    """AdamW's moments: of the weights pruned, or zero; null: the policy's default."""
    lr: Rate | None = None
    """Learning rate of finetune; null: lr_min."""
    cycles: Count = 1
    """How often retraining is repeated with the mask fixed."""
    total: Multiple | None = None
    """Epochs of all rounds together as a share of the training epochs; replaces fraction."""


class CheckpointConfig(Section):
    every: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 30.0
    """Seconds between two checkpoints, beside those at the ends of phases; 0: at every step."""


class GivenConfig(Section):
    file: Annotated[str, Field(min_length=1)]
    """Weights by logical key (`blocks.0.attn.q.weight`), as safetensors."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Of the file; null: as it is when the run is made."""


class Workload(Section):
    """Dataset, model and recipe: everything that the dense model depends on beside the seed."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto is resolved once and written into the run's config."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of matrix products; weights are fp32 always. auto is resolved once."""
    kernels: Literal["auto", "eager", "compiled"] = "auto"
    """compiled: torch.compile fuses the model's operations. auto is resolved once: on CUDA."""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """CPU threads; part of the result, so never derived from the machine."""
    deterministic: bool = False
    """On CUDA: only algorithms that repeat to the bit, which costs time; CPUs always do."""


class Config(Workload):
    workload: str
    """Name of the dataset, model and recipe this started from."""
    prune: PruneConfig | None
    """null: dense training only."""
    retrain: RetrainConfig = RetrainConfig()
    dense: GivenConfig | None = None
    """A dense model of your own to prune; null: one that is trained here."""
    checkpoint: CheckpointConfig = CheckpointConfig()
    """How much work an accident may cost; no part of the result."""
    keep_weights: Literal["all", "last", "none"] = "all"
    """Of which levels the weights stay on the disk; no part of the result."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Sets split, initialisation, data order and shuffled masks."""


def dump(config: Config) -> str:
    """The whole config as YAML, defaults included: a preset that asks for the same again."""
    return yaml.safe_dump(as_dict(config), sort_keys=False, default_flow_style=None)


def as_dict(config: Section) -> dict[str, Any]:
    """Plain JSON values; what the study is about first."""
    values = config.model_dump(mode="json")
    first = [k for k in ("workload", "seed", "prune", "retrain") if k in values]
    return {k: values[k] for k in [*first, *(k for k in values if k not in first)]}


def level_name(sparsity: float) -> str:
    """The name of a level in files and on screen: 0.5, 0.95, 1."""
    return format(sparsity, "g")
