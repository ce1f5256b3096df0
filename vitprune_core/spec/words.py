"""How wrong input is answered: the value, the choices, and what was probably meant."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 60


def wrong_key(key: str, choices: Iterable[str], elsewhere: Iterable[str] = ()) -> str:
    """`elsewhere` are dotted keys that end as this one does: a section was forgotten."""
    choices = list(choices)
    meant = _meant(key, choices) or "".join(f"; did you mean {k!r}?" for k in [*elsewhere][:1])
    return f"unknown key {show(key)}{meant} (keys: {', '.join(choices)})"


def wrong_word(word: object, choices: Iterable[str]) -> str:
    choices = list(choices)
    return f"{show(word)} is not one of {', '.join(choices)}{_meant(str(word), choices)}"


def wrong_value(error: Mapping[str, Any]) -> str:
    """A validation error of pydantic's as a sentence about the value."""
    kind, value, facts = error["type"], show(error["input"]), error.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return wrong_word(
            error["input"], facts["expected"].replace("' or '", "', '")[1:-1].split("', '")
        )
    if kind == "word":
        return wrong_word(error["input"], facts["choices"])
    if kind == "string_too_short":
        return f"{value} is empty"
    if kind in LIMITS:
        word, limit = LIMITS[kind]
        bound = facts[limit]
        return f"{value} {word} {bound if isinstance(bound, int) else f'{bound:g}'}"
    if kind == "int_type" and isinstance(error["input"], float) and error["input"].is_integer():
        return f"{value} is written as a real number; write {show(int(error['input']))}"
    if kind in EXPECTED:
        return f"{value} is not {EXPECTED[kind]}"
    return f"{value}: {error['msg']}"


LIMITS = {
    "greater_than_equal": ("is below", "ge"),
    "greater_than": ("is not above", "gt"),
    "less_than_equal": ("is above", "le"),
    "less_than": ("is not below", "lt"),
}
EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "names": "a name or a list of names",
    "finite_number": "finite",
    "too_short": "long enough: it needs at least one value",
    "string_pattern_mismatch": "64 digits and letters a to f",  # a SHA-256, the one pattern
}


def show(value: object) -> str:
    """A value from a file as it may be printed: quoted, control characters escaped, short."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, tuple) and value:
        return "a list"
    if isinstance(value, str):
        return f"'{visible(value)}'"
    text = "[]" if value == () else "null" if value is None else repr(value)
    return text.lower() if isinstance(value, bool) else _cut(text)


def visible(text: str, longest: int = LONGEST) -> str:
    """Text from a file or a command line as it may be printed: on one line, short."""
    return _cut("".join(map(_visible, text[: longest + 1])), longest)


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _visible(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def _meant(word: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(word[:LONGEST], choices, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
