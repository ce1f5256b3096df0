"""From a run that is over to the tables of its study."""

import io
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from vitprune_core.analysis import tables
from vitprune_core.analysis.tables import NO_ZIP, Cost, Damaged, Images, Row, Tables, Where
from vitprune_core.spec.config import level_name
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.study import Planned, Study
from vitprune_core.store import grids
from vitprune_core.store.events import Level, Matrix, PrunedAlone
from vitprune_core.store.lock import alone
from vitprune_core.store.log import entries, kept
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.studydir import StudyDir
from vitprune_core.store.summary import Summary, summarize
from vitprune_core.store.values import WRONG, loads, to_json

GRID_AT = "0.95"
"""The level whose masks are kept as pictures, of the study's first seed."""
COUNTED = ("collapsed", "silent_heads", "key_blind_heads", "dead_neurons")
"""Of a level these are names; a row says how many."""
SAME = {f.name for f in fields(Row)} & Level.__dataclass_fields__.keys() - set(COUNTED)
"""What a row says as the level does."""


def collect(folder: StudyDir, study: Study, planned: Planned) -> None:
    """Take what a run came to into the study's tables; nothing of one that is not over.

    One process at a time, wherever it runs. Raises `Damaged`.
    """
    _take_in(folder, of_run(folder.run(planned.id), planned, _is_first(study, planned)))


def catch_up(folder: StudyDir, study: Study, seeds: Sequence[int]) -> list[str]:
    """Collect what is over and not in the tables: its process was killed in between, or a table was
    moved away.

    What cannot be collected, and why: such a run does not keep others from it. Raises `Damaged` for
    a table.
    """
    known, found, unread = tables.read(folder), Tables(), []
    for planned in study.runs(seeds):
        run, first = folder.run(planned.id), _is_first(study, planned)
        if run.log.exists() and not _is_in(known, planned, _is_pictured(run, planned, first)):
            try:
                found = found.merged(of_run(run, planned, first))
            except Damaged as error:
                unread.append(str(error))
    _take_in(folder, found)
    return unread


def _take_in(folder: StudyDir, found: Tables) -> None:
    if found.rows:
        with alone(folder.collecting):
            tables.save(folder, tables.read(folder).merged(found))


def _is_first(study: Study, planned: Planned) -> bool:
    return study.file.seeds[0] == planned.seed


def _is_in(known: Tables, planned: Planned, pictured: bool) -> bool:
    """Whether every table has what it is to have of a run."""
    cost = known.costs.get(Where(planned.arm, planned.seed, ""))
    if cost is None or cost.run != planned.id:
        return False
    assert planned.config.prune is not None
    for sparsity in planned.config.prune.sparsities:
        where = Where(planned.arm, planned.seed, level_name(sparsity))
        row = known.rows.get(where)
        if row is None or row.run != planned.id:
            return False
        if row.diverged:  # there is no level after it
            return True
        if where not in known.images or where not in known.structure:
            return False
    return not pictured or Where(planned.arm, planned.seed, GRID_AT) in known.grids


def _is_pictured(run: RunDir, planned: Planned, first: bool) -> bool:
    assert planned.config.prune is not None
    asked = map(level_name, planned.config.prune.sparsities)
    return first and GRID_AT in asked and run.grid(GRID_AT).exists()


def of_run(run: RunDir, planned: Planned, first: bool) -> Tables:
    """What the tables say of a run that is done or diverged; raises `Damaged` for its files."""
    s = summarize(run)
    if s.dense is None or not (s.state == "done" or s.diverged):
        return Tables()
    try:
        return _of(run, planned, s, first)
    except (*WRONG, *NO_ZIP) as error:
        again = "remove the run with `vitprune rm`, and `vitprune sweep` does it again"
        what = f"its files cannot be read: {type(error).__name__}: {error}"
        raise Damaged(f"{run.path}: {what}; {again}") from None


def _of(run: RunDir, planned: Planned, s: Summary, first: bool) -> Tables:
    levels = {level_name(r.level.sparsity_asked): r.level for r in s.levels}
    places = {name: Where(planned.arm, planned.seed, name) for name in levels}
    images = {places[name]: _images(run, name) for name in levels}
    rows = {at: _row(run, planned, s, levels[at.level], images[at]) for at in images}
    if s.diverged and s.diverged.level is not None:
        lost = _row(run, planned, s, None, None)
        rows[lost.where] = lost
    for row in rows.values():
        tables.check_row(row)
    structure = {places[n]: _structure(run, n, level) for n, level in levels.items()}
    if costs := _alone(run):
        structure[Where(planned.arm, planned.seed, "alone")] = costs
    pictured = _is_pictured(run, planned, first) and GRID_AT in levels
    pictures = {places[GRID_AT]: _grids(run)} if pictured else {}
    cost = _cost(run, planned, s)
    return Tables(rows, images, structure, pictures, {cost.where: cost})


def _row(
    run: RunDir, planned: Planned, s: Summary, level: Level | None, images: Images | None
) -> Row:
    """There is no `level` where the loss was not a number any more."""
    config, facts = planned.config, DATASETS[planned.config.data.name]
    prune, retrain, dense = config.prune, config.retrain, s.dense
    assert prune is not None
    assert dense is not None
    lost = s.diverged
    said: dict[str, Any] = {name: getattr(level, name) if level else None for name in SAME}
    if level is None and lost is not None:
        said |= {"round": lost.round, "sparsity_asked": lost.level, "weights_sha256": ""}
    return Row(
        **said,
        workload=config.workload,
        arm=planned.arm,
        seed=planned.seed,
        run=run.id,
        granularity=prune.granularity,
        distribution=prune.distribution,
        random_of=prune.random_of,
        layers=prune.layers,
        schedule=prune.schedule,
        policy=retrain.policy,
        optimizer=retrain.optimizer or "",
        fraction=retrain.fraction,
        cycles=retrain.cycles,
        images=len(images.nll) if images else None,
        classes=facts.classes,
        dense_test_accuracy=dense.test.accuracy,
        dense_test_loss=dense.test.loss,
        val_accuracy_before=level.validation_before.accuracy if level else None,
        val_accuracy=level.validation.accuracy if level else None,
        test_accuracy_before=level.test_before.accuracy if level else None,
        test_loss_before=level.test_before.loss if level else None,
        test_accuracy=level.test.accuracy if level else None,
        test_loss=level.test.loss if level else None,
        diverged=level is None,
        collapsed=len(level.collapsed) if level else None,
        silent_heads=len(level.silent_heads or ()) if level else None,
        key_blind_heads=len(level.key_blind_heads or ()) if level else None,
        dead_neurons=sum(level.dead_neurons.values()) if level else None,
    )


def _images(run: RunDir, level: str) -> Images:
    packed = io.BytesIO(run.images(level).read_bytes())  # numpy leaves a file that is none open
    with np.load(packed, allow_pickle=False) as arrays:
        return tables.unpacked(arrays["correct"], arrays["nll"])


def _structure(run: RunDir, name: str, level: Level) -> dict[str, Any]:
    """What each matrix keeps, and of masks of single weights what was found in them."""
    kept = {matrix: _density(m) for matrix, m in level.matrices.items()}
    if run.structure(name).exists():
        for matrix, found in loads(run.structure(name).read_bytes()).items():
            kept[matrix] |= found
    tables.check_matrices(kept)
    return kept


def _grids(run: RunDir) -> Any:
    value = loads(run.grid(GRID_AT).read_bytes())
    grids.read(value)
    return value


def _density(matrix: Matrix) -> dict[str, Any]:
    """Shares with six digits, like what is beside them: more would be most of the file."""
    return {key: _short(value) for key, value in to_json(matrix).items() if value is not None}


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return [_short(one) for one in value] if isinstance(value, list) else value


def _alone(run: RunDir) -> dict[str, Any]:
    told = (record.event for record in kept(entries(run.log)))
    return {
        event.matrix: {
            "sparsity": event.sparsity,
            "accuracy": event.test.accuracy,
            "loss": event.test.loss,
        }
        for event in told
        if isinstance(event, PrunedAlone)
    }


def _cost(run: RunDir, planned: Planned, s: Summary) -> Cost:
    made_by = s.fingerprint
    return Cost(
        workload=planned.config.workload,
        arm=planned.arm,
        seed=planned.seed,
        run=run.id,
        host=s.host,
        device=str(made_by.get("device", "")),
        threads=planned.config.threads,
        python=str(made_by.get("python", "")),
        torch=str(made_by.get("torch", "")),
        vitprune=str(made_by.get("vitprune", "")),
        attempts=s.attempt,
        exact=s.exact,
        dense_seconds=round(s.dense.seconds, 3) if s.dense else 0.0,
        dense_reused=bool(s.reused),
        epochs_here=s.epochs_here,
        seconds_here=round(s.seconds_here, 3),
        seconds=round((s.updated or 0) - (s.begun or s.started or 0), 3),
    )
