"""Images evaluated, beside the same peers: timm's model in a loop over a DataLoader, the recipe."""

from functools import partial

import torch

from benchmarks.speed import peers, recipe
from benchmarks.speed.ours import THREADS, built, computed, config_of, noise, product, rate
from benchmarks.speed.table import row, times
from benchmarks.speed.turns import Way, timed
from vitprune_core.engine.data import Part
from vitprune_core.engine.evaluate import BATCH, evaluate
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.shape import tokens
from vitprune_core.store.checkpoints import Moment

IMAGES = {"synthetic": 512, "fashion": 4000, "digits": 1800}


def main() -> None:
    torch.manual_seed(0)
    for workload, count in IMAGES.items():
        config = config_of(workload=workload)
        torch.set_num_threads(config.threads)
        part, (model, _) = noise(count, config), built(config)
        ways: dict[str, Way] = {"ours": partial(ours, model, part)}
        for workers in (0, 2):
            given = peers.loader(peers.Images(part), config.train.batch_size, workers)
            ways[f"timm, {workers} workers"] = partial(peers.accuracy, peers.vit(config), given)
            if workload == "synthetic":
                ways[f"the recipe, {workers} workers"] = partial(
                    peers.accuracy, recipe.RecipeViT(), given
                )
        others = [name for name in ways if name != "ours"]
        size = BATCH * tokens(config.model, config.data), config.model.width
        ways["products"] = product(*size, config.precision)
        found = timed(ways, 5)
        peer = min(others, key=found.__getitem__)
        named = f"the study's ViT, {THREADS} threads" if workload == "synthetic" else workload
        row(
            f"evaluation, {named}, {config.precision}, beside {peer} (the best)",
            *(f"{count / found[name]:,.0f} images/s" for name in ("ours", peer)),
            times(found[peer], found["ours"]),
            "2x",
        )
        alone = 2 * count * computed(config) / rate(*size, found["products"])
        row(
            "… a model of nothing but its products, at the speed of the commonest",
            f"{count / alone:,.0f} images/s",
            ratio=times(found[peer], alone),
        )


def ours(model: ViT, part: Part) -> None:
    for _ in evaluate(model, part, Moment(0, lambda: None)):
        pass


if __name__ == "__main__":
    main()
