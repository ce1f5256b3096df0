import math
from itertools import pairwise

import pytest

from vitprune_core.spec import shape
from vitprune_core.spec.plan import Prune, Train, epochs_of, lr_at, lr_of, plan, rounds_between
from vitprune_core.spec.request import load


def planned(preset, *overrides):
    return plan(load(preset, "digits", overrides).config)


def trained(steps):
    return [(p.round, p.cycle, p.start, p.stop) for p in steps.phases if isinstance(p, Train)]


def test_one_shot_starts_every_level_from_the_dense_model():
    steps = planned("oneshot_global", "prune.sparsities=[0.5, 0.9]")
    assert steps.phases == (
        Train(0, 0, 0, 60, "schedule"),
        Prune(1, 0.5),
        Train(1, 0, 45, 60, "lr_rewind", 0.5),
        Prune(1, 0.9),
        Train(1, 0, 45, 60, "lr_rewind", 0.9),
    )
    assert all(round.from_dense for round in steps.rounds)
    assert steps.epochs == 90


def test_iterative_rounds_remove_the_same_share_of_what_is_left():
    steps = planned("iterative_global", "prune.sparsities=[0.488, 0.9]")
    left = [1.0, *(1 - r.sparsity for r in steps.rounds)]
    shares = [1 - b / a for a, b in pairwise(left)]
    assert shares[:3] == pytest.approx([0.2] * 3, abs=1e-9)
    assert shares[3:] == pytest.approx([shares[3]] * 7, abs=1e-9)
    assert [r.sparsity for r in steps.rounds if r.listed] == [0.488, 0.9]
    assert [r.from_dense for r in steps.rounds] == [True] + [False] * 9


def test_the_poster_list_takes_17_rounds():
    assert len(planned("iterative_global").rounds) == 17


def test_from_anything_to_all_is_one_round():
    assert rounds_between(0.0, 1.0, 0.2) == rounds_between(0.98, 1.0, 0.2) == 1
    assert rounds_between(0.8, 0.81, 0.2) == 1


def test_the_control_is_a_branch_of_its_own():
    steps = planned("iterative_global", "prune.sparsities=[0, 0.36]")
    assert [(r.number, r.sparsity, r.from_dense) for r in steps.rounds] == [
        (1, 0.0, True),
        (1, pytest.approx(0.2), True),
        (2, 0.36, False),
    ]
    assert not any(isinstance(p, Prune) for p in steps.rounds[0].phases)


def test_cycles_repeat_the_retraining():
    steps = planned("retrain_only", "retrain.cycles=3")
    assert trained(steps) == [(0, 0, 0, 60), (1, 0, 45, 60), (1, 1, 45, 60), (1, 2, 45, 60)]


def test_a_total_is_shared_over_the_rounds_and_the_control_gets_all_of_it():
    overrides = ("prune.sparsities=[0, 0.36, 0.488]", "retrain.total=0.3333")
    config = load("iterative_global", "digits", overrides).config
    assert epochs_of(config) == [7, 6, 7]
    rounds = plan(config).rounds
    assert [[p.epochs for p in r.retrain] for r in rounds] == [[7, 6, 7], [7], [6], [7]]


def test_a_fraction_is_at_least_an_epoch_and_none_is_none():
    assert trained(planned("retrain_only", "retrain.fraction=0.001"))[1] == (1, 0, 59, 60)
    assert trained(planned("retrain_only", "retrain.fraction=0")) == [(0, 0, 0, 60)]


def test_a_restart_runs_its_own_schedule():
    steps = planned("retrain_only", "retrain.policy=restart", "retrain.fraction=2")
    assert trained(steps)[1] == (1, 0, 0, 120)


def test_a_dense_preset_has_one_phase():
    assert len(planned("dense").phases) == 1


def test_the_learning_rate_climbs_peaks_and_falls():
    train = load("dense", "digits").config.train
    assert lr_at(0, train) == 0
    assert lr_at(0.025, train) == pytest.approx(train.lr / 2)
    assert lr_at(0.05, train) == train.lr
    middle = lr_at(0.525, train)
    assert middle == pytest.approx((train.lr + train.lr_min) / 2)
    assert lr_at(1, train) == pytest.approx(train.lr_min)


def test_the_study_rewinds_to_a_sixth_of_its_peak():
    train = load("dense", "cifar10").config.train
    assert lr_at(0.75, train) == pytest.approx(1.6e-4, rel=0.05)


def test_retraining_replays_the_end_of_the_schedule():
    config = load("oneshot_global", "digits").config
    dense, rewound = plan(config).dense, plan(config).rounds[0].retrain[0]
    for epoch in (45, 50.5, 60):
        assert lr_of(rewound, epoch, config) == lr_of(dense, epoch, config)


def test_finetune_is_constant_and_restart_is_whole():
    config = load("oneshot_global", "digits", ["retrain.policy=finetune"]).config
    phase = plan(config).rounds[0].retrain[0]
    assert lr_of(phase, 46, config) == lr_of(phase, 59, config) == 3e-5
    config = load("oneshot_global", "digits", ["retrain.policy=restart"]).config
    phase = plan(config).rounds[0].retrain[0]
    assert lr_of(phase, 0.75, config) == pytest.approx(config.train.lr)
    assert lr_of(phase, 15, config) == pytest.approx(config.train.lr_min)


def test_the_study_has_its_parameters():
    config = load("dense", "cifar10").config
    matrices = shape.matrices(config.model)
    assert shape.parameters(config.model, config.data) == 6_268_810
    assert shape.weights(matrices) == 6_193_152
    thirds = [shape.weights(shape.matrices(config.model, k)) for k in ("qk", "vo", "mlp")]
    assert thirds == [6_193_152 // 3] * 3


def test_multiply_adds_of_a_model_that_can_be_counted_by_hand():
    from vitprune_core.spec.config import DataConfig, ModelConfig

    model = ModelConfig(patch=4, width=2, heads=1, depth=1, mlp=3)
    data = DataConfig(name="digits")
    tokens, matrices = 5, 4 * 2 * 2 + 2 * 2 * 3
    embed, classifier, attention = 4 * 16 * 2, 2 * 10, 2 * tokens * tokens * 2
    whole = embed + tokens * matrices + attention + classifier
    assert shape.multiply_adds(model, data) == whole
    pruned = shape.multiply_adds(model, data, {"blocks.0.attn.q": 1}, scores=[1], mixed=[2])
    assert pruned == whole - tokens * 3 - tokens * tokens


def test_sparsities_between_are_never_rounded():
    rounds = planned("iterative_global", "prune.sparsities=[0.9]").rounds
    k = len(rounds)
    assert k == round(math.log(0.1) / math.log(0.8))
    assert rounds[2].sparsity == pytest.approx(1 - 0.1 ** (3 / k))


def test_weight_rewinding_goes_back_to_the_epochs_its_stretches_start_from():
    asked = ["prune.sparsities=[0.5]", "prune.step=0.3", "retrain={policy: weight_rewind}"]
    rewinding = load("iterative_global", "digits", asked).config
    assert plan(rewinding).rewinds == {45}
    assert plan(load("iterative_global", "digits").config).rewinds == set()
    total = [*asked[:2], "retrain={policy: weight_rewind, total: 0.5}"]
    assert plan(load("iterative_global", "digits", total).config).rewinds == {45}
    (phase, *_) = plan(rewinding).rounds[0].retrain
    assert lr_of(phase, 45, rewinding) == lr_of(plan(rewinding).dense, 45, rewinding)
