"""YAML read so that every value remembers where it stands.

A preset is small and written by hand, so the reader is strict where YAML is generous: no duplicate
keys, anchors, tags or second documents, no base-60 numbers, no yes/no booleans, `1e-3` is a number.
Size, depth and number of values are bounded before anything is built, so that no file, however
large or deep, costs more than a moment.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vitprune_core.spec.words import show, visible

LARGEST = 64 * 1024
"""Bytes; a preset has about one thousand."""
DEEPEST = 12
MOST_VALUES = 2_000
SECOND = "a second document begins here, and only one is read"


@dataclass(frozen=True)
class Place:
    """Where something was written; lines and columns count from 1."""

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}:{self.column}"


NOWHERE = Place("")
"""Of what was asked for but not written in any file."""


@dataclass(frozen=True)
class Node:
    """A value of a YAML file: a scalar, a tuple of nodes, or a mapping of nodes."""

    value: Any
    place: Place
    key: Place | None = None
    """Where the key that leads here stands."""


@dataclass(frozen=True)
class Problem:
    place: Place
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place != NOWHERE else self.what


def beside(told: Iterable[Problem], found: Iterable[Problem]) -> list[Problem]:
    """What is found and not told yet, nor follows from what is told of the same place."""
    places = {problem.place for problem in told if problem.place != NOWHERE}
    return [problem for problem in found if problem.place not in places]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """From the first line to the last."""
    return sorted(problems, key=lambda p: (p.place.source, p.place.line or 0, p.place.column or 0))


class SpecError(ValueError):
    """What was asked for is wrong: every problem found, not only the first."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def read(path: Path) -> tuple[Node, list[Problem]]:
    """A YAML file as a tree, and what is wrong with it as YAML.

    Raises `SpecError` when nothing can be made of the file at all.
    """
    source = str(path)
    try:
        data = _head(path)
    except OSError as error:
        raise SpecError([Problem(Place(source), f"cannot be read: {error.strerror}")]) from None
    except ValueError:  # a NUL or half a character
        raise SpecError([Problem(Place(ascii(source)), "cannot be the name of a file")]) from None
    if data is None:
        raise SpecError([Problem(Place(source), "is not a file")])
    if len(data) > LARGEST:
        what = f"is larger than {LARGEST // 1024} KiB, too large for a preset"
        raise SpecError([Problem(Place(source), what)])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text (byte 0x{data[error.start]:02x})"
        raise SpecError([Problem(_place_of_byte(source, data, error.start), what)]) from None
    return parse(text, source)


def _head(path: Path) -> bytes | None:
    """As much of a file as may be read of it; None for a folder, a pipe or a device."""
    if path.exists() and not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def parse(text: str, source: str) -> tuple[Node, list[Problem]]:
    """YAML text as a tree, and what is wrong with it; raises `SpecError` like `read`."""
    reader = _Reader(source)
    try:
        return reader.document(yaml.parse(text, Loader=yaml.SafeLoader)), reader.problems
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        what = f"has a character that YAML does not allow (U+{ord(text[error.position]):04X})"
        raise SpecError([*reader.problems, Problem(place, what)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        assert mark is not None
        place = Place(source, mark.line + 1, mark.column + 1)
        raise SpecError([*reader.problems, Problem(place, f"is not YAML: {_why(error)}")]) from None


def _why(error: yaml.MarkedYAMLError) -> str:
    """What was found, and in what: where that begins is often where the mistake is."""
    what, inside = str(error.problem or error.context), error.context_mark
    if "'\\t'" in what:
        return "a tab cannot stand here; indent with spaces"
    if inside is None:
        return what
    return f"{what} {error.context} that begins at {inside.line + 1}:{inside.column + 1}"


def plain(node: Node) -> Any:
    """The tree as Python values: dicts, tuples and scalars."""
    match node.value:
        case dict() as mapping:
            return {key: plain(child) for key, child in mapping.items()}
        case tuple() as items:
            return tuple(plain(child) for child in items)
        case scalar:
            return scalar


def merge(base: Node, over: Node) -> Node:
    """`over` on top of `base`: mappings key by key, everything else replaced."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, child in over.value.items():
        merged[key] = merge(merged[key], child) if key in merged else child
    return Node(merged, over.place, over.key)


def nest(path: str, node: Node) -> Node:
    """`train.lr` and a value -> the tree `{train: {lr: value}}`."""
    key = node.key or node.place
    for step in reversed(path.split(".")):
        node = Node({step: Node(node.value, node.place, key)}, node.place)
    return node


def placed(node: Node, place: Place) -> Node:
    """The same tree, all of it at one place."""
    match node.value:
        case dict() as mapping:
            return Node({key: placed(child, place) for key, child in mapping.items()}, place, place)
        case tuple() as items:
            return Node(tuple(placed(child, place) for child in items), place, place)
        case scalar:
            return Node(scalar, place, place)


def locate(node: Node, path: tuple[str | int, ...]) -> Node:
    """The node at `path`, or the nearest one above it that exists."""
    for step in path:
        match node.value:
            case dict() as mapping if step in mapping:
                node = mapping[step]
            case tuple() as items if isinstance(step, int) and step < len(items):
                node = items[step]
            case _:
                break
    return node


def without(node: Node, path: tuple[str | int, ...]) -> Node:
    """The tree without what stands at `path`."""
    if not path or not isinstance(node.value, dict) or path[0] not in node.value:
        return node
    first, rest = str(path[0]), path[1:]
    children = dict(node.value)
    child = children.pop(first)
    if rest and isinstance(child.value, dict):
        children[first] = without(child, rest)
    return Node(children, node.place, node.key)


@dataclass
class _Reader:
    """Builds nodes from the parser's events; what can be skipped is noted and skipped."""

    source: str
    problems: list[Problem] = field(default_factory=list)
    values: int = 0

    def document(self, events: Iterator[yaml.Event]) -> Node:
        node: Node | None = None
        for event in events:
            match event:
                case yaml.DocumentStartEvent() if node is not None:
                    raise SpecError([*self.problems, self._problem(event, SECOND)])
                case yaml.NodeEvent():
                    node = self.node(event, events, depth=0)
        return node or Node({}, Place(self.source, 1, 1))

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        self.values += 1
        if depth > DEEPEST:
            self._stop(event, f"nested deeper than {DEEPEST} levels")
        if self.values > MOST_VALUES:
            self._stop(event, f"more than {MOST_VALUES} values, too many for a preset")
        if getattr(event, "anchor", None):
            self._note(event, "anchors and aliases are not used here; write the value out")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            self._note(event, f"tags are not used here: {_tag(str(tag))}")
        match event:
            case yaml.MappingStartEvent():
                return Node(self._mapping(events, depth), self._place(event))
            case yaml.SequenceStartEvent():
                return Node(self._sequence(events, depth), self._place(event))
            case yaml.ScalarEvent():
                return Node(_scalar(event), self._place(event))
        return Node(None, self._place(event))

    def _mapping(self, events: Iterator[yaml.Event], depth: int) -> dict[str, Node]:
        mapping: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key, place = self.node(event, events, depth + 1), self._place(event)
            child = self.node(next(events), events, depth + 1)
            if not isinstance(key.value, str):
                self.problems.append(
                    Problem(place, f"a key must be a word, not {show(plain(key))}")
                )
            elif key.value in mapping:
                first = mapping[key.value].key
                what = f"the key {show(key.value)} stands here a second time, first at {first}"
                self.problems.append(Problem(place, what))
            else:
                mapping[key.value] = Node(child.value, child.place, place)
        return mapping

    def _sequence(self, events: Iterator[yaml.Event], depth: int) -> tuple[Node, ...]:
        items = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, events, depth + 1))
        return tuple(items)

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None
        return Place(self.source, mark.line + 1, mark.column + 1)

    def _problem(self, event: yaml.Event, what: str) -> Problem:
        return Problem(self._place(event), what)

    def _note(self, event: yaml.Event, what: str) -> None:
        self.problems.append(self._problem(event, what))

    def _stop(self, event: yaml.Event, what: str) -> None:
        raise SpecError([*self.problems, self._problem(event, what)])


WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
INTEGER = re.compile(r"[-+]?[0-9]+")
REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,6})?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _scalar(event: yaml.ScalarEvent) -> Any:
    """A plain scalar as null, boolean, number or text; a quoted one is always text."""
    text: str = event.value
    if not event.implicit[0] or len(text) > 100:
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    if REAL.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if NOT_FINITE.fullmatch(text) else text


def _tag(tag: str) -> str:
    """As it is written: `!!int` stands for a longer name."""
    return visible(tag.replace("tag:yaml.org,2002:", "!!", 1))


def _place_of_byte(source: str, data: bytes, at: int) -> Place:
    before = data[:at]
    return Place(source, before.count(b"\n") + 1, at - before.rfind(b"\n"))
