"""A tree of YAML against the config's types and laws: all that is wrong, each with its place.

What is wrong is set aside and the rest is checked again, so that one error does not hide another.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vitprune_core.spec.config import Config, Section
from vitprune_core.spec.laws import broken
from vitprune_core.spec.source import Node, Place, Problem, locate, merge, nest, plain, without
from vitprune_core.spec.words import wrong_key, wrong_value

S = TypeVar("S", bound=Section)


def check(kind: type[S], tree: Node, wrong: set[str]) -> tuple[S | None, list[Problem]]:
    """The value, or everything wrong: what is wrong is set aside and the rest checked again."""
    problems: list[Problem] = []
    wrong, value = set(wrong), None
    for _ in range(20):
        try:
            value = kind.model_validate(plain(tree))
            break
        except ValidationError as error:
            found = [e for e in error.errors(include_url=False) if not _follows(e)]
            problems += [_explain(kind, tree, e) for e in found]
            wrong |= {".".join(map(str, e["loc"])) for e in found}
            for e in found:
                tree = _set_aside(tree, e["loc"], missing=e["type"] == "missing")
    if isinstance(value, Config):
        for law in broken(value, wrong):
            node = locate(tree, _path(law.path))
            problems.append(Problem(node.place, f"{law.path}: {law.what}"))
    return (None if problems else value), problems


def _follows(error: ErrorDetails) -> bool:
    """A list is called too short when its values are wrong, which is told already."""
    return error["type"] == "too_short" and bool(error["input"])


STAND_INS: dict[tuple[str | int, ...], Any] = {
    ("workload",): "",
    ("seeds",): (Node(0, Place("")),),
    ("prune",): None,
    ("prune", "sparsities"): (Node(0.5, Place("")),),
    ("dense", "file"): "-",
}


def _set_aside(tree: Node, path: tuple[str | int, ...], missing: bool) -> Node:
    """Without the wrong value; what has no default gets one, so that the rest can be checked."""
    if len(path) > 1 and isinstance(path[-1], int):
        return _set_aside(tree, path[:-1], missing)
    if not missing:
        tree = without(tree, path)
    if path in STAND_INS:
        tree = merge(tree, nest(".".join(map(str, path)), Node(STAND_INS[path], tree.place)))
    return tree


def _explain(kind: type[Section], tree: Node, error: ErrorDetails) -> Problem:
    """A pydantic error as a sentence at the place it is about."""
    path = error["loc"]
    node = locate(tree, path)
    dotted = ".".join(map(str, path))
    if error["type"] == "extra_forbidden":
        above = ".".join(map(str, path[:-1]))
        what = wrong_key(str(path[-1]), _keys(kind, path[:-1]))
        return Problem(node.key or node.place, f"{above}: {what}" if above else what)
    return Problem(node.place, f"{dotted}: {wrong_value(error)}")


def _keys(kind: type[Section], path: Iterable[str | int]) -> list[str]:
    """The keys that a section knows."""
    for step in path:
        kinds = [kind.model_fields[str(step)].annotation, *_args(kind, str(step))]
        kind = next(k for k in kinds if isinstance(k, type) and issubclass(k, Section))
    return list(kind.model_fields)


def _args(kind: type[Section], name: str) -> tuple[Any, ...]:
    return getattr(kind.model_fields[name].annotation, "__args__", ())


def _path(dotted: str) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in dotted.split("."))
