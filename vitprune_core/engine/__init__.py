"""Doing it: the only room with torch.

`from vitprune_core.engine import load_model` is for users of finished runs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitprune_core.engine.load import load_model

__all__ = ["load_model"]


def __getattr__(name: str) -> Any:
    """Only when it is asked for: some modules here are quick because they need no torch."""
    if name == "load_model":
        from vitprune_core.engine.load import load_model

        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
