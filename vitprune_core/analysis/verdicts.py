"""A comparison: one number a seed, a law with two thresholds, and what follows.

A law says where the mean over seeds has to lie. It is supported or refuted by a whole interval,
corrected for the number of comparisons and of looks; what is neither is inconclusive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from vitprune_core.analysis import statistics
from vitprune_core.spec.claims import Part
from vitprune_core.spec.studyfile import FEWEST_SEEDS

Word = Literal["supported", "refuted", "inconclusive", "skipped"]
Interval = tuple[float, float]
Numbers = np.ndarray | float
WORDS: dict[int, Word] = {1: "supported", 0: "inconclusive", -1: "refuted"}


class Law(NamedTuple):
    """Supported above the one, refuted below the other; with `below` the other way round."""

    supports: float
    refutes: float
    below: bool = False

    def outcome(self, low: Numbers, high: Numbers) -> np.ndarray:
        """1 supported, -1 refuted, 0 neither, of intervals of any shape.

        Where the thresholds overlap (superior: 0 and d) an interval between them supports.
        """
        if self.below:
            return Law(-self.supports, -self.refutes).outcome(-high, -low)
        return np.where(low > self.supports, 1, np.where(high < self.refutes, -1, 0))


def superior(smallest: float) -> Law:
    """More than nothing; refuted when less than the smallest effect that matters."""
    return Law(0.0, smallest)


def noninferior(margin: float) -> Law:
    return Law(-margin, -margin)


def bounded(margin: float) -> Law:
    """At most by a margin better."""
    return Law(margin, margin, below=True)


def recovers(least: float) -> Law:
    return Law(least, least)


@dataclass(frozen=True)
class Loss:
    """The same contrast on negative log-likelihood, nats: less is better."""

    effect: float
    interval: Interval | None


@dataclass(frozen=True)
class Comparison:
    """A part carried out on one workload. Effects are shares (but for log ratios, see `label`)."""

    part: Part
    label: str
    verdict: Word
    effect: float | None = None
    """Mean over seeds."""
    interval: Interval | None = None
    """By paired t, corrected; before the first look at 0.05."""
    alone: Interval | None = None
    """The same at 0.05, as if nothing else had been asked."""
    p: float | None = None
    """Two-sided, corrected (Bonferroni over parts and looks), at most 1: against the threshold of
    refuting when refuted, else that of supporting. None before the first look."""
    seeds: int = 0
    per_seed: tuple[float, ...] = ()
    seeds_needed: int | None = None
    """With this spread and effect; None when it is settled, or hopeless."""
    sign_flip_p: float | None = None
    bootstrap: Interval | None = None
    fragile: bool = False
    """At 0.05, uncorrected, sign flips or the bootstrap say something else than the t interval."""
    small: bool = False
    """Supported, but smaller than what matters."""
    smallest_margin: float | None = None
    """Of a law with a margin: the smallest that would have been supported."""
    loss: Loss | None = None
    achieved: Mapping[str, float] = field(default_factory=dict)
    """Arm -> sparsity of the weights that take part, mean over seeds and levels."""
    note: str = ""
    """Why there is no verdict, in one sentence."""


@dataclass(frozen=True)
class Terms:
    """On what terms the comparisons of a finding are judged."""

    alpha: float
    correction: int
    """Looks times parts of the family."""
    decides: bool
    """Whether this is a look: a declared number of whole seeds, 8 or more."""
    why: str
    """If it is none."""

    @property
    def level(self) -> float:
        return self.alpha / self.correction if self.decides else self.alpha

    def corrected(self, p: float) -> float | None:
        return min(1.0, p * self.correction) if self.decides else None

    def among(self, number: int) -> "Terms":
        """For one of so many that was chosen for what it turned out to be (Bonferroni)."""
        return replace(self, correction=self.correction * number)

    def of(self, seeds: int) -> "Terms":
        """For so many seeds: fewer than 8 decide nothing, even at a look."""
        if not self.decides or seeds >= FEWEST_SEEDS:
            return self
        return replace(self, decides=False, why=f"{seeds} seeds decide nothing, {FEWEST_SEEDS} do")


@dataclass(frozen=True)
class Sample:
    """What a comparison stands on."""

    values: np.ndarray
    """(S,)"""
    floor: float = 0.0
    """What the discordant images imply for the standard deviation of one of them."""
    images: np.ndarray | None = None
    """Means of images that the bootstrap has redrawn, (B,), to be added to those of the seeds."""
    inside: float = 0.0
    """What of the values' standard deviation is in `images`."""
    refuting: np.ndarray | None = None
    """(S,): whose upper bound refutes; where noise bends `values` down. None: theirs."""

    @property
    def upper(self) -> np.ndarray:
        return self.values if self.refuting is None else self.refuting


def judge(part: Part, label: str, sample: Sample, law: Law, terms: Terms) -> Comparison:
    """A comparison of a sample by a law; a single seed has an effect and no spread."""
    values = sample.values
    seeds = tuple(map(float, values))
    terms = terms.of(len(seeds))
    known = Comparison(
        part=part,
        label=label,
        verdict="inconclusive",
        effect=float(values.mean()),
        seeds=len(seeds),
        per_seed=seeds,
        note=terms.why,
    )
    if len(seeds) < 2:
        return known
    found = statistics.estimate(values, sample.floor)
    mean, half = float(found.mean), float(found.half(terms.level))
    plain = float(found.half(statistics.PLAIN))
    outcome = _by_t(sample, law, terms.level) if terms.decides else 0
    threshold = law.refutes if outcome < 0 else law.supports
    deciding = sample.upper if outcome < 0 else values
    needed = None if outcome else _needed(sample, law, terms)
    return replace(
        known,
        verdict=WORDS[outcome],
        interval=(mean - half, mean + half),
        alone=(mean - plain, mean + plain),
        p=terms.corrected(float(statistics.estimate(deciding, sample.floor).p(threshold))),
        seeds_needed=needed,
        sign_flip_p=float(statistics.sign_flip(deciding - threshold)),
        bootstrap=_resampled(sample, values),
        fragile=terms.decides and _fragile(sample, law),
        small=outcome > 0 and law.refutes > law.supports and mean + half < law.refutes,
        note=terms.why or ("" if outcome else _undecided(needed)),
    )


def _by_t(sample: Sample, law: Law, level: float) -> int:
    found = statistics.estimate(sample.values, sample.floor)
    upper = statistics.estimate(sample.upper, sample.floor)
    return int(law.outcome(found.mean - found.half(level), upper.mean + upper.half(level)))


def _fragile(sample: Sample, law: Law) -> bool:
    """Whether sign flips or the bootstrap decide otherwise than t, all at 0.05 and uncorrected."""
    low, high = _resampled(sample, sample.values)[0], _resampled(sample, sample.upper)[1]
    others = {int(law.outcome(low, high)), _by_flips(sample, law)}
    return others != {_by_t(sample, law, statistics.PLAIN)}


def _resampled(sample: Sample, values: np.ndarray) -> Interval:
    low, high = statistics.bootstrap(values, sample.images, sample.inside)
    return float(low), float(high)


def _by_flips(sample: Sample, law: Law) -> int:
    """The same by signs: what an interval of means that the flips do not reject would say."""
    side = -1 if law.below else 1
    for values, threshold, outcome in (
        (sample.values, law.supports, side),
        (sample.upper, law.refutes, -side),
    ):
        away = values - threshold
        if away.mean() * outcome > 0 and statistics.sign_flip(away) < statistics.PLAIN:
            return outcome * side
    return 0


def _needed(sample: Sample, law: Law, terms: Terms) -> int | None:
    """The smaller number of seeds of those that would support and refute it."""
    found = statistics.estimate(sample.values, sample.floor)
    side = -1 if law.below else 1
    towards = ((law.supports, side), (law.refutes, -side))
    counts = [
        statistics.seeds_needed(found, threshold, terms.alpha / terms.correction)
        for threshold, way in towards
        if (found.mean - threshold) * way > 0
    ]
    return min((max(n, FEWEST_SEEDS) for n in counts if n), default=None)


def _undecided(needed: int | None) -> str:
    if needed is None:
        return "the interval reaches beyond what would support and what would refute it"
    return f"with this spread about {needed} seeds would settle it"


def skipped(part: Part, label: str, note: str) -> Comparison:
    """No verdict, and none is asked for."""
    return Comparison(part, label, "skipped", note=note)


def missing(part: Part, label: str, note: str) -> Comparison:
    """What was not recorded decides nothing, and without it nothing is supported."""
    return Comparison(part, label, "inconclusive", note=note)
