"""Many runs, many curves, a very long run."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.screen.folders import copies, finished, long
from benchmarks.screen.keys import PRESSED
from benchmarks.screen.rates import watched
from benchmarks.screen.shown import dense_shown, has_curve, number_of, opened, settled
from benchmarks.screen.start import first
from benchmarks.screen.table import Row, milliseconds, seconds
from vitprune_core.store.history import Reader
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import cache

MANY, OVERLAID, EPOCHS, TIMES = 500, 20, 100_000, 5


def scale() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies(finished(folder), folder, MANY - 1)
        yield from listed(folder)
        yield from overlaid(folder)
        yield from opens(folder, long(folder, EPOCHS))


def listed(folder: Path) -> Iterator[Row]:
    """Copies of one finished digits run."""
    took = [first(folder)[0] for _ in range(TIMES + 1)][1:]
    yield Row(f"{MANY} copies of a digits run: first frame", seconds(took), "0.45 / 0.70 s")
    with opened(folder) as screen:
        settled(screen, "runs")
        named = ("down " * 30 + "up " * 10 + "s R " * 3 + "pagedown " * 10 + "pageup " * 10).split()
        answers = [one[1] for key in named if (one := screen.answer(key))]
        yield Row(f"… key to frame in Runs ({len(answers)} keys)", milliseconds(answers), "12 ms")
        screen.settle(1.0)
        ((sent, cpu, memory),) = watched([screen], 20.0)
        yield Row(
            "… idle in Runs", f"{sent:.0f} bytes/s, {cpu:.2f} %, {memory:.0f} MB", "0, 0.5 %, 60 MB"
        )


def overlaid(folder: Path) -> Iterator[Row]:
    with opened(folder) as screen:
        settled(screen, "runs")
        for _ in range(OVERLAID):
            screen.press("space")  # which goes on to the next row
            screen.settle(0.02)
        screen.until(f"{OVERLAID} marked")
        screen.settle()
        begun = time.perf_counter()
        screen.press(number_of("curves"))
        painted = screen.comes(has_curve, "curves", patience=20) - begun
        yield Row(f"{OVERLAID} runs overlaid: curves after", f"{painted:.2f} s", "0.3 s")
        screen.settle()
        named = PRESSED["curves"].split()
        answers = [one[1] for key in named if (one := screen.answer(key))]
        yield Row(f"… key to frame ({len(answers)} keys)", milliseconds(answers), "12 ms")


def opens(folder: Path, run: RunDir) -> Iterator[Row]:
    """Its log is synthetic, by the log's own encoder, and known, as a worker leaves it."""
    cache(run)
    taken = seconds([reading(run) for _ in range(TIMES)])
    yield Row(f"the log of a run of {EPOCHS:,} epochs, known, is read in", taken)
    for view, whole in (("Live", is_long), ("Curves", is_long_over_epochs)):
        took = [dense_shown(folder, view, whole) for _ in range(TIMES)]
        yield Row(f"… the run is shown in {view} after", seconds(took), "0.3 s")


def reading(run: RunDir) -> float:
    """What the bench does before it can draw, without the bench."""
    begun = time.perf_counter()
    Reader(run).read()
    return time.perf_counter() - begun


def is_long(text: str) -> bool:
    return f"{EPOCHS}/{EPOCHS}" in text.replace(",", "") and has_curve(text)


def is_long_over_epochs(text: str) -> bool:
    return "● long" in text and has_curve(text)
