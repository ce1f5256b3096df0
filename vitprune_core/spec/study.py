"""A study: many arms over one base, its seeds, and what is to be decided from them.

    arms (or a grid of them)  x  seeds  ->  configs  ->  runs, each called after its config's hash

All that a verdict depends on is declared in the study's file: arms, seeds, looks, thresholds and
comparisons. It is hashed before the first run, so that nothing can be chosen after the results.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import yaml

from vitprune_core.spec.check import check
from vitprune_core.spec.claims import Finding, wrong_arms
from vitprune_core.spec.config import Config, as_dict
from vitprune_core.spec.identity import config_hash
from vitprune_core.spec.plan import plan
from vitprune_core.spec.presets import find
from vitprune_core.spec.request import complete, completed
from vitprune_core.spec.source import (
    NOWHERE,
    Node,
    Place,
    Problem,
    SpecError,
    beside,
    in_order,
    locate,
    read,
)
from vitprune_core.spec.studyfile import MOST_SEEDS, StudyFile, broken, trees, wrong_names
from vitprune_core.spec.words import show

SEEDS = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?")


@dataclass(frozen=True, eq=False)
class Planned:
    """A run of a study: an arm with a seed. Two are the same run when their ids are."""

    arm: str
    seed: int
    config: Config

    @cached_property
    def id(self) -> str:
        """Of a config whose `auto` was resolved; the same config always has the same."""
        return f"{self.arm}-s{self.seed}-{config_hash(self.config)[:8]}"


@dataclass(frozen=True)
class Study:
    name: str
    workload: str
    """Its name."""
    file: StudyFile
    arms: Mapping[str, Config]
    """With the first seed, before `completed`."""

    @cached_property
    def hash(self) -> str:
        """Of everything that is declared, on this workload; not of how far it got."""
        declared = {
            "arms": {name: as_dict(completed(config)) for name, config in self.arms.items()},
            "seeds": self.file.seeds,
            "looks": self.looks,
            "thresholds": self.file.thresholds.model_dump(),
            "findings": {k: _told(finding) for k, finding in self.file.findings.items()},
        }
        text = json.dumps(declared, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def folder(self) -> str:
        return f"{self.name}-{self.workload}"

    @property
    def looks(self) -> tuple[int, ...]:
        """After so many seeds there are verdicts on this workload; none: never."""
        return self.file.looks.get(self.workload, ())

    def runs(self, seeds: Sequence[int] | None = None) -> Iterator[Planned]:
        """Seed by seed, so that whole seeds are done first; what rewinds weights before the others,
        whose dense training would not keep them; the longest first, so that jobs end together."""
        for seed in self.file.seeds if seeds is None else seeds:
            for arm, config in self._in_turn:
                yield Planned(arm, seed, completed(config.model_copy(update={"seed": seed})))

    @cached_property
    def _in_turn(self) -> list[tuple[str, Config]]:
        def before(arm: tuple[str, Config]) -> tuple[int, int]:
            asked = plan(arm[1])
            return -len(asked.rewinds), -asked.epochs

        return sorted(self.arms.items(), key=before)

    def resolved(self, chosen: Mapping[str, str]) -> "Study":
        """With the device, precision and kernels that `auto` was resolved to, once for all runs."""
        arms = {
            name: config.model_copy(
                update={key: word for key, word in chosen.items() if getattr(config, key) == "auto"}
            )
            for name, config in self.arms.items()
        }
        return replace(self, arms=arms)

    def dump(self) -> str:
        """The study as a file that asks for the same again: complete, `auto` resolved."""
        arms = {name: _asked(config) for name, config in self.arms.items()}
        base = reduce(_common, arms.values())
        whole = {
            "workload": self.workload,
            **self.file.model_dump(mode="json", include={"seeds", "looks", "thresholds"}),
            "base": base,
            "arms": {name: _without(asked, base) for name, asked in arms.items()},
            "findings": {k: _told(finding) for k, finding in self.file.findings.items()},
        }
        return yaml.safe_dump(whole, sort_keys=False, default_flow_style=None, width=100)


def _asked(config: Config) -> dict[str, Any]:
    """What an arm asks for, beside workload and seed."""
    return {k: v for k, v in as_dict(config).items() if k not in ("workload", "seed")}


def _common(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """What two trees have in common."""
    both = {}
    for key in a.keys() & b.keys():
        if isinstance(a[key], dict) and isinstance(b[key], dict):
            both[key] = _common(a[key], b[key])
        elif a[key] == b[key]:
            both[key] = a[key]
    return {key: both[key] for key in a if key in both}


def _without(tree: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """What is left of a tree that is laid over `base`."""
    left = {}
    for key, value in tree.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            if rest := _without(value, base[key]):
                left[key] = rest
        elif key not in base:
            left[key] = value
    return left


def _told(finding: Finding) -> dict[str, Any]:
    return finding.model_dump(mode="json", exclude_defaults=True)


def load_study(name: str, workload: str | None = None) -> Study:
    """A study's file, with every arm a complete config; raises `SpecError` with all problems."""
    path = find(name, "studies")
    tree, problems = read(path)
    if isinstance(tree.value, dict) and "prune" in tree.value and "seeds" not in tree.value:
        what = "is a preset and no study: `vitprune run` carries it out"
        raise SpecError([*problems, Problem(tree.place, what)])
    file, found = check(StudyFile, tree, wrong=set())
    problems += beside(problems, found)
    if file:
        problems += broken(file, tree)
    if file is None or problems:  # a grid of millions is not even begun
        raise SpecError(in_order(problems))
    asked_for = dict(trees(tree, file))
    arms: dict[str, Config] = {}
    known = ""
    for arm, asked in asked_for.items():
        config, known, found = complete(_with_workload(asked, tree, workload, file.seeds[0]))
        problems += beside(problems, found)
        if config and config.prune is None:
            what = "measures no level; the control of a study is `prune: {sparsities: [0]}`"
            place = locate(asked, ("prune",)).place
            problems.append(Problem(place, f"{show(arm)}: prune: null {what}"))
        if config:
            arms[arm] = config
    if not asked_for:
        problems.append(Problem(tree.place, "names no arm: `arms` or `grid` is needed"))
    problems += wrong_names(path, asked_for, tree)
    if arms.keys() == asked_for.keys():
        problems += wrong_arms(file.findings, tree, arms)
    if problems:
        raise SpecError(in_order(problems))
    return Study(path.stem, known, file, arms)


def _with_workload(asked: Node, tree: Node, workload: str | None, seed: int) -> Node:
    """An arm's tree with the study's workload, or the one asked for, and a seed."""
    named = tree.value["workload"]
    if workload is not None:
        named = Node(workload, Place(f"--workload {workload}"), named.key)
    return Node({**asked.value, "workload": named, "seed": Node(seed, NOWHERE)}, asked.place)


def seeds_of(study: Study, asked: str | None) -> tuple[int, ...]:
    """`100,101`, or `100-109`: some of the declared seeds, in their order; without, all of them.

    Raises `SpecError`: a seed that was not declared would be chosen after the results.
    """
    if asked is None:
        return study.file.seeds
    wanted: set[int] = set()
    for word in asked.split(","):
        found = SEEDS.fullmatch(word.strip())
        if not found:
            what = f"--seeds {show(asked)} is not like 100,101 or 100-109"
            raise SpecError([Problem(NOWHERE, what)])
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            what = f"--seeds {show(asked)} names no seed: {last} comes before {first}"
            raise SpecError([Problem(NOWHERE, what)])
        wanted.update(range(first, min(last, first + MOST_SEEDS) + 1))
    unknown = sorted(wanted - set(study.file.seeds))
    if unknown:
        declared = ", ".join(map(str, study.file.seeds))
        what = f"--seeds: {unknown[0]} was not declared; {study.name} has {declared}"
        raise SpecError([Problem(NOWHERE, what)])
    return tuple(seed for seed in study.file.seeds if seed in wanted)
