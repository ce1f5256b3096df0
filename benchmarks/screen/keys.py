"""From a key to the frame that answers it, while runs train on all cores."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.screen.folders import copies, finished, training
from benchmarks.screen.rates import worked
from benchmarks.screen.shown import VIEWS, bare, number_of, opened
from benchmarks.screen.table import Row, milliseconds, ratio
from tests.terminals import Screen

SIZES = {(80, 24): "12 ms", (200, 60): "15 ms"}
PRESSED = {  # in each view what changes something there, and nothing that asks a run for anything
    "runs": "down down down down down up up down s s R R pagedown pageup space space space up",
    "curves": "a v + + - - v a a a v v v c right right left c i i right left o 0 L L L L",
    "live": "L L + + - - L L + + [ [ ] ]",
    "masks": "[ [ , , . . right right left down up enter right down up left backspace d d ] ]",
    "bench": "down down down down up up up down tab down down up tab down up",
}
ROUNDS = 2
Took = tuple[float, float]
"""Seconds to the first and to the last byte."""


def keys() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies(finished(folder), folder, 30)
        with training(folder, 0, 1, epochs=1000):  # until all is measured
            for size, goal in SIZES.items():
                yield from pressed(folder, size, goal)


def pressed(folder: Path, size: tuple[int, int], goal: str) -> Iterator[Row]:
    at = f"at {size[0]}x{size[1]}, two runs on two cores"
    floor = answers_of_bare(size)
    took: dict[str, list[Took | None]] = {view: [] for view in ("switch", *VIEWS)}
    spent = dict.fromkeys(VIEWS, 0.0)
    with opened(folder, size) as screen:
        screen.until("2 Live")
        screen.settle()
        program = psutil.Process(screen.process.pid)
        for _ in range(ROUNDS):
            for view, named in PRESSED.items():
                took["switch"].append(switched(screen, view))
                before = worked(program)
                took[view] += [screen.answer(key) for key in named.split()]
                spent[view] += worked(program) - before
    answered = [one for view in VIEWS for one in took[view] if one]
    last = [one[1] for one in answered]
    against = f", {ratio(last, floor)} a bare Textual app"
    yield Row(f"key to frame {at} ({len(last)} keys)", milliseconds(last) + against, goal)
    yield Row("… to its first byte", milliseconds([one[0] for one in answered]))
    for view in VIEWS:
        own = [one[1] for one in took[view] if one]
        each = f"{1000 * spent[view] / len(took[view]):.0f} ms of processor a key"
        yield Row(f"… in {view.capitalize()}", f"{milliseconds(own)}, {each}")
    yield Row("… keys that were not answered", silent(took), "0")
    switches = [one[1] for one in took["switch"] if one]
    yield Row(f"view switch {at} ({len(switches)})", milliseconds(switches))


def silent(took: dict[str, list[Took | None]]) -> str:
    """How many keys were answered by nothing, and which."""
    named = [
        f"{key} in {view.capitalize()}"
        for view, keys in PRESSED.items()
        for key, one in zip(keys.split() * ROUNDS, took[view], strict=True)
        if one is None
    ]
    return f"{len(named)}: {', '.join(dict.fromkeys(named))}" if named else "0"


def switched(screen: Screen, view: str) -> Took | None:
    took = screen.answer(number_of(view), gap=0.03)
    screen.settle()
    return took


def answers_of_bare(size: tuple[int, int], number: int = 40) -> list[float]:
    with bare(size) as screen:
        screen.until("number 0")
        screen.settle()
        found = [screen.answer("x") for _ in range(number)]
    return [one[1] for one in found if one]
