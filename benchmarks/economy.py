"""What a study costs beside its training: `python -m benchmarks.economy STUDY-FOLDER [--jobs N]`.

Of a study that was done in one go on an otherwise idle machine. The least it could take is one
dense training a seed and every retraining, at the seconds that its own epochs took, spread over
the jobs; beside it what it would be to train the dense model anew in every run.
"""

import argparse
from pathlib import Path

from vitprune_core.analysis import tables
from vitprune_core.store.log import entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.studydir import StudyDir


def economy(folder: StudyDir, jobs: int) -> str:
    costs = list(tables.read(folder).costs.values())
    spans = [span(folder.run(cost.run)) for cost in costs]
    wall = max(end for _, end in spans) - min(start for start, _ in spans)
    training = sum(cost.seconds_here for cost in costs)
    anew = training + sum(cost.dense_seconds for cost in costs if cost.dense_reused)
    least = training / jobs
    return "\n".join(
        [
            f"{len(costs)} runs of {len({c.seed for c in costs})} seeds, {jobs} jobs",
            f"training alone: {training:,.0f} s, {least:,.0f} s over {jobs} jobs",
            f"wall: {wall:,.0f} s, {wall / least:.3f} times that (goal 1.05)",
            f"with a dense training in every run: {anew / training:.2f} times the training",
        ]
    )


def span(run: RunDir) -> tuple[float, float]:
    """When the first record of a run was written, and the last."""
    times = [record.time for record in entries(run.log)]
    return times[0], times[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    print(economy(StudyDir(asked.folder), asked.jobs))


if __name__ == "__main__":
    main()
