"""Tensors on disk: safetensors by logical name, masks as packed bits. No pickle anywhere."""

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vitprune_core.engine.evaluate import PerImage
from vitprune_core.engine.state import State, Tensors
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.config import Config
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.rundir import sweep, write
from vitprune_core.store.sealed import DamagedFile, number, seal, sealed, set_aside, unseal


def weights_sha256(weights: Tensors) -> str:
    """Of the sorted keys and raw bytes."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_tensors(path: Path, tensors: Tensors) -> None:
    write(path, as_bytes(on_cpu(tensors)))


def as_bytes(tensors: dict[str, Tensor], words: dict[str, str] | None = None) -> bytes:
    """As safetensors; raises MemoryError when there is not enough."""
    bytearray(2 * sum(t.nbytes for t in tensors.values()))  # else `save` would end the process
    return save(tensors, words)


def on_cpu(tensors: Tensors) -> dict[str, Tensor]:
    return {name: t.detach().cpu().contiguous() for name, t in tensors.items()}


def load_tensors(path: Path, device: str) -> dict[str, Tensor]:
    return {name: t.to(device) for name, t in load(path.read_bytes()).items()}


def save_state(folder: DenseDir, state: State) -> None:
    save_tensors(folder.weights, state.weights)
    moments = {n: t for n, t in packed(state).items() if not n.startswith("weights.")}
    save_tensors(folder.state, {**moments, "updates": torch.tensor(state.step)})


def load_state(folder: DenseDir, device: str) -> State:
    moments, weights = load_tensors(folder.state, device), load_tensors(folder.weights, device)
    updates = int(moments.pop("updates"))
    return unpacked({**moments, **{f"weights.{n}": w for n, w in weights.items()}}, updates)


def save_rewind(folder: DenseDir, epoch: int, state: State) -> None:
    """Keep the dense training's state after `epoch` epochs, to rewind weights to."""
    folder.rewinds.mkdir(mode=0o755, exist_ok=True)
    sweep(folder.rewinds)
    tensors = on_cpu({**packed(state), "updates": torch.tensor(state.step)})
    seal(folder.rewinds, epoch, as_bytes(tensors))


def load_rewind(folder: DenseDir, epoch: int, config: Config) -> State | None:
    """None where it was not kept; a damaged one is moved aside."""
    for path in sealed(folder.rewinds):
        if number(path) == epoch:
            try:
                tensors = {name: t.to(config.device) for name, t in load(unseal(path)).items()}
                state = unpacked(tensors, int(tensors.pop("updates")))
                check_state(state, config)
                return state
            except FileNotFoundError:  # set aside by another run
                continue
            except (DamagedFile, SafetensorError, KeyError, ValueError):
                set_aside(path)
    return None


def packed(state: State) -> dict[str, Tensor]:
    """The tensors of a state under one name each: `weights.…`, `first.…`, `second.…`."""
    kinds = {"weights": state.weights, "first": state.first, "second": state.second}
    return {f"{kind}.{name}": t for kind, values in kinds.items() for name, t in values.items()}


def unpacked(tensors: Tensors, updates: int) -> State:
    first, second = part(tensors, "first"), part(tensors, "second")
    return State(part(tensors, "weights"), first, second, updates)


def check_state(state: State, config: Config) -> None:
    """Names, shapes, kinds and finiteness of everything; raises ValueError."""
    with torch.device("meta"):
        model = ViT(config.model, config.data)
    expected = {name: (p.shape, p.dtype) for name, p in model.named_parameters()}
    for values in (state.weights, state.first, state.second):
        if {name: (t.shape, t.dtype) for name, t in values.items()} != expected:
            raise ValueError("its tensors are not those of the model")
        if not all(bool(t.isfinite().all()) for t in values.values()):
            raise ValueError("it has a number that is none")


def part(tensors: Tensors, kind: str) -> dict[str, Tensor]:
    """Those whose names begin with `kind.`, by the rest of their names."""
    return {n.removeprefix(f"{kind}."): t for n, t in tensors.items() if n.startswith(f"{kind}.")}


def save_masks(path: Path, masks: Tensors) -> None:
    """`<matrix>`: row-major bits, eight to a byte; `<matrix>:shape`. Readable by numpy alone."""
    arrays = {}
    for name, mask in masks.items():
        kept = mask.cpu().numpy()
        arrays[name] = np.packbits(kept)
        arrays[f"{name}:shape"] = np.array(kept.shape)
    _save_arrays(path, arrays)


def load_masks(path: Path) -> dict[str, Tensor]:
    with np.load(path, allow_pickle=False) as arrays:
        names = [name for name in arrays.files if not name.endswith(":shape")]
        shapes = {name: tuple(arrays[f"{name}:shape"]) for name in names}
        kept = {name: np.unpackbits(arrays[name], count=np.prod(shapes[name])) for name in names}
    return {name: torch.from_numpy(kept[name].reshape(shapes[name]) == 1) for name in names}


def save_images(path: Path, index: np.ndarray, after: PerImage, before: PerImage | None) -> None:
    """What every test image got: `correct` as packed bits and `nll`, also `_before` retraining."""
    arrays = {"index": index, "correct": np.packbits(after.correct), "nll": after.nll}
    if before:
        arrays |= {"correct_before": np.packbits(before.correct), "nll_before": before.nll}
    _save_arrays(path, arrays)


def _save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write(path, buffer.getvalue())
