"""Times as text: of the clock, so that nothing on the screen changes while nothing happens.

What a log says of time may be any number: one that no clock can show is told as dashes.
"""

import time

from vitprune_tui.draw import text

FAR = 12 * 3600
"""Seconds from which on the day is told too."""


def clock(when: float | None, far: bool = False) -> str:
    """14:05, or Fri 14:05; to the minute, so that an estimate seldom changes."""
    return _shown("%a %H:%M" if far else "%H:%M", when) or "--:--"


def dated(when: float | None) -> str:
    """11-26 14:05."""
    return _shown("%m-%d %H:%M", when) or text.MISSING


def precisely(when: float) -> str:
    """14:05:09; what has no time, as a damaged record, has blanks."""
    return _shown("%H:%M:%S", when or None) or " " * 8


def fully(when: float) -> str:
    """2025-11-26 14:05:09."""
    return _shown("%Y-%m-%d %H:%M:%S", when) or text.MISSING


def lasting(seconds: float | None) -> str:
    """As `text.duration`; a log may go back in time."""
    return text.duration(seconds if seconds is not None and seconds >= 0 else None)


def _shown(form: str, when: float | None) -> str:
    try:
        return time.strftime(form, time.localtime(when)) if when is not None else ""
    except (OverflowError, ValueError, OSError):
        return ""
