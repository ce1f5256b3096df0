"""What a study declares that it will decide: findings, each of one or more parts.

A part compares arms by one number a seed; `analysis.findings` carries it out. What is written here
is hashed with the study, so a comparison cannot be chosen after the results.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from vitprune_core.spec.config import Config, Section, Share
from vitprune_core.spec.source import Node, Problem, locate
from vitprune_core.spec.words import wrong_word

Names = tuple[str, ...]


def _names(value: object, check: ValidatorFunctionWrapHandler) -> str | Names:
    try:
        found: str | Names = check(value)
    except ValidationError:  # of each of the two
        raise PydanticCustomError("names", "not known") from None
    return found


Arms = Annotated[str | Annotated[Names, Field(min_length=1)], WrapValidator(_names)]
Test = Literal["superior", "noninferior", "bounded", "recovers", "uneven", "structured", "constant"]
COMPARED = ("superior", "noninferior", "bounded")
"""Those that compare an arm with another one."""


class Part(Section):
    """One comparison, or one for each of several arms (`arm`, `over`) and sparsities (`each`)."""

    test: Test
    """superior: arm - over > 0. noninferior: arm - over > -margin. bounded: arm - over < margin,
    where both are well above chance and below the control. recovers: retraining brings back at
    least `least` of what pruning cost. uneven: matrices differ in density and in what their removal
    costs, alike over seeds. structured: rows, columns and heads of masks vary more than shuffled
    ones. constant: every image gets the same class."""
    arm: Arms
    over: Arms | None = None
    """What it is compared with."""
    at: tuple[Share, ...] = ()
    """Sparsities whose mean is the one number of a seed."""
    each: tuple[Share, ...] = ()
    """Sparsities that are a part of their own each."""
    arm_control: str | None = None
    """Control of `arm` where budgets differ: what is compared is arm - arm_control."""
    over_control: str | None = None
    control: str | None = None
    """What `bounded`, `recovers` and `uneven` measure against."""
    margin: Share | None = None
    """Null: the study's."""
    least: Share = 0.8
    """Of `recovers`."""
    beside: bool = False
    """Printed beside the verdict and no part of it."""


class Finding(Section):
    claim: str
    """The conclusion in words."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    caveat: str = ""
    """What is not tested."""


def comparisons(finding: Finding) -> Iterator[Part]:
    """Every part with one arm, one other and the sparsities of one number."""
    for part in finding.parts:
        yield from expanded(part)


def expanded(part: Part) -> Iterator[Part]:
    arms, others = _several(part.arm), _several(part.over) or (None,)
    ats: list[tuple[float, ...]] = [(s,) for s in part.each] or [part.at]
    for arm, over, at in product(arms, others, ats):
        yield part.model_copy(update={"arm": arm, "over": over, "at": at, "each": ()})


def wrong_arms(
    findings: Mapping[str, Finding], tree: Node, arms: Mapping[str, Config]
) -> Iterator[Problem]:
    """Parts that name what is no arm or no sparsity of it, or leave out what they need."""
    for name, finding in findings.items():
        for i, part in enumerate(finding.parts):
            where = ("findings", name, "parts", i)
            for key in ("arm", "over", "arm_control", "over_control", "control"):
                for arm in _several(getattr(part, key)):
                    if arm not in arms:
                        what = f"findings.{name}.parts.{i}.{key}: {wrong_word(arm, arms)}"
                        yield Problem(locate(tree, (*where, key)).place, what)
            for what in (*_incomplete(part), *_never_measured(part, arms)):
                yield Problem(locate(tree, where).place, f"findings.{name}.parts.{i}: {what}")


def _incomplete(part: Part) -> Iterator[str]:
    if part.test in COMPARED and part.over is None:
        yield f"{part.test} needs `over`, what it is compared with"
    if part.test not in COMPARED and part.over is not None:
        yield f"{part.test} compares with no `over`"
    if part.test in ("bounded", "recovers", "uneven") and part.control is None:
        yield f"{part.test} needs `control`"
    if bool(part.at) == bool(part.each):
        yield "needs sparsities: either `at`, of which the mean counts, or `each`"
    if (part.arm_control is None) != (part.over_control is None):
        yield "arm_control and over_control belong together"


def _never_measured(part: Part, arms: Mapping[str, Config]) -> Iterator[str]:
    """An arm that only has the control's 0 is compared at that, whatever the other's sparsity."""
    for arm in (*_several(part.arm), *_several(part.over)):
        known = sparsities(arms.get(arm))
        for sparsity in (*part.at, *part.each):
            if known and known != (0,) and sparsity not in known:
                yield f"at: {sparsity:g} is no sparsity of the arm {arm}, which has {_list(known)}"
    for control in (part.arm_control, part.over_control, part.control):
        if control and 0 not in (known := sparsities(arms.get(control)) or (0,)):
            yield f"{control} is no control: 0 is none of its sparsities, {_list(known)}"


def sparsities(config: Config | None) -> tuple[float, ...]:
    return config.prune.sparsities if config and config.prune else ()


def _list(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _several(names: str | Names | None) -> Names:
    return (names,) if isinstance(names, str) else names or ()
