"""Folders of studies, made at different times and places, as the studies that they are parts of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vitprune_core.analysis import tables
from vitprune_core.analysis.findings import Verdict, as_json, decide
from vitprune_core.analysis.summaries import LevelSummary, Spread, dense, levels
from vitprune_core.analysis.tables import Row, Tables, Where
from vitprune_core.spec.config import Config
from vitprune_core.spec.study import Study, load_study
from vitprune_core.store.studydir import StudyDir


class Clash(Exception):
    """Two studies that call themselves the same and are not."""


@dataclass(frozen=True)
class Gathered:
    """A study on one workload, with all that is known of it."""

    study: Study
    tables: Tables
    folders: tuple[StudyDir, ...]
    declared: str | None
    """The hash that stands in its file; another than the study's: it was changed afterwards."""
    differing: int = 0
    """Levels that two folders have with other weights; those of the later folder count."""

    @cached_property
    def verdicts(self) -> Sequence[Verdict]:
        return decide(self.study, self.tables)

    @cached_property
    def levels(self) -> dict[str, list[LevelSummary]]:
        """Arm -> its levels, in the order of the study."""
        found = {arm: levels(self.rows_of(arm)) for arm in self.study.arms}
        return {arm: of for arm, of in found.items() if of}

    def rows_of(self, arm: str) -> list[Row]:
        """Of the seeds that were declared, in their order."""
        known = [row for row in self.tables.rows.values() if row.arm == arm]
        place = {seed: i for i, seed in enumerate(self.study.file.seeds)}
        return sorted((r for r in known if r.seed in place), key=lambda row: place[row.seed])

    @property
    def rows(self) -> list[Row]:
        return [row for arm in self.study.arms for row in self.rows_of(arm)]

    @property
    def dense(self) -> Spread | None:
        return dense(self.rows)

    @property
    def seeds(self) -> list[int]:
        """Of which there is any result."""
        found = {row.seed for row in self.rows}
        return [seed for seed in self.study.file.seeds if seed in found]

    @property
    def config(self) -> Config:
        return next(iter(self.study.arms.values()))

    @property
    def missing(self) -> list[tuple[str, int]]:
        """Arms and seeds that were declared and have no result."""
        known = {(row.arm, row.seed) for row in self.tables.rows.values()}
        wanted = ((arm, seed) for seed in self.study.file.seeds for arm in self.study.arms)
        return [run for run in wanted if run not in known]


def gather(folders: Sequence[StudyDir]) -> list[Gathered]:
    """Folders of one study and workload become one; in the order in which they are given.

    Raises `SpecError` or ValueError for what cannot be read, `Clash` for studies of one name and
    workload that declare different things.
    """
    found: dict[str, Gathered] = {}
    for folder in dict.fromkeys(folders):
        one = read(folder)
        hash = one.study.hash
        found[hash] = _together(found[hash], one) if hash in found else one
    gathered = list(found.values())
    _refuse_namesakes(gathered)
    return gathered


def findings(gathered: Sequence[Gathered]) -> list[dict[str, Any]]:
    """Every verdict with the study it is of, ready for JSON."""
    return [
        {"study": g.study.name, "workload": g.study.workload, "hash": g.study.hash, **verdict}
        for g in gathered
        for verdict in as_json(list(g.verdicts))
    ]


def read(folder: StudyDir) -> Gathered:
    study = load_study(str(folder.study))
    name = folder.path.absolute().name.removesuffix(f"-{study.workload}")
    study = replace(study, name=name)
    return Gathered(study, tables.read(folder), (folder,), folder.hash)


def _together(a: Gathered, b: Gathered) -> Gathered:
    both = a.tables.rows.keys() & b.tables.rows.keys()
    other = sum(_weights(a, where) != _weights(b, where) for where in both)
    return replace(
        a,
        tables=a.tables.merged(b.tables),
        folders=(*a.folders, *b.folders),
        declared=a.declared if b.declared == a.study.hash else b.declared,
        differing=a.differing + other,
    )


def _weights(gathered: Gathered, where: Where) -> str:
    return gathered.tables.rows[where].weights_sha256


def _refuse_namesakes(gathered: Sequence[Gathered]) -> None:
    seen: dict[str, Gathered] = {}
    for one in gathered:
        other = seen.setdefault(one.study.folder, one)
        if other is not one:
            raise Clash(
                f"{other.folders[0].study} has hash {other.study.hash}, "
                f"{one.folders[0].study} has hash {one.study.hash}: "
                f"two studies {one.study.name} on {one.study.workload} that declare different "
                "things cannot be merged; give one of the folders another name"
            )
