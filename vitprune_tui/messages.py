"""What the app's parts tell each other."""

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
