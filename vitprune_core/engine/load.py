"""A pruned model of a finished level, or the dense one, as a torch module to use elsewhere."""

from pathlib import Path

from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.files import load_masks, load_tensors
from vitprune_core.engine.pruning.mask import with_biases
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.config import level_name
from vitprune_core.spec.request import load
from vitprune_core.store.rundir import RunDir


def load_model(run: str | Path, level: float | str | None = None, device: str = "cpu") -> ViT:
    """The model of a run's level, masked and in eval mode: pixels as stored in, logits out.

    run: the run's folder. level: a listed sparsity, or "dense"; None: the last level there is, the
    dense model where there is none. Raises ValueError, naming the choices.
    """
    folder = RunDir(Path(run).absolute())
    if not folder.config.is_file():
        raise ValueError(f"{run} is no run: it has no {folder.config.name}")
    config = load(str(folder.config)).config
    levels = sorted((p.stem for p in folder.weights("0").parent.glob("*.safetensors")), key=float)
    name = _name(level, levels)
    path = dense_of(config, folder).weights if name == "dense" else folder.weights(name)
    if not path.is_file():
        choices = ", ".join([*levels, "dense"])
        raise ValueError(f"level {level!r}: {path} is not there; choices: {choices}")
    weights = load_tensors(path, device)
    if folder.mask(name).is_file() and config.prune:
        kept = with_biases(load_masks(folder.mask(name)), config.prune.granularity)
        weights |= {n: weights[n] * mask.to(device) for n, mask in kept.items()}
    model = ViT(config.model, config.data, config.precision).to(device)
    model.load_state_dict(weights)
    return model.eval()


def _name(level: float | str | None, levels: list[str]) -> str:
    if level is None:
        return levels[-1] if levels else "dense"
    return level_name(level) if isinstance(level, int | float) else level
