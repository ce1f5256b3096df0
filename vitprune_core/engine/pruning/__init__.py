"""Which weights stay: scores, units, selection, masks."""

from vitprune_core.engine.pruning.mask import make_masks

__all__ = ["make_masks"]
