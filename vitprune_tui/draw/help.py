"""All keys, from the registry of actions: on the help screen and in the README."""

from collections.abc import Mapping

from vitprune_tui.actions import ACTIONS, DEFAULTS, shown
from vitprune_tui.draw.frame import Keys
from vitprune_tui.draw.lines import Line, fit, line

HEADINGS = {
    "app": "Everywhere",
    "bench": "1 Bench",
    "live": "2 Live",
    "curves": "3 Curves",
    "masks": "4 Masks",
    "runs": "5 Runs",
    "run": "In Live and Runs",
}
KEYS_WIDTH = 22


def lines(
    keys: Mapping[str, tuple[str, ...]],
    here: str,
    told: list[str],
    answers: Mapping[str, Keys],
) -> list[Line]:
    """The keys of the view one is in first; `told` is what to say before them.

    `answers` are those of what stands over the views.
    """
    rooms = sorted(HEADINGS, key=lambda room: (room != here, list(HEADINGS).index(room)))
    drawn: list[Line] = [line((f" {what}", "warn")) for what in told]
    for room in rooms:
        drawn += [(), line((f" {HEADINGS[room]}", "title"))]
        for action in ACTIONS:
            if action.room == room:
                names = ", ".join(map(shown, keys.get(action.id, ())))
                drawn.append(_entry(names, action.help))
    for heading, pairs in answers.items():
        drawn += [(), line((f" {heading}", "title")), *(_entry(*pair) for pair in pairs)]
    return drawn


def _entry(keys: str, what: str) -> Line:
    return line(*fit(line((f"   {keys}", "key")), KEYS_WIDTH), what)


def markdown() -> str:
    """The same as a table for the README."""
    rows = ["| where | key | what it does |", "| --- | --- | --- |"]
    for room, heading in HEADINGS.items():
        for action in ACTIONS:
            if action.room == room:
                names = " ".join(f"`{shown(key)}`" for key in DEFAULTS[action.id])
                rows.append(f"| {heading} | {names} | {action.help.replace('|', chr(92) + '|')} |")
                heading = ""
    return "\n".join(rows)
