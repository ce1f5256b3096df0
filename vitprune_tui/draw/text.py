"""Numbers and tables as text: one format for each kind of number, here and nowhere else."""

from collections.abc import Sequence

from vitprune_core.spec.numbers import several as several
from vitprune_core.spec.numbers import sparsity as sparsity
from vitprune_core.store.clean import clean

MISSING = "-"


def percent(share: float | None, digits: int = 1) -> str:
    return MISSING if share is None else f"{100 * share:.{digits}f} %"


def points(difference: float | None) -> str:
    """A difference of two shares, in points."""
    return MISSING if difference is None else f"{100 * difference:+.1f}"


def times(ratio: float | None) -> str:
    return MISSING if ratio is None else f"{ratio:.1f}x"


def count(number: int | None) -> str:
    return MISSING if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """0.8 s, 45 s, 3 min 20 s, 2 h 14 min."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(number: float | None, like: float | None = None) -> str:
    """Bytes in steps of 1024: 512 B, 3.1 GiB, 412 MiB; in the unit that `like` is told in."""
    if number is None:
        return MISSING
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    largest = number if like is None else like
    step = next((i for i in range(len(units)) if largest < 999.5 * 1024**i), len(units) - 1)
    shown = number / 1024**step
    digits = f"{shown:.0f}" if shown >= 99.95 else f"{shown:.1f}".removesuffix(".0")
    return f"{digits} {units[step]}"


def shortened(name: str, room: int, more: str = "…") -> str:
    """Cut in its middle: runs differ at the end of their names, and are known by the beginning."""
    if len(name) <= room:
        return name
    left = room - len(more)
    if left <= 0:
        return more[: max(room, 0)]
    tail = name[-min(max(room // 3, 5), left) :]
    tail = tail[max(tail.find("-", 0, -4), 0) :]  # a part of a word says nothing
    return name[: left - len(tail)] + more + tail


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    right: str = "",
    width: int | None = None,
) -> str:
    """Aligned columns; `right` has an `r` for each column of numbers, a space for others.

    Lines longer than `width` are cut: what matters least stands last.
    """
    lines = [list(head), *([clean(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    numeric = right.ljust(len(head))[: len(head)]

    def line(cells: Sequence[str]) -> str:
        padded = (
            c.rjust(w) if n == "r" else c.ljust(w)
            for c, w, n in zip(cells, widths, numeric, strict=True)
        )
        whole = "  ".join(padded).rstrip()
        return whole if width is None or len(whole) <= width else f"{whole[: width - 1]}…"

    return "\n".join(map(line, lines))
