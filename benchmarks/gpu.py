"""The CUDA path: `make bench-gpu`, on a machine that has one.

    python -m benchmarks.gpu [step] [mask] [dense]

`step`: a batch of the study's ViT, eager and compiled, beside timm's and the recipe's parts under
autocast, from bytes that lie on the device. `mask`: global masks beside `torch.nn.utils.prune`.
`dense`: CIFAR-10, 200 epochs, as a run; the goal is 3 minutes and 90 % on one H100.
"""

import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.speed import peers, recipe
from benchmarks.speed.masks import SIZES, theirs, weights_of
from benchmarks.speed.ours import BATCH, built, noise, update
from benchmarks.speed.table import HEAD, ms, row, times
from benchmarks.speed.turns import Way, timed
from vitprune_core import launch
from vitprune_core.engine.device import resolve
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.vit import compute_with
from vitprune_core.spec import request
from vitprune_core.store.summary import summarize
from vitprune_tui.doing.making import create

STEPS = 50
"""Of one turn: a single one is too short to be timed."""


def step() -> None:
    config = resolve(request.load("dense", "synthetic", ["device=cuda"]).config)
    part = noise(BATCH, config).to("cuda")
    scaled = part.images / 255 - 0.5
    ways: dict[str, Way] = {}
    for kernels in ("eager", "compiled"):
        model, optimizer = built(config)
        compute_with(model, kernels)
        taken = partial(update, model, optimizer, part.images, part.labels, config)
        ways[f"vitprune, {kernels}"] = waited(taken)
    for name, peer in (("timm", peers.vit(config)), ("the recipe", recipe.RecipeViT())):
        adam = torch.optim.AdamW(peer.to("cuda").parameters(), lr=1e-4, fused=True)
        ways[name] = waited(partial(half, peer, adam, scaled, part.labels))
    found = timed(ways)
    for ours in ("vitprune, eager", "vitprune, compiled"):
        for peer in ("timm", "the recipe"):
            what = f"training step, {ours}, bf16, beside {peer} under autocast"
            mine, his = (found[name] / STEPS for name in (ours, peer))
            row(what, f"{BATCH / mine:,.0f} images/s", f"{BATCH / his:,.0f}", times(his, mine))


def half(*given: object) -> None:
    with torch.autocast("cuda", torch.bfloat16):
        peers.step(*given)


def waited(do: Way) -> Way:
    """So often, and until the device is through."""

    def again() -> None:
        for _ in range(STEPS):
            do()
        torch.cuda.synchronize()

    return again


def mask() -> None:
    for size in SIZES:
        weights = {name: w.cuda() for name, w in weights_of(*SIZES[size]).items()}
        ways = {"ours": lambda w=weights: make_masks(w, sparsity=0.9)}
        ways["theirs"] = lambda w=weights: theirs(w)
        found = timed({name: synchronized(way) for name, way in ways.items()})
        ours, his = found["ours"], found["theirs"]
        row(f"global mask, {size} weights", ms(ours), ms(his), times(his, ours))


def synchronized(do: Way) -> Way:
    def through() -> None:
        do()
        torch.cuda.synchronize()

    return through


def dense() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = create(request.load("dense", "cifar10", ["device=cuda"]), Path(folder), "dense")
        begun = time.monotonic()
        assert launch.start(run).wait() == 0, run.output.read_text()
        seconds, found = time.monotonic() - begun, summarize(run).dense
    assert found is not None
    what = f"dense CIFAR-10, {found.epochs} epochs, torch's loading included"
    row(what, f"**{seconds:.0f} s**", goal="180 s on an H100")
    row("… test accuracy", f"**{100 * found.test.accuracy:.2f} %**", goal="90 %")


PARTS = {"step": step, "mask": mask, "dense": dense}


def main(words: list[str]) -> None:
    if not torch.cuda.is_available():
        sys.exit("torch finds no CUDA device here; `make bench` measures the CPU")
    for word in words:
        if word not in PARTS:
            sys.exit(f"{word} is not one of {', '.join(PARTS)}")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n\n{HEAD}", flush=True)
    for part in words or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main(sys.argv[1:])
