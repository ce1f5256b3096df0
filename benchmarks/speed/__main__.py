"""`python -m benchmarks.speed [PART…]`"""

import subprocess
import sys
import time

from benchmarks.speed.machine import machine
from benchmarks.speed.table import HEAD

PARTS = (
    *("step", "epoch", "small", "profile", "evaluation"),
    *("masks", "held", "overhead", "jobs", "start"),
)
"""Modules with a `main` that prints rows; each has a process of its own."""


def main(words: list[str]) -> int:
    """One table; a part that fails does not take the others with it."""
    for word in words:
        if word not in PARTS:
            sys.exit(f"{word} is not one of {', '.join(PARTS)}")
    print(f"{machine()}\n\n{HEAD}", flush=True)
    failed = 0
    for part in words or PARTS:
        begun = time.monotonic()
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.speed.{part}"]).returncode
        print(f"{part}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
