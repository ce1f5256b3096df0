"""`python -m benchmarks.screen [PART…]`"""

import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.screen.keys import keys
from benchmarks.screen.latency import latency
from benchmarks.screen.rates import rates
from benchmarks.screen.scale import scale
from benchmarks.screen.start import start
from benchmarks.screen.survival import survival
from benchmarks.screen.table import Row, table

PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "start": start,
    "keys": keys,
    "bytes": rates,
    "latency": latency,
    "scale": scale,
    "survival": survival,
}


def main(words: list[str]) -> int:
    """Says each number as it comes; a part that fails does not take the others with it."""
    for word in words:
        if word not in PARTS:
            sys.exit(f"{word} is not one of {', '.join(PARTS)}")
    rows, failed = [], 0
    for part in words or PARTS:
        begun = time.monotonic()
        try:
            for row in PARTS[part]():
                print(row, file=sys.stderr, flush=True)
                rows.append(row)
        except AssertionError as error:
            failed = 1
            print(f"{part}: {error}", file=sys.stderr)
            rows.append(Row(part, "failed"))
        print(f"{part}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    print(table(rows))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
