"""Shuffled masks that keep as many weights in each row and in each column.

Two rows *trade*: what only one of them keeps is dealt out anew, each getting as many as it had
(curveball, Strona et al. 2014, doi:10.1038/ncomms5114; all rows in pairs at once, Carstens, Berger,
Strona 2016, arXiv:1609.05137). Every mask with these margins is as likely as any other in the end.

Shapes   R rows · P pairs of rows · C columns
"""

import numpy as np

from vitprune_core.analysis.structure_shuffles import sum_of_squares


def traded(kept_RC: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Every row has traded with another one; of an odd number one sits out."""
    half = len(kept_RC) // 2
    order = draw.permutation(len(kept_RC))
    one, other = order[:half], order[half : 2 * half]
    a_PC, b_PC = kept_RC[one], kept_RC[other]
    either_PC, both_PC = a_PC ^ b_PC, a_PC & b_PC
    count_P = np.count_nonzero(a_PC & either_PC, axis=1)
    places_PC = _places(a_PC.shape, draw)
    places_PC[~either_PC] = np.iinfo(np.uint32).max
    last_P = np.sort(places_PC, axis=1)[np.arange(half), np.maximum(count_P - 1, 0)]
    first_PC = either_PC & (places_PC <= last_P[:, None]) & (count_P > 0)[:, None]
    dealt_RC = kept_RC.copy()
    dealt_RC[one], dealt_RC[other] = both_PC | first_PC, both_PC | (either_PC ^ first_PC)
    return dealt_RC


def _places(shape: tuple[int, int], draw: np.random.Generator) -> np.ndarray:
    """Random numbers, no two of a row alike: their last bits count the columns."""
    last = np.uint32((1 << (shape[1] - 1).bit_length()) - 1)
    drawn = draw.integers(0, 1 << 32, shape, dtype=np.uint32)
    return (drawn & ~last) | np.arange(shape[1], dtype=np.uint32)


def squares_of_parts(kept_RC: np.ndarray, heads: int) -> int:
    """Sum of squared counts of each column's part in each head, heads being runs of rows."""
    parts = kept_RC.reshape(heads, -1, kept_RC.shape[1]).sum(axis=1, dtype=np.int64)
    return int(sum_of_squares(parts.ravel()))


def with_margins(
    kept_RC: np.ndarray, heads: int, shuffles: int, draw: np.random.Generator
) -> list[int]:
    """`squares_of_parts` of so many masks with the same margins.

    They are steps of one walk that passes through the mask itself at a place drawn by lot. A walk
    that may as well be walked backwards makes its p exact, however near its steps are to each other
    (Besag, Clifford 1989, doi:10.1093/biomet/76.4.633).
    """
    before = int(draw.integers(0, shuffles + 1))
    found = []
    for steps in (before, shuffles - before):
        mask = kept_RC
        for _ in range(steps):
            mask = traded(mask, draw)
            found.append(squares_of_parts(mask, heads))
    return found
