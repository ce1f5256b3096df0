"""The steps of a plan before anything is done, in a line and as a table."""

from collections.abc import Iterator
from itertools import groupby, islice

from vitprune_core.spec.plan import Plan, Prune, Round, Train
from vitprune_tui.draw import text


def summary(steps: Plan) -> str:
    """`dense 60 epochs, 5 x (prune, retrain 15)`."""
    dense = text.several(steps.dense.epochs, "epoch")
    parts = ["dense as given" if steps.dense.policy == "given" else f"dense {dense}"]
    for what, rounds in groupby(steps.rounds, _round):
        number = len(list(rounds))
        parts.append(f"{number} x ({what})" if number > 1 else what)
    return ", ".join(parts)


def _round(round: Round) -> str:
    prune = ["prune"] if round.sparsity > 0 else []
    cycles = f"{len(round.retrain)} x " if len(round.retrain) > 1 else ""
    retrain = [f"retrain {cycles}{round.retrain[0].epochs}"] if round.retrain else []
    return ", ".join(prune + retrain) or "measure"


def table(steps: Plan, most: int | None = None) -> str:
    """A row a phase, the first `most` of them."""
    rows = list(islice(_rows(steps), most))
    return text.table(("ROUND", "PHASE", "SPARSITY", "EPOCHS", "STRETCH"), rows, "r rr")


def _rows(steps: Plan) -> Iterator[tuple[object, ...]]:
    for phase in steps.phases:
        removed = text.sparsity(phase.sparsity) if phase.round else ""
        match phase:
            case Prune():
                yield phase.round, "prune", removed, "", ""
            case Train():
                name = "retrain" if phase.round else "dense"
                stretch = f"{phase.start} to {phase.stop}"
                stretch += f" ({phase.policy})" if phase.round else " of the schedule"
                yield phase.round, name, removed, str(phase.epochs), stretch
