"""The command line in this process: the words, and what comes of them."""

import sys

import pytest

from vitprune_tui import cli


def answer(capsys, monkeypatch, *words) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; any other exception is a traceback that a user would see."""
    monkeypatch.setattr(sys, "argv", ["vitprune", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def asked(capsys, monkeypatch, *words) -> str:
    """What is printed where nothing is wrong."""
    code, told, wrong = answer(capsys, monkeypatch, *words)
    assert (code, wrong) == (0, "")
    return told
