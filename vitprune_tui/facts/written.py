"""Values as YAML: what is shown of a config is what would be typed, and nothing is hidden in it."""

import json
import re
from collections.abc import Mapping

BARE = re.compile(r"(?!(?:null|true|false)$)[A-Za-z_][\w./-]*|\d+:\d+")
"""Text that YAML reads as it stands."""


def written(value: object) -> str:
    """On one line: true, null, 0.001, [0.5, 1], "a b"; 1 and 1.0 are one value."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return repr(value).removesuffix(".0")
        case str():
            return value if BARE.fullmatch(value) else _quoted(value)
        case Mapping():
            return "{" + ", ".join(f"{key}: {written(v)}" for key, v in value.items()) + "}"
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
    return str(value)


def _quoted(text: str) -> str:
    """Characters that are not seen, or turn the direction of others, by their numbers."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)
