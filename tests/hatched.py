"""The command line as a process, but for what it starts: `python -m tests.hatched ZYGOTE WORD…`.

Its workers and hands are forked by the zygote that is asked by this open file.
"""

import socket
import sys
from importlib import import_module

from tests.zygote import Zygote


class Shared(Zygote):
    """One that another process has started."""

    def __init__(self, file: int):
        self.asking, self.first = socket.socket(fileno=file), ()


def command(zygote: Zygote | None) -> tuple[list[str], tuple[int, ...]]:
    """How `vitprune` is started, and the files that it is handed; without a zygote as users do."""
    if zygote is None:
        return [sys.executable, "-m", "vitprune_tui.cli"], ()
    file = zygote.asking.fileno()
    return [sys.executable, "-m", __name__, str(file)], (file,)


if __name__ == "__main__":
    from vitprune_tui.cli import main

    _, number, *words = sys.argv
    sys.argv = ["vitprune", *words]
    if words[0] == "sweep":  # looks once a second else
        import_module("vitprune_tui.commands.sweep").EVERY = 0.2
    with Shared(int(number)).instead():
        main()
