"""The stages of a run by its plan: read from its config, for which slow things are loaded."""

from pathlib import Path

from vitprune_tui.draw.live.phases import Stage, planned


def stages_of(config: Path) -> tuple[Stage, ...] | None:
    """For a thread; None where the config cannot be read."""
    from vitprune_core.spec.plan import plan
    from vitprune_core.spec.request import load

    try:
        return planned(plan(load(str(config)).config))
    except (ValueError, OSError):
        return None
