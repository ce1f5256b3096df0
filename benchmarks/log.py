"""What a log of a million records costs whoever writes, opens or follows it.

    python -m benchmarks.log [RECORDS]

Makes a run whose log is as a real one would be (dense training and forty rounds, a checkpoint after
every thirty epochs, a damaged record and a resume), beside one of ten thousand records, and prints
a Markdown table. *New* is a log that was never read, *known* one whose `summary.json` is there, as
a worker leaves it. The screen is a real pseudo-terminal. Five minutes.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median

import psutil

from benchmarks.screen.shown import choose_dense, dense_shown, has_curve, opened
from benchmarks.screen.table import Row, table
from tests.tui import bench as b
from vitprune_core.store import events as e
from vitprune_core.store.lock import hold, inscribe
from vitprune_core.store.log import Log, encode
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import cache, summarize

SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 40
COSTS_TOLD = """
import sys, time
from vitprune_tui.cli import main
try:
    main()
finally:
    sys.stderr.write(open("/proc/self/status").read() + f"worked: {time.process_time()}")
"""
"""A command, which says at its end how much memory it had and how long it had a processor."""
MORE = 300
"""Epochs that come while somebody follows."""


def main(words: list[str]) -> None:
    sizes = [SMALL, int(words[0]) if words else LARGE]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for records in sizes:
            for row in measured(Path(name, str(records)), records):
                print(row, file=sys.stderr, flush=True)
                rows.append(row)
    print(table(rows))


def measured(folder: Path, records: int) -> Iterator[Row]:
    run = long(folder, records)
    b.made(folder, "other", *b.finished(0.5))  # which the bench opens by itself: it is the newest
    what = f"{records:,} records"
    yield Row(f"{what}: the log", f"{run.log.stat().st_size / 1e6:.0f} MB")
    yield from written(run, what)
    yield from commands(folder, run, what)
    yield from shown(folder, run, what)
    yield from followed(folder, run, what)


def long(folder: Path, records: int) -> RunDir:
    """A run that is at work, written here."""
    run = RunDir(folder / "long").create()
    with run.log.open("wb") as file:
        for line in lines(records):
            file.write(line)
    return run


def lines(records: int) -> Iterator[bytes]:
    draw, now, last = Random(0), time.time() - 2 * records, 0

    def told(event: e.Event) -> bytes:
        nonlocal now, last
        took = round(draw.uniform(0.9, 1.1), 6)
        now, last = now + took, last + 1
        return encode(last, int(last > 1), round(now, 3), took, event)

    each = (records - 8 - 2 * ROUNDS) // (ROUNDS + 5)
    first = records - 7 - ROUNDS * (each + 2)
    for event in (b.created("dense"), e.Starting(host="bench", pid=1), b.started(records)):
        yield told(event)
    yield from map(told, trained(first, 0, 0.0, draw))
    yield told(b.dense(epochs=first))
    for at in range(1, ROUNDS + 1):
        sparsity = 1 - 0.9**at
        yield told(b.pruned(sparsity, round=at))
        yield from map(told, trained(each, at, sparsity, draw))
        if at == ROUNDS // 2:  # the process was killed and began again
            yield told(e.Starting(host="bench", pid=2))
            yield told(resumed(last - 50))
            yield told(b.epoch(0, at, sparsity))[:-9] + b"damaged\n"
        yield told(b.level(sparsity, round=at))


def resumed(after: int) -> e.Resumed:
    return e.Resumed(after=after, step=1, worked=0.0, exact=True, differs=(), corrupt=())


def trained(number: int, round: int, sparsity: float, draw: Random) -> Iterator[e.Event]:
    for at in range(number):
        if at % 31 == 30:
            name = f"{at:09d}-{draw.getrandbits(256):064x}.safetensors"
            yield e.Checkpointed(step=at, file=name, bytes=2_741_234)
        else:
            noise, loss = draw.random(), 2.3 / (1 + at) ** 0.3
            accuracy = 1 - 0.9 / (1 + at) ** 0.2 - 0.01 * noise
            yield b.epoch(at, round, sparsity, accuracy, loss * (1 + 0.1 * noise))


def written(run: RunDir, what: str) -> Iterator[Row]:
    yield Row(f"{what}: a writer opens it in", seconds(lambda: Log(run.log)))
    log = Log(run.log)
    event = b.epoch(0, ROUNDS, 1 - 0.9**ROUNDS)
    took = median(timed(lambda: log.append(event)) for _ in range(1000))
    yield Row("… and appends a record in", f"{1e6 * took:.0f} µs")


def commands(folder: Path, run: RunDir, what: str) -> Iterator[Row]:
    """Each in a process of its own."""
    for words in (("ls",), ("show", "long"), ("watch", "long"), ("plot", "long", "--x", "epoch")):
        run.summary.unlink(missing_ok=True)
        yield Row(f"{what}, new: `vitprune {' '.join(words)}`", command(folder, *words))
        cache(run)
        yield Row("… known", command(folder, *words))
    yield Row(f"{what}: `vitprune log long`", command(folder, "log", "long"))


def command(folder: Path, *words: str) -> str:
    begun = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-c", COSTS_TOLD, *words, "--runs", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    took, memory = time.perf_counter() - begun, peak_in(told.stderr)
    worked = float(told.stderr.rpartition("worked: ")[2])
    return f"{took:.2f} s, {worked:.2f} s of processor, {memory:.0f} MB"


def shown(folder: Path, run: RunDir, what: str) -> Iterator[Row]:
    """From enter on its row in Runs, or from the key of Curves, to all that is drawn of it."""
    there = all_of(run)
    run.summary.unlink(missing_ok=True)
    with opened(folder) as screen:
        frame = screen.until("q leave") - screen.begun
        choose_dense(screen)
        screen.press("enter")
        whole = screen.comes(there, "the curve", patience=300) - screen.begun
        worked = processor(screen.process.pid)
    told = (
        f"a frame after {frame:.2f} s, all of it after {whole:.2f} s, {worked:.2f} s of processor"
    )
    yield Row(f"{what}, new: the bench is started and shows it", told)
    cache(run)
    for view, whole in (("Live", all_of(run)), ("Curves", over_epochs)):
        took = [dense_shown(folder, view, whole) for _ in range(5)]
        yield Row(f"{what}, known: the bench shows it in {view} after", f"{median(took):.2f} s")


def all_of(run: RunDir) -> Callable[[str], bool]:
    s = summarize(run)
    counted = f"{s.epochs_done}/{s.epochs_planned}"
    return lambda text: counted in text and "reading" not in text and has_curve(text)


def over_epochs(text: str) -> bool:
    return "● long" in text and "reading" not in text and has_curve(text)


def followed(folder: Path, run: RunDir, what: str) -> Iterator[Row]:
    """By somebody who has it all on the screen, while more comes."""
    there = all_of(run)
    run.summary.unlink(missing_ok=True)
    with hold(run.lock) as lock:
        inscribe(lock, attempt=2)
        watch = subprocess.Popen(
            [sys.executable, "-m", "vitprune_tui.cli", "watch", "long", "--runs", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with opened(folder) as screen:
            choose_dense(screen)
            screen.press("enter")
            screen.comes(there, "the curve", patience=300)
            before = processor(screen.process.pid)
            last = more(run)
            screen.until(f"{last}/")
            spent = processor(screen.process.pid) - before
            bench = peak(screen.process.pid)
        assert watch.stderr
        while not (line := watch.stderr.readline()).startswith(f"{last}/"):
            assert line, "watch has ended"
        piped = peak(watch.pid)
        watch.kill()
        watch.wait()
        watch.stderr.close()
    yield Row(f"{what}: `vitprune watch` in a pipe follows with at most", f"{piped:.0f} MB")
    yield Row(f"{what}: the bench follows with at most", f"{bench:.0f} MB")
    yield Row("… and processor for an epoch", f"{1000 * spent / MORE:.1f} ms")


def more(run: RunDir) -> int:
    """Epochs, twenty a second; how many there are then, a number that `watch` tells."""
    log, done = Log(run.log), summarize(run).epochs_done
    number = MORE - (done + MORE) % 10
    for at in range(number):
        log.append(b.epoch(at, ROUNDS, 1 - 0.9**ROUNDS))
        time.sleep(0.05)
    return done + number


def processor(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def peak(pid: int) -> float:
    """The most memory that a process had, in MB."""
    return peak_in(Path(f"/proc/{pid}/status").read_text())


def peak_in(status: str) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) / 1024


def seconds(what: Callable[[], object]) -> str:
    return f"{median(timed(what) for _ in range(5)):.3f} s"


def timed(what: Callable[[], object]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(sys.argv[1:])
