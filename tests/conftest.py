"""What tests share: a model so small that a run takes a second, on the real digits."""

import os
from pathlib import Path

import pytest

from vitprune_core.spec.presets import load

os.environ.setdefault("OMP_NUM_THREADS", "1")

TINY = (
    "model={patch: 4, width: 12, heads: 3, depth: 2, mlp: 8}",
    "train.epochs=2",
    "train.batch_size=256",
    "device=cpu",
)


@pytest.fixture()
def tiny():
    """A request with the tiny model: `tiny("oneshot_global", "prune.sparsities=[0.5]")`."""

    def make(preset: str, *overrides: str, seed: int = 0):
        return load(preset, "digits", [*TINY, *overrides], seed=seed)

    return make


@pytest.fixture()
def preset(tmp_path: Path):
    """Write a preset file; its path."""

    def make(text: str, name: str = "mine.yaml") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return make
