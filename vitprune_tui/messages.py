"""What the app's parts tell each other."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message

from vitprune_tui.state import Lab


@dataclass
class Seen(Message):
    """The runs folder was read again."""

    lab: Lab

    def can_replace(self, message: Message) -> bool:
        """Only the latest state matters: a slow screen skips the ones between."""
        return isinstance(message, Seen)


@dataclass
class Done(Message):
    """Work in a thread is over, well or not."""

    then: Callable[[], None]
    """What is to be done about it where the screen is."""


@dataclass
class Unforeseen(Message):
    """An error that ends the bench: what the screen shows would not be true any more."""

    error: Exception
