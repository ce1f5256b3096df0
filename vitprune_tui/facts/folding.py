"""Rows of the table of runs: a study is one of them, and below it, unfolded, are its runs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from vitprune_core.store.brief import Brief
from vitprune_tui.facts.filling import Folded, counts, whole
from vitprune_tui.facts.filters import Row, ordered
from vitprune_tui.state import Lab, study_of


@dataclass(frozen=True)
class Rows:
    rows: list[Row]
    studies: Mapping[str, Folded]
    """Those of the rows that are a study."""
    left: int
    """Runs that the filter leaves, those out of sight too."""


def rows(
    lab: Lab, wanted: Callable[[str, Brief], bool], sort: str, reverse: bool, open: Collection[str]
) -> Rows:
    """Runs that are wanted, in order; a study while any of its runs is, or when it has none yet.

    What a study's row says is of all its runs, whatever is wanted.
    """
    found = [(name, brief) for name, brief in lab.runs.items() if wanted(name, brief)]
    below: dict[str, list[Row]] = {}
    single: list[Row] = []
    for name, brief in found:
        folder = study_of(name)
        (below.setdefault(folder, []) if folder in lab.studies else single).append((name, brief))
    studies, wholes = {}, []
    for name, study in lab.studies.items():
        inside = lab.inside[name]
        row = name, whole(study, inside)
        if name in below or (not inside and wanted(*row)):
            studies[name] = Folded(counts(study, inside.values()), name in open)
            wholes.append(row)
    told: list[Row] = []
    for row in ordered([*wholes, *single], sort, reverse):
        told.append(row)
        if row[0] in studies and row[0] in open:
            told += ordered(below.get(row[0], []), sort, reverse)
    return Rows(told, studies, len(found))
