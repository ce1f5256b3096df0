"""From a command to its first word, and from a request to the first step of training."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.screen.folders import copies, finished
from benchmarks.speed.table import row
from benchmarks.speed.turns import timed
from tests.workers import made, until
from vitprune_core import launch
from vitprune_core.store.events import Started
from vitprune_core.store.log import entries
from vitprune_core.store.rundir import RunDir

REPEATS = 9


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        copies(finished(runs), runs, 199)
        found = timed(
            {
                "--help": lambda: command("--help"),
                "ls": lambda: command("ls", "--runs", str(runs)),
            },
            REPEATS,
        )
        for name, seconds in found.items():
            what = "`vitprune ls`, 200 runs that are done" if name == "ls" else f"`vitprune {name}`"
            row(what, f"{seconds:.2f} s", goal="0.15 s")
    with tempfile.TemporaryDirectory() as folder:
        both = [(first_step(Path(folder), i), import_torch()) for i in range(REPEATS)]
    worker, bare = (median(values) for values in zip(*both, strict=True))
    row(
        "a worker from the request to its first step, beside `import torch` alone",
        f"{worker:.2f} s",
        f"{bare:.2f} s",
        f"**{worker - bare:+.2f} s**",
        "+1 s",
    )


def command(*words: str) -> None:
    program = str(Path(sys.executable).with_name("vitprune"))
    given = [program] if Path(program).exists() else [sys.executable, "-m", "vitprune_tui.cli"]
    subprocess.run([*given, *words], stdout=subprocess.DEVNULL, check=True)


def first_step(folder: Path, number: int) -> float:
    """To `Started`, after which the first batch is taken."""
    run = made(folder, f"run{number}", "oneshot_global", seed=number)
    begun = time.time()
    process = launch.start(run)
    until(lambda: started(run))
    process.kill()
    process.wait()
    return started(run) - begun


def started(run: RunDir) -> float | None:
    return next((r.time for r in entries(run.log) if isinstance(r.event, Started)), None)


def import_torch() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
