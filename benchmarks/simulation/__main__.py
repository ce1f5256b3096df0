"""Ten thousand simulated studies: how often verdicts are wrong, and how often there is one.

    python -m benchmarks.simulation [TABLE...] [--studies 10000]

Prints the tables of docs/simulation.md; all of them take about half an hour on one core.
Intervals, p, bootstrap and laws are the code that decides about real studies:
`vitprune_core.analysis.statistics` and `.verdicts`.
"""

import argparse
import time
from collections.abc import Callable, Iterator

from benchmarks.simulation.matrices import heads, uneven, uneven_power
from benchmarks.simulation.tables import (
    collapses,
    coverage,
    power,
    step_down,
    verdicts,
    whole_studies,
)

TABLES: dict[str, tuple[str, Callable[[int], Iterator[str]]]] = {
    "verdicts": ("Decisive verdicts that are wrong", verdicts),
    "whole": ("At the level of a whole study", whole_studies),
    "collapses": ("Collapses that a study does not see", collapses),
    "coverage": ("Coverage of intervals at 95 %", coverage),
    "holm": ("Bonferroni and Holm", step_down),
    "power": ("Power", power),
    "uneven": ("`uneven`, costs alone, a true spread of d", uneven),
    "uneven-power": ("Power of `uneven`, costs alone", uneven_power),
    "structured": ("`structured`, heads", heads),
}
ONE_BY_ONE = {"uneven": 5, "uneven-power": 20, "structured": 5}
"""Studies that are not drawn and judged all at once: of so many of them one has to do."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", nargs="*", help=f"of {', '.join(TABLES)}; without, all of them")
    parser.add_argument("--studies", type=int, default=10_000)
    asked = parser.parse_args()
    if unknown := set(asked.table) - TABLES.keys():
        parser.error(f"{unknown.pop()} is none of {', '.join(TABLES)}")
    for name in asked.table or TABLES:
        title, table = TABLES[name]
        studies = max(asked.studies // ONE_BY_ONE.get(name, 1), 1)
        begun = time.monotonic()
        print(f"## {title}\n", flush=True)
        for line in table(studies):
            print(line, flush=True)
        took = time.monotonic() - begun
        print(f"\n{studies:,} studies a configuration, {took:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
