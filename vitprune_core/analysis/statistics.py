"""What numbers of several seeds say about their mean: intervals, tests, ranks.

Every function takes the seeds along the last axis and any axes before it, so that ten thousand
simulated studies go through the very code that decides about a real one.

S seeds · M test images · B resamples
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

PLAIN = 0.05
"""What is not corrected for the number of comparisons is judged at this level."""
RESAMPLES = 2_000
EXACT_FLIPS = 14
"""Up to so many seeds all 2^S signs are tried."""
RANDOM_FLIPS = 20_000
FEW_RANKED = 7
"""Up to so many objects the chi-square distribution fits W badly (Siegel and Castellan 1988)."""
MOST_SEEDS = 1_000
"""More seeds than that are called hopeless."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and how sure it is.

    `sd` is that between the seeds, `floor` what it is at least. Of the two the one that gives the
    wider interval counts: `sd` was estimated from few seeds and goes with Student's t, `floor` from
    hundreds of images and goes with the normal distribution.
    """

    mean: np.ndarray
    sd: np.ndarray
    floor: np.ndarray
    seeds: int

    def half(self, level: float) -> np.ndarray:
        """Half the width of the interval that misses with probability `level`."""
        t = -special.stdtrit(self.seeds - 1, level / 2)
        wider = np.maximum(t * self.sd, -special.ndtri(level / 2) * self.floor)
        return np.asarray(wider / np.sqrt(self.seeds))

    def p(self, mean: float) -> np.ndarray:
        """Two-sided: the smallest level whose interval does not contain `mean`."""
        distance = np.abs(self.mean - mean) * np.sqrt(self.seeds)
        t = 2 * special.stdtr(self.seeds - 1, -_ratio(distance, self.sd))
        z = 2 * special.ndtr(-_ratio(distance, self.floor))
        return np.asarray(np.maximum(t, z))


def estimate(values: np.ndarray, floor: np.ndarray | float = 0.0) -> Estimate:
    """Of values (..., S), at least two seeds; `floor` is a standard deviation of one of them."""
    mean, sd = values.mean(axis=-1), values.std(axis=-1, ddof=1)
    same = np.ptp(values, axis=-1) == 0  # rounding would leave a deviation of 1e-17
    return Estimate(mean, np.where(same, 0.0, sd), np.asarray(floor), values.shape[-1])


def _ratio(distance: np.ndarray | float, spread: np.ndarray) -> np.ndarray:
    """Distance in spreads; without any spread 0 or infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(distance, 0), 0.0, distance / spread)


def discordance(differences: np.ndarray) -> np.ndarray:
    """Standard deviation that drawing M images gives the mean of their differences (..., M).

    Where two models differ in b + c of M images, b in favour of one and c of the other, that is
    the root of ((b + c) - (b - c)^2 / M) / M^2: the variance of (b - c) / M when b and c are counts
    of a multinomial distribution, the setting of McNemar (1947, Psychometrika 12). Seeds that test
    other images differ at least by that.
    """
    return np.asarray(differences.std(axis=-1) / np.sqrt(differences.shape[-1]))


def seeds_needed(found: Estimate, threshold: float, level: float) -> int | None:
    """How many seeds would settle on which side of `threshold` the mean is.

    That is, if mean and spread stay as they are: with so many seeds the interval ends at the
    threshold, so that about every second such study would be decided. None: over a thousand.
    """
    distance = abs(float(found.mean) - threshold)
    seeds = np.arange(max(found.seeds, 2), MOST_SEEDS + 1)
    wider = np.maximum(
        -special.stdtrit(seeds - 1, level / 2) * float(found.sd),
        -special.ndtri(level / 2) * float(found.floor),
    )
    enough = seeds[wider / np.sqrt(seeds) < distance]
    return int(enough[0]) if len(enough) else None


def ratio_of_means(parts: np.ndarray, wholes: np.ndarray, asked: float) -> np.ndarray:
    """A number a seed, (..., S), whose mean is the ratio of the means of parts and wholes.

    What a seed has more or less than the share `asked` is measured in mean wholes. So to compare
    the mean with `asked` is the exact t test of parts - asked * wholes (Fieller 1954), and a seed
    whose whole is next to nothing counts for next to nothing; the seeds' own ratios would be at its
    mercy.
    """
    over = (parts - asked * wholes) / wholes.mean(axis=-1, keepdims=True)
    return np.asarray(asked + over)


def sign_flip(values: np.ndarray) -> np.ndarray:
    """Two-sided p of the mean of values (..., S) against symmetry around 0 (Fisher 1935).

    Exact up to 14 seeds; above, 20,000 random flips, (b + 1) / (N + 1).
    """
    sums = np.abs(values @ _signs(values.shape[-1]))
    as_far = np.abs(values.sum(axis=-1))[..., None] * (1 - 1e-9) <= sums  # equal but for rounding
    if values.shape[-1] <= EXACT_FLIPS:
        return np.asarray(as_far.mean(axis=-1))
    return np.asarray((as_far.sum(axis=-1) + 1) / (RANDOM_FLIPS + 1))


@lru_cache
def _signs(seeds: int) -> np.ndarray:
    """(S, flips), each -1 or 1."""
    if seeds <= EXACT_FLIPS:
        return np.array(np.meshgrid(*[[-1.0, 1.0]] * seeds)).reshape(seeds, -1)
    return np.random.default_rng(0).choice([-1.0, 1.0], (seeds, RANDOM_FLIPS))


def bootstrap(
    values: np.ndarray,
    images: np.ndarray | None = None,
    inside: np.ndarray | float = 0.0,
    level: float = PLAIN,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the mean of values (..., S) over resampled seeds and images.

    `images` (..., B): means of `redrawn` images, which are added. `inside` (...): what of a value's
    standard deviation is in `images` already; it is taken from what the seeds add, or it would
    count twice (Davison and Hinkley 1997, section 3.8).

    Percentiles of few resampled seeds lie too close together (Hesterberg 2015, arXiv:1411.5279):
    deviations are stretched by sqrt(S / (S - 1)) and by what Student's t is wider than the normal
    distribution.
    """
    seeds, found = values.shape[-1], estimate(values)
    few = special.stdtrit(seeds - 1, level / 2) / special.ndtri(level / 2)
    added = _root(few**2 - _ratio(inside, found.sd) ** 2) * np.sqrt(seeds / (seeds - 1))
    means = ((values - found.mean[..., None]) * added[..., None]) @ _weights(seeds)
    if images is not None:
        means = means + images
    low, high = np.quantile(means, [level / 2, 1 - level / 2], axis=-1)
    return found.mean + low, found.mean + high


def redrawn(effects: np.ndarray) -> np.ndarray:
    """Means (..., B) over resamples of `shared_images` or `own_images` (..., M)."""
    return np.asarray(effects.astype(np.float32) @ _weights(effects.shape[-1]))


def _root(variance: np.ndarray) -> np.ndarray:
    """Of what is left of a variance, which may have been estimated below 0."""
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


@lru_cache
def _weights(number: int) -> np.ndarray:
    """(number, B): the share of each in a resample."""
    random = np.random.default_rng(number)
    shares = np.empty((RESAMPLES, number), np.float32)  # of large test sets all counts are too much
    for resample in shares:
        resample[:] = random.multinomial(number, np.full(number, 1 / number)) / number
    return shares.T


def own_images(differences: np.ndarray) -> np.ndarray:
    """Effects (..., M) of images where every seed tests others, of differences (..., S, M).

    The mean over seeds of what their M-th images differ from their seed's mean: drawing from these
    varies as the mean over seeds does when each seed draws from its own.
    """
    return np.asarray((differences - differences.mean(axis=-1, keepdims=True)).mean(axis=-2))


def shared_images(differences: np.ndarray) -> np.ndarray:
    """Effects (..., M) of images that all seeds share, of differences (..., S, M).

    An image's mean over seeds, less the mean of all, also holds what seeds and images have between
    them, which the resampled seeds hold already: a plain bootstrap over both counts it three times
    (Owen 2007, doi:10.1214/07-AOAS122). So it is shrunk to the part of its variance that images
    have by themselves, by the mean squares of a two-way analysis of variance.
    """
    seeds, number = differences.shape[-2:]
    of_images = differences.mean(axis=-2)
    effects = of_images - of_images.mean(axis=-1, keepdims=True)
    squares = (differences**2).mean(axis=(-2, -1)) - of_images.mean(axis=-1) ** 2
    both = squares - effects.var(axis=-1) - differences.mean(axis=-1).var(axis=-1)
    rest = both / ((seeds - 1) * (number - 1))
    by_images = effects.var(axis=-1) / (number - 1)
    return np.asarray(effects * _root(1 - _ratio(rest, by_images))[..., None])


def concordance(values: np.ndarray) -> tuple[float, float]:
    """Kendall's W of rankings, values (S, objects), and its p.

    W = 1: every seed ranks the objects alike; corrected for ties. p by chi-square with objects - 1
    degrees of freedom; for up to 7 objects by 20,000 random rankings of each seed. (Kendall and
    Babington Smith 1939; Siegel and Castellan 1988.)
    """
    seeds, objects = values.shape
    ranks = _ranks(values)
    w = float(_w(ranks))
    if np.isnan(w) or objects < 2:
        return 0.0, 1.0
    if objects > FEW_RANKED:
        return w, float(special.chdtrc(objects - 1, seeds * (objects - 1) * w))
    random = np.random.default_rng(0)
    shuffled = random.permuted(np.broadcast_to(ranks, (RANDOM_FLIPS, seeds, objects)), axis=2)
    as_high = int((_w(shuffled) >= w * (1 - 1e-9)).sum())
    return w, (as_high + 1) / (RANDOM_FLIPS + 1)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Of each row, from 1; equal ones share the mean of theirs. (`scipy.stats` takes a second to
    load, which every report would wait for.)"""
    own, other = values[:, :, None], values[:, None, :]
    return np.asarray((own > other).sum(axis=2) + ((own == other).sum(axis=2) + 1) / 2)


def _w(ranks: np.ndarray) -> np.ndarray:
    """Of ranks (..., S, objects): variance of the objects' mean ranks over a seed's variance."""
    with np.errstate(invalid="ignore"):
        return np.asarray(ranks.mean(axis=-2).var(axis=-1) / ranks.var(axis=-1).mean(axis=-1))


def rarer_than_half(hits: int, of: int) -> float:
    """The level at which `share_interval` ends at one half, for hits of less than half."""
    return min(1.0, 2 * float(special.bdtr(hits, of, 0.5)))


def share_interval(hits: int, of: int, level: float) -> tuple[float, float]:
    """Of a probability, exact (Clopper and Pearson 1934)."""
    low = float(special.betaincinv(hits, of - hits + 1, level / 2)) if hits else 0.0
    high = float(special.betainccinv(hits + 1, of - hits, level / 2)) if hits < of else 1.0
    return low, high
