"""The least that Textual can do: one widget that shows one number, and a key that changes it."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def compose(self) -> ComposeResult:
        yield Static("number 0", markup=False)

    def on_key(self) -> None:
        self.number += 1
        self.query_one(Static).update(f"number {self.number}", layout=False)


if __name__ == "__main__":
    Bare().run()
