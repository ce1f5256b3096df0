"""What the app's parts tell each other."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message


class Seen(Message):
    """The runs folder was read again: the watcher has a new picture of it."""


@dataclass
class Done(Message):
    """Work in a thread is over, well or not."""

    then: Callable[[], None]
    """What is to be done about it where the screen is."""


@dataclass
class Unforeseen(Message):
    """An error that ends the bench: what the screen shows would not be true any more."""

    error: Exception
