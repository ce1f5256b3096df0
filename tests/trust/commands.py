"""The command line in this process: as quick as a call, and as a person would use it."""

import sys

import pytest

from vitprune_tui import cli


def command(monkeypatch, *words: object) -> int:
    """Call `vitprune` with these words; its exit code."""
    monkeypatch.setattr(sys, "argv", ["vitprune", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code
