"""The command line as a process that never loads torch: `python -m tests.hatched ZYGOTE WORD…`.

Its workers and hands are forked by the zygote that is asked by this open file; or, where it works
`--here`, it is forked itself.
"""

import socket
import subprocess
import sys
from importlib import import_module

from tests.zygote import Forked, Zygote


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


def itself(zygote: Zygote, words: list[str], said: int) -> Forked:
    """A process of the command line that is forked; what it says goes to an open file."""
    return zygote.popen(
        [sys.executable, "-m", __name__, *words],
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
        pass_fds=(said,),
        start_new_session=True,
    )


def main(words: list[str]) -> int:
    from vitprune_tui import cli

    sys.argv = ["vitprune", *words]
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0


if __name__ == "__main__":
    _, number, *words = sys.argv
    if words[0] == "sweep":  # looks once a second else
        import_module("vitprune_tui.commands.sweep").EVERY = 0.2
    with Shared(int(number)).instead():
        sys.exit(main(words))
