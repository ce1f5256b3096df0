"""What is measured on."""

import os
import platform
from pathlib import Path

import psutil
import torch

from vitprune_core.engine.device import device_name


def machine() -> str:
    """One line: processor, cores, memory, versions, and what else was running."""
    cpu = Path("/proc/cpuinfo")
    names = [line for line in cpu.read_text().splitlines() if line.startswith("model name")]
    name = names[0].partition(": ")[2] if names else platform.processor()
    memory = psutil.virtual_memory().total / 2**30
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    load = f"load {os.getloadavg()[0]:.1f} before the first part"
    cores = f"{os.cpu_count()} cores"
    return f"{name} ({device_name('cpu')}), {cores}, {memory:.0f} GiB, {versions}, {load}"
