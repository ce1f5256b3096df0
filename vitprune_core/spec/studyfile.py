"""What stands in a study's file, and what must hold between its values."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from vitprune_core.spec.claims import Finding
from vitprune_core.spec.config import Section, Share
from vitprune_core.spec.presets import NAME, NAMED
from vitprune_core.spec.source import Node, Place, Problem, locate, merge, nest, plain
from vitprune_core.spec.words import show

FEWEST_SEEDS = 8
"""Below which nothing is decided."""
MOST_ARMS, MOST_SEEDS = 1_000, 10_000
LONGEST_ARM = 40
"""Letters of an arm's name: with seed and hash it is the name of a folder."""

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Look = Annotated[int, Field(ge=FEWEST_SEEDS)]


class Thresholds(Section):
    """Accuracies are shares: 0.01 is one point."""

    smallest: Share = 0.01
    """The smallest effect that matters, d."""
    margin: Share = 0.02
    """Within which two accuracies are called equal, M."""
    alpha: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)] = 0.05
    """Probability of any decisive false verdict of a workload, over all looks."""


class StudyFile(Section):
    workload: str
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    looks: dict[str, tuple[Look, ...]] = Field(default_factory=dict)
    """Workload -> numbers of seeds after which verdicts are made; alpha is shared between them."""
    thresholds: Thresholds = Thresholds()
    base: dict[str, Any] = Field(default_factory=dict)
    """What all arms have in common, like a preset."""
    arms: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Name -> what differs from the base."""
    grid: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Dotted key -> values: an arm for each combination."""
    findings: dict[str, Finding] = Field(default_factory=dict)


def trees(tree: Node, file: StudyFile) -> Iterator[tuple[str, Node]]:
    """Each arm over the base; of a grid each combination."""
    base = tree.value.get("base", Node({}, tree.place))
    for name in file.arms:
        yield name, merge(base, locate(tree, ("arms", name)))
    axes = [[(key, i) for i in range(len(values))] for key, values in file.grid.items()]
    for chosen in itertools.product(*axes) if axes else ():
        whole, words = base, []
        for key, i in chosen:
            node = replace(locate(tree, ("grid", key, i)), key=locate(tree, ("grid", key)).key)
            whole = merge(whole, nest(key, node))
            words.append(_word(plain(node)))
        yield "_".join(words), whole


def _word(value: Any) -> str:
    """A value as a part of an arm's name: 2of4, 0.5-0.9."""
    several = isinstance(value, tuple)
    return "-".join(map(_word, value)) if several else str(value).replace(":", "of")


def broken(file: StudyFile, tree: Node) -> Iterator[Problem]:
    """What does not hold between its values."""
    seeds = file.seeds
    if len(seeds) > MOST_SEEDS:
        what = f"seeds: {len(seeds):,} are more than {MOST_SEEDS:,}"
        yield Problem(locate(tree, ("seeds",)).place, what)
    for i, seed in enumerate(seeds):
        if seed in seeds[:i]:
            what = f"seeds.{i}: {seed} stands here again; each is named once"
            yield Problem(locate(tree, ("seeds", i)).place, what)
            break
    for workload, looks in file.looks.items():
        place = locate(tree, ("looks", workload)).place
        if list(looks) != sorted(set(looks)):
            yield Problem(place, f"looks.{workload}: {list(looks)} does not rise")
        if looks and looks[-1] > len(seeds):
            what = f"looks.{workload}: {looks[-1]} is more than the {len(seeds)} seeds declared"
            yield Problem(place, what)
    for section in ("base", *(f"arms.{arm}" for arm in file.arms)):
        path = tuple(section.split(".", 1))
        for key in ("workload", "seed"):
            found = locate(tree, (*path, key))
            if isinstance(tree.value, dict) and found.key and key in locate(tree, path).value:
                what = f"{section}.{key}: the study itself says that, for all arms"
                yield Problem(found.key, what)
    for key, values in file.grid.items():
        words = [_word(value) for value in values]
        for i, value in enumerate(values):
            what = f"{show(value)} makes no name; write the key in full, like prune.layers"
            if words[i] in words[:i]:
                what = f"{words[i]} stands here again"
            if isinstance(value, dict) or words[i] in words[:i]:
                yield Problem(locate(tree, ("grid", key, i)).place, f"grid.{key}.{i}: {what}")
    combinations = prod(map(len, file.grid.values())) if file.grid else 0
    if (arms := len(file.arms) + combinations) > MOST_ARMS:
        yield Problem(tree.place, f"has {arms:,} arms, more than {MOST_ARMS:,}")


def wrong_names(path: Path, arms: Mapping[str, Node], tree: Node) -> Iterator[Problem]:
    if not NAME.fullmatch(path.stem) or len(path.stem) > LONGEST_ARM:
        what = f"the name {show(path.stem)} must be {NAMED} {LONGEST_ARM}"
        yield Problem(Place(str(path)), what)
    for arm in arms:
        if not NAME.fullmatch(arm) or len(arm) > LONGEST_ARM:
            place = locate(tree, ("arms", arm)).key or locate(tree, ("grid",)).key or tree.place
            yield Problem(place, f"{show(arm)}: an arm's name is {NAMED} {LONGEST_ARM}")
