"""Work in a thread, and what to say of it: nothing that goes wrong there may vanish."""

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from vitprune_core.store.lock import Held
from vitprune_tui.wrong import Unable, Wrong


def outcome(
    work: Callable[[], Any], done: Callable[[Any], None], say: Callable[[str, str], None]
) -> Callable[[], None]:
    """Do the work; what there is to do about it where the screen is."""
    try:
        return partial(done, work())
    except (Wrong, Unable, Held, ValueError, OSError) as error:
        return partial(say, _sentence(error), "bad")
    except Exception:  # a mistake of ours is told in full, and takes nobody's screen away
        return partial(say, f"A mistake in vitprune:\n{traceback.format_exc()}", "bad")


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    return str(error) or type(error).__name__
