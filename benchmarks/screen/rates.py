"""What the bench costs by only being there: bytes, processor, memory."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import psutil

from benchmarks.screen.folders import copies, finished, training
from benchmarks.screen.shown import VIEWS, opened, settled
from benchmarks.screen.table import Row
from tests.terminals import Screen

IDLE, LIVE = 20.0, 60.0
SIZES = {(80, 24): "1,000", (200, 60): "3,000"}


def rates() -> Iterator[Row]:
    yield from idle()
    yield from live()


def idle() -> Iterator[Row]:
    """Five benches at once, one in each view, and nothing happens."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as screens:
        folder = Path(name)
        copies(finished(folder), folder, 20)
        shown = [screens.enter_context(opened(folder)) for _ in VIEWS]
        for view, screen in zip(VIEWS, shown, strict=True):
            settled(screen, view)
        found = watched(shown, IDLE)
        for view, (sent, cpu, memory) in zip(VIEWS, found, strict=True):
            what = f"idle in {view.capitalize()}, {IDLE:g} s"
            yield Row(f"{what}: bytes/s", f"{sent:,.0f}", "0")
            yield Row("… processor", f"{cpu:.2f} %", "0.5 %")
            yield Row("… memory", f"{memory:.0f} MB", "60 MB")


def live() -> Iterator[Row]:
    """Two benches at once, of two sizes, and one run trains."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as screens:
        folder = Path(name)
        screens.enter_context(training(folder, 0))
        shown = [screens.enter_context(opened(folder, size)) for size in SIZES]
        for screen in shown:
            settled(screen, "live")
        found = watched(shown, LIVE)
        for (size, goal), (sent, cpu, memory) in zip(SIZES.items(), found, strict=True):
            what = f"live at {size[0]}x{size[1]}, {LIVE:g} s of a digits run"
            yield Row(f"{what}: bytes/s", f"{sent:,.0f}", goal)
            yield Row("… processor", f"{cpu:.2f} %", "2.5 %")
            yield Row("… memory", f"{memory:.0f} MB", "60 MB")


def watched(screens: list[Screen], seconds: float) -> list[tuple[float, float, float]]:
    """Bytes a second, percent of a core and resident MB (of 2^20 bytes) of each."""
    programs = [psutil.Process(screen.process.pid) for screen in screens]
    before = [(len(s.captured), worked(p)) for s, p in zip(screens, programs, strict=True)]
    memory: list[list[float]] = [[] for _ in screens]
    begun = time.perf_counter()
    while (took := time.perf_counter() - begun) < seconds:
        for held, screen, program in zip(memory, screens, programs, strict=True):
            screen.read(0.05)
            held.append(program.memory_info().rss / 2**20)
    return [
        ((len(screen.captured) - sent) / took, 100 * (worked(program) - cpu) / took, median(held))
        for screen, program, (sent, cpu), held in zip(
            screens, programs, before, memory, strict=True
        )
    ]


def worked(program: psutil.Process) -> float:
    times = program.cpu_times()
    return float(times.user + times.system)
