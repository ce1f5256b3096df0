"""Where a run computes: `auto` resolved once, and what its bytes depend on written down."""

import os
import platform
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

import vitprune_core
from vitprune_core.spec.config import Config
from vitprune_core.spec.identity import config_hash, dense_hash


class DeviceError(RuntimeError):
    """The device asked for is not there."""


def resolve(config: Config) -> Config:
    """The config with `auto` replaced by what this machine has; raises `DeviceError`.

    Once for a run: what is written into its config is never chosen again.
    """
    device, precision, kernels = config.device, config.precision, config.kernels
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("device cuda: torch finds no CUDA device here; choices: auto, cpu")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        precision = "bf16" if bf16_instructions(device) else "fp32"
    if kernels == "compiled" and not compiles(device):
        what = f"needs {COMPILES[device]}; choices: auto, eager"
        raise DeviceError(f"kernels compiled: on {device} torch.compile {what}")
    if kernels == "auto":
        kernels = "compiled" if device == "cuda" and compiles(device) else "eager"
    chosen = {"device": device, "precision": precision, "kernels": kernels}
    return config.model_copy(update=chosen)


BF16 = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""What CPUs call their instructions for products of bf16."""
COMPILES = {
    "cpu": "a C++ compiler (g++ or clang++)",
    "cuda": "a C compiler (gcc or clang) and a GPU of compute capability 7.0 or above",
}


def bf16_instructions(device: str) -> tuple[str, ...]:
    """Those that the device has; without any, bf16 is slower than fp32."""
    if device == "cuda":
        return ("cuda",) * torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities()
    return tuple(name for name in BF16 if known.get(name))


def compiles(device: str) -> bool:
    """Whether torch.compile can do its work here."""
    own, names = ("CXX", ("g++", "clang++")) if device == "cpu" else ("CC", ("cc", "gcc", "clang"))
    compiler = any(map(shutil.which, (os.environ[own],) if own in os.environ else names))
    return compiler and (device == "cpu" or torch.cuda.get_device_capability() >= (7, 0))


def prepare(config: Config) -> None:
    """Settings of the process that change results."""
    torch.set_num_threads(config.threads)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if torch.are_deterministic_algorithms_enabled() != config.deterministic:
        torch.use_deterministic_algorithms(config.deterministic)  # imports the compiler: seconds


def repeats(config: Config) -> bool:
    """Whether the same steps give the same bytes: on CPUs always, on CUDA where asked for."""
    return config.device == "cpu" or config.deterministic


def fingerprint(config: Config, data_sha256: str) -> dict[str, str | int]:
    """Equal fingerprints promise equal bytes."""
    return {
        "vitprune": vitprune_core.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "device": device_name(config.device),
        "precision": config.precision,
        "kernels": config.kernels,
        "threads": config.threads,
        "data": data_sha256,
        "dense": dense_hash(config),
        "config": config_hash(config),
    }


def differences(
    before: Mapping[str, Any], today: Mapping[str, Any], ignoring: str = ""
) -> tuple[str, ...]:
    """Keys in which two fingerprints differ."""
    return tuple(k for k in today if k != ignoring and today[k] != before.get(k))


def device_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    known = (platform.machine(), torch.backends.cpu.get_cpu_capability(), *bf16_instructions("cpu"))
    return " ".join(known)
