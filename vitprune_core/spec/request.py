"""From a preset, a workload and overrides to a `Config`, or to everything wrong with them.

    workloads/digits.yaml  <  oneshot_global.yaml  <  --workload, --seed, --device, --set KEY=VALUE

Each layer holds only what differs from the one below.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vitprune_core.spec.check import check
from vitprune_core.spec.config import Config, GivenConfig, Workload
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.given import pinned
from vitprune_core.spec.laws import IMPLIED
from vitprune_core.spec.presets import NAME, NAMED, find
from vitprune_core.spec.source import (
    NOWHERE,
    Node,
    Place,
    Problem,
    SpecError,
    beside,
    in_order,
    locate,
    merge,
    nest,
    parse,
    placed,
    read,
)
from vitprune_core.spec.words import show, visible

PATH = 1_000
"""Letters of a path that are told: its end says which file it is."""


@dataclass(frozen=True)
class Loaded:
    """A request that is right: what to do, and what it was called."""

    config: Config
    preset: str
    workload: str
    request: tuple[str, ...]
    """The words after `vitprune run` that ask for the same again."""


def load(
    preset: str, workload: str | None = None, overrides: Sequence[str] = (), **settings: Any
) -> Loaded:
    """The complete config of a request; `settings` are top-level keys given as options, and
    `dense`, the file of a model of one's own.

    Raises `SpecError` with every problem at once, each with its place.
    """
    path = find(preset)
    tree, problems = read(path)
    stem = _stem(path, preset, problems)
    if what := _no_preset(tree):
        raise SpecError([*problems, Problem(tree.place, what)])
    written, layers = tree, [_options(workload, settings)]
    for override in overrides:
        layer, found = _override(override, taken=layers[0])
        layers.append(layer)
        problems += found
    for layer in layers:
        tree = merge(tree, replace(layer, place=tree.place))
    problems += _old_fold(written, tree)
    config, name, found = complete(tree)
    problems += beside(problems, found)
    if problems or config is None:
        raise SpecError(in_order(problems))
    return Loaded(completed(config), stem, name, _request(preset, workload, settings, overrides))


def _no_preset(tree: Node) -> str | None:
    """What else a file is."""
    keys = set(tree.value) if isinstance(tree.value, dict) else set()
    if "seeds" in keys and "prune" not in keys:
        return "is a study and no preset: `vitprune sweep` works it off"
    if keys and keys <= Workload.model_fields.keys():
        return "is a workload and no preset: give it as --workload to one"
    if not {"workload", "prune"} & keys:
        return "is not a preset: a preset is a mapping that names workload and prune"
    return None


def complete(tree: Node) -> tuple[Config | None, str, list[Problem]]:
    """A tree laid over the workload that it names, as a config, and the workload's name; or all
    that is wrong with it. What a rule decides is still open: see `completed`."""
    tree, name, problems = _on_workload(tree)
    known = name and not problems
    config, more = check(Config, tree, wrong=set() if known else {"data", "model", "train"})
    problems += more
    if config and config.dense:
        config, more = _pinned(config, config.dense, tree)
        problems += more
    return config, name, problems


def _request(
    preset: str, workload: str | None, settings: dict[str, Any], overrides: Sequence[str]
) -> tuple[str, ...]:
    options = {"workload": workload, **settings}
    words = [w for key, v in options.items() if v is not None for w in (f"--{key}", str(v))]
    return (preset, *words, *(w for override in overrides for w in ("--set", override)))


def _on_workload(tree: Node) -> tuple[Node, str, list[Problem]]:
    """The preset laid over the workload that it names, if that can be found and is right."""
    named = tree.value.get("workload")
    if named is None or not isinstance(named.value, str):
        return tree, "", []  # the check of the whole config says so
    try:
        path = find(named.value, "workloads")
        base, problems = read(path)
    except SpecError as error:
        if Workload.model_fields.keys() <= tree.value.keys() and NAME.fullmatch(named.value):
            return tree, named.value, []  # complete without it, like the config of a run
        told = (p if p.place != NOWHERE else Problem(named.place, p.what) for p in error.problems)
        return tree, named.value, list(told)
    name = _stem(path, named.value, problems)
    if not isinstance(base.value, dict) or not base.value.keys() & Workload.model_fields.keys():
        what = f"is not a workload: a workload is a mapping of {', '.join(Workload.model_fields)}"
        return tree, name, [*problems, Problem(base.place, what)]
    _, wrong = check(Workload, base, wrong=set())
    problems += _other_images(base, tree)
    known = Node(name, named.place, named.key)
    whole = merge(base, Node({**tree.value, "workload": known}, tree.place))
    return (tree if wrong else whole), name, problems + wrong


def _other_images(workload: Node, tree: Node) -> list[Problem]:
    """A preset that brings its own images cannot be put on a workload of others."""
    own, theirs = (locate(node, ("data", "name")) for node in (tree, workload))
    known = list(DATASETS)
    if own.value not in known or theirs.value not in known:
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
        key: Node(value, Place(f"--{key} {visible(str(value), PATH)}"), Place(f"--{key}"))
        for key, value in given.items()
        if value is not None
    }
    if file := nodes.get("dense"):
        unknown = Node(None, file.place)  # whatever the preset says of another file
        nodes["dense"] = Node({"file": file, "sha256": unknown}, file.place, file.key)
    return Node(nodes, NOWHERE)


def _override(text: str, taken: Node) -> tuple[Node, list[Problem]]:
    """`train.lr=1e-3` as a layer; the value is YAML. What is `taken` was given as an option."""
    place = Place(f"--set {visible(text)}")
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z_]+(\.[a-z0-9_]+)*", key):
        return Node({}, place), [Problem(place, "is not KEY=VALUE, like train.epochs=10")]
    option = key.removesuffix(".file")  # --dense FILE is dense.file
    if option in taken.value:
        return Node({}, place), [Problem(place, f"{key} is given by --{option} too")]
    try:
        node, problems = parse(value, str(place))
    except SpecError as error:
        return Node({}, place), [Problem(place, p.what) for p in error.problems]
    layer = nest(key, placed(node if value.strip() else Node(None, place), place))
    return layer, [Problem(place, p.what) for p in problems]


def _pinned(config: Config, given: GivenConfig, tree: Node) -> tuple[Config, list[Problem]]:
    """With the hash of the model that is given."""
    try:
        return config.model_copy(update={"dense": pinned(given)}), []
    except (OSError, ValueError) as error:  # a NUL in its name is a ValueError
        what = f"dense.file: {show(given.file)}: {getattr(error, 'strerror', None) or error}"
        return config, [Problem(locate(tree, ("dense", "file")).place, what)]


def completed(config: Config) -> Config:
    """What the preset leaves to a rule, written out: fold, layers, optimizer, fine-tuning rate."""
    data, prune, retrain = config.data, config.prune, config.retrain
    folds = DATASETS[data.name].folds
    if data.fold is None and folds:
        data = data.model_copy(update={"fold": config.seed % folds})
    if prune and prune.granularity in IMPLIED:
        prune = prune.model_copy(update={"layers": IMPLIED[prune.granularity]})
    if retrain.optimizer is None:
        kept = "reset" if retrain.policy == "restart" else "keep"
        retrain = retrain.model_copy(update={"optimizer": kept})
    if retrain.policy == "finetune" and retrain.lr is None:
        retrain = retrain.model_copy(update={"lr": config.train.lr_min})
    return config.model_copy(update={"data": data, "prune": prune, "retrain": retrain})


def _stem(path: Path, given: str, problems: list[Problem]) -> str:
    """The name that runs are called after; it becomes part of a folder's name."""
    if not NAME.fullmatch(path.stem):
        what = f"the name {show(path.stem)} must be {NAMED} 64"
        problems.append(Problem(Place(given), what))
    return path.stem
