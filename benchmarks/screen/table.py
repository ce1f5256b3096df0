"""Numbers beside their goals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    what: str
    measured: str
    goal: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.measured} | {self.goal} |"


def p95(values: Sequence[float]) -> float:
    return sorted(values)[max(-(-95 * len(values) // 100) - 1, 0)]


def seconds(values: Sequence[float]) -> str:
    return f"{median(values):.2f} / {p95(values):.2f} s"


def milliseconds(values: Sequence[float]) -> str:
    return f"{1000 * median(values):.1f} / {1000 * p95(values):.1f} ms"


def ratio(values: Sequence[float], others: Sequence[float]) -> str:
    return f"{median(values) / median(others):.2f}x"


def table(rows: Iterable[Row]) -> str:
    head = [
        Row("p50 / p95 where there are two numbers", "measured", "goal"),
        Row("---", "---", "---"),
    ]
    return "\n".join(map(str, [*head, *rows]))
