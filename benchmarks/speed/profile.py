"""Where the time of an epoch of the small models goes, as torch's profiler sees it."""

from collections import Counter

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.ours import config_of
from benchmarks.speed.small import IMAGES, ours, some
from benchmarks.speed.table import row
from vitprune_core.engine.data import load

KINDS = {
    "products of whole matrices": ("aten::mm", "aten::addmm", "mkldnn::_linear_pointwise"),
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
    for workload in IMAGES:
        config = config_of("auto" if workload == "fashion" else "fp32", workload)
        torch.set_num_threads(config.threads)
        epoch = ours(config, some(load(config), *IMAGES[workload]))
        epoch()  # warms up
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            epoch()
        seconds: Counter[str] = Counter()
        kinds = {name: kind for kind, names in KINDS.items() for name in names}
        for called in profiler.key_averages():
            seconds[kinds.get(called.key, "the rest")] += called.self_cpu_time_total / 1e6
        whole = seconds.total()
        row(f"{workload}, an epoch under the profiler", f"{whole:.2f} s")
        for kind, took in seconds.most_common():
            row(f"… {kind}", f"{100 * took / whole:.0f} %")


if __name__ == "__main__":
    main()
