"""The one border between text from files and what reads it: terminals and Markdown."""

import re
import unicodedata

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")

MARKUP = re.compile(r"[\\`*_\[\]<>#|~$&@]|:(?=//)|(?<=www)\.")
"""What GitHub's Markdown would read as more than text: emphasis, HTML, links, mentions."""
BLOCK = re.compile(r"^([0-9]*)([-+=.)])")
"""What it would read as a list or a heading where a line begins."""


def clean(text: object, longest: int = 2_000) -> str:
    """One line that a terminal shows as it stands: no escape sequences, controls or bidi marks."""
    shown = ESCAPES.sub("", str(text)[: longest * 2])
    shown = "".join(c if _harmless(c) else "\N{REPLACEMENT CHARACTER}" for c in shown)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _harmless(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def cell(text: object) -> str:
    """Text for a cell of a Markdown table, a heading or the middle of a line."""
    return MARKUP.sub(r"\\\g<0>", clean(text))


def prose(text: object) -> str:
    """Text for a line of its own in Markdown."""
    return BLOCK.sub(r"\1\\\2", cell(text))


def field(text: object) -> str:
    """Text for a CSV field: a spreadsheet must not take it for a formula."""
    shown = clean(text, longest=1_000)
    return f"'{shown}" if shown.startswith(tuple("=+-@＝＋－＠")) else shown
