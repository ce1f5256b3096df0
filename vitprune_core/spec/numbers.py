"""Numbers as people write them, the same on a screen, in a report and in a message."""


def sparsity(share: float) -> str:
    """95 %, 99.5 %, 36.91 %; 100 % is all."""
    return f"{100 * share:.4g} %" if share in (0, 1) or share < 0.9999 else f"{100 * share:.7g} %"


def several(number: int, one: str, many: str = "") -> str:
    """1 silent head, 2 silent heads."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
