"""Studies whose truth is known, made like ours.

Every image of a test set of 360 is right or wrong under every arm. Whether it is depends on how
hard the image is for all arms and for each, on the seed, and on chance that arms of one seed and
sparsities of one arm share; now and then an arm collapses to chance. Digits take turns as test sets
(folds); other data sets have one test set for all seeds (`fixed`).

A arms · K sparsities · S seeds · M images
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy import special, stats

from vitprune_core.analysis import statistics
from vitprune_core.analysis.verdicts import Law

IMAGES, FOLDS, BATCH = 360, 5, 50
SEEDS = (8, 10, 20)
CHANCE = 0.1
HARD, HARD_FOR_ONE, SHARED, OWN, LAST = 0.45, 0.05, 0.2, 0.15, 0.15
"""Variances of what decides about an image, 1 in all: that it is hard for all arms, and for one;
chance that arms of one seed share, that sparsities of one arm share, and that nothing shares."""


@dataclass(frozen=True)
class World:
    """What a study is drawn from."""

    accuracy: tuple[tuple[float, ...], ...]
    """True accuracy of each arm at each sparsity, over all seeds and images; (A, K)."""
    spread: float = 0.01
    """Standard deviation that the seed alone gives an arm's accuracy."""
    collapse: float = 0.0
    """Probability that an arm collapses with a seed."""
    fixed: bool = False
    """One test set for all seeds, instead of folds that take turns."""


@dataclass(frozen=True)
class Drawn:
    """Studies of a world, contrast by contrast: arm 1, 2, ... minus arm 0; C = A - 1."""

    values: np.ndarray
    """A number a seed, (studies, C, S)."""
    floor: np.ndarray
    """What the discordant images imply for the standard deviation of one, (studies, C)."""
    effects: np.ndarray
    """Of images, that the bootstrap draws from, (studies, C, M)."""
    inside: np.ndarray
    """What of the values' standard deviation is in these, (studies, C)."""
    for_these: np.ndarray
    """What the mean would be over all seeds on these very images, (studies, C)."""

    @property
    def estimate(self) -> statistics.Estimate:
        return statistics.estimate(self.values, self.floor)

    def outcomes(self, law: Law, level: float) -> np.ndarray:
        """1 supported, -1 refuted, 0 neither; (studies, C)."""
        found = self.estimate
        half = found.half(level)
        return law.outcome(found.mean - half, found.mean + half)


def draw(world: World, studies: int, number: int) -> dict[int, Drawn]:
    """Number of seeds -> studies; those of fewer seeds are the beginnings of the others."""
    random = np.random.default_rng(number)
    sizes = [min(BATCH, studies - n) for n in range(0, studies, BATCH)]
    batches = [_batch(world, size, random) for size in sizes]
    return {seeds: _joined([batch[seeds] for batch in batches]) for seeds in SEEDS}


def _joined(parts: list[Drawn]) -> Drawn:
    names = [f.name for f in fields(Drawn)]
    return Drawn(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _batch(world: World, studies: int, random: np.random.Generator) -> dict[int, Drawn]:
    seeds = max(SEEDS)

    def normal(variance: float, *shape: int) -> np.ndarray:
        drawn = random.standard_normal(shape, dtype=np.float32)
        return np.asarray(np.sqrt(np.float32(variance)) * drawn)

    wanted = np.array(world.accuracy)
    arms, levels = wanted.shape
    pool = IMAGES if world.fixed else FOLDS * IMAGES
    alive = (wanted - world.collapse * CHANCE) / (1 - world.collapse)
    # seeds shift the bar by what `spread` is on the scale of accuracies at the first arm's
    shift = world.spread / stats.norm.pdf(stats.norm.ppf(alive[0].mean()))
    variance = 1 + 2 * shift**2  # half of what a seed does it does to all arms
    bars = np.sqrt(variance) * stats.norm.ppf(alive)
    hard = normal(HARD, studies, 1, pool) + normal(HARD_FOR_ONE, studies, arms, pool)
    tested = images_of(seeds, world.fixed, random)
    moved = random.standard_normal((studies, 1, seeds, 1)) + random.standard_normal(
        (studies, arms, seeds, 1)
    )
    bar = (bars[None, :, None] + shift * moved).astype(np.float32)
    fell = random.random((studies, arms, seeds)) < world.collapse
    shared = normal(SHARED, studies, seeds, IMAGES)
    contrasts = np.empty((studies, arms, seeds, IMAGES), np.float32)
    for arm in range(arms):
        trouble = hard[:, arm][:, tested] + shared + normal(OWN, studies, seeds, IMAGES)
        right = np.zeros_like(trouble)
        for k in range(levels):
            with_last = trouble + normal(LAST, studies, seeds, IMAGES)
            right += with_last < bar[:, arm, :, k, None]
        right[fell[:, arm]] = levels * (random.random((fell[:, arm].sum(), IMAGES)) < CHANCE)
        contrasts[:, arm] = right / levels
    rest = np.sqrt(variance - HARD - HARD_FOR_ONE)
    ease = (bars.astype(np.float32)[None, :, :, None] - hard[:, :, None]) / np.float32(rest)
    known = special.ndtr(ease).mean(axis=(2, 3), dtype=float)
    known = (1 - world.collapse) * known + world.collapse * CHANCE
    differences = contrasts[:, 1:] - contrasts[:, :1]
    return {n: _drawn(world, differences[:, :, :n], known[:, 1:] - known[:, :1]) for n in SEEDS}


def _drawn(world: World, differences: np.ndarray, known: np.ndarray) -> Drawn:
    floor = np.sqrt((statistics.discordance(differences) ** 2).mean(axis=-1))
    if world.fixed:
        effects, inside = statistics.shared_images(differences), np.zeros_like(floor)
    else:
        effects, inside = statistics.own_images(differences), floor
    return Drawn(differences.mean(axis=-1, dtype=float), floor, effects, inside, known)


def images_of(seeds: int, fixed: bool, random: np.random.Generator) -> np.ndarray:
    """Which images each seed tests, (S, M); all studies alike, for images are exchangeable."""
    if fixed:
        return np.tile(np.arange(IMAGES), (seeds, 1))
    rounds = -(-seeds // FOLDS)
    folds = [random.permutation(FOLDS * IMAGES).reshape(FOLDS, IMAGES) for _ in range(rounds)]
    return np.concatenate(folds)[:seeds]
