"""The list of all runs as text for people; loads little, for it is asked for often."""

import time
from collections.abc import Sequence

from vitprune_core.store.brief import Brief
from vitprune_tui.draw import text


def runs(briefs: Sequence[tuple[str, Brief]], width: int | None) -> str:
    rows = [
        (
            name,
            b.state,
            f"{b.epochs_done}/{b.epochs_planned}",
            text.percent(b.dense),
            b.levels,
            text.MISSING if b.sparsity is None else text.sparsity(round(b.sparsity, 4)),
            text.percent(b.accuracy),
            age(b.updated),
        )
        for name, b in briefs
    ]
    head = ("RUN", "STATE", "EPOCHS", "DENSE", "LEVELS", "LAST AT", "TEST", "UPDATED")
    return text.table(head, rows, "  rrrrrr", width)


def age(when: float | None) -> str:
    if when is None:
        return text.MISSING
    seconds = max(time.time() - when, 0)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    unit, size = next(((u, s) for u, s in units if seconds >= s), ("s", 1))
    return f"{int(seconds // size)} {unit} ago"
