"""What is asked for on the bench, and what was found of it: plain values, loaded in no time.

`judge` makes them; pydantic and YAML stay out of here, so that the screen can be drawn before they
are there.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vitprune_core.spec.config import Config
    from vitprune_core.spec.plan import Plan

WORKLOAD = "workload"
"""The key that is no override: it is asked for by an option of its own."""


@dataclass(frozen=True)
class Preset:
    """A file that can be asked for by name."""

    name: str
    kind: str
    """`workloads` and the like; nothing: a preset that runs can be made of."""
    origin: str
    """`shipped` or a folder."""
    comment: tuple[str, ...]
    lines: tuple[str, ...]
    """The file as it stands."""
    problems: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        return f"{self.kind}/{self.name}" if self.kind else self.name


@dataclass(frozen=True)
class Request:
    """A preset on a workload with changes: the words after `vitprune run`."""

    preset: str
    workload: str | None = None
    """None: the preset's own."""
    changes: tuple[tuple[str, str], ...] = ()
    """Dotted key and value as YAML, in the order in which they count."""

    @property
    def overrides(self) -> tuple[str, ...]:
        return tuple(f"{key}={text}" for key, text in self.changes)

    @property
    def words(self) -> tuple[str, ...]:
        """After `vitprune`."""
        workload = () if self.workload is None else ("--workload", self.workload)
        sets = (word for override in self.overrides for word in ("--set", override))
        return ("run", self.preset, *workload, *sets)

    def changed(self, key: str, text: str) -> "Request":
        """With this value, which counts more than what was said of its parts."""
        if key == WORKLOAD:
            return replace(self, workload=text)
        if key in dict(self.changes):
            kept = tuple((k, text if k == key else t) for k, t in self.changes)
        else:
            kept = (*self.changes, (key, text))
        return replace(self, changes=tuple(c for c in kept if not c[0].startswith(f"{key}.")))

    def as_it_was(self, key: str) -> "Request":
        """Without the change of this value, or of what it is a part of."""
        if key == WORKLOAD:
            return replace(self, workload=None)
        return replace(self, changes=tuple(c for c in self.changes if c[0] != self.change_of(key)))

    def change_of(self, key: str) -> str | None:
        """The change that says what this value is."""
        known = dict(self.changes)
        above = [key, *(key[:i] for i in range(len(key), 0, -1) if key[i:].startswith("."))]
        return next((k for k in above if k in known), None)


@dataclass(frozen=True)
class Value:
    """A line of the complete request."""

    key: str
    """Dotted; of a heading the section's."""
    name: str
    depth: int = 0
    text: str = ""
    """As YAML."""
    origin: str = ""
    """`changed`, `preset`, `workload`; nothing: the default."""
    was: str = ""
    """What it is without the changes, where that is something else."""
    choices: tuple[str, ...] = ()
    help: str = ""
    wrong: bool = False
    heading: bool = False


@dataclass(frozen=True)
class Planned:
    """What a run would do and cost."""

    steps: "Plan"
    sizes: dict[str, int]
    multiply_adds: int
    rates: tuple[list[float], list[float]]
    """Epochs of all phases, learning rate."""


@dataclass(frozen=True)
class Answer:
    """What a request means, or everything wrong with it."""

    request: Request
    workload: str
    values: tuple[Value, ...] = ()
    """Of a wrong request as far as it is right; none: nothing can be made of the preset's file."""
    problems: tuple[str, ...] = ()
    sentence: str = ""
    config: "Config | None" = None
    planned: Planned | None = None

    def value(self, key: str) -> Value | None:
        return next((v for v in self.values if v.key == key and not v.heading), None)


@dataclass(frozen=True)
class Claim:
    """What a study will decide."""

    name: str
    claim: str
    caveat: str
    comparisons: int
    beside: int
    """Comparisons that are told beside the verdict."""


@dataclass(frozen=True)
class Arm:
    name: str
    sparsities: tuple[float, ...]
    differs: tuple[tuple[str, str], ...]
    """Key and value of what most arms have otherwise."""


@dataclass(frozen=True)
class Sweep:
    """What a study asks for, or everything wrong with it."""

    name: str
    workload: str = ""
    problems: tuple[str, ...] = ()
    folder: str = ""
    """Its runs' folder in the runs folder."""
    arms: tuple[Arm, ...] = ()
    seeds: tuple[int, ...] = ()
    looks: tuple[int, ...] = ()
    claims: tuple[Claim, ...] = ()
    thresholds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Smallest effect and margin as shares, alpha."""
    retrainings: int = 0
    epochs: int = 0
    jobs: int = 1
    """Processes that would work on it here."""
    seconds: float | None = None
    """An epoch took here; None: nothing alike was trained on this host."""

    @property
    def runs(self) -> int:
        return len(self.arms) * len(self.seeds)


@dataclass(frozen=True)
class Forecast:
    """What the runs folder tells of a run to come."""

    seconds: float | None = None
    """An epoch took here; None: nothing alike was trained on this host."""
    dense: bool | None = None
    """Its dense model is there already; None: not known, `auto` was never resolved here."""
