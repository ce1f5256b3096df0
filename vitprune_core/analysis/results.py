"""What was measured, as Markdown tables: accuracies with spread and number of seeds, costs."""

from collections.abc import Iterable

from vitprune_core.analysis.gather import Gathered
from vitprune_core.analysis.panels import facets
from vitprune_core.analysis.summaries import LevelSummary, Spread, costs, environments, in_order
from vitprune_core.spec.config import Config
from vitprune_core.spec.numbers import several, sparsity
from vitprune_core.spec.plan import plan
from vitprune_core.spec.request import completed
from vitprune_core.spec.sentence import POLICIES
from vitprune_core.store.clean import prose
from vitprune_core.store.export import table


def results(g: Gathered) -> list[str]:
    if not g.levels:
        return ["No run is done yet."]
    return [
        "Test accuracy in percent after retraining, by the share removed: mean ± sample standard "
        "deviation (number of seeds). Shares count the weights of the layers that take part.",
        _accuracies(g),
        "The same levels with lowest and highest seed, accuracy before retraining, loss, what is "
        "really removed, compression and theoretical speed-up are in [levels.csv](levels.csv), "
        "every seed's rows in [results.csv](results.csv) and [results.parquet](results.parquet), "
        "the verdicts in findings.json.",
    ]


def _accuracies(g: Gathered) -> str:
    asked = sorted({level.asked for of in g.levels.values() for level in of})

    def row(arm: str, of: Iterable[LevelSummary]) -> list[str]:
        at = {level.asked: f"{mean_sd(level.accuracy, 1)} ({level.accuracy.n})" for level in of}
        prune = g.study.arms[arm].prune
        return [arm, prune.layers if prune else "", *(at.get(a, "") for a in asked)]

    rows = [row(arm, of) for arm, of in g.levels.items()]
    return table(("arm", "layers", *map(sparsity, asked)), rows)


def mean_sd(spread: Spread | None, digits: int) -> str:
    """In percent: 97.2 ± 0.4."""
    if spread is None:
        return ""
    sd = "" if spread.sd is None else f" ± {100 * spread.sd:.{digits}f}"
    return f"{100 * spread.mean:.{digits}f}{sd}"


def arms(g: Gathered) -> list[str]:
    """What each arm is, choice by choice; a control prunes nothing. What all share is told once."""
    rows = [(arm, *_arm(completed(c))) for arm, c in g.study.arms.items()]
    columns = list(zip(ARM_HEAD, zip(*rows, strict=True), strict=True))
    shared = [(head, of[0]) for head, of in columns[1:] if len({*of}) == 1 and len(rows) > 1]
    shown = [(head, of) for head, of in columns if (head, of[0]) not in shared]
    told = "; ".join(f"{head}: {what}" for head, what in shared if what)
    return [
        *([prose(f"The same for all arms: {told}.")] if told else []),
        table([head for head, _ in shown], zip(*(of for _, of in shown), strict=True)),
    ]


ARM_HEAD = (
    "arm",
    "removes",
    "of",
    "chosen",
    "to",
    "how",
    "retrained for",
    "in which way",
    "optimizer",
)


def _arm(config: Config) -> tuple[str, ...]:
    what, prune, retrain = facets(config), config.prune, config.retrain
    rounds = plan(config).rounds
    epochs = [len(r.retrain) * r.retrain[0].epochs for r in rounds if r.retrain]
    iterative = prune is not None and prune.schedule == "iterative"
    each = " a round" if iterative else ""
    length = f"{several(epochs[-1], 'epoch')}{each}" if epochs else "not at all"
    again = (
        (length, POLICIES[retrain.policy], retrain.optimizer or "") if epochs else (length, "", "")
    )
    if prune is None or not what:
        return "nothing", "", "", "", "", *again
    chosen = what["distribution"]
    if prune.distribution != "random":
        chosen = f"{chosen}, by {what['criterion']}"
    to = ", ".join(sparsity(s) for s in prune.sparsities)
    how = f"iterative, {several(len(rounds), 'round')}" if iterative else "one-shot"
    return what["granularity"], what["layers"], chosen, to, how, *again


def spent(g: Gathered) -> list[str]:
    found = in_order(g.study.arms, g.tables.costs.values(), lambda cost: cost.arm)
    if not found:
        return ["Nothing is known of costs yet."]
    of_arms = costs(found)
    hours = sum(c.seconds for c in of_arms) / 3600
    again, inexact = sum(c.again for c in of_arms), sum(c.inexact for c in of_arms)
    broken = (
        f"{several(again, 'run')} needed more than one attempt" if again else "none was interrupted"
    )
    rows = [
        (c.arm, c.runs, f"{c.epochs:,}", f"{c.seconds:,.0f}", f"{c.seconds / c.runs:,.1f}")
        for c in of_arms
    ]
    seen = environments(found)
    return [
        prose(
            f"{several(sum(c.runs for c in of_arms), 'run')}, {sum(c.epochs for c in of_arms):,} "
            f"epochs, {hours:.2f} hours of training; {broken}, and "
            f"{inexact or 'none'} went on in another environment than it was begun in. The first "
            "run of a seed trains the dense model for all its others. Seconds depend on what else "
            "the machine did meanwhile."
        ),
        table(("arm", "runs", "epochs trained", "seconds", "seconds a run"), rows),
        table(
            ("host", "device", "threads", "Python", "torch", "vitprune", "runs"),
            [(*place, number) for place, number in seen],
        ),
    ]
