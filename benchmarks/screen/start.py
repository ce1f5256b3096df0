"""From the command to the first frame, and the commands that only print."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.screen.folders import copies, finished
from benchmarks.screen.shown import NAMES, PRESET, bare, opened
from benchmarks.screen.table import Row, ratio, seconds

STARTS = 20
Way = Callable[[], tuple[float, float]]
"""Seconds to the frame, and to all that belongs into it."""


def start() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        run = finished(Path(name, "one"))
        ways: dict[int, Way] = {0: first_bare}
        for number in (200, 500):
            copies(run, Path(name, str(number)), number)
            ways[number] = partial(first, Path(name, str(number)))
        took: dict[int, list[tuple[float, float]]] = {number: [] for number in ways}
        for turn in range(STARTS + 1):
            for number, way in ways.items():
                found = way()
                if turn:  # the first reads everything from the disk
                    took[number].append(found)
        floor = [frame for frame, _ in took[0]]
        for number, goal in ((200, "0.45 / 0.70 s"), (500, "")):
            frames, whole = zip(*took[number], strict=True)
            what = f"start, {number} runs on disk, to the first frame ({STARTS} starts)"
            against = f"{ratio(frames, floor)} a bare Textual app"
            yield Row(what, f"{seconds(frames)}, {against}", goal)
            yield Row("… to the presets on it", seconds(whole))
        yield Row("`vitprune --help`", seconds([printed("--help") for _ in range(10)]), "0.15 s")
        listed = [printed("ls", "--runs", f"{name}/200") for _ in range(10)]
        yield Row("`vitprune ls`, 200 runs", seconds(listed), "0.15 s")


def first(folder: Path) -> tuple[float, float]:
    """To the names of the five views and the frame of the first, and to what can be started."""
    with opened(folder) as screen:
        frame = screen.until(*NAMES, "q leave") - screen.begun
        return frame, screen.until(PRESET) - screen.begun


def first_bare() -> tuple[float, float]:
    with bare() as screen:
        return (screen.until("number 0") - screen.begun,) * 2


def printed(*words: str) -> float:
    command = [str(Path(sys.executable).with_name("vitprune")), *words]
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun
