"""What stands in a study's file, and what must hold between its values."""

import itertools
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from vitprune_core.spec.claims import Finding
from vitprune_core.spec.config import Section, Share
from vitprune_core.spec.presets import NAME
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
    alpha: Annotated[float, Field(gt=0, le=0.5)] = 0.05
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
            node = locate(tree, ("grid", key, i))
            whole = merge(whole, nest(key, node))
            words.append(str(plain(node)).replace(":", "of"))
        yield "_".join(words), whole


def broken(file: StudyFile, tree: Node) -> Iterator[Problem]:
    """What does not hold between its values."""
    seeds = file.seeds
    if len(set(seeds)) < len(seeds) or len(seeds) > MOST_SEEDS:
        what = f"seeds: each is named once, at most {MOST_SEEDS:,} of them"
        yield Problem(locate(tree, ("seeds",)).place, what)
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
    combinations = prod(map(len, file.grid.values())) if file.grid else 0
    if (arms := len(file.arms) + combinations) > MOST_ARMS:
        yield Problem(tree.place, f"has {arms:,} arms, more than {MOST_ARMS:,}")


def wrong_names(path: Path, arms: Mapping[str, Node], tree: Node) -> Iterator[Problem]:
    if not NAME.fullmatch(path.stem) or len(path.stem) > LONGEST_ARM:
        yield Problem(Place(str(path)), f"a study's name has at most {LONGEST_ARM} letters")
    for arm in arms:
        if not NAME.fullmatch(arm) or len(arm) > LONGEST_ARM:
            what = "an arm's name is letters, digits, '.', '_' or '-', at most"
            place = locate(tree, ("arms", arm)).key or tree.place
            yield Problem(place, f"{show(arm)}: {what} {LONGEST_ARM} of them")
