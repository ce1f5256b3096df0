"""From the tables of a study to one number a seed, and what test images say about its spread."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vitprune_core.analysis import statistics
from vitprune_core.analysis.tables import Images, Row, Tables, Where
from vitprune_core.analysis.verdicts import Sample
from vitprune_core.spec.claims import Part
from vitprune_core.spec.config import level_name
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.study import Study

CONTROL = level_name(0)
HALF = 0.51
"""Of an image, and rounding: a share of images and an accuracy differ by less."""
Spot = tuple[str, str]
"""An arm and a level."""


@dataclass(frozen=True)
class Term:
    """Mean over levels of an arm, with a sign."""

    sign: int
    arm: str
    levels: tuple[str, ...]

    @property
    def spots(self) -> set[Spot]:
        return {(self.arm, level) for level in self.levels}


@dataclass(frozen=True)
class Cells:
    """What the tables know of an arm, a level and a seed.

    A level that diverged counts as chance; so does every later one of the same run, which stopped.
    """

    study: Study
    tables: Tables

    @cached_property
    def lost(self) -> dict[tuple[str, int], Row]:
        return {(row.arm, row.seed): row for row in self.tables.rows.values() if row.diverged}

    def row(self, spot: Spot, seed: int) -> Row | None:
        return self.tables.rows.get(Where(spot[0], seed, spot[1])) or self.lost.get((spot[0], seed))

    def complete(self, spots: Iterable[Spot], seed: int) -> bool:
        return all(self.row(spot, seed) for spot in spots)

    def images(self, spot: Spot, seed: int) -> Images | None:
        return self.tables.images.get(Where(spot[0], seed, spot[1]))

    @property
    def smallest(self) -> float:
        """d, the smallest effect that matters."""
        return self.study.file.thresholds.smallest

    @cached_property
    def fixed(self) -> bool:
        """Whether all seeds share one test set, instead of folds that take turns."""
        config = next(iter(self.study.arms.values()))
        return DATASETS[config.data.name].folds is None or config.data.fold is not None

    def term(self, sign: int, arm: str, at: Iterable[float]) -> Term:
        """A control, an arm with no other sparsity than 0, is always meant at 0."""
        prune = self.study.arms[arm].prune
        if prune is not None and prune.sparsities == (0,):
            return Term(sign, arm, (CONTROL,))
        return Term(sign, arm, tuple(map(level_name, at)))


def terms(cells: Cells, part: Part) -> list[Term]:
    """What is added up: arm - over, or (arm - its control) - (over - its control)."""
    assert isinstance(part.arm, str)
    found = [cells.term(1, part.arm, part.at)]
    if isinstance(part.over, str):
        found.append(cells.term(-1, part.over, part.at))
    if part.arm_control is not None and part.over_control is not None:
        found.append(Term(-1, part.arm_control, (CONTROL,)))
        found.append(Term(1, part.over_control, (CONTROL,)))
    return found


def values(
    cells: Cells, added: Sequence[Term], seeds: Sequence[int], of: Callable[[Row], float]
) -> np.ndarray:
    """A number a seed, (S,)."""
    return np.array([sum(_mean(cells, term, seed, of) for term in added) for seed in seeds])


def _mean(cells: Cells, term: Term, seed: int, of: Callable[[Row], float]) -> float:
    rows = [cells.row((term.arm, level), seed) for level in term.levels]
    return term.sign * float(np.mean([of(row) for row in rows if row]))


def differences(cells: Cells, added: Sequence[Term], seed: int) -> np.ndarray | None:
    """The same for every test image of a seed, (M,); None where that is not known.

    Raises ValueError when the numbers of images differ.
    """
    total = np.zeros(1)
    for term in added:
        found = [_right(cells, (term.arm, level), seed) for level in term.levels]
        known = [right for right in found if right is not None]
        if len(known) < len(found):
            return None
        for right in known:
            if len({len(total), len(right), 1}) > 2:  # of what diverged there is one number for all
                what = f"{len(right)} images, of others {len(total)}"
                raise ValueError(f"images.npz: {term.arm}/s{seed}: {what}")
            total = total + term.sign * right / len(known)
    return total if total.size > 1 else None


def _right(cells: Cells, spot: Spot, seed: int) -> np.ndarray | None:
    """Which images are right; of what diverged every one by chance.

    Raises ValueError where they are the images of another result.
    """
    row = cells.row(spot, seed)
    if images := cells.images(spot, seed):
        share = float(images.correct.mean())
        if row and not row.diverged and abs(share - row.accuracy) * len(images.correct) > HALF:
            what = f"{share:g} of its images are right, in results.csv {row.accuracy:g}"
            raise ValueError(f"images.npz: {Where(spot[0], seed, spot[1])}: {what}")
        return images.correct.astype(float)
    return np.array([row.chance]) if row and row.diverged else None


def sample(cells: Cells, added: Sequence[Term], seeds: Sequence[int]) -> Sample:
    """Accuracies, with what their images say about their spread."""
    accuracies = values(cells, added, seeds, lambda row: row.accuracy)
    found = [differences(cells, added, seed) for seed in seeds]
    known = [each for each in found if each is not None]
    if not known:
        return Sample(accuracies)
    floor = float(np.sqrt(np.mean([statistics.discordance(each) ** 2 for each in known])))
    if len(known) < len(seeds) or len(seeds) < 2:
        return Sample(accuracies, floor)
    fewest = min(map(len, known))  # folds differ by an image
    together = np.array([each[:fewest] for each in known])
    if cells.fixed:
        return Sample(accuracies, floor, statistics.redrawn(statistics.shared_images(together)))
    own = statistics.redrawn(statistics.own_images(together))
    return Sample(accuracies, floor, own, inside=floor)
