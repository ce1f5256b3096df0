"""One batch of the study's ViT, beside the recipe's parts, timm's and what products alone allow."""

from functools import partial

import torch

from benchmarks.speed import peers, recipe
from benchmarks.speed.ours import BATCH, THREADS, built, computed, config_of, noise, update, written
from benchmarks.speed.table import ms, row, times
from benchmarks.speed.turns import Way, timed

PRODUCT = 2 * BATCH * 65 * 384 * 384 * 8
"""Operations of `product`."""


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
    for precision in ("fp32", "bf16"):
        model, optimizer = built(config_of(precision))
        ways[precision] = partial(update, model, optimizer, part.images, part.labels, config)
        ways[f"product {precision}"] = product(getattr(torch, DTYPES[precision]))
    found = timed(ways)
    auto = config_of().precision
    for precision, goal in (("fp32", ""), ("bf16", "2.2x")):
        ours, peer = found[precision], found["recipe"]
        goal = goal if precision == auto else ""
        what = f"training step, batch {BATCH}, {THREADS} threads, {precision}"
        row(f"{what}, beside the recipe in fp32", rate(ours), rate(peer), times(peer, ours), goal)
        row("… beside timm in fp32", rate(ours), rate(found["timm"]), times(found["timm"], ours))
        limit = PRODUCT / found[f"product {precision}"] / 6 / computed(config)
        share = f"**{100 * BATCH / ours / limit:.0f} %**"
        row(
            "… of what its products alone allow",
            rate(ours),
            f"{limit:.1f} images/s",
            share,
            "75 %" if goal else "",
        )
    limit = PRODUCT / found["product fp32"] / 6 / written(config)
    share = f"{100 * BATCH / found['recipe'] / limit:.0f} %"
    row("the recipe, of what its own allow", "", rate(found["recipe"]), share)
    row(
        "products of 8320x384 by 384x384",
        *(f"{PRODUCT / found[f'product {p}'] / 1e9:.0f} GFLOP/s in {p}" for p in ("bf16", "fp32")),
    )
    row(f"… the step itself, {auto}", ms(found[auto]), ms(found["recipe"]))


DTYPES = {"fp32": "float32", "bf16": "bfloat16"}


def rate(seconds: float) -> str:
    return f"{BATCH / seconds:.1f} images/s"


def product(kind: torch.dtype) -> Way:
    """The model's commonest product, eight times."""
    x, w = torch.randn(BATCH * 65, 384).to(kind), torch.randn(384, 384).to(kind)
    y = torch.empty(BATCH * 65, 384, dtype=kind)

    def multiply() -> None:
        for _ in range(8):
            torch.mm(x, w, out=y)

    return multiply


if __name__ == "__main__":
    main()
