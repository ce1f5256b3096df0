"""What was chosen with keys and holds at the next start: the theme and the set of characters.

    $XDG_STATE_HOME/vitprune/bench.json    {"theme": "light", "glyphs": "blocks"}

Nobody misses it: what cannot be read was never chosen, what cannot be written is forgotten.
"""

import json
import os
from collections.abc import Mapping, Set
from contextlib import suppress
from pathlib import Path

from vitprune_core.store.rundir import write as replace

LONGEST = 10_000
"""Bytes of a file that could be ours."""


def path() -> Path:
    """A folder that is not absolute does not count."""
    folder = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.expanduser("~/.local/state")
    return Path(folder, "vitprune", "bench.json")


def read(themes: Set[str], glyphs: Set[str]) -> dict[str, str]:
    """What was chosen of these."""
    known = {"theme": themes, "glyphs": glyphs}
    with suppress(OSError, ValueError, RecursionError), path().open("rb") as file:
        found = json.loads(file.read(LONGEST))
        if isinstance(found, dict):
            return {k: v for k, v in found.items() if isinstance(v, str) and v in known.get(k, ())}
    return {}


def write(chosen: Mapping[str, str]) -> None:
    with suppress(OSError):
        path().parent.mkdir(parents=True, exist_ok=True)
        replace(path(), json.dumps(chosen).encode())
