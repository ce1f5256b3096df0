"""A study in tests: what was declared, the table of results and runs, without any process."""

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tui.bench import created, dense, level, started
from vitprune_core.store import events as e
from vitprune_core.store.lock import claim
from vitprune_core.store.log import encode
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.studydir import StudyDir

DECLARED = """# hash: 0123456789abcdef
workload: digits
seeds: [100, 101, 102, 103]
looks: {digits: [2, 4]}
base:
  prune: {sparsities: [0.5, 0.9], distribution: global}
arms:
  control: {prune: {sparsities: [0]}}
  global: {}
  random: {prune: {distribution: random}}
findings: {}
"""
BEGUN = 1_800_000_000.0
ARMS = {"control": (0.0,), "global": (0.5, 0.9), "random": (0.5, 0.9)}
ACCURACIES = {("control", 0.0): 0.96, ("global", 0.5): 0.95, ("global", 0.9): 0.92,
              ("random", 0.5): 0.80, ("random", 0.9): 0.11}  # fmt: skip


def a_study(folder: Path, name: str = "small-digits") -> StudyDir:
    """Three arms, four seeds; of the first seed every run is done, of the second some.

    `global` works on 90 %, `random` failed; nobody holds a lock.
    """
    home = StudyDir(folder / name)
    home.hands.mkdir(parents=True)
    home.study.write_text(DECLARED)
    tabled(home, {at: [accuracy] for at, accuracy in ACCURACIES.items()})
    for number, (arm, sparsities) in enumerate(ARMS.items()):
        told = [*begun(), *(level(s, ACCURACIES[arm, s]) for s in sparsities)]
        a_run(home, arm, 100, BEGUN + 60 * number, *told, e.Finished(weights_sha256="f" * 64))
    a_run(home, "global", 101, BEGUN + 300, *begun(), level(0.5, 0.95), e.Stopped(reason="SIGTERM"))
    a_run(home, "random", 101, BEGUN + 360, *begun(), e.Failed(reason="it broke"))
    return home


def begun() -> list[e.Event]:
    return [started(epochs=8), dense(0.96)]


def a_run(home: StudyDir, arm: str, seed: int, begun: float, *told: e.Event) -> RunDir:
    run = home.run(f"{arm}-s{seed}-0123abcd").create()
    events = [created(preset=arm, seed=seed), *told]
    records = (encode(i + 1, min(i, 1), begun + i, 1.0, event) for i, event in enumerate(events))
    run.log.write_bytes(b"".join(records))
    return run


@contextmanager
def held(*locks: Path, host: str = "bench") -> Iterator[None]:
    """Somebody of that host holds these."""
    files = [claim(lock) for lock in locks]
    for file in files:
        os.write(file, json.dumps({"host": host, "pid": 7, "attempt": 0}).encode())
    yield
    for file in files:
        os.close(file)


def tabled(home: StudyDir, seen: dict[tuple[str, float], list[float | None]]) -> None:
    """A results table with these accuracies, a seed each; None: diverged."""
    with home.results.open("w", newline="") as file:
        names = ("arm", "seed", "sparsity_asked", "classes", "dense_test_accuracy",
                 "test_accuracy", "diverged")  # fmt: skip
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for (arm, sparsity), accuracies in seen.items():
            for seed, accuracy in enumerate(accuracies, 100):
                lost = accuracy is None
                shown = "" if lost else accuracy
                writer.writerow([arm, seed, sparsity, 10, 0.96, shown, lost])
