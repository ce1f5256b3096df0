"""How soon a worker reads what it is asked: `python -m benchmarks.requests [TIMES]`.

Pause, continue and stop of a digits run: seconds until the log says that the request was read.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.workers import made, state, trains, until
from vitprune_core import launch
from vitprune_core.store import control

AFTER = {"pause": "paused", "continue": "running", "stop": "stopped"}
"""The state that a request leads to."""


def main(times: int = 10) -> None:
    with tempfile.TemporaryDirectory() as folder:
        took = measured(Path(folder), times)
    print("| request | read after, median | at most |\n| --- | --- | --- |")
    for request, seconds in took.items():
        print(f"| {request} | {median(seconds):.2f} s | {max(seconds):.2f} s |")


def measured(folder: Path, times: int) -> dict[str, list[float]]:
    run = made(folder, "run", "oneshot_global", "train.epochs=10000")
    took: dict[str, list[float]] = {request: [] for request in AFTER}
    for _ in range(times):
        process = launch.start(run)
        until(lambda: trains(run))
        for request, after in AFTER.items():
            time.sleep(0.3)
            begun = time.monotonic()
            asked = control.ask(run.control, request)
            until(lambda asked=asked: not asked.exists(), every=0.002)
            took[request].append(time.monotonic() - begun)
            until(lambda after=after: state(run) == after)
        assert process.wait() == 130
    return took


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
