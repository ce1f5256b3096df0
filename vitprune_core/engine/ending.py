"""A generator's items in a plain loop, and what it returned afterwards."""

from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Ending(Generic[T, R]):
    """`for item in items: …`, then `items.end`: where a loop needs more than `yield from`."""

    end: R

    def __init__(self, told: Generator[T, None, R]):
        self.told = told

    def __iter__(self) -> Iterator[T]:
        self.end = yield from self.told
