"""Randomness is counted, not carried: every draw is named by what it is for.

`generator("order", seed, round, cycle, epoch)` gives the same numbers whatever was drawn before, so
a run can start anywhere and go on as if it had started at the beginning.
"""

import hashlib

import torch


def generator(*what: str | int) -> torch.Generator:
    return torch.Generator().manual_seed(number(*what))


def number(*what: str | int) -> int:
    """63 bits from the words and counters that name a draw."""
    digest = hashlib.sha256("/".join(map(str, what)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
