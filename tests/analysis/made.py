"""Studies that were never run: a file of a few arms, and tables of numbers that are given."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vitprune_core.analysis import tables
from vitprune_core.analysis.tables import Cost, Images, Row, Tables, Where
from vitprune_core.spec.config import level_name
from vitprune_core.spec.request import completed
from vitprune_core.spec.study import Study, load_study
from vitprune_core.store.grids import Grid, Grids, encode
from vitprune_core.store.studydir import StudyDir
from vitprune_core.store.values import to_json

IMAGES = 100
Accuracy = Callable[[str, int, float], float]
"""Of an arm, a seed and a sparsity."""
SMALL = """
workload: digits
seeds: [100, 101, 102, 103, 104, 105, 106, 107]
looks: {digits: [8]}
base: {train: {epochs: 2}, device: cpu, precision: fp32, kernels: eager}
arms:
  control: {prune: {sparsities: [0], alone: 0.95}}
  global: {prune: {distribution: global, sparsities: [0.5, 0.9]}}
  random: {prune: {distribution: random, sparsities: [0.5, 0.9]}}
  mlp: {prune: {layers: mlp, sparsities: [0.9, 1]}}
findings:
  F1:
    claim: Magnitude beats random.
    parts: [{test: superior, arm: global, over: random, at: [0.5, 0.9]}]
  F2:
    claim: Half of the weights can go.
    parts: [{test: noninferior, arm: global, over: control, at: [0.5]}]
  F3:
    claim: Nine of ten weights can go.
    caveat: On one workload.
    parts: [{test: noninferior, arm: random, over: control, at: [0.9]}]
"""
STEADY = {"control": 0.96, "global": 0.96, "random": 0.70, "mlp": 0.95}


def steady(arm: str, seed: int, sparsity: float) -> float:
    """Global as good as the control, random far below; every second seed is half a point better."""
    del sparsity
    return STEADY.get(arm, 0.9) + (seed % 2) * 0.005


def study(folder: Path, text: str = SMALL, name: str = "made") -> Study:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return load_study(str(path))


def measured(study: Study, accuracy: Accuracy = steady, seeds: int | None = None) -> Tables:
    """All that runs of the study would have collected, of its first `seeds`."""
    rows, images, costs = {}, {}, {}
    for planned in study.runs(study.file.seeds[:seeds]):
        arm, seed = planned.arm, planned.seed
        assert planned.config.prune is not None
        for s in planned.config.prune.sparsities:
            at, share = Where(arm, seed, level_name(s)), accuracy(arm, seed, s)
            rows[at] = row(study, arm, seed, s, share)
            right = np.arange(IMAGES) < round(share * IMAGES)
            images[at] = Images(right, np.where(right, 0.1, 2.0).astype(np.float16))
        spent = cost(study, arm, seed)
        costs[spent.where] = spent
    first = Where("global", study.file.seeds[0], "0.95")
    return Tables(rows, images, {}, {first: grids(study)}, costs)


def row(study: Study, arm: str, seed: int, sparsity: float, accuracy: float) -> Row:
    config = completed(study.arms[arm])
    prune, retrain = config.prune, config.retrain
    assert prune is not None
    share = {"all": 1.0, "mlp": 1 / 3, "qk": 1 / 3, "vo": 1 / 3, "attention": 2 / 3}[prune.layers]
    return Row(
        workload=study.workload,
        arm=arm,
        seed=seed,
        run=f"{arm}-s{seed}",
        granularity=prune.granularity,
        distribution=prune.distribution,
        random_of=prune.random_of,
        layers=prune.layers,
        schedule=prune.schedule,
        policy=retrain.policy,
        optimizer=retrain.optimizer or "",
        fraction=retrain.fraction,
        cycles=retrain.cycles,
        round=1,
        sparsity_asked=sparsity,
        sparsity=sparsity,
        sparsity_prunable=sparsity * share,
        sparsity_parameters=sparsity * share,
        nonzero_parameters=round(1000 * (1 - sparsity * share)),
        compression=1 / max(1 - sparsity * share, 0.01),
        speedup=1 / max(1 - sparsity * share, 0.01),
        effective_sparsity=sparsity,
        removable=0.0,
        epochs=1,
        images=IMAGES,
        classes=10,
        dense_test_accuracy=0.96,
        dense_test_loss=0.2,
        val_accuracy_before=accuracy / 2,
        val_accuracy=accuracy,
        test_accuracy_before=accuracy / 2,
        test_loss_before=1.0,
        test_accuracy=accuracy,
        test_loss=0.2,
        diverged=False,
        collapsed=0,
        silent_heads=0,
        key_blind_heads=0,
        dead_neurons=0,
        weights_sha256=f"{arm}{seed}{sparsity:g}",
    )


def cost(study: Study, arm: str, seed: int) -> Cost:
    return Cost(
        workload=study.workload,
        arm=arm,
        seed=seed,
        run=f"{arm}-s{seed}",
        host="here",
        device="cpu",
        threads=1,
        python="3.11",
        torch="2.10",
        vitprune="0.1",
        attempts=1,
        exact=True,
        dense_seconds=10.0,
        dense_reused=arm != "control",
        epochs_here=4,
        seconds_here=8.0,
        seconds=9.0,
    )


def grids(study: Study, density: float = 0.05) -> dict[str, object]:
    """A picture of every matrix, all cells alike but one."""
    cells = [[density] * 6 for _ in range(6)]
    cells[1][2] = 1.0
    config = next(iter(study.arms.values()))
    matrices = {
        f"blocks.{block}.attn.{kind}": Grid(
            (12, 12), encode(cells), 1 if kind == "o" else 0, 3, density, 0, 0
        )
        for block in range(config.model.depth)
        for kind in "qkvo"
    }
    return dict(to_json(Grids(0.95, matrices)))


def saved(folder: Path, made: Study, found: Tables, hash: str | None = None) -> StudyDir:
    """A study's folder, as `vitprune sweep` leaves it."""
    home = StudyDir(folder)
    folder.mkdir(parents=True)
    home.study.write_text(f"# hash: {hash or made.hash}\n{made.dump()}")
    tables.save(home, found)
    return home
