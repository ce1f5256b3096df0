"""The screen as an SVG file."""

import time
from pathlib import Path

from vitprune_core.store.rundir import write


def save(svg: str, folder: Path, view: str) -> Path:
    """Beside the runs; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{view}-{time.strftime('%Y%m%d-%H%M%S')}.svg"
    write(path, svg.encode())
    return path
