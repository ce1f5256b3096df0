"""The keys that a user chose: `keys.yaml`, a mapping from an action to its key or keys.

    live.pause: P
    app.help: [f1, "?"]

A wrong entry must never keep the bench from opening: it is left out, its action keeps the keys it
had, and a sentence says what was wrong. The reader is that of the presets, bounded and strict.
"""

import difflib
import os
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vitprune_core.store.clean import clean
from vitprune_tui.wrong import Wrong

if TYPE_CHECKING:
    from vitprune_core.spec.source import Node

Keys = Mapping[str, tuple[str, ...]]
"""The keys of every action, as Textual names them."""


def path() -> Path:
    """`$XDG_CONFIG_HOME/vitprune/keys.yaml`; a folder that is not absolute does not count."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.expanduser("~/.config")
    return Path(folder, "vitprune", "keys.yaml")


def read(
    path: Path, known: Keys, rooms: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The keys of every known action, and what is wrong with the file, a sentence each.

    An action's room stands before its dot, and `app` is everywhere; `rooms` has for each view the
    rooms whose keys work in it. Two actions that work at once do not share a key.
    """
    tree, problems = _tree(path)
    defaults = {action: tuple(named(key) or key for key in keys) for action, keys in known.items()}
    asked: dict[str, tuple[str, ...]] = {}
    for action, node in tree.items():
        try:
            asked[action] = _keys(action, node, defaults)
        except Wrong as wrong:
            problems.append(f"{node.key}: {wrong}")
    while clash := _clash(
        asked, defaults, rooms or {}
    ):  # a default that is back may be another's key by now
        action, what = clash
        problems.append(f"{tree[action].key}: {what}")
        del asked[action]
    return {**defaults, **asked}, [clean(problem) for problem in problems]


def _tree(path: Path) -> tuple[Mapping[str, "Node"], list[str]]:
    """What the file says; nothing when it is not there, and a problem when it cannot be read."""
    if _absent(path):
        return {}, []
    from vitprune_core.spec import source  # with yaml: 40 ms that most users never need

    try:
        node, problems = source.read(path)
    except source.SpecError as error:
        hint = '; a sign needs quotes: "?"' if "is not YAML" in str(error) else ""
        return {}, [f"{error.problems[-1]}{hint}"]
    if not isinstance(node.value, dict):
        return {}, [f"{path}: is not a mapping from actions to keys, like live.pause: P"]
    return node.value, [str(problem) for problem in problems]


def _absent(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False  # the reader says why
    return False


def _keys(action: str, node: "Node", known: Keys) -> tuple[str, ...]:
    if action not in known:
        raise Wrong(_unknown(action, known))
    values = node.value if isinstance(node.value, tuple) else (node,)
    if not values:
        raise Wrong(f"{action}: needs at least one key")  # without one, who could leave the bench?
    return tuple(dict.fromkeys(_key(action, value.value) for value in values))


def _unknown(action: str, known: Keys) -> str:
    """The choices are the actions of the same room, where there is such a room."""
    near = [other for other in known if _room(other) == _room(action)] or list(known)
    return f"{action!r} is not an action{_meant(action, known)} (actions: {', '.join(near)})"


def _key(action: str, value: object) -> str:
    if type(value) is int:
        value = str(value)  # 1 and "1" are the same key
    if not isinstance(value, str):
        raise Wrong(f'{action}: {_shown(value)} is not a key or a list of keys, like [f1, "?"]')
    key = named(value)
    if key is None:
        raise Wrong(f"{action}: {value[:60]!r} is not a key{_meant(value, NAMES)} ({CHOICES})")
    if key in RESERVED or "alt+" in key:
        reserved = f"{', '.join(RESERVED)} and anything with alt"
        raise Wrong(
            f"{action}: {value!r} belongs to the terminal, tmux or screen, as do {reserved}"
        )
    if key in LEAVES and action != "app.leave":
        raise Wrong(f"{action}: {value!r} always leaves the bench")
    return key


def _shown(value: object) -> str:
    """Never the inside of a list: it may be long."""
    kinds = {dict: "a mapping", tuple: "a list in a list", type(None): "nothing"}
    return kinds.get(type(value)) or str(value).lower()


def _clash(
    asked: dict[str, tuple[str, ...]], defaults: Keys, rooms: Mapping[str, tuple[str, ...]]
) -> tuple[str, str] | None:
    """The last entry of the file whose key is taken where it would work, and by what."""
    now = {**defaults, **asked}
    for action in reversed(asked):
        for other, keys in now.items():
            shared = [key for key in asked[action] if key in keys]
            if shared and other != action and _meet(_room(action), _room(other), rooms):
                return action, f"{action}: {shared[0]} is the key of {other} already"
    return None


def _meet(one: str, other: str, rooms: Mapping[str, tuple[str, ...]]) -> bool:
    """Keys of both rooms work at once."""
    together = any(one in here and other in here for here in rooms.values())
    return one == other or "app" in (one, other) or together


def _room(action: str) -> str:
    return action.partition(".")[0]


def _meant(word: str, choices: Iterable[str]) -> str:
    near = difflib.get_close_matches(word[:60].lower(), list(choices), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


RENAMED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}


def _of_character(character: str) -> str:
    """As `textual.keys._character_to_key`, which a test compares it with: `?` -> question_mark."""
    if character.isalnum():
        return character
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return RENAMED.get(name, name)


MOVES = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
EDITS = ("enter", "escape", "tab", "space", "backspace", "insert", "delete")
SPECIAL = (*EDITS, *MOVES, *(f"f{i}" for i in range(1, 25)))
NAMES = (*SPECIAL, *map(_of_character, string.punctuation))
CHOICES = (
    f"keys: one character, {', '.join((*EDITS, *MOVES))}, f1 to f24; before it ctrl+ or shift+"
)
RESERVED = ("ctrl+a", "ctrl+b", "ctrl+s", "ctrl+z", "ctrl+backslash")
LEAVES = ("ctrl+q", "ctrl+c")
"""From everywhere, whatever else is a key for it."""
SAME = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
}
"""A terminal sends the same byte for both."""
UNSURE = ("ctrl+space", "ctrl+at")
"""Every terminal calls these by another name: an action on them would be out of reach on most."""
WRITTEN = re.compile(r"((?:[a-z]+\+)*)(.|[a-z0-9_]+)", re.IGNORECASE | re.DOTALL)


def named(written: str) -> str | None:
    """A key as Textual names it, or None: `?` question_mark, `Ctrl+P` ctrl+p, `shift+a` A."""
    found = WRITTEN.fullmatch(written)
    if found is None or not written.isprintable():
        return None
    modifiers = {"alt" if m == "meta" else m for m in found[1].lower().split("+")} - {""}
    key = _of_character(found[2]) if len(found[2]) == 1 else found[2].lower()
    if modifiers - {"ctrl", "shift", "alt"} or not (len(found[2]) == 1 or key in NAMES):
        return None
    return _modified(modifiers, key) if modifiers else key


def _modified(modifiers: set[str], key: str) -> str | None:
    if modifiers == {"shift"} and key not in SPECIAL:
        upper = key.upper()
        return upper if len(upper) == 1 and upper.isalpha() else None  # the keyboard knows shift+1
    whole = "+".join([*sorted(modifiers), key.lower()])
    return None if whole in UNSURE else SAME.get(whole, whole)
