"""Where the time goes, by torch's profiler: a step of the study's ViT, an epoch of small models.

Shares are of the time that processors spent inside the calls themselves.
"""

from collections import Counter
from functools import partial

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.ours import BATCH, THREADS, built, config_of, noise, update
from benchmarks.speed.small import IMAGES, ours, some
from benchmarks.speed.table import row
from benchmarks.speed.turns import Way
from vitprune_core.engine.data import load

KINDS = {
    "products of whole matrices": ("aten::mm", "aten::addmm"),
    "products by head": ("aten::bmm", "aten::baddbmm"),
    "copies": ("aten::copy_", "aten::cat", "aten::clone"),
    "softmax": ("aten::_softmax", "aten::_softmax_backward_data"),
    "norms": ("aten::native_layer_norm", "aten::native_layer_norm_backward"),
    "GELU": ("aten::gelu", "aten::gelu_backward"),
    "sums and products of numbers": ("aten::add", "aten::add_", "aten::mul", "aten::sum"),
    "the optimizer": ("aten::_fused_adamw_",),
}
"""What torch calls them."""


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    told(f"a step of the study's ViT, {config_of().precision}, {THREADS} threads", step())
    for workload in IMAGES:
        config = config_of(workload=workload)
        torch.set_num_threads(config.threads)
        epoch = ours(config, some(load(config), *IMAGES[workload]))
        told(f"an epoch of {workload}, {config.precision}, {config.threads} threads", epoch)


def step() -> Way:
    config = config_of()
    part = noise(BATCH, config)
    return partial(update, *built(config), part.images, part.labels, config)


def told(what: str, do: Way) -> None:
    do()  # warms up
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        do()
    seconds: Counter[str] = Counter()
    kinds = {name: kind for kind, names in KINDS.items() for name in names}
    for called in profiler.key_averages():
        seconds[kinds.get(called.key, "the rest")] += called.self_cpu_time_total / 1e6
    whole = seconds.total()
    row(f"{what}, under the profiler", f"{whole:.2f} s")
    for kind, took in seconds.most_common():
        row(f"… {kind}", f"{100 * took / whole:.0f} %")


if __name__ == "__main__":
    main()
