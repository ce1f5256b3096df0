"""Which arms belong into one picture: those that differ in one choice only.

A picture shows one choice of the study (distribution, granularity, schedule, layers, retraining);
each of its panels holds the arms that are equal in all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitprune_core.spec.config import Config, PruneConfig

Facets = Mapping[str, str]
"""What an arm is, in words, facet by facet; "" is what goes without saying."""
AXES: Mapping[str, tuple[str, ...]] = {
    "distribution": ("distribution",),
    "granularity": ("granularity",),
    "schedule": ("schedule", "cycles"),
    "layers": ("layers",),
    "retraining": ("policy", "length", "optimizer"),
    "criterion": ("criterion",),
}
"""A choice -> the facets that it is made of."""
GRANULARITY = {
    "weight": "single weights",
    "row": "rows",
    "column": "columns",
    "head": "heads",
    "neuron": "neurons",
}
LAYERS = {
    "all": "all matrices",
    "attention": "attention (q k v o)",
    "mlp": "MLP (fc1 fc2)",
    "qk": "q k",
    "vo": "v o",
}
OPTIMIZER = {"keep": "optimizer kept", "reset": "optimizer reset"}
MOST_PANELS = {"layers": 12}
"""Of a picture, 18 of others; the tables have all."""


@dataclass(frozen=True)
class Panel:
    title: str
    """What its arms have in common, as far as the picture's other panels differ in it."""
    curves: Mapping[str, str]
    """Arm -> what distinguishes it here."""


@dataclass(frozen=True)
class Picture:
    axis: str
    panels: tuple[Panel, ...]

    @property
    def names(self) -> list[str]:
        """Of its curves, each once: what is alike looks alike in every panel."""
        return list(dict.fromkeys(name for panel in self.panels for name in panel.curves.values()))


def facets(config: Config) -> Facets:
    """Of a completed config; an arm that prunes nothing is a control and has none."""
    prune, retrain = config.prune, config.retrain
    if prune is None or not any(prune.sparsities):
        return {}
    total = f"{retrain.total:g} of the training in total" if retrain.total is not None else ""
    return {
        "distribution": _distribution(prune),
        "granularity": GRANULARITY.get(prune.granularity, prune.granularity),
        "schedule": "iterative" if prune.schedule == "iterative" else "one-shot",
        "cycles": f"retrained {retrain.cycles} times" if retrain.cycles > 1 else "",
        "layers": LAYERS[prune.layers],
        "policy": retrain.policy,
        "length": total or f"{retrain.fraction:g} of the training",
        "optimizer": OPTIMIZER.get(retrain.optimizer or "", ""),
        "criterion": prune.criterion,
    }


def _distribution(prune: PruneConfig) -> str:
    if prune.distribution != "random":
        return prune.distribution
    return "random" if prune.random_of == "none" else f"random, as {prune.random_of}"


def pictures(arms: Mapping[str, Config]) -> list[Picture]:
    """A picture of each choice in which arms differ, in the order of `AXES`."""
    known = {arm: found for arm, config in arms.items() if (found := facets(config))}
    drawn = (
        Picture(axis, tuple(_panels(AXES[axis], known)[: MOST_PANELS.get(axis, 18)]))
        for axis in AXES
    )
    return [picture for picture in drawn if picture.panels]


def _panels(axis: Sequence[str], arms: Mapping[str, Facets]) -> list[Panel]:
    groups: dict[tuple[str, ...], dict[str, Facets]] = {}
    others = [name for of in AXES.values() for name in of if name not in axis]
    for arm, found in arms.items():
        groups.setdefault(_words(found, others), {})[arm] = found
    several = [of for of in groups.values() if len({_words(f, axis) for f in of.values()}) > 1]
    titled, named = _differing(others, several), _differing(axis, several)
    return [
        Panel(_said(next(iter(of.values())), titled), _named({a: _said(of[a], named) for a in of}))
        for of in several
    ]


def _words(found: Facets, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(found[name] for name in names)


def _differing(names: Sequence[str], groups: Sequence[Mapping[str, Facets]]) -> list[str]:
    """Those in which not all arms of all groups are alike."""
    return [n for n in names if len({f[n] for of in groups for f in of.values()}) > 1]


def _said(found: Facets, names: Sequence[str]) -> str:
    return ", ".join(found[name] for name in names if found[name])


def _named(curves: Mapping[str, str]) -> dict[str, str]:
    """Arms that are alike in every facet keep their own name beside it."""
    words = list(curves.values())
    return {a: w if words.count(w) == 1 else f"{w} ({a})" for a, w in curves.items()}
