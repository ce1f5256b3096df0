"""Reads what there is of studies beside their runs: what was declared, who works, the results.

Their tables are read with the standard library, and only of the study that somebody looks at: no
more is done four times a second than to ask for two stamps.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from vitprune_core.store.rundir import Stamp, stamp
from vitprune_core.store.studydir import StudyDir
from vitprune_tui.doing import hands
from vitprune_tui.state import Cell, Declared, Results, Study

FIRST = 2
"""The look from which on files are read: the screen is drawn before that."""
TURNS, SOON = 16, 4
"""Looks in which each study is asked who works on it; and one that is looked at."""
NEVER: Stamp = (-2, -2)


@dataclass
class Read:
    """A study, and its files as they were when they were read."""

    study: Study = field(default_factory=Study)
    declared: Stamp = NEVER
    results: Stamp = NEVER


class Studies:
    def __init__(self) -> None:
        self.known: dict[str, Read] = {}

    def look(
        self, folder: Path, names: list[str], wanted: str | None, turn: int
    ) -> dict[str, Study]:
        """All studies now; the very same values as before where nothing is new."""
        self.known = {name: self.known.get(name) or Read() for name in names}
        unread = next((name for name, read in self.known.items() if read.declared == NEVER), None)
        for at, (name, read) in enumerate(self.known.items() if turn >= FIRST else ()):
            home, looked_at = StudyDir(folder / name), name == wanted
            its_turn = at % TURNS == turn % TURNS and read.declared != NEVER
            if looked_at or its_turn or name == unread:  # one file a look: each takes 0.1 s
                _declaration(home, read)
            if at % (every := SOON if looked_at else TURNS) == turn % every:
                _workers(home, read)
            if looked_at:
                _results(home, read)
        return {name: read.study for name, read in self.known.items()}


def _declaration(home: StudyDir, read: Read) -> None:
    if (now := stamp(home.study)) == read.declared:
        return
    read.declared = now
    try:
        changes: dict[str, Any] = {"declared": declared(home.study), "problem": None}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        changes = {"declared": None, "problem": f"study.yaml: {error}"}
    read.study = replace(read.study, **changes)


def _workers(home: StudyDir, read: Read) -> None:
    found = hands.hands(home), hands.sweeps(home)
    if found != (read.study.hands, read.study.sweeps):
        read.study = replace(read.study, hands=found[0], sweeps=found[1])


def _results(home: StudyDir, read: Read) -> None:
    if (now := stamp(home.results)) == read.results:
        return
    read.results = now
    try:
        changes: dict[str, Any] = {"results": results(home.results), "problem": None}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        changes = {"problem": f"results.csv: {error}"}
    read.study = replace(read.study, **changes)


def declared(path: Path) -> Declared:
    """Of a complete study's file, as a sweep writes it; raises ValueError and the like.

    It was judged when it was declared: nothing is judged again here.
    """
    from vitprune_core.spec.source import SpecError, plain
    from vitprune_core.spec.source import read as read_yaml

    try:
        tree = plain(read_yaml(path)[0])
    except SpecError as error:
        raise ValueError(str(error)) from None
    base = tree.get("base") or {}
    return Declared(
        workload=str(tree["workload"]),
        seeds=tuple(int(seed) for seed in tree["seeds"]),
        looks=tuple(int(n) for n in (tree.get("looks") or {}).get(tree["workload"], ())),
        arms={str(name): _sparsities(arm or {}, base) for name, arm in tree["arms"].items()},
    )


def _sparsities(*trees: Mapping[str, Any]) -> tuple[float, ...]:
    """What an arm says, else its base."""
    found = ((tree.get("prune") or {}).get("sparsities") for tree in trees)
    return tuple(float(s) for s in next((known for known in found if known), ()))


def results(path: Path) -> Results:
    """Means over seeds, from the table of levels; no table yet: nothing.

    Raises KeyError, ValueError and the like when it is no such table.
    """
    seen: dict[tuple[str, float], list[float]] = {}
    lost: dict[tuple[str, float], int] = {}
    dense: dict[str, float] = {}
    chance = 0.0
    for row in _rows(path):
        where = row["arm"], float(row["sparsity_asked"])
        chance = 1 / int(row["classes"])
        accuracy = float(row["test_accuracy"] or chance)
        seen.setdefault(where, []).append(accuracy if isfinite(accuracy) else chance)
        lost[where] = lost.get(where, 0) + (row["diverged"] == "True")
        dense[row["seed"]] = float(row["dense_test_accuracy"])
    cells = {at: Cell(len(some), _mean(some), lost[at]) for at, some in seen.items()}
    return Results(cells, _mean(list(dense.values())) if dense else None, chance)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if os.path.isfile(path):
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            yield from csv.DictReader(file)


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)
