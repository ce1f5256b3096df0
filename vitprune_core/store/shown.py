"""A summary as JSON: what `vitprune show --json` prints, with the names that scripts rely on."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from vitprune_core.store import events as e
from vitprune_core.store.lock import holder
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Reached, Summary
from vitprune_core.store.values import to_json


def as_shown(run: RunDir, summary: Summary) -> dict[str, Any]:
    """What `vitprune show --json` prints; accuracies and densities are shares, 0 to 1."""
    s, alive = summary, holder(run.lock)
    return {
        "id": run.id,
        "state": s.state,
        "preset": s.preset,
        "workload": s.config.get("workload"),
        "seed": s.config.get("seed"),
        "config": to_json(s.config),
        "fingerprint": to_json(s.fingerprint),
        "exact": s.exact,
        "differs": list(s.differs),
        "pid": alive.pid if alive else None,
        "host": alive.host if alive else None,
        "attempt": alive.attempt if alive else None,
        "attempts": s.attempt,
        "reason": s.reason,
        "damaged": s.damaged,
        "dense": _dense_shown(s),
        "levels": [_level_shown(r) for r in s.levels] + _diverged_shown(s),
        "weights_sha256": s.weights_sha256,
    }


def _dense_shown(s: Summary) -> dict[str, Any] | None:
    if s.dense is None:
        return None
    return {
        "hash": s.dense.hash,
        "parameters": s.parameters,
        "prunable": s.prunable,
        "val_accuracy": s.dense.validation.accuracy,
        "val_loss": s.dense.validation.loss,
        "test_accuracy": s.dense.test.accuracy,
        "test_loss": s.dense.test.loss,
        "test_top5": s.dense.test.top5,
        "epochs": s.dense.epochs,
        "seconds": round(s.dense.seconds, 3),
        "reused": s.dense.reused,
        "given": s.section("dense").get("file"),
    }


PARTS = {"val": "validation", "test": "test"}
HIDDEN = ("listed", *PARTS.values(), *(f"{part}_before" for part in PARTS.values()))
NAMES = tuple(f.name for f in fields(e.Level) if f.name not in HIDDEN)
"""Of a level's fields, those that are shown as they are."""


def _level_shown(reached: Reached) -> dict[str, Any]:
    level = to_json(reached.level)
    shown = {name: level[name] for name in NAMES}
    shown["matrices"] = {name: _matrix_shown(m) for name, m in level["matrices"].items()}
    scores = _scores_shown(lambda part: level[part])
    return {**shown, **scores, "seconds": round(reached.seconds, 3), "diverged": False}


def _scores_shown(of: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """`test_accuracy`, `val_loss_before` and the like."""
    return {
        f"{short}_{kind}{when}": of(f"{part}{when}")[kind]
        for short, part in PARTS.items()
        for when in ("_before", "")
        for kind in ("accuracy", "loss", "top5")
    }


def _matrix_shown(matrix: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in matrix.items() if not (k == "heads" and v is None)}


def _diverged_shown(s: Summary) -> list[dict[str, Any]]:
    """A diverged level is listed too, with nulls: it counts as chance and never disappears."""
    if s.diverged is None or s.diverged.level is None:
        return []
    nothing = _scores_shown(lambda part: dict.fromkeys(("accuracy", "loss", "top5")))
    known = {"round": s.diverged.round, "sparsity_asked": s.diverged.level}
    return [{**dict.fromkeys(NAMES), **nothing, "seconds": None, **known, "diverged": True}]
