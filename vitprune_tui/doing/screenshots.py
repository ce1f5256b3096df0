"""The screen as an SVG file."""

import time
from itertools import count
from pathlib import Path

from vitprune_core.store.rundir import write


def save(svg: str, folder: Path, view: str) -> Path:
    """Beside the runs; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{view}-{time.strftime('%Y%m%d-%H%M%S')}"
    path = folder / f"{name}.svg"
    for number in count(2):  # of this second
        if not path.exists():
            break
        path = folder / f"{name}-{number}.svg"
    write(path, svg.encode())
    return path
