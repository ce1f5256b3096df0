"""`vitprune plan`: what a run would do and cost, before anything is done."""

from pathlib import Path
from typing import Any

from vitprune_core.spec import shape
from vitprune_core.spec.config import Config, as_dict
from vitprune_core.spec.plan import Plan, Prune, Train, plan, rates
from vitprune_core.spec.sentence import sentence
from vitprune_core.store.speed import seconds_per_epoch
from vitprune_tui.draw import steps as told
from vitprune_tui.draw import text
from vitprune_tui.draw.plots import Look, Series, curves

POINTS = 200
"""Of the learning-rate curve, about."""


def as_json(config: Config) -> dict[str, Any]:
    steps = plan(config)
    return {
        **shape.sizes(config),
        "phases": [_phase(phase) for phase in steps.phases],
        "epochs": steps.epochs,
        "multiply_adds": shape.multiply_adds(config.model, config.data),
    }


def as_text(config: Config, runs: Path, look: Look) -> str:
    steps, sizes = plan(config), shape.sizes(config)
    speed = seconds_per_epoch(runs, as_dict(config))
    eta = text.duration(steps.epochs * speed) if speed else "? (this host has not measured it yet)"
    cost = f"{shape.multiply_adds(config.model, config.data) / 1e6:,.1f} M multiply-adds an image"
    return "\n".join(
        [
            f"{sentence(config)} Workload {config.workload}, seed {config.seed}.",
            "",
            told.table(steps),
            "",
            f"model   {sizes['parameters']:,} parameters, {sizes['prunable']:,} prunable, "
            f"{sizes['taking_part']:,} take part; {cost}",
            f"epochs  {steps.epochs} in all; a dense model that is there already saves "
            f"{steps.dense.epochs}",
            f"ETA     {eta}",
            "",
            _learning_rate(config, steps, look),
        ]
    )


def _phase(phase: Train | Prune) -> dict[str, Any]:
    shown: dict[str, Any] = dict.fromkeys(("start", "stop", "policy", "cycle"))
    kind = "train" if isinstance(phase, Train) else "prune"
    return {"kind": kind, **shown, **vars(phase)}


def _learning_rate(config: Config, steps: Plan, look: Look) -> str:
    title = "learning rate over the epochs of all phases"
    return curves([Series("", *rates(config, steps, POINTS))], title, look, points=False)
