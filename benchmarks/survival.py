"""What a run survives, on real processes: `make survival` (about a quarter of an hour).

Prints the table of the README. A row that does not hold ends the program.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from statistics import median

from tests.terminals import Screen, Terminal
from tests.workers import killed_at_random, made, outcome, tiny, trains, until
from vitprune_core import launch
from vitprune_core.store import control, queue
from vitprune_core.store.events import DenseTrained, Resumed
from vitprune_core.store.lock import holder
from vitprune_core.store.log import Entry, entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import NO_WORK, summarize

CLI = [sys.executable, "-m", "vitprune_tui.cli"]
ONESHOT = ("oneshot_global", "prune.sparsities=[0.5, 0.9]")
ITERATIVE = ("iterative_global", "prune.sparsities=[0.5]")
EVERY = 2
"""Seconds between checkpoints of the runs that are killed."""
ENDLESS = ("oneshot_global", "prune.sparsities=[0.5]", "train.epochs=100000")


def kills(folder: Path) -> str:
    """25 kill -9 at random times of a one-shot and of an iterative digits run."""

    def one(preset: tuple[str, ...]) -> tuple[int, float]:
        whole, run = (
            made(folder / f"{preset[0]}-{name}", "run", *preset, f"checkpoint.every={EVERY}")
            for name in ("whole", "killed")
        )
        launch.start(whole).wait()
        hits = killed_at_random(run, 25, random.Random(0), longest=5.0)
        assert outcome(run)[0] == "done"
        assert outcome(run) == outcome(whole), preset
        assert summarize(run).exact
        return hits, lost_most(run)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, (ONESHOT, ITERATIVE)))
    hits = [hit for hit, _ in found]
    assert min(hits) >= 20, hits
    lost = max(seconds for _, seconds in found)
    equal = "events and weights equal to those of runs left alone"
    again = f"at most {lost:.1f} s done again (checkpoints every {EVERY} s)"
    return f"{hits[0]} + {hits[1]} kills; {equal}; {again}"


def lost_most(run: RunDir) -> float:
    """Seconds of work that was told and then done again, for the worst of all resumes."""
    past: list[Entry] = []
    lost = [0.0]
    for record in entries(run.log):
        if isinstance(record.event, Resumed):
            again = [r for r in past if r.seq > record.event.after]
            trained = [i for i, r in enumerate(again) if isinstance(r.event, DenseTrained)]
            again = again[trained[-1] + 1 :] if trained else again  # the model itself was kept
            work = sum(r.seconds for r in again if not isinstance(r.event, NO_WORK))
            lost.append(work - record.event.worked)
        past.append(record)
    return max(lost)


def starters(folder: Path, rounds: int = 20) -> str:
    """16 at the same time, 20 times."""
    waits = []
    for i in range(rounds):
        run = tiny(folder, f"run{i}", *ENDLESS)
        command = [*CLI, "resume", run.id, "--runs", str(folder), "--detach"]
        piped = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        begun = time.monotonic()
        started = [subprocess.Popen(command, **piped) for _ in range(16)]

        def ended(process: subprocess.Popen[str], begun: float = begun) -> tuple[int, str, float]:
            said = process.communicate()[1]
            return process.returncode, said, time.monotonic() - begun

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(ended, started))
        worker = launch.kill(run)
        assert sorted(code for code, _, _ in found) == [0] + 15 * [75]
        named = f"process {worker.pid} on {worker.host}"
        assert sum(named in said for _, said, _ in found) == 15, [named, found]
        waits += [seconds for code, _, seconds in found if code == 75]
    return f"one worker each time; the {len(waits)} others exit 75 naming host and pid, after " + (
        f"{median(waits):.2f} s (median), {max(waits):.2f} s (last of 16 on these cores)"
    )


def terminals(folder: Path, times: int = 10) -> str:
    """Closed under `run` and under `watch`."""
    watched = tiny(folder, "watched", *ENDLESS)
    process = launch.start(watched)
    until(lambda: trains(watched))
    worker = holder(watched.lock)
    for i in range(times):
        screen = Screen("watch", "watched", "--runs", folder, module="vitprune_tui.cli")
        screen.until("2 Live", "watched", "running")
        screen.close()
        run = RunDir(folder / f"run{i}")
        tiny_words = ["--set", "model={patch: 4, width: 12, heads: 3, depth: 2, mlp: 8}"]
        sets = [w for o in ENDLESS[1:] for w in ("--set", o)]
        words = ["run", ENDLESS[0], "--workload", "digits", "--name", run.id, *tiny_words, *sets]
        words += ["--seed", str(i + 1)]  # with the same they would wait for the same dense model
        terminal = Terminal(*words, "--runs", folder)
        until(lambda run=run: run.log.exists() and trains(run))
        before = holder(run.lock)
        terminal.close()
        size = run.log.stat().st_size
        until(lambda run=run, size=size: run.log.stat().st_size > size + 1_000)
        assert holder(run.lock) == before
        launch.kill(run)
    assert holder(watched.lock) == worker
    launch.kill(watched)
    process.wait()
    return f"{times} + {times} times; every worker went on, with the same pid"


def requests(folder: Path, times: int = 10) -> str:
    """Pause, continue, stop: seconds until the log says that it was read."""
    run = made(folder, "run", "oneshot_global", "train.epochs=10000")
    took: dict[str, list[float]] = {"pause": [], "continue": [], "stop": []}
    for _ in range(times):
        process = launch.start(run)
        until(lambda: trains(run))
        for request, state in (("pause", "paused"), ("continue", "running"), ("stop", "stopped")):
            time.sleep(0.3)
            begun = time.monotonic()
            path = control.ask(run.control, request)
            until(lambda path=path: not path.exists(), every=0.002)
            took[request].append(time.monotonic() - begun)
            until(lambda state=state: summarize(run).state == state)
        assert process.wait() == 130
    slowest = max(max(values) for values in took.values())
    assert slowest < 1, took
    return ", ".join(f"{k} {median(v):.2f} s" for k, v in took.items()) + (
        f" (medians of {times}; the slowest {slowest:.2f} s)"
    )


def queued(folder: Path) -> str:
    """Three runs queued from terminals that are closed at once."""
    names = ("first", "second", "third")
    for name in names:
        words = ["run", "oneshot_global", "--workload", "digits", "--name", name]
        words += ["--set", "train.epochs=10", "--set", "prune.sparsities=[0.9]"]
        terminal = Terminal(*words, "--queue", "--runs", folder)
        terminal.reads(name)
        terminal.close()
    runs = [RunDir(folder / name) for name in names]
    until(lambda: all(summarize(run).state == "done" for run in runs))
    until(lambda: holder(queue.lock(folder)) is None)
    worked = [[r.time for r in entries(run.log) if r.attempt] for run in runs]
    assert all(max(a) <= min(b) for a, b in pairwise(worked))
    return "all done, one after the other, in their order; the dispatcher ended"


def signals(folder: Path, times: int = 20) -> str:
    """SIGTERM at random times, then resume."""
    whole, run = (tiny(folder / name, "run", *ENDLESS[:2]) for name in ("whole", "stopped"))
    launch.start(whole).wait()
    draw, stops = random.Random(1), 0
    for _ in range(times):
        process = launch.start(run)
        until(lambda p=process: trains(run) or p.poll() is not None)
        time.sleep(draw.uniform(0, 0.1))
        process.send_signal(signal.SIGTERM)
        if process.wait() != 130:
            break
        assert summarize(run).state == "stopped"
        stops += 1
    launch.start(run).wait()
    assert outcome(run) == outcome(whole)
    return f"{stops} stops, each after a checkpoint; events and weights equal"


def full_disks(folder: Path, sizes: int = 20) -> str:
    """A tmpfs that is filled up while a run trains, with more and more left free."""
    preset = ("iterative_random", "prune.sparsities=[0.5, 0.75]", "prune.step=0.5")
    whole = tiny(folder / "whole", "run", *preset)
    launch.start(whole).wait()
    for i in range(sizes):
        disk = folder / f"disk{i}"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
        try:
            run = tiny(disk, "run", *preset)
            process = launch.start(run)
            until(lambda run=run: trains(run))
            space = os.statvfs(disk)
            with (disk / "filler").open("wb") as file:
                leave = i * 50_000
                os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - leave)
            until(lambda run=run: summarize(run).state == "paused")
            (disk / "filler").unlink()
            assert process.wait() == 0
            assert outcome(run) == outcome(whole)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)
    return (
        f"{sizes} sizes from 0 to {50_000 * (sizes - 1):,} bytes free: paused, then went on to "
        "the same bytes"
    )


ROWS: dict[str, Callable[[Path], str]] = {
    "kill -9 at random times, digits, then resume": kills,
    "16 simultaneous starters x 20": starters,
    "terminal closed under `watch` and `run`": terminals,
    "requests read, digits": requests,
    "three queued runs, their terminals closed": queued,
    "SIGTERM at random times, then resume": signals,
    "a full disk": full_disks,
}


def main(wanted: list[str]) -> None:
    print("| accident | what came of it |\n| --- | --- |", flush=True)
    for name, row in ROWS.items():
        if not wanted or row.__name__ in wanted:
            with tempfile.TemporaryDirectory() as folder:
                print(f"| {name} | {row(Path(folder))} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
