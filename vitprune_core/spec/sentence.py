"""A config in one plain sentence: what it does, in the words of the field."""

from vitprune_core.spec.config import Config, PruneConfig, RetrainConfig, n_of_m
from vitprune_core.spec.plan import Round, plan

UNITS = {
    "weight": "single weights",
    "row": "whole rows",
    "column": "whole columns",
    "head": "whole heads",
    "neuron": "whole hidden neurons",
}
SCORES = {
    "magnitude": "by magnitude",
    "taylor": "by weight times gradient",
    "wanda": "by weight times the norm of its input",
}
PARTS = {"head": "block", "neuron": "block"}
"""What layerwise competition is inside of, where it is not a matrix."""
LAYERS = {
    "all": "all matrices",
    "attention": "the attention matrices",
    "mlp": "the MLP matrices",
    "qk": "the query and key matrices",
    "vo": "the value and output matrices",
}
RANDOM = {
    "global": "at random, as many in each matrix as global magnitude would",
    "layerwise": "at random, as many in each matrix as layerwise magnitude would",
    "none": "at random, the same share of every matrix",
}
POLICIES = {
    "lr_rewind": "with the learning rate rewound",
    "weight_rewind": "with weights and learning rate rewound",
    "finetune": "at a constant learning rate",
    "restart": "over a whole new learning-rate schedule",
}


def sentence(config: Config) -> str:
    taken = f"Takes the dense model from {config.dense.file}. " if config.dense else ""
    if config.prune is None and taken:
        return f"{taken}Prunes nothing."
    if config.prune is None:
        return f"Trains the dense model for {config.train.epochs} epochs and prunes nothing."
    rounds = plan(config).rounds
    return f"{taken}{_removal(config.prune, rounds)}, {_retraining(config.retrain, rounds[-1])}."


def _removal(prune: PruneConfig, rounds: tuple[Round, ...]) -> str:
    levels = [f"{100 * s:.6g} %" for s in prune.sparsities if s > 0]
    if not levels:
        return "Removes nothing, as the control"
    number = sum(round.sparsity > 0 for round in rounds)
    when = ("each " if len(levels) > 1 else "") + "in one shot from the dense model"
    if prune.schedule == "iterative":
        when = f"in {number} rounds" if number > 1 else "in one round"
    control = " (and a control without pruning)" if 0 in prune.sparsities else ""
    return f"Removes {_what(prune)}: {', '.join(levels)}, {when}{control}"


def _what(prune: PruneConfig) -> str:
    layers, score = LAYERS[prune.layers], SCORES[prune.criterion]
    if pattern := n_of_m(prune.granularity):
        n, m = pattern
        chosen = "at random" if prune.distribution == "random" else score
        return f"{m - n} of every {m} neighbouring inputs in each row of {layers} {chosen}"
    part = PARTS.get(prune.granularity, "matrix")
    how = {
        "global": f"{score}, ranked over all of them together",
        "layerwise": f"{score}, ranked inside each {part}",
        "random": RANDOM[prune.random_of].replace("matrix", part),
    }[prune.distribution]
    return f"{UNITS[prune.granularity]} of {layers} {how}"


def _retraining(retrain: RetrainConfig, round: Round) -> str:
    epochs = [phase.epochs for phase in round.retrain]
    if not epochs:
        return "without retraining"
    often = f"{len(epochs)} times " if len(epochs) > 1 else ""
    moments = "kept" if retrain.optimizer == "keep" else "reset"
    plural = "epoch" if epochs[0] == 1 else "epochs"
    length = f"{often}{epochs[0]} {plural}"
    return f"then retrains for {length} {POLICIES[retrain.policy]} and the optimizer {moments}"
