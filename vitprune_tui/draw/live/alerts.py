"""What somebody must know at once, in words: the worst first."""

from collections.abc import Iterator, Sequence

from vitprune_core.store.checkpoints import FULL_DISK
from vitprune_core.store.clean import clean
from vitprune_core.store.lock import Holder
from vitprune_tui.doing.device import Load
from vitprune_tui.draw import text
from vitprune_tui.draw.clock import lasting
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.state import Opened

Alert = tuple[str, str]
"""Style and words."""
LITTLE = 1e9
"""Bytes free, below which a disk is nearly full."""


def alerts(opened: Opened, load: Load | None) -> tuple[Alert, ...]:
    return tuple(sorted(_every(opened, load), key=lambda alert: alert[0] != "bad"))


def _every(opened: Opened, load: Load | None) -> Iterator[Alert]:
    s = opened.summary
    if s.diverged:
        yield "bad", f"diverged: not a number at {s.diverged.where}"
    elif s.state == "failed":
        yield "bad", f"failed: {clean(s.reason or 'its log says no more')}"
    if s.state == "lost":
        yield "bad", f"lost: {clean(s.reason or '')}"
    if opened.stalled:
        yield "bad", stalled(opened.holder, opened.stalled)
    if s.state == "paused" and (s.reason or "").startswith(FULL_DISK):
        yield "bad", clean(s.reason)
    elif load and load.disk_free is not None and load.disk_free < LITTLE:
        yield "warn", f"disk nearly full: {text.size(load.disk_free)} free"
    yield from _collapsed(opened)
    if s.damaged:
        yield "warn", f"damaged: {text.several(s.damaged, 'record')} of the log skipped"
    if s.unknown:
        records = text.several(s.unknown, "record")
        yield "warn", f"written by a newer version: {records} not understood"
    if not s.exact:
        what = clean(", ".join(s.differs)) or "place to go on from"
        yield "warn", f"not exact: another {what} since it was begun"


def stalled(by: Holder | None, seconds: float) -> str:
    who = f"process {by.pid} on {clean(by.host)}" if by else "its process"
    return f"stalled: no sign of life from {who} for {lasting(seconds)}"


def _collapsed(opened: Opened) -> Iterator[Alert]:
    """As the last pruning left them."""
    if not opened.tested:
        return
    last = opened.tested[-1]
    empty = [clean(name, 60) for name, matrix in last.matrices.items() if matrix.density == 0]
    if empty:
        what = text.several(len(empty), "matrix", "matrices")
        at = text.sparsity(last.sparsity_asked)
        yield "warn", f"collapsed: {what} empty at {at}: {', '.join(empty)}"


def draw(alerts: Sequence[Alert], columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    lines = [line((f"! {words}", style)) for style, words in alerts]
    if len(lines) > rows > 0:
        left = len(lines) - rows + 1
        lines[rows - 1 :] = [line((f"! and {left} more", "warn"))] if rows > 1 else lines[:1]
    return lines
