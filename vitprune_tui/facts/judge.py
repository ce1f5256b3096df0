"""From what is asked on the bench to what it means or what is wrong with it, as it is typed.

Everything is asked of `spec`, a few milliseconds a time; loading that takes ten times as long, so
only threads import this module first.
"""

import os
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from vitprune_core.spec import plan, presets, shape
from vitprune_core.spec.check import check
from vitprune_core.spec.config import AUTO, UNITS, Config, Section, Workload, as_dict
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.request import Loaded, load
from vitprune_core.spec.sentence import sentence
from vitprune_core.spec.source import LARGEST, Node, Problem, SpecError, read
from vitprune_core.spec.study import load_study
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.speed import cost, latest_alike
from vitprune_tui.facts.request import WORKLOAD, Answer, Forecast, Planned, Preset, Request, Value
from vitprune_tui.facts.written import written

POINTS = 400
"""Of the learning-rate curve, about."""

Files = tuple[tuple[str, int], ...]
"""Paths of all presets and when they were written: what was read of them counts as long."""


def known() -> tuple[Preset, ...]:
    """All that can be asked for by name, wrong or right; workloads last, as a key steps through."""
    files = _files()
    every = sorted(presets.every(), key=lambda item: item[0] == "workloads")
    return tuple(_preset(kind, found, files) for kind, found in every)


def _preset(kind: str, found: presets.Found, files: Files) -> Preset:
    comment = tuple(presets.comment(found.path).splitlines())
    problems = tuple(_problems(kind, found, files))
    return Preset(found.name, kind, found.origin, comment, _lines(found.path), problems)


def _problems(kind: str, found: presets.Found, files: Files) -> Iterator[str]:
    try:
        if not kind:
            _load(Request(found.name), files)
        elif kind == "workloads":
            tree, problems = read(found.path)
            yield from map(str, problems + check(Workload, tree, wrong=set())[1])
        elif (
            found.origin != "shipped"
        ):  # those are right, and reading one takes a tenth of a second
            load_study(found.name)
    except SpecError as error:
        yield from map(str, error.problems)


def _lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return tuple(file.read(LARGEST).splitlines())
    except OSError:
        return ()


def judge(request: Request) -> Answer:
    """What the request means; of a wrong one all problems, and its values as far as it is right."""
    files = _files()
    unchanged = _right(replace(request, changes=()), files)
    own = unchanged or _right(Request(request.preset), files)
    try:
        loaded = _load(request, files)
    except SpecError as error:
        near = _nearest(request, files) or own
        wrong = _keys(error.problems)
        values = _values(request, near, own, files, wrong) if near and own else ()
        told = ((p.what if unchanged else str(p)) for p in error.problems)
        workload = request.workload or (own.workload if own else "")
        return Answer(request, workload, values, tuple(dict.fromkeys(told)))
    config = loaded.config
    return Answer(
        request=request,
        workload=loaded.workload,
        values=_values(request, loaded, own or loaded, files),
        sentence=sentence(config),
        config=config,
        planned=_planned(config),
    )


def _files() -> Files:
    return tuple((str(f.path), _changed(f.path)) for _, f in presets.every())


def _changed(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:  # removed this moment
        return 0


@lru_cache
def _load(request: Request, files: Files) -> Loaded:
    """What is right is not read again: most of what is asked was asked a moment ago."""
    return load(request.preset, request.workload, request.overrides)


def _right(request: Request, files: Files) -> Loaded | None:
    try:
        return _load(request, files)
    except SpecError:
        return None


def _nearest(request: Request, files: Files) -> Loaded | None:
    """With those changes that are right when they are made one after the other."""
    right = replace(request, changes=())
    found = _right(right, files)
    for change in request.changes if found else ():
        further = replace(right, changes=(*right.changes, change))
        if loaded := _right(further, files):
            right, found = further, loaded
    return found


def _keys(problems: list[Problem]) -> set[str]:
    """The values that problems are about."""
    said = {re.sub(r"(\.\d+)+$", "", p.what.partition(":")[0]) for p in problems}
    source = (p.place.source for p in problems)
    typed = (s.removeprefix("--set ").partition("=")[0] for s in source if s.startswith("--set "))
    return {*said, *typed}


def _planned(config: Config) -> Planned:
    steps = plan.plan(config)
    return Planned(
        steps=steps,
        sizes=shape.sizes(config),
        multiply_adds=shape.multiply_adds(config.model, config.data),
        rates=plan.rates(config, steps, POINTS),
    )


def _values(
    request: Request, now: Loaded, own: Loaded, files: Files, wrong: set[str] | None = None
) -> tuple[Value, ...]:
    """The complete config a line a value; what was asked for stands there though it is wrong."""
    trees = {
        "preset": _tree(request.preset, "", files),
        "workload": _tree(now.workload, "workloads", files),
    }
    before = dict(_flat(as_dict(own.config)))
    asked = dict(request.changes)
    if request.workload is not None:
        asked[WORKLOAD] = request.workload
        before[WORKLOAD] = _at(trees["preset"], WORKLOAD) or own.workload
    fields, values = _fields(), []
    for key, value in _flat(as_dict(now.config)):
        heading = isinstance(value, dict)
        text = asked[key] if wrong is not None and key in asked else written(value)
        was = written(before.get(key))
        alone = key == "dense.file" and now.config.dense is None
        changed = request.change_of(key) or (key == WORKLOAD and request.workload is not None)
        values.append(
            Value(
                key=key,
                name=key if alone else key.rpartition(".")[2],
                depth=0 if alone else key.count("."),
                text="" if heading else text,
                origin="changed" if changed else _origin(trees, key),
                was="" if heading or was == text else was,
                choices=_choices(key, fields[key]),
                help=" ".join((fields[key].description or "").split()),
                wrong=key in (wrong or ()),
                heading=heading,
            )
        )
    return tuple(values)


def _flat(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys; a section comes before its parts. Of no dense model the file can be named."""
    for name, value in config.items():
        key = f"{above}{name}"
        yield ("dense.file" if key == "dense" and value is None else key), value
        if isinstance(value, dict):
            yield from _flat(value, f"{key}.")


@lru_cache
def _tree(name: str, kind: str, files: Files) -> Node | None:
    try:
        return read(presets.find(name, kind))[0]
    except SpecError:
        return None


def _origin(trees: Mapping[str, Node | None], key: str) -> str:
    """The file that says what a value is; nothing: none does."""
    return next((origin for origin, tree in trees.items() if _has(tree, key)), "")


def _has(tree: Node | None, key: str) -> bool:
    for step in key.split("."):
        if tree is None or not isinstance(tree.value, dict) or step not in tree.value:
            return False
        tree = tree.value[step]
    return True


def _at(tree: Node | None, key: str) -> Any:
    """The scalar that stands at a top-level key of a file."""
    return tree.value[key].value if tree and _has(tree, key) else None


@cache
def _fields() -> dict[str, FieldInfo]:
    return dict(_fields_of(Config, ""))


def _fields_of(kind: type[Section], above: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in kind.model_fields.items():
        yield above + name, field
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, Section):
                yield from _fields_of(part, f"{above}{name}.")


def _choices(key: str, field: FieldInfo) -> tuple[str, ...]:
    """All that a value may be, where that is a few words."""
    if key == WORKLOAD:
        return tuple(dict.fromkeys(found.name for found in presets.listed("workloads")))
    if key == "prune.granularity":
        return (*UNITS, "2:4")
    kinds = (field.annotation, *get_args(field.annotation))
    if bool in kinds:
        return ("true", "false")
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    return (*words, "null") if words and type(None) in kinds else tuple(words)


def workloads() -> tuple[str, ...]:
    return _choices(WORKLOAD, _fields()[WORKLOAD])


def asked_of_host(config: Config) -> Hashable:
    """All of a config that a forecast depends on, `auto` as it stands."""
    return dense_hash(config), repr(cost(as_dict(config)))


def foresee(folder: Path, config: Config) -> Forecast:
    """From earlier runs of this host: how long an epoch takes, and whether the dense is there."""
    alike = latest_alike(folder, as_dict(config))
    here = {key: alike.config.get(key, "auto") for key in AUTO} if alike else {}
    resolved = {key: here.get(key, "auto") for key in AUTO if getattr(config, key) == "auto"}
    dense = None
    if "auto" not in resolved.values():
        chosen = config.model_copy(update=resolved)
        dense = DenseDir.of(folder, dense_hash(chosen)).exists
    seconds = alike.seconds_here / alike.epochs_here if alike else None
    return Forecast(seconds, dense)
