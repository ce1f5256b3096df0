"""SIGINT and SIGTERM counted, not thrown: an exception could come in the middle of drawing."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interrupts:
    """While its block runs: what the first one does, and whether there were enough to leave."""

    def __init__(self, enough: int, first: Callable[[], None] = lambda: None):
        self.enough, self.first, self.number = enough, first, 0
        self.before: dict[int, Any] = {}

    def left(self) -> bool:
        return self.number >= self.enough

    def __enter__(self) -> "Interrupts":
        for number in (signal.SIGINT, signal.SIGTERM):
            self.before[number] = signal.signal(number, self._count)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.number += 1
        if self.number == 1:
            self.first()
