"""Words and parts of sentences on as many lines as they need."""

from collections.abc import Sequence

from rich.cells import cell_len


def wrapped(text: str, columns: int) -> list[str]:
    """Words on lines of at most so many cells; a longer word is left to be cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def flow(parts: Sequence[str], columns: int) -> list[str]:
    """Parts side by side with commas, on as many lines as it takes; long ones at their spaces."""
    rows: list[str] = []
    for part in parts:
        if rows and len(rows[-1]) + 2 + len(part) <= columns:
            rows[-1] += f", {part}"
        else:
            rows += wrapped(part, columns)
    return rows
