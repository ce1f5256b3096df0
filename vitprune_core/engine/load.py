"""A pruned model of a finished level, or the dense one, as a torch module to use elsewhere."""

from pathlib import Path

from safetensors import SafetensorError
from torch import Size, dtype

from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.files import load_tensors, weights_sha256
from vitprune_core.engine.state import Tensors
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.config import level_name
from vitprune_core.spec.request import load
from vitprune_core.store.events import DenseTrained, Level
from vitprune_core.store.log import entries, kept
from vitprune_core.store.rundir import RunDir


def load_model(run: str | Path, level: float | str | None = None, device: str = "cpu") -> ViT:
    """The model of a run's level, in eval mode: pixels as stored in, logits out.

    What was removed is zero in it.

    run: the run's folder. level: a listed sparsity, or "dense"; None: the last level there is, the
    dense model where there is none. Raises ValueError, naming the choices, and where the weights
    are not those that the run's log tells of.
    """
    folder = RunDir(Path(run).absolute())
    if not folder.config.is_file():
        raise ValueError(f"{run} is no run: it has no {folder.config.name}")
    config, levels = load(str(folder.config)).config, _hashes(folder)
    name = _name(level, list(levels))
    if not levels:
        raise ValueError(f"{run} has no model yet: its log tells of none")
    if name not in levels:
        raise ValueError(f"level {level!r} is not one of {', '.join(levels)}")
    path = dense_of(config, folder).weights if name == "dense" else folder.weights(name)
    if not path.is_file():
        raise ValueError(f"level {name}: {path} is gone")
    model = ViT(config.model, config.data, config.precision).to(device)
    try:
        weights = load_tensors(path, device)
    except (SafetensorError, KeyError):  # cut off, or damaged where it tells of its tensors
        weights = {}
    if _kinds(weights) != _kinds(model.state_dict()) or weights_sha256(weights) != levels[name]:
        raise ValueError(f"level {name}: {path} is damaged: it is not what the run has written")
    model.load_state_dict(weights)
    return model.eval()


def _hashes(folder: RunDir) -> dict[str, str]:
    """Level -> what its weights hash to, as the log tells, the dense model first."""
    told = [r.event for r in kept(entries(folder.log))]
    listed = [e for e in told if isinstance(e, DenseTrained) or (isinstance(e, Level) and e.listed)]
    names = (
        "dense" if isinstance(e, DenseTrained) else level_name(e.sparsity_asked) for e in listed
    )
    return {name: e.weights_sha256 for name, e in zip(names, listed, strict=True)}


def _kinds(tensors: Tensors) -> dict[str, tuple[Size, dtype]]:
    """What the hash does not know, which is of bytes."""
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def _name(level: float | str | None, levels: list[str]) -> str:
    if level is None:
        return levels[-1] if levels else "dense"
    return level if isinstance(level, str) else level_name(float(level))
