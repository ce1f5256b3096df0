"""Dense models that runs share, in `runs/.dense/<hash>/`: trained once, found again by hash.

| path                 | what                                                     |
| -------------------- | -------------------------------------------------------- |
| `config.yaml`        | the config of the run that trained it                    |
| `dense.json`         | its epochs, scores and the seconds it took               |
| `weights.safetensors`| parameters by logical name                               |
| `state.safetensors`  | AdamW's moments, for retraining that keeps the optimizer |
| `images.npz`         | per test image: right or wrong, negative log-likelihood  |

Beside it, `<hash>.lock` is held by the run that trains it while others wait, and
`<hash>.epochs/<epoch>-<sha256>.safetensors` has its states at earlier epochs, for runs that rewind
weights.
"""

import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vitprune_core.store.events import DenseTrained, Epoch
from vitprune_core.store.rundir import DENSE, sync
from vitprune_core.store.values import WRONG, from_json, loads, to_json


@dataclass(frozen=True, kw_only=True)
class DenseRecord:
    """How a dense model came to be."""

    seconds: float
    epochs: tuple[Epoch, ...]
    trained: DenseTrained
    fingerprint: Mapping[str, Any]
    """Of the run that trained it."""
    run: str = ""
    """The run that trained it."""
    differs: tuple[str, ...] = ()
    """What was another, in the fingerprint, before the training was resumed."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """File -> hash of its bytes: a flipped bit in a model is not to be seen otherwise."""


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

    @property
    def lock(self) -> Path:
        return self._beside("lock")

    @property
    def rewinds(self) -> Path:
        """States at earlier epochs, each sealed under the epoch's number."""
        return self._beside("epochs")

    def _beside(self, ending: str) -> Path:
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        return self.path.with_name(f"{self.path.name}.{ending}")

    def draft(self) -> "DenseDir":
        """Where it is put together, by whoever holds the lock; `commit` makes it real."""
        for left in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            shutil.rmtree(left)  # by a process that was killed meanwhile
        path = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        path.mkdir(mode=0o755)
        return DenseDir(path)

    def commit(self, draft: "DenseDir", record: DenseRecord) -> None:
        """The draft becomes the model in one rename; of two processes the first one's stays."""
        sealed = replace(record, sha256={f.name: _sha256(f) for f in draft.path.iterdir()})
        told = to_json(sealed)
        draft.record.write_text(json.dumps({"crc": _crc(told), "record": told}))
        for file in (*draft.path.iterdir(), draft.path):
            sync(file)
        try:
            draft.path.rename(self.path)
        except OSError:
            if not self.exists:
                raise
            shutil.rmtree(draft.path)
        sync(self.path.parent)

    def read(self) -> DenseRecord | None:
        """How it came to be, once every file's hash was checked; None when it is damaged."""
        with suppress(FileNotFoundError, *WRONG):
            data = loads(self.record.read_bytes())
            record = from_json(DenseRecord, data["record"])
            files = all(_sha256(self.path / name) == sha for name, sha in record.sha256.items())
            if files and _crc(data["record"]) == data["crc"]:
                return record
        return None

    def set_aside(self) -> str:
        """Keep a damaged one under another name; which."""
        aside = self.path.with_name(f"{self.path.name}.{time.time_ns()}.corrupt")
        with suppress(FileNotFoundError):  # another run has just done so
            self.path.rename(aside)
        return aside.name


def _crc(told: object) -> int:
    return zlib.crc32(json.dumps(told).encode())


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
