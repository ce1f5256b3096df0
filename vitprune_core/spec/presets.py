"""From a preset's name, a workload and overrides to a `Config`, or to everything wrong with them.

    workloads/digits.yaml  <  oneshot_global.yaml  <  --workload, --seed, --device, --set KEY=VALUE

Each layer holds only what differs from the one below. Names are looked for in `./presets`, in the
user's configuration folder and among the presets that ship; a path is taken as it is.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

import vitprune_core
from vitprune_core.spec.config import Config, Section, Workload
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.laws import broken
from vitprune_core.spec.source import (
    NOWHERE,
    Node,
    Place,
    Problem,
    SpecError,
    locate,
    merge,
    nest,
    parse,
    plain,
    read,
    without,
)
from vitprune_core.spec.words import show, wrong_key, wrong_value, wrong_word

S = TypeVar("S", bound=Section)
KINDS = ("workloads/",)
"""Folders of presets that are not runs by themselves."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Loaded:
    """A request that is right: what to do, and what it was called."""

    config: Config
    preset: str
    workload: str
    request: tuple[str, ...]
    """The words after `vitprune run` that ask for the same again."""


@dataclass(frozen=True)
class Found:
    """A preset file among those that can be asked for by name."""

    name: str
    path: Path
    origin: str
    """`shipped` or the folder an own preset lies in."""


def load(
    preset: str, workload: str | None = None, overrides: Sequence[str] = (), **settings: Any
) -> Loaded:
    """The complete config of a request; `settings` are top-level keys given as options.

    Raises `SpecError` with every problem at once, each with its place.
    """
    path = find(preset)
    tree, problems = read(path)
    stem = _stem(path, preset, problems)
    if not isinstance(tree.value, dict) or not {"workload", "prune"} & tree.value.keys():
        what = "is not a preset: a preset is a mapping that names workload and prune"
        raise SpecError([*problems, Problem(tree.place, what)])
    written, layers = tree, [_options(workload, settings)]
    for override in overrides:
        layer, found = _override(override, taken=layers[0])
        layers.append(layer)
        problems += found
    for layer in layers:
        tree = merge(tree, replace(layer, place=tree.place))
    problems += _old_fold(written, tree)
    tree, name, found = _on_workload(tree)
    known = name and not found
    config, more = _check(Config, tree, wrong=set() if known else {"data", "model", "train"})
    problems += found + more
    if problems or config is None:
        raise SpecError(sorted(problems, key=_by_place))
    return Loaded(_completed(config), stem, name, _request(preset, workload, settings, overrides))


def _request(
    preset: str, workload: str | None, settings: dict[str, Any], overrides: Sequence[str]
) -> tuple[str, ...]:
    options = {"workload": workload, **settings}
    words = [w for key, v in options.items() if v is not None for w in (f"--{key}", str(v))]
    return (preset, *words, *(w for override in overrides for w in ("--set", override)))


def find(name: str, kind: str = "") -> Path:
    """The file of a preset given as a path or a name; `workloads/digits` or `kind` for others."""
    if not kind and name.startswith(KINDS):
        kind = name.partition("/")[0]
    if kind:
        name = name.removeprefix(f"{kind}/")
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    choices = {found.name: found.path for found in reversed(list(listed(kind)))}
    if name not in choices:
        what = f"{kind.removesuffix('s') or 'preset'}: {wrong_word(name, sorted(choices))}"
        raise SpecError([Problem(NOWHERE, what)])
    return choices[name]


def listed(kind: str = "") -> Iterator[Found]:
    """All presets (or workloads) by name, own ones before those that ship."""
    for folder, origin in folders():
        for path in sorted(p for p in (folder / kind).glob("*.yaml") if p.is_file()):
            yield Found(path.stem, path, origin)


def folders() -> Iterator[tuple[Path, str]]:
    """Where presets are looked for, first wins: here, the user's own, shipped."""
    settings = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    seen = shipped().resolve()
    for folder in (Path("presets"), Path(settings) / "vitprune" / "presets"):
        if folder.is_dir() and folder.resolve() != seen:
            yield folder, str(folder)
    yield shipped(), "shipped"


def shipped() -> Path:
    """Inside the package when it was installed from a wheel, beside it in a clone."""
    package = Path(vitprune_core.__file__).parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def comment(path: Path) -> str:
    """The lines above a preset's first key: what it is, its paper, what to expect."""
    lines = []
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(4_096)
    for line in head.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return "\n".join(lines)


def _on_workload(tree: Node) -> tuple[Node, str, list[Problem]]:
    """The preset laid over the workload that it names, if that can be found and is right."""
    named = tree.value.get("workload")
    if named is None or not isinstance(named.value, str):
        return tree, "", []  # the check of the whole config says so
    try:
        path = find(named.value, "workloads")
        base, problems = read(path)
    except SpecError as error:
        if error.problems[0].place.source != "":
            return tree, named.value, error.problems
        what = error.problems[0].what
        return tree, named.value, [Problem(named.place, what)]
    name = _stem(path, named.value, problems)
    _, wrong = _check(Workload, base, wrong=set())
    problems += _other_images(base, tree)
    known = Node(name, named.place, named.key)
    whole = merge(base, Node({**tree.value, "workload": known}, tree.place))
    return (tree if wrong else whole), name, problems + wrong


def _other_images(workload: Node, tree: Node) -> list[Problem]:
    """A preset that brings its own images cannot be put on a workload of others."""
    own, theirs = (locate(node, ("data", "name")) for node in (tree, workload))
    if not (isinstance(own.value, str) and isinstance(theirs.value, str)):
        return []
    what = f"data.name: {show(own.value)} is not what the workload has, {show(theirs.value)}"
    return [Problem(own.place, what)] if own.value != theirs.value else []


def _old_fold(written: Node, tree: Node) -> list[Problem]:
    """A file with seed and fold, like a run's config, asked for with another seed."""
    fold, seed = locate(written, ("data", "fold")), locate(written, ("seed",))
    now = locate(tree, ("seed",)).value
    if not isinstance(fold.value, int) or locate(tree, ("data", "fold")) is not fold:
        return []
    if not isinstance(seed.value, int) or not isinstance(now, int) or now == seed.value:
        return []
    what = f"data.fold: {fold.value} belongs to seed {seed.value}, and {now} is asked for"
    return [Problem(fold.place, f"{what}; add --set data.fold=null")]


def _options(workload: str | None, settings: dict[str, Any]) -> Node:
    """Command-line options as a layer of their own."""
    given = {"workload": workload, **settings}
    nodes = {
        key: Node(value, Place(f"--{key} {value}"), Place(f"--{key}"))
        for key, value in given.items()
        if value is not None
    }
    return Node(nodes, NOWHERE)


def _override(text: str, taken: Node) -> tuple[Node, list[Problem]]:
    """`train.lr=1e-3` as a layer; the value is YAML. What is `taken` was given as an option."""
    place = Place(f"--set {text}")
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", key):
        return Node({}, place), [Problem(place, "is not KEY=VALUE, like train.epochs=10")]
    if key in taken.value:
        return Node({}, place), [Problem(place, f"{key} is given by --{key} too")]
    try:
        node, problems = parse(value, str(place))
    except SpecError as error:
        return Node({}, place), [Problem(place, p.what) for p in error.problems]
    return nest(key, Node(node.value if value.strip() else None, place, place)), problems


def _check(kind: type[S], tree: Node, wrong: set[str]) -> tuple[S | None, list[Problem]]:
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
    ("prune",): None,
    ("prune", "sparsities"): (Node(0.5, Place("")),),
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


def _completed(config: Config) -> Config:
    """What the preset leaves to a rule, written out: fold, optimizer, fine-tuning rate."""
    data, retrain = config.data, config.retrain
    folds = DATASETS[data.name].folds
    if data.fold is None and folds:
        data = data.model_copy(update={"fold": config.seed % folds})
    if retrain.optimizer is None:
        kept = "reset" if retrain.policy == "restart" else "keep"
        retrain = retrain.model_copy(update={"optimizer": kept})
    if retrain.policy == "finetune" and retrain.lr is None:
        retrain = retrain.model_copy(update={"lr": config.train.lr_min})
    return config.model_copy(update={"data": data, "retrain": retrain})


def _stem(path: Path, given: str, problems: list[Problem]) -> str:
    """The name that runs are called after; it becomes part of a folder's name."""
    if not NAME.fullmatch(path.stem):
        what = f"the name {path.stem[:80]!r} must be letters, digits, '.', '_' or '-', at most 64"
        problems.append(Problem(Place(given), what))
    return path.stem


def _path(dotted: str) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in dotted.split("."))


def _by_place(problem: Problem) -> tuple[str, int, int]:
    return problem.place.source, problem.place.line or 0, problem.place.column or 0
