"""What a version leaves in a folder of runs: the next one is made before its format changes.

    git archive COMMIT | tar x -C /tmp/then
    PYTHONPATH=/tmp/then python tests/formats/make.py tests/formats/NAME

Then a line in README.md, and one in `VERSIONS` of test_formats.py.
"""

import sys
from pathlib import Path

from vitprune_core import attempt, worker
from vitprune_core.spec.config import as_dict, dump
from vitprune_core.spec.request import load
from vitprune_core.store import runs
from vitprune_core.store.control import Inbox
from vitprune_core.store.events import Checkpointed, Created, Pruned
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import write

SMALL = (
    "model={patch: 4, width: 8, heads: 2, depth: 1, mlp: 8}",
    "train={epochs: 4, batch_size: 350, lr: 0.02}",
    "retrain.fraction=0.25",
    "prune.sparsities=[0.5, 0.75]",
    "device=cpu",
    "threads=1",
    "checkpoint.every=0",
)


def main(folder: Path) -> None:
    attempt.BALLAST = 1 << 10  # 64 KiB of noise would be half of the folder
    done(folder, "done", "iterative_global", "prune.step=0.5")
    stopped(folder, "stopped", "oneshot_global")


def done(folder, name, preset, *overrides):
    run, orders = made(folder, name, preset, *overrides)
    for _ in worker.work(run, orders):
        pass


def stopped(folder, name, preset):
    """After the third checkpoint of a model that is pruned: in the middle of its retraining."""
    run, orders = made(folder, name, preset)
    told = []
    for entry in worker.work(run, orders):
        told.append(type(entry.event))
        if Pruned in told and told[told.index(Pruned) :].count(Checkpointed) == 3:
            orders.stop = "SIGTERM"


def made(folder, name, preset, *overrides):
    loaded = load(preset, "digits", [*overrides, *SMALL])
    run = runs.create(folder, loaded.preset, loaded.workload, loaded.config.seed, name)
    write(run.config, dump(loaded.config).encode())
    asked = Created(preset=preset, request=loaded.request, config=as_dict(loaded.config))
    Log(run.log).append(asked)
    return run, worker.Orders(Inbox(run.control))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
