"""Tensors on disk: safetensors by logical name, masks as packed bits. No pickle anywhere."""

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from vitprune_core.engine.evaluate import PerImage
from vitprune_core.engine.state import State, Tensors
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.rundir import write


def weights_sha256(weights: Tensors) -> str:
    """Of the sorted keys and raw bytes."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_tensors(path: Path, tensors: Tensors) -> None:
    on_cpu = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    write(path, save(on_cpu))


def load_tensors(path: Path, device: str) -> dict[str, Tensor]:
    return {name: t.to(device) for name, t in load(path.read_bytes()).items()}


def save_state(folder: DenseDir, state: State) -> None:
    save_tensors(folder.weights, state.weights)
    first = {f"first.{n}": t for n, t in state.first.items()}
    second = {f"second.{n}": t for n, t in state.second.items()}
    save_tensors(folder.state, {**first, **second, "step": torch.tensor(state.step)})


def load_state(folder: DenseDir, device: str) -> State:
    tensors = load_tensors(folder.state, device)
    step = int(tensors.pop("step"))

    def moments(kind: str) -> dict[str, Tensor]:
        return {n.removeprefix(kind): t for n, t in tensors.items() if n.startswith(kind)}

    return State(load_tensors(folder.weights, device), moments("first."), moments("second."), step)


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
        bits = {name: np.unpackbits(arrays[name], count=np.prod(shapes[name])) for name in names}
    return {name: torch.from_numpy(bits[name].reshape(shapes[name]) == 1) for name in names}


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
