"""`vitprune doctor`: can this machine do the work? torch is asked in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from vitprune_core import logout
from vitprune_tui.draw import text

ENGINE = "vitprune_core.engine.doctor"
LOW_DISK = 1 << 30


def doctor(runs: Path) -> tuple[dict[str, Any], str]:
    """Facts, and advice where something is wrong."""
    facts = {**_engine(), **_folder(runs)}
    rows = [row for key, value in facts.items() for row in _rows(key.replace("_", " "), value)]
    return facts, text.table(("", ""), rows).lstrip("\n ")


def _engine() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", ENGINE], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"torch": f"cannot be loaded: {done.stderr.strip().splitlines()[-1:]}"}
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _folder(runs: Path) -> dict[str, Any]:
    """Disk and permissions of the runs folder, or of the one it would be made in."""
    folder = next(p for p in (runs, *runs.absolute().parents) if p.exists())
    free = shutil.disk_usage(folder).free
    notes = []
    if not os.access(folder, os.W_OK | os.X_OK):
        notes.append(f"{folder} cannot be written to")
    if free < LOW_DISK:
        notes.append("less than 1 GiB is free")
    if at_logout := logout.advice():
        notes.append(at_logout.replace("\n ", ""))
    if runs.exists() and runs.stat().st_mode & 0o002:
        notes.append(f"everybody on this machine may write to {runs}")
    return {"runs": str(runs), "disk_free": free, "advice": notes}


def _rows(key: str, value: object) -> list[tuple[str, str]]:
    """One line, or one for each of what is inside."""
    if isinstance(value, dict):
        return [(f"{key} {name}", _shown(what)) for name, what in value.items()]
    return [(key, _shown(value))]


def _shown(value: object) -> str:
    match value:
        case list():
            return "; ".join(map(str, value)) or "nothing to do"
        case int() if value > 1 << 20:
            return f"{value / (1 << 30):.1f} GiB"
    return str(value)
