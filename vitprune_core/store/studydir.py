"""Where a study keeps its files. Its runs lie beside them, each in a folder of its own.

| path              | what                                                                  |
| ----------------- | --------------------------------------------------------------------- |
| `study.yaml`      | what was declared, complete, with its hash in the first line           |
| `results.csv`     | a row a level, sorted; no seconds: equal runs give equal bytes         |
| `images.npz`      | per level and test image: right or wrong, negative log-likelihood      |
| `structure.json`  | how row, column and head densities of masks vary, against shuffled ones |
| `grids.json`      | small pictures of masks                                               |
| `costs.csv`       | seconds, host and versions of each run                                |
| `report.md`       | findings, tables, figures                                             |
| `findings.json`   | the verdicts                                                          |
| `.hands/<host>-<n>.lock`  | held for life by each process that works on the study          |
| `.hands/<host>-<n>.sweep` | held by each sweep that sees to them                           |
| `.hands/log.txt`, `sweep.txt` | what they printed                                          |

The five tables in the middle are all that a report reads: they are merged and kept, runs may go.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize

HASH = re.compile(r"# hash: ([0-9a-f]{16})")
HANDS = ".hands"


@dataclass(frozen=True)
class StudyDir:
    path: Path

    @property
    def study(self) -> Path:
        return self.path / "study.yaml"

    @property
    def results(self) -> Path:
        return self.path / "results.csv"

    @property
    def images(self) -> Path:
        return self.path / "images.npz"

    @property
    def structure(self) -> Path:
        return self.path / "structure.json"

    @property
    def grids(self) -> Path:
        return self.path / "grids.json"

    @property
    def costs(self) -> Path:
        return self.path / "costs.csv"

    @property
    def hands(self) -> Path:
        return self.path / HANDS

    @property
    def output(self) -> Path:
        """What the processes that work on it printed."""
        return self.hands / "log.txt"

    @property
    def collecting(self) -> Path:
        """Locked while the tables are written."""
        return self.hands / "collect"

    @property
    def hash(self) -> str | None:
        """Of what was declared; None while nothing is."""
        try:
            with self.study.open(encoding="utf-8", errors="replace") as file:
                found = HASH.match(file.readline(40))
        except OSError:
            return None
        return found[1] if found else None

    @property
    def collected(self) -> frozenset[str]:
        """Runs that are in the tables: over, wherever they were carried out, and if they went."""
        try:
            with self.results.open(encoding="utf-8", newline="") as file:
                rows = csv.reader(file)
                column = next(rows).index("run")
                return frozenset(row[column] for row in rows)
        except (OSError, ValueError, IndexError, StopIteration, csv.Error):
            return frozenset()

    def run(self, id: str) -> RunDir:
        return RunDir(self.path / id)

    def hand(self, host: str, number: int) -> Path:
        return self.hands / f"{host}-{number}.lock"


def over(run: RunDir, since: float) -> bool:
    """Whether there is nothing to do on a run: done, or it could not be done since then.

    One that diverged would again; what failed or was stopped before is tried once more. A process
    that had to go, by a signal or before it began, says nothing about its run: others take it up.
    """
    summary = summarize(run)
    if summary.state == "done" or summary.diverged:
        return True
    if summary.begun is None or (summary.reason or "").startswith("SIG"):
        return False
    return summary.state in ("failed", "stopped") and (summary.updated or 0) >= since
