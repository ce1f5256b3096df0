"""One batch of the study's ViT, beside the recipe's parts, timm's and what products alone allow."""

from functools import partial

import torch

from benchmarks.speed import peers, recipe
from benchmarks.speed.ours import (
    BATCH,
    THREADS,
    built,
    computed,
    config_of,
    noise,
    product,
    rate,
    update,
    written,
)
from benchmarks.speed.table import ms, row, times
from benchmarks.speed.turns import Way, timed

PRECISIONS = "bf16", "fp32"
SIZE = BATCH * 65, 384
"""Rows and width of the commonest product: all tokens of a batch, by the model's width."""


def main() -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    config = config_of("fp32")
    part = noise(BATCH, config)
    scaled = part.images / 255 - 0.5
    ways: dict[str, Way] = {}
    for name, peer in (("recipe", recipe.RecipeViT()), ("timm", peers.vit(config))):
        adam = torch.optim.AdamW(peer.parameters(), lr=1e-4, weight_decay=5e-5)
        ways[name] = partial(peers.step, peer, adam, scaled, part.labels)
    for precision in PRECISIONS:
        model, optimizer = built(config_of(precision))
        ways[precision] = partial(update, model, optimizer, part.images, part.labels, config)
        ways[f"product {precision}"] = product(*SIZE, precision)
    found = timed(ways)
    auto = config_of().precision
    for precision, goal in (("fp32", ""), ("bf16", "2.2x")):
        ours = found[precision]
        goal = goal if precision == auto else ""
        what = f"training step, batch {BATCH}, {THREADS} threads, {precision}"
        for peer, asked in (("recipe", goal), ("timm", "")):
            his = found[peer]
            row(
                f"{what}, beside {peer} in fp32", images(ours), images(his), times(his, ours), asked
            )
        limit = rate(*SIZE, found[f"product {precision}"]) / 6 / computed(config)
        share = f"**{100 * BATCH / ours / limit:.0f} %**"
        row(
            "… of what its products alone allow",
            images(ours),
            f"{limit:.1f} images/s",
            share,
            "75 %" if goal else "",
        )
    limit = rate(*SIZE, found["product fp32"]) / 6 / written(config)
    share = f"{100 * BATCH / found['recipe'] / limit:.0f} %"
    row("the recipe, of what its own allow", "", images(found["recipe"]), share)
    row(
        "products of 8320x384 by 384x384",
        *(f"{rate(*SIZE, found[f'product {p}']) / 1e9:.0f} GFLOP/s in {p}" for p in PRECISIONS),
    )
    row(f"… the step itself, {auto}", ms(found[auto]), ms(found["recipe"]))


def images(seconds: float) -> str:
    return f"{BATCH / seconds:.1f} images/s"


if __name__ == "__main__":
    main()
