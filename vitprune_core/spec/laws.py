"""What must hold between two values of a config, each law a sentence when it is broken.

A law says which keys it reads, so that it stays silent where one of them is already known wrong.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from vitprune_core.spec.config import Config, level_name, n_of_m
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.numbers import several
from vitprune_core.spec.plan import epochs_of, plan, rounds_between
from vitprune_core.spec.shape import matrices

REWINDING = ("lr_rewind", "weight_rewind")
ALONE = ("weight", "row", "column")
"""Granularities whose units lie inside a matrix."""
IMPLIED = {"head": "attention", "neuron": "mlp"}
"""Granularity -> the layers that its units are made of."""
MOST_PHASES, MOST_EPOCHS = 10_000, 10_000_000


class Broken(NamedTuple):
    path: str
    """The key to change, dotted."""
    what: str


Law = Callable[[Config], Iterator[Broken]]


def broken(config: Config, wrong: set[str]) -> Iterator[tuple[tuple[str, ...], Broken]]:
    """Every law that `config` breaks, with the keys that it reads; one that reads a key in `wrong`
    is not asked."""
    wrong = set(wrong)
    for reads, law in LAWS:
        if not any(_overlap(key, bad) for key in reads for bad in wrong):
            found = list(law(config))
            wrong |= {path for path, _ in found}
            yield from ((reads, each) for each in found)


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(b + ".") or b.startswith(a + ".")


def heads_divide_the_width(config: Config) -> Iterator[Broken]:
    model = config.model
    if model.width % model.heads:
        yield Broken("model.heads", f"{model.heads} does not divide model.width {model.width}")


def patches_tile_the_image(config: Config) -> Iterator[Broken]:
    side, patch = DATASETS[config.data.name].side, config.model.patch
    if side % patch:
        what = f"{patch} does not divide the side of a {config.data.name} image, {side}"
        yield Broken("model.patch", what)


def something_is_left_to_train_on(config: Config) -> Iterator[Broken]:
    facts, data = DATASETS[config.data.name], config.data
    if data.validation > facts.images // 2:
        what = f"{data.validation} is more than half of the {facts.images} images"
        yield Broken("data.validation", what)
    if data.validation < facts.classes:
        what = f"{data.validation} is below the number of classes, {facts.classes}"
        yield Broken("data.validation", what)


def the_fold_exists(config: Config) -> Iterator[Broken]:
    folds, fold = DATASETS[config.data.name].folds, config.data.fold
    if fold is not None and folds is None:
        yield Broken("data.fold", f"{config.data.name} has a fixed test set and no folds")
    if fold is not None and folds is not None and fold >= folds:
        yield Broken("data.fold", f"{fold} is not one of 0 to {folds - 1}")


def the_augmentation_fits(config: Config) -> Iterator[Broken]:
    choices, augment = DATASETS[config.data.name].augment, config.train.augment
    if augment not in choices:
        what = f"{augment!r} does not fit {config.data.name}; choices: {', '.join(choices)}"
        yield Broken("train.augment", what)


def the_rate_falls(config: Config) -> Iterator[Broken]:
    if config.train.lr_min > config.train.lr:
        what = f"{config.train.lr_min:g} is above the peak train.lr {config.train.lr:g}"
        yield Broken("train.lr_min", what)


def sparsities_rise(config: Config) -> Iterator[Broken]:
    sparsities = config.prune.sparsities if config.prune else ()
    for i, (a, b) in enumerate(pairwise(sparsities)):
        if a >= b:
            what = f"{b:g} does not rise above the {a:g} before it"
            yield Broken(f"prune.sparsities.{i + 1}", what)
        elif level_name(a) == level_name(b):
            what = f"{b!r} and {a!r} share the name {level_name(a)}; levels have six digits"
            yield Broken(f"prune.sparsities.{i + 1}", what)


def units_run_through_the_layers(config: Config) -> Iterator[Broken]:
    """`all` is no contradiction: it becomes what the units run through."""
    prune = config.prune
    own = IMPLIED.get(prune.granularity) if prune else None
    if prune and own and prune.layers not in ("all", own):
        what = f"{prune.granularity} is a unit of {own}, not of {prune.layers}; choices: all, {own}"
        yield Broken("prune.layers", what)


def n_of_m_removes_its_own_share(config: Config) -> Iterator[Broken]:
    prune = config.prune
    pattern = n_of_m(prune.granularity) if prune else None
    if prune is None or pattern is None:
        return
    n, m = pattern
    own = level_name(1 - n / m)
    for i, sparsity in enumerate(prune.sparsities):
        if sparsity and level_name(sparsity) != own:
            what = f"{sparsity:g} is not what {prune.granularity} removes; choices: 0, {own}"
            yield Broken(f"prune.sparsities.{i}", what)
    if prune.schedule == "iterative":
        yield Broken("prune.schedule", f"{prune.granularity} is reached in one shot, not in rounds")


def m_divides_the_inputs(config: Config) -> Iterator[Broken]:
    pattern = n_of_m(config.prune.granularity) if config.prune else None
    if config.prune is None or pattern is None:
        return
    for name, (_, inputs) in matrices(config.model, config.prune.layers).items():
        if inputs % pattern[1]:
            what = f"{config.prune.granularity}: {pattern[1]} does not divide the {inputs} inputs"
            yield Broken("prune.granularity", f"{what} of {name}")
            return


def random_masks_count_by_magnitude(config: Config) -> Iterator[Broken]:
    prune = config.prune
    if prune and prune.distribution == "random" and prune.criterion != "magnitude":
        what = f"{prune.criterion} does not fit random masks; choices: magnitude"
        yield Broken("prune.criterion", what)


def a_rewind_stays_inside_the_schedule(config: Config) -> Iterator[Broken]:
    policy, fraction = config.retrain.policy, config.retrain.fraction
    if policy in REWINDING and config.retrain.total is None and fraction > 1:
        what = f"{fraction:g} is above 1: a schedule cannot be rewound past its start"
        yield Broken("retrain.fraction", what)


def a_round_of_a_total_can_be_rewound(config: Config) -> Iterator[Broken]:
    total, longest = config.retrain.total, max(epochs_of(config))
    if config.retrain.policy in REWINDING and total and longest > config.train.epochs:
        what = f"{total:g} gives a round {longest} epochs, more than the {config.train.epochs}"
        yield Broken("retrain.total", f"{what} that can be rewound")


def every_round_gets_an_epoch(config: Config) -> Iterator[Broken]:
    if config.retrain.total is None:
        return
    epochs = epochs_of(config)
    if min(epochs) < 1:
        what = f"{config.retrain.total:g} gives {sum(epochs)} epochs for {len(epochs)} rounds"
        yield Broken("retrain.total", f"{what}, and each needs one")
    if config.retrain.cycles > 1:
        yield Broken("retrain.cycles", "cannot be combined with retrain.total")


def a_given_model_has_no_past(config: Config) -> Iterator[Broken]:
    if config.dense and config.retrain.policy == "weight_rewind":
        what = "weight_rewind needs the dense training, and a model that is given (dense) has none"
        yield Broken("retrain.policy", f"{what}; choices: lr_rewind, finetune, restart")


def alone_is_measured_with_the_control(config: Config) -> Iterator[Broken]:
    prune = config.prune
    if prune is None or prune.alone is None:
        return
    if 0 not in prune.sparsities:
        yield Broken("prune.alone", "is measured with the control: add 0 to prune.sparsities")
    if prune.granularity not in ALONE:
        what = f"is for units inside one matrix, {', '.join(ALONE)}; {prune.granularity} is not"
        yield Broken("prune.alone", what)
    if prune.criterion != "magnitude":
        yield Broken("prune.alone", f"is measured by magnitude, and not by {prune.criterion}")


def lr_belongs_to_finetune(config: Config) -> Iterator[Broken]:
    if config.retrain.lr is not None and config.retrain.policy != "finetune":
        what = f"is for the policy finetune; {config.retrain.policy} follows train.lr"
        yield Broken("retrain.lr", what)


def the_plan_is_bounded(config: Config) -> Iterator[Broken]:
    if config.prune is None:
        return
    sparsities = config.prune.sparsities
    rounds = len(sparsities)
    if config.prune.schedule == "iterative":
        rounds = sum(rounds_between(a, b, config.prune.step) for a, b in pairwise((0, *sparsities)))
    cycles = config.retrain.cycles
    if rounds > MOST_PHASES:
        what = f"{config.prune.step:g} makes {rounds:,} rounds, more than {MOST_PHASES:,}"
        yield Broken("prune.step", what)
    elif rounds * cycles > MOST_PHASES:
        what = f"{several(rounds, 'round')} x {several(cycles, 'cycle')}"
        yield Broken("retrain.cycles", f"{what} are more than {MOST_PHASES:,}")
    elif (epochs := plan(config).epochs) > MOST_EPOCHS:
        yield Broken("train.epochs", f"{epochs:,} epochs in all are more than {MOST_EPOCHS:,}")


SCHEDULE = ("prune.sparsities", "prune.schedule", "prune.step", "train.epochs")
RETRAIN = ("retrain.total", "retrain.fraction", "retrain.policy", "retrain.cycles")
PRUNED_ALONE = ("prune.alone", "prune.sparsities", "prune.granularity", "prune.criterion")
LAWS: tuple[tuple[tuple[str, ...], Law], ...] = (
    (("model.heads", "model.width"), heads_divide_the_width),
    (("model.patch", "data.name"), patches_tile_the_image),
    (("data.validation", "data.name"), something_is_left_to_train_on),
    (("data.fold", "data.name"), the_fold_exists),
    (("train.augment", "data.name"), the_augmentation_fits),
    (("train.lr", "train.lr_min"), the_rate_falls),
    (("prune.sparsities",), sparsities_rise),
    (("prune.layers", "prune.granularity"), units_run_through_the_layers),
    (("prune.sparsities", "prune.granularity", "prune.schedule"), n_of_m_removes_its_own_share),
    (("prune.granularity", "prune.layers", "model"), m_divides_the_inputs),
    (("prune.distribution", "prune.criterion"), random_masks_count_by_magnitude),
    (("retrain.fraction", "retrain.policy"), a_rewind_stays_inside_the_schedule),
    ((*SCHEDULE, *RETRAIN), a_round_of_a_total_can_be_rewound),
    ((*SCHEDULE, *RETRAIN), every_round_gets_an_epoch),
    (("retrain.policy", "dense"), a_given_model_has_no_past),
    (PRUNED_ALONE, alone_is_measured_with_the_control),
    (("retrain.lr", "retrain.policy"), lr_belongs_to_finetune),
    ((*SCHEDULE, *RETRAIN), the_plan_is_bounded),
)
