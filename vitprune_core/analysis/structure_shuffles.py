"""What shuffling a mask inside its matrix does: all that is compared with it.

Where `kept` of the matrix's weights stay and every choice of them is as likely as any other, the
numbers kept in lines, or in heads, are multivariate hypergeometric. So their moments and the chance
of dead ones are exact, and counts of shuffled masks are drawn without a mask being made.

Groups are lines, or runs of lines, that split a matrix into equal parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import comb, perm, sqrt

import numpy as np

LEAST = 1e-300
"""A chance that is smaller is told as this."""
BITS = 1100
"""Binary digits behind the point with which chances are calculated: well below `LEAST`."""


@dataclass(frozen=True)
class Shuffled:
    """Masks that keep as many weights of a matrix, shuffled inside it."""

    groups: int
    size: int
    """Weights of a group."""
    kept: int
    """Of all groups together."""

    @cached_property
    def mean(self) -> Fraction:
        """Of the sum of squared counts.

        Falling factorials `c (c - 1) ...` of counts have the means `size (size - 1) ... f`, where
        `f` is the chance that so many given weights are all kept.
        """
        return self.kept + self.groups * perm(self.size, 2) * self._all_kept(2)

    @cached_property
    def variance(self) -> Fraction:
        """Of the sum of squared counts: the square of `c (c - 1)` is again made of factorials."""
        two = perm(self.size, 2) * self._all_kept(2)
        three = perm(self.size, 3) * self._all_kept(3)
        same = perm(self.size, 4) * self._all_kept(4) + 4 * three + 2 * two
        other = perm(self.size, 2) ** 2 * self._all_kept(4)
        squares = self.groups * same + self.groups * (self.groups - 1) * other
        return squares - (self.groups * two) ** 2

    def ratio(self, squares: int) -> float | None:
        """The variance of the counts, or of densities, divided by its mean over shuffled masks.

        `squares` is the sum of squared counts. None where no mask has a variance.
        """
        even = Fraction(self.kept**2, self.groups)
        return float((squares - even) / (self.mean - even)) if self.mean > even else None

    def z(self, squares: int) -> float | None:
        """Standard deviations above the mean; None where all shuffled masks are alike."""
        return float(squares - self.mean) / sqrt(self.variance) if self.variance else None

    def dead(self, at_least: int) -> float:
        """The chance that of so many groups, or more, nothing is kept.

        Exact, by inclusion and exclusion over the chance that j given groups are dead. The terms
        are far larger than their sum, so they are whole numbers of 2 ** -bits. Sums that end early
        lie above and below the truth in turn: what follows a term that changes nothing is left out.
        """
        if at_least == 0:
            return 1.0
        bits = BITS + 2 * self.groups  # there are no more than 4 ** groups ways to choose
        given, total = 1 << bits, 0
        for j in range(self.groups + 1):
            if j >= at_least:
                term = comb(j - 1, at_least - 1) * comb(self.groups, j) * given
                total += term if (j - at_least) % 2 == 0 else -term
                if term << 50 < total:
                    break
            left = (self.groups - j) * self.size
            few, many = sorted((self.size, self.kept))
            given = given * perm(left - many, few) // perm(left, few) if left >= many + few else 0
        return min(max(total / (1 << bits), LEAST), 1.0)

    def draw(self, shuffles: int, seed: int) -> np.ndarray:
        """The sum of squared counts in each of so many shuffled masks, shape (shuffles,)."""
        return _drawn(self, shuffles, seed)

    def _all_kept(self, weights: int) -> Fraction:
        """The chance that so many given weights are all kept."""
        chosen = perm(self.kept, weights)
        return Fraction(chosen, perm(self.groups * self.size, weights)) if chosen else Fraction(0)


@lru_cache(maxsize=128)
def _drawn(masks: Shuffled, shuffles: int, seed: int) -> np.ndarray:
    """Matrices of one shape that keep as many, and rows and columns of a square, share draws."""
    draw = generator("shuffled", seed, masks.groups, masks.size, masks.kept)
    sizes = [masks.size] * masks.groups
    counts = draw.multivariate_hypergeometric(sizes, masks.kept, size=shuffles, method="marginals")
    return sum_of_squares(counts)


def sum_of_squares(counts: np.ndarray) -> np.ndarray:
    """Over the last axis, in whole numbers: equal sums are equal."""
    whole = counts.astype(np.int64)
    return np.asarray((whole * whole).sum(axis=-1))


def p_value(seen: int, shuffled: Sequence[int] | np.ndarray) -> float:
    """(b + 1) / (N + 1), b of N shuffled ones being as large (Phipson, Smyth 2010).

    Never 0, and at most a in no more than the share a of shuffled masks.
    """
    return float((np.count_nonzero(np.asarray(shuffled) >= seen) + 1) / (len(shuffled) + 1))


def generator(*what: str | int) -> np.random.Generator:
    """Numbers named by what they are for, whatever was drawn before."""
    words = "/".join(map(str, what)).encode()
    return np.random.default_rng(int.from_bytes(words, "big"))
