"""Every shipped preset once, and what came of it written into its comment.

    python -m benchmarks.presets [WORKLOAD] [RUNS]

Two runs side by side, seed 0. Runs that are there already are not done again.
"""

import json
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

from vitprune_core.spec.plan import plan
from vitprune_core.spec.presets import listed, shipped
from vitprune_core.spec.request import load

Shown = dict[str, Any]


def shown(preset: str, workload: str, runs: str) -> Shown:
    """`vitprune run --json` of a preset, or of the run that it has made here before."""
    name = f"{preset}-once"
    words = ["show", name] if (Path(runs) / name).is_dir() else ["run", preset, "--name", name]
    options = ["--workload", workload] if words[0] == "run" else []
    command = [sys.executable, "-m", "vitprune_tui.cli", *words, *options, "--runs", runs, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: Shown = json.loads(done.stdout)
    return found


def sentence(workload: str, run: Shown) -> str:
    """Accuracies at every level, and what they cost."""
    dense, levels = run["dense"], run["levels"]
    head = f"Measured on {workload}, seed 0, dense {100 * dense['test_accuracy']:.1f} % on test"
    training = f"{_rounded(dense['seconds'])} s"
    if not levels:
        return f"{head}; about {training} on one thread."
    reached = ", ".join(
        f"{100 * level['test_accuracy']:.1f} at {100 * level['sparsity_asked']:g} %"
        for level in levels
    )
    rounds = plan(load(run["preset"], workload).config).rounds
    iterative = run["config"]["prune"]["schedule"] == "iterative"
    spent = levels[-1]["seconds"] if iterative else sum(level["seconds"] for level in levels)
    times = f"{len(rounds)} retraining{'s' * (len(rounds) > 1)}"
    each = f"of about {_rounded(spent / len(rounds))} s after a dense training of {training}"
    return f"{head}: {reached}; {times} {each}."


def _rounded(seconds: float) -> int:
    return round(seconds / 5) * 5


def rewrite(path: Path, told: str) -> None:
    """Put the sentence into the preset's comment, in the place of the one before it."""
    lines = path.read_text().splitlines()
    comment = list(takewhile(lambda line: line.startswith("#"), lines))
    title, *words = (line.lstrip("# ") for line in comment)
    parts = re.split(r"Measured on .*?\.(?= [A-Z]|$)", " ".join(words), maxsplit=1)
    texts = [parts[0], " ".join([told, *(part.strip() for part in parts[1:])])]
    wrapped = [f"# {line}" for line in (title, *(w for t in texts for w in textwrap.wrap(t, 97)))]
    path.write_text("\n".join([*wrapped, *lines[len(comment) :]]) + "\n")


def main(workload: str = "digits", runs: str = "runs") -> None:
    names = [found.name for found in listed() if found.origin == "shipped"]
    once = partial(shown, workload=workload, runs=runs)
    with ThreadPoolExecutor(2) as pool:
        for name, run in zip(names, pool.map(once, names), strict=True):
            told = sentence(workload, run)
            print(f"{name}: {told}", flush=True)
            if workload == "digits":
                rewrite(shipped() / f"{name}.yaml", told)


if __name__ == "__main__":
    main(*sys.argv[1:])
