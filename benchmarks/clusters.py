"""What it costs to have Ray start a study's runs: `python -m benchmarks.clusters [REPEATS]`.

The same small study of real digits, by local hands and by a cluster of Ray's own, in turns on the
same cores; and that both came to the same bytes.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.conftest import vitprune

STUDY = """\
workload: digits
seeds: [100, 101, 102, 103, 104, 105, 106, 107]
looks: {digits: [8]}
base: {train: {epochs: 4}, keep_weights: last, device: cpu}
arms:
  control: {prune: {sparsities: [0], alone: 0.95}}
  global: {prune: {distribution: global, sparsities: [0.5, 0.9]}}
  random: {prune: {distribution: random, sparsities: [0.5, 0.9]}}
findings: {}
"""
TABLES = ("results.csv", "images.npz", "structure.json", "grids.json")


def swept(folder: Path, engine: str) -> tuple[float, list[bytes]]:
    """Seconds, and the tables that must be equal."""
    study = folder / "small.yaml"
    study.write_text(STUDY)
    runs = folder / engine
    begun = time.monotonic()
    vitprune(
        "sweep", study, "--seeds", "100,101", "--engine", engine, "--jobs", "2", "--runs", runs
    )
    return time.monotonic() - begun, [(runs / "small-digits" / t).read_bytes() for t in TABLES]


def main(repeats: int) -> None:
    seconds: dict[str, list[float]] = {"local": [], "ray": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            found = {engine: swept(Path(folder), engine) for engine in seconds}
        assert found["local"][1] == found["ray"][1], "not the same bytes"
        for engine, (took, _) in found.items():
            seconds[engine].append(took)
    print("| 6 runs, two at a time | seconds, median | least | most |")
    print("| --- | --- | --- | --- |")
    for engine, took in seconds.items():
        print(f"| {engine} | {median(took):.1f} | {min(took):.1f} | {max(took):.1f} |")
    more = median(r - h for h, r in zip(seconds["local"], seconds["ray"], strict=True))
    print(f"Ray takes {more:.1f} s more, to start and to end, whatever the study takes; same bytes")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["3"]))
