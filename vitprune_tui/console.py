"""What every command does: understand the request, find its runs, answer on stdout, exit.

Heavy imports stay inside: most commands need few of them.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import typer

T = TypeVar("T")


def load(
    preset: str,
    workload: str | None,
    set: list[str] | None,
    seed: int | None,
    device: str | None,
    dense: Path | None = None,
) -> Any:
    """The request as a complete config, or everything wrong with it and exit 2."""
    from vitprune_core.spec.request import load
    from vitprune_core.spec.source import SpecError

    try:
        given = str(dense.absolute()) if dense else None
        return load(preset, workload, set or (), seed=seed, device=device, dense=given)
    except SpecError as error:
        for problem in error.problems:
            complain(str(problem))
        raise typer.Exit(2) from None


def find(runs: Path, name: str) -> Any:
    from vitprune_core.store.runs import UnknownRun, find

    try:
        return find(runs, name.removeprefix(f"{runs}/").rstrip("/"))
    except UnknownRun as error:
        complain(str(error))
        raise typer.Exit(2) from None


def several(runs: Path, names: list[str]) -> Any:
    """Each run once, in the order given."""
    return list(dict.fromkeys(find(runs, name) for name in names))


def mode(**flags: bool) -> str | None:
    """The one of these that was asked for."""
    from vitprune_tui.wrong import Wrong

    asked = [name for name, given in flags.items() if given]
    if len(asked) > 1:
        raise Wrong(" and ".join(f"--{name}" for name in asked) + " exclude each other")
    return asked[0] if asked else None


def one_of(option: str, word: str, choices: tuple[str, ...]) -> None:
    """Raises `Wrong` for a word that is none of them."""
    from vitprune_core.spec.words import wrong_word
    from vitprune_tui.wrong import Wrong

    if word not in choices:
        raise Wrong(f"{option}: {wrong_word(word, choices)}")


def finish(told: Any, json: bool) -> None:
    """Answer with what became of a run, and its exit code."""
    value, shown, code = told
    answer(value, shown, json)
    raise typer.Exit(code)


def answer(value: Any, shown: str, json: bool) -> None:
    """Here and below is the one place that writes to stdout."""
    if json:
        import json as j

        print(j.dumps(value, indent=2, ensure_ascii=True, allow_nan=False))
    elif shown:
        print(shown)


def answer_each(
    items: Iterable[T], value: Callable[[T], Any], shown: Callable[[T], str], json: bool
) -> None:
    """The same for a list that may be too long to be held: item by item, as they come."""
    if not json:
        for item in items:
            print(shown(item))
        return
    import json as j
    from textwrap import indent

    before = "[\n"
    for item in items:
        text = j.dumps(value(item), indent=2, ensure_ascii=True, allow_nan=False)
        print(before, indent(text, "  "), sep="", end="")
        before = ",\n"
    print("[]" if before == "[\n" else "\n]")


def complain(what: str) -> None:
    """On stderr; of several problems each has a line."""
    from vitprune_core.store.clean import clean

    print("\n".join(map(clean, what.split("\n"))), file=sys.stderr)


def has_terminal() -> bool:
    """Somebody sits there: neither what is read nor what is printed is a file or a pipe."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def width() -> int | None:
    """Columns of the terminal; None in a pipe, where nothing is cut."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def look(ascii: bool) -> Any:
    """How to draw here: as wide as the terminal, colour only where it is wanted and shown."""
    import shutil

    from vitprune_tui.draw.plots import Look

    columns, rows = shutil.get_terminal_size((100, 30))
    plain = ascii or "utf" not in (sys.stdout.encoding or "").lower()
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return Look(min(columns, 120), min(max(rows - 8, 12), 24), colour, plain)
