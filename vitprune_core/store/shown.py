"""A summary as JSON: what `vitprune show --json` prints, with the names that scripts rely on."""

from typing import Any

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
        "exact": True,
        "pid": alive.pid if alive else None,
        "host": alive.host if alive else None,
        "attempt": alive.attempt if alive else None,
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
    }


SCORES = {
    "val": ("validation_before", "validation"),
    "test": ("test_before", "test"),
}


def _level_shown(reached: Reached) -> dict[str, Any]:
    level = to_json(reached.level)
    shown = {k: v for k, v in level.items() if k not in ("listed", *SCORES["val"], *SCORES["test"])}
    for part, (before, after) in SCORES.items():
        for suffix, score in (("_before", level[before]), ("", level[after])):
            shown[f"{part}_accuracy{suffix}"] = score["accuracy"]
            shown[f"{part}_loss{suffix}"] = score["loss"]
            shown[f"{part}_top5{suffix}"] = score["top5"]
    shown["matrices"] = {name: _matrix_shown(m) for name, m in shown["matrices"].items()}
    return {**shown, "seconds": round(reached.seconds, 3), "diverged": False}


def _matrix_shown(matrix: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in matrix.items() if not (k == "heads" and v is None)}


def _diverged_shown(s: Summary) -> list[dict[str, Any]]:
    """A diverged level is listed too, with nulls: it counts as chance and never disappears."""
    if s.diverged is None or s.diverged.round == 0 or not s.diverged.listed:
        return []
    known = {"round": s.diverged.round, "sparsity_asked": s.diverged.sparsity_asked}
    return [{**dict.fromkeys(_SHOWN), **known, "diverged": True}]


_SHOWN = (
    "round",
    "sparsity_asked",
    "sparsity",
    "sparsity_prunable",
    "sparsity_parameters",
    *(f"{p}_{n}{s}" for p in SCORES for n in ("accuracy", "loss", "top5") for s in ("_before", "")),
    "nonzero_parameters",
    "compression",
    "speedup",
    "effective_sparsity",
    "removable",
    "epochs",
    "seconds",
    "collapsed",
    "silent_heads",
    "key_blind_heads",
    "dead_neurons",
    "matrices",
    "weights_sha256",
)
