"""Hashes that tell whether two requests mean the same."""

import hashlib
import json
from typing import Any

from vitprune_core.spec.config import Config, as_dict

DENSE_VERSION = 3
"""Raised when the same workload and seed would train to other weights than before."""
NO_RESULT = ("checkpoint", "keep_weights")
"""Keys that change no byte of what a run comes to."""


def dense_hash(config: Config) -> str:
    """Of all that the dense model depends on: the workload's fields and the seed, or its file.

    `device`, `precision` and `kernels` must be resolved. The workload's name is no part of it.
    """
    asked = as_dict(config)
    for later in ("workload", "prune", "retrain", *NO_RESULT):
        del asked[later]
    return _hash({"version": DENSE_VERSION, **_by_content(asked)})


def config_hash(config: Config) -> str:
    """Of all that changes a run's bytes."""
    asked = {key: value for key, value in as_dict(config).items() if key not in NO_RESULT}
    return _hash(_by_content(asked))


def _by_content(asked: dict[str, Any]) -> dict[str, Any]:
    """A model that was given is what its file holds, wherever that lies."""
    given = asked.pop("dense")
    assert given is None or given["sha256"], "a given model is known by its hash"
    return {**asked, "given": given["sha256"]} if given else asked


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
