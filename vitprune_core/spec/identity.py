"""Hashes that tell whether two requests mean the same."""

import hashlib
import json
from typing import Any

from vitprune_core.spec.config import Config, as_dict

DENSE_VERSION = 2
"""Raised when the same workload and seed would train to other weights than before."""


def dense_hash(config: Config) -> str:
    """Of all that the dense model depends on: the workload's fields and the seed.

    `device`, `precision` and `kernels` must be resolved. The workload's name is no part of it.
    """
    asked = as_dict(config)
    for later in ("workload", "prune", "retrain", "checkpoint"):
        del asked[later]
    return _hash({"version": DENSE_VERSION, **asked})


def config_hash(config: Config) -> str:
    """Of all that changes a run's bytes."""
    asked = as_dict(config)
    del asked["checkpoint"]
    return _hash(asked)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
