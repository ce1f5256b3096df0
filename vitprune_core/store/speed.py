"""How fast this host trained something alike: the seconds an epoch took in earlier runs."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitprune_core.store.runs import runs
from vitprune_core.store.summary import Summary, section, summarize


def seconds_per_epoch(folder: Path, config: Mapping[str, Any]) -> float | None:
    """Of the latest run in `folder` that cost the same an epoch here; None when there is none."""
    summary = latest_alike(folder, config)
    return summary.seconds_here / summary.epochs_here if summary else None


def latest_alike(folder: Path, config: Mapping[str, Any]) -> Summary | None:
    """The latest run that cost the same an epoch on this host; its config has `auto` resolved."""
    host, wanted = socket.gethostname(), cost(config)
    for run in sorted(runs(folder), key=lambda run: run.log.stat().st_mtime, reverse=True):
        summary = summarize(run)
        measured = summary.host == host and summary.epochs_here
        if measured and _alike(cost(summary.config), wanted):
            return summary
    return None


def cost(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a config decides how long an epoch takes."""
    train = section(config, "train")
    recipe = {key: train.get(key) for key in ("batch_size", "augment")}
    where = {key: config.get(key) for key in ("device", "precision", "kernels", "threads", "model")}
    return {**recipe, **where, "data": section(config, "data").get("name")}


def _alike(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Equal where both are resolved."""
    return all(a[key] == b[key] or "auto" in (a[key], b[key]) for key in a)
