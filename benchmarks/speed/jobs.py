"""Two runs at a time with one thread each, beside one after the other with two threads each.

Real workers on digits, dense training and one level each, as a study starts them.
"""

import tempfile
from pathlib import Path

from benchmarks.speed.table import row, times
from benchmarks.speed.turns import timed
from tests.workers import made
from vitprune_core import launch
from vitprune_core.store.summary import summarize

ASKED = ("prune.sparsities=[0.9]", "train.epochs=20")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        folders = (Path(folder, str(i)) for i in range(1000))
        found = timed(
            {
                "together": lambda: pair(next(folders), 1, together=True),
                "in turn": lambda: pair(next(folders), 2, together=False),
            },
            3,
        )
    one, other = found["together"], found["in turn"]
    row(
        "two jobs of one thread (`sweep` on two cores), beside one of two threads",
        f"{one:.1f} s",
        f"{other:.1f} s",
        times(other, one),
        "the better is the default",
    )


def pair(folder: Path, threads: int, together: bool) -> None:
    runs = [
        made(folder, f"seed{s}", "oneshot_global", *ASKED, f"threads={threads}", seed=s)
        for s in (0, 1)
    ]
    if together:
        workers = [launch.start(run) for run in runs]
        assert [worker.wait() for worker in workers] == [0, 0]
    else:
        assert [launch.start(run).wait() for run in runs] == [0, 0]
    assert all(summarize(run).state == "done" for run in runs)


if __name__ == "__main__":
    main()
