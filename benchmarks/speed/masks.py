"""Masks of all weights at once, beside `torch.nn.utils.prune` and torch-pruning.

Sizes: the study's ViT, ViT-B/16, and 600 M weights for ours alone. Memory is the most a fresh
process holds beyond what it held with the weights: `python -m benchmarks.speed.masks SIZE`.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from benchmarks.speed.table import ms, row, times
from benchmarks.speed.turns import Way, timed
from vitprune_core.engine.pruning import make_masks

SIZES = {"6.2 M": (7, 384, 384), "86 M": (12, 768, 3072), "600 M": (32, 1280, 5120)}
"""Depth, width, MLP width."""
REPEATS, SPARSITY = 5, 0.9


def main() -> None:
    torch.set_num_threads(2)
    each = {}
    for size, shape in SIZES.items():
        weights = weights_of(*shape)
        ways: dict[str, Way] = {"ours": partial(make_masks, weights, sparsity=SPARSITY)}
        if peer := size != "600 M":  # a minute and more
            same(weights)
            ways["theirs"] = partial(theirs, weights)
        found = timed(ways, REPEATS)
        ours, what = found["ours"], f"global mask, {size} weights"
        each[size] = 1e9 * ours / sum(w.numel() for w in weights.values())
        if peer:
            his = found["theirs"]
            row(
                f"{what}, beside torch.nn.utils.prune.global_unstructured",
                ms(ours),
                ms(his),
                times(his, ours),
                "20x",
            )
        else:
            row(what, ms(ours))
        del weights
        row("… peak memory, in sizes of the weights", f"**{memory(size):.2f}**", goal="below 2")
    told = ", ".join(f"{ns:.2f} ns at {size}" for size, ns in each.items())
    row("… a weight", told, goal="linear to 600 M")
    neurons()


def weights_of(depth: int, width: int, mlp: int) -> dict[str, Tensor]:
    shapes = dict.fromkeys("qkvo", (width, width)) | {"fc1": (mlp, width), "fc2": (width, mlp)}
    return {f"{b}.{n}": torch.randn(s) for b in range(depth) for n, s in shapes.items()}


def theirs(weights: dict[str, Tensor]) -> dict[str, nn.Linear]:
    """A layer around each weight costs nothing: it is made without memory, the weight put in."""
    layers = {}
    for name, weight in weights.items():
        layers[name] = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
        layers[name].weight = nn.Parameter(weight)
    given = [(layer, "weight") for layer in layers.values()]
    prune.global_unstructured(given, prune.L1Unstructured, amount=SPARSITY)
    return layers


def same(weights: dict[str, Tensor]) -> None:
    """Both keep the same weights."""
    masks, layers = make_masks(weights, sparsity=SPARSITY), theirs(weights)
    assert all(torch.equal(masks[n], layer.weight_mask.bool()) for n, layer in layers.items())


def neurons() -> None:
    """Which hidden neurons of ViT-B/16 go, all competing; torch-pruning on timm's model."""
    import timm
    import torch_pruning

    model = timm.create_model("vit_base_patch16_224").eval()
    linear = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear)}
    mlps = {n: m.weight.detach() for n, m in linear.items() if ".mlp." in n}
    others = [m for n, m in linear.items() if not n.endswith("mlp.fc1")]
    importance = torch_pruning.importance.GroupMagnitudeImportance(p=2)
    pruner = torch_pruning.pruner.BasePruner(
        model,
        torch.randn(1, 3, 224, 224),
        importance,
        global_pruning=True,
        pruning_ratio=0.5,
        ignored_layers=others,
    )

    def ranked() -> None:
        pruner.current_step = 0
        list(pruner.step(interactive=True))

    ways: dict[str, Way] = {
        "ours": partial(make_masks, mlps, granularity="neuron", sparsity=0.5),
        "theirs": ranked,
    }
    found = timed(ways, REPEATS)
    ours, his = found["ours"], found["theirs"]
    what = "half of ViT-B/16's hidden neurons, all competing, beside torch-pruning"
    row(what, ms(ours), ms(his), times(his, ours))


def memory(size: str) -> float:
    """Of `ours`, in sizes of the weights."""
    words = [sys.executable, "-m", "benchmarks.speed.masks", size]
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


if __name__ == "__main__":
    measure_memory(sys.argv[1]) if sys.argv[1:] else main()
