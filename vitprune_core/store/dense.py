"""Dense models that runs share, in `runs/.dense/<hash>/`: trained once, found again by hash.

| path                 | what                                                     |
| -------------------- | -------------------------------------------------------- |
| `config.yaml`        | the config of the run that trained it                    |
| `dense.json`         | its epochs, scores and the seconds it took               |
| `weights.safetensors`| parameters by logical name                               |
| `state.safetensors`  | AdamW's moments, for retraining that keeps the optimizer |
| `images.npz`         | per test image: right or wrong, negative log-likelihood  |
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from vitprune_core.store.events import DenseTrained, Epoch
from vitprune_core.store.rundir import DENSE, sync
from vitprune_core.store.values import from_json, to_json


@dataclass(frozen=True, kw_only=True)
class DenseRecord:
    """How a dense model came to be."""

    seconds: float
    epochs: tuple[Epoch, ...]
    trained: DenseTrained


@dataclass(frozen=True)
class DenseDir:
    """A shared dense model's folder. It exists whole or not at all."""

    path: Path

    @classmethod
    def of(cls, runs: Path, hash: str) -> "DenseDir":
        return cls(runs / DENSE / hash)

    @property
    def exists(self) -> bool:
        return self.path.is_dir()

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def state(self) -> Path:
        return self.path / "state.safetensors"

    @property
    def images(self) -> Path:
        return self.path / "images.npz"

    @property
    def record(self) -> Path:
        return self.path / "dense.json"

    def draft(self) -> "DenseDir":
        """Where it is put together, by this process alone; `commit` makes it real."""
        path = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return DenseDir(path)

    def commit(self, draft: "DenseDir") -> None:
        """The draft becomes the model in one rename; of two processes the first one's stays."""
        for file in draft.path.iterdir():
            sync(file)
        try:
            draft.path.rename(self.path)
        except OSError:
            if not self.exists:
                raise
            shutil.rmtree(draft.path)
        sync(self.path.parent)

    def write_record(self, record: DenseRecord) -> None:
        self.record.write_text(json.dumps(to_json(record)))

    def read_record(self) -> DenseRecord:
        return from_json(DenseRecord, json.loads(self.record.read_bytes()))
