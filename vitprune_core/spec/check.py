"""A tree of YAML against the config's types and laws: all that is wrong, each with its place.

What is wrong is set aside and the rest is checked again, so that one error does not hide another.
"""

from collections.abc import Iterable
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vitprune_core.spec.config import Config, Section
from vitprune_core.spec.laws import broken
from vitprune_core.spec.source import Node, Place, Problem, locate, merge, nest, plain, without
from vitprune_core.spec.words import EXPECTED, show, wrong_key, wrong_value

S = TypeVar("S", bound=Section)
Path = tuple[str | int, ...]


def check(kind: type[S], tree: Node, wrong: set[str]) -> tuple[S | None, list[Problem]]:
    """The value, or everything wrong: what is wrong is set aside and the rest checked again."""
    if not isinstance(tree.value, dict):
        return None, [Problem(tree.place, f"{show(plain(tree))} is not {EXPECTED['model_type']}")]
    problems: list[Problem] = []
    aside: set[Path] = set()
    wrong, value = set(wrong), None
    for _ in range(20):
        try:
            value = kind.model_validate(plain(tree))
            break
        except ValidationError as error:
            found = error.errors(include_url=False)
            told = [e for e in found if not _follows(e, aside)]
            problems += [_explain(kind, tree, e) for e in told]
            wrong |= {".".join(map(str, e["loc"])) for e in told}
            for e in found:
                path = _to_set_aside(e)
                tree = _set_aside(tree, path, unknown=e["type"] == "extra_forbidden")
                aside.add(path)
    if isinstance(value, Config):
        for reads, law in broken(value, wrong):
            place = _to_change(tree, law.path, reads)
            problems.append(Problem(place, f"{law.path}: {law.what}"))
    return (None if problems else value), problems


def _follows(error: ErrorDetails, aside: Iterable[Path]) -> bool:
    """From what is told already: a list is too short as its values are wrong, a key is missing as
    its value was set aside."""
    path = error["loc"]
    if error["type"] == "missing":
        return any(gone[: len(path)] == path for gone in aside)
    return error["type"] == "too_short" and bool(error["input"])


def _to_set_aside(error: ErrorDetails) -> Path:
    """What is wrong; of a list the whole; where something is missing that has no stand-in, what it
    is missing in."""
    path = error["loc"]
    while len(path) > 1 and isinstance(path[-1], int):
        path = path[:-1]
    return path[:-1] if error["type"] == "missing" and path not in STAND_INS else path


STAND_INS: dict[Path, Any] = {
    ("workload",): "",
    ("seeds",): (Node(0, Place("")),),
    ("prune",): None,
    ("prune", "sparsities"): (Node(0.5, Place("")),),
    ("dense", "file"): "-",
}


def _set_aside(tree: Node, path: Path, unknown: bool) -> Node:
    """Without the wrong value; what has no default gets one, so that the rest can be checked."""
    tree = without(tree, path)
    if path in STAND_INS and not unknown:
        tree = merge(tree, nest(".".join(map(str, path)), Node(STAND_INS[path], tree.place)))
    return tree


def _to_change(tree: Node, path: str, reads: Iterable[str]) -> Place:
    """Where to change what a law says of `path`: of the keys that it reads the first that is
    written in the file or command that was given; what lies below them may not be the user's."""
    written = [node for key in (path, *reads) if (node := _at(tree, _path(key)))]
    places = [node.place for node in written or [locate(tree, _path(path))]]
    theirs = (p for p in places if p.line is None or p.source == tree.place.source)
    return next(theirs, places[0])


def _at(tree: Node, path: Path) -> Node | None:
    """The node at `path`, if there is one."""
    above = locate(tree, path[:-1])
    node = locate(tree, path)
    return None if node is above else node


def _explain(kind: type[Section], tree: Node, error: ErrorDetails) -> Problem:
    """A pydantic error as a sentence at the place it is about."""
    path = error["loc"]
    node = locate(tree, path)
    dotted = ".".join(map(str, path))
    if error["type"] == "extra_forbidden":
        above = ".".join(map(str, path[:-1]))
        what = wrong_key(str(path[-1]), _keys(kind, path[:-1]), _elsewhere(kind, path))
        return Problem(node.key or node.place, f"{above}: {what}" if above else what)
    return Problem(node.place, f"{dotted}: {wrong_value(error)}")


def _keys(kind: type[Section], path: Path) -> list[str]:
    """The keys that a section knows."""
    steps = iter(path)
    for step in steps:
        inside = _section(kind, str(step))
        assert inside is not None
        if get_origin(kind.model_fields[str(step)].annotation) in (dict, tuple):
            next(steps, None)  # the name or the number of one of several
        kind = inside
    return list(kind.model_fields)


def _section(kind: type[Section], key: str) -> type[Section] | None:
    """What stands below a key, if that has keys of its own."""
    annotation = kind.model_fields[key].annotation
    kinds = (annotation, *get_args(annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)


def _elsewhere(kind: type[Section], path: Path) -> list[str]:
    """Of an unknown key at the top the same key inside sections."""
    if len(path) > 1:
        return []
    sections = ((key, _section(kind, key)) for key in kind.model_fields)
    return [f"{key}.{path[0]}" for key, s in sections if s and path[0] in s.model_fields]


def _path(dotted: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in dotted.split("."))
