"""One global mask of all weights, beside `torch.nn.utils.prune.global_unstructured`, in one run.

    python -m benchmarks.masks

Sizes: the study's ViT, ViT-B/16, and 600 M weights for ours alone. Memory is the most a fresh
process holds beyond what it held with the weights.
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from vitprune_core.engine.pruning import make_masks

SIZES = {"6.2 M": (7, 384, 384), "86 M": (12, 768, 3072), "600 M": (32, 1280, 5120)}
"""Depth, width, MLP width."""
REPEATS, SPARSITY = 5, 0.9


def weights_of(depth: int, width: int, mlp: int) -> dict[str, Tensor]:
    shapes = dict.fromkeys("qkvo", (width, width)) | {"fc1": (mlp, width), "fc2": (width, mlp)}
    return {f"{b}.{n}": torch.randn(s) for b in range(depth) for n, s in shapes.items()}


def ours(weights: dict[str, Tensor]) -> tuple[float, dict[str, Tensor]]:
    begun = time.perf_counter()
    masks = make_masks(weights, sparsity=SPARSITY)
    return time.perf_counter() - begun, masks


def theirs(weights: dict[str, Tensor]) -> tuple[float, dict[str, Tensor]]:
    layers = {name: nn.Linear(w.shape[1], w.shape[0]) for name, w in weights.items()}
    for name, layer in layers.items():
        layer.weight.data = weights[name].clone()
    given = [(layer, "weight") for layer in layers.values()]
    begun = time.perf_counter()
    prune.global_unstructured(given, prune.L1Unstructured, amount=SPARSITY)
    seconds = time.perf_counter() - begun
    return seconds, {name: layer.weight_mask.bool() for name, layer in layers.items()}


def memory(size: str) -> float:
    """Of `ours`, in sizes of the weights."""
    words = [sys.executable, "-m", "benchmarks.masks", size]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def measure_memory(size: str) -> None:
    weights = weights_of(*SIZES[size])
    make_masks({"small": torch.randn(64, 64)})  # what is loaded at first use is not counted
    Path("/proc/self/clear_refs").write_text("5")  # the highest is counted from here on
    before = held("VmRSS")
    make_masks(weights, sparsity=SPARSITY)
    print((held("VmHWM") - before) / (4 * sum(w.numel() for w in weights.values())))


def held(what: str) -> int:
    """Bytes this process holds, or has held at most, as Linux tells."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(what)).split()[1])


def main() -> None:
    torch.set_num_threads(2)
    print("| weights | vitprune | torch.nn.utils.prune | ratio | peak memory, in weights |")
    print("| --- | --- | --- | --- | --- |")
    for size, sizes in SIZES.items():
        weights = weights_of(*sizes)
        peer = size != "600 M"  # a minute and more
        runs = [(ours(weights), theirs(weights) if peer else None) for _ in range(REPEATS)]
        mine = median(own[0] for own, _ in runs)
        line = f"| {size} | {1000 * mine:.0f} ms |"
        if peer:
            for (_, masks), other in runs:
                assert other is not None
                assert all(torch.equal(masks[n], other[1][n]) for n in masks)
            his = median(other[0] for _, other in runs if other)
            line += f" {1000 * his:,.0f} ms | {his / mine:.1f}x |"
        else:
            line += " | |"
        del weights, runs
        print(f"{line} {memory(size):.2f} |", flush=True)


if __name__ == "__main__":
    measure_memory(sys.argv[1]) if sys.argv[1:] else main()
