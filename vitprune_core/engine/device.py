"""Where a run computes: `auto` resolved once, and what its bytes depend on written down."""

import platform

import numpy as np
import torch

import vitprune_core
from vitprune_core.spec.config import Config
from vitprune_core.spec.identity import config_hash, dense_hash


class DeviceError(RuntimeError):
    """The device asked for is not there."""


def resolve(config: Config) -> Config:
    """The config with `auto` replaced by what this machine has; raises `DeviceError`."""
    device = config.device
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("device cuda: torch finds no CUDA device here; choices: auto, cpu")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return config.model_copy(update={"device": device, "precision": "fp32"})


def prepare(config: Config) -> None:
    """Settings of the process that change results."""
    torch.set_num_threads(config.threads)


def fingerprint(config: Config, data_sha256: str) -> dict[str, str | int]:
    """Equal fingerprints promise equal bytes."""
    return {
        "vitprune": vitprune_core.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "device": device_name(config.device),
        "precision": config.precision,
        "threads": config.threads,
        "data": data_sha256,
        "dense": dense_hash(config),
        "config": config_hash(config),
    }


def device_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
