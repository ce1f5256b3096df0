"""What holding removed weights at zero costs a step of the study's ViT."""

from functools import partial

import torch

from benchmarks.speed.ours import BATCH, THREADS, built, config_of, noise, update
from benchmarks.speed.table import ms, row
from benchmarks.speed.turns import timed
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.train import mask_gradients
from vitprune_core.spec import shape


def main() -> None:
    torch.set_num_threads(THREADS)
    config = config_of()
    model, optimizer = built(config)
    parameters, part = dict(model.named_parameters()), noise(BATCH, config)
    weights = {n: parameters[f"{n}.weight"] for n in shape.matrices(config.model)}
    masks = make_masks({n: w.detach() for n, w in weights.items()}, sparsity=0.9)
    pairs = [(weights[name], mask) for name, mask in masks.items()]
    step = partial(update, model, optimizer, part.images, part.labels, config)
    found = timed({"step": step, "held": partial(mask_gradients, pairs)}, 9)
    held, whole = found["held"], found["step"]
    row(
        "holding 90 % of 6.2 M weights at zero, of a step",
        ms(held),
        ms(whole),
        f"**{100 * held / whole:.2f} %**",
        "1 %",
    )


if __name__ == "__main__":
    main()
