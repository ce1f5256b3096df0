"""What the engine finds on this machine, as JSON: `python -m vitprune_core.engine.doctor`."""

import json
import os
import platform
from importlib.metadata import version

import numpy as np
import torch

import vitprune_core
from vitprune_core.engine.device import device_name, resolve
from vitprune_core.engine.images.sources import locate
from vitprune_core.engine.images.wrong import DataError
from vitprune_core.spec.config import Config
from vitprune_core.spec.datasets import DATASETS


def diagnose() -> dict[str, object]:
    auto = resolve(Config(workload="", prune=None))
    return {
        "vitprune": vitprune_core.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torchvision": version("torchvision"),
        "numpy": np.__version__,
        "scikit_learn": version("scikit-learn"),
        "device": auto.device,
        "precision": auto.precision,
        "kernels": auto.kernels,
        "device_name": device_name(auto.device),
        "cpu_cores": os.cpu_count() or 1,
        "data": {name: where(name) for name in DATASETS},
    }


def where(name: str) -> str:
    """Where the images are, or what to do; nothing is fetched and nothing is read."""
    try:
        return locate(name)
    except DataError as error:
        return str(error).removeprefix(f"{name}: ")


if __name__ == "__main__":
    print(json.dumps(diagnose()))
