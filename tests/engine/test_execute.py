"""Whole runs of a tiny model on the real digits: what every method promises."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import events_of, result
from vitprune_core.engine import files
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.device import resolve
from vitprune_core.engine.evaluate import evaluate
from vitprune_core.engine.execute import execute
from vitprune_core.engine.level import diverged
from vitprune_core.engine.measure import remains
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.pruning.mask import with_biases
from vitprune_core.engine.removal import scored
from vitprune_core.engine.train import NotFinite
from vitprune_core.engine.vit import ViT
from vitprune_core.spec import shape
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.plan import plan
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.grids import load as load_grids
from vitprune_core.store.rundir import RunDir

DISTRIBUTIONS, SCHEDULES = ["global", "layerwise", "random"], ["oneshot", "iterative"]
CROSS = [
    *product(["weight", "row", "column"], DISTRIBUTIONS, SCHEDULES, ["all", "attention", "mlp"]),
    *product(["head"], DISTRIBUTIONS, SCHEDULES, ["attention"]),
    *product(["neuron"], DISTRIBUTIONS, SCHEDULES, ["mlp"]),
]
FEW_STEPS = "train.batch_size=700"
"""Two an epoch: where it matters what is pruned, and not how well it is retrained."""
LARGEST = {"row": 12, "column": 12, "head": 4 * 4 * 12, "neuron": 2 * 12}
"""Weights of the largest unit of the tiny model."""
WITH_BIAS = {"row": ("q", "k", "v", "o", "fc1", "fc2"), "head": ("q", "k", "v"), "neuron": ("fc1",)}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One folder of runs for all: the tiny dense model is trained once."""
    return tmp_path_factory.mktemp("runs")


def carried_out(loaded, folder: Path, name: str):
    """All events of a run, and its folder."""
    config, run = resolve(loaded.config), RunDir(folder / name).create()
    return events_of(execute(config, load_data(config), run)), run


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize(("granularity", "distribution", "schedule", "layers"), CROSS)
def test_the_cross_product(tiny, shared, granularity, distribution, schedule, layers):
    overrides = (
        f"prune.granularity={granularity}",
        f"prune.distribution={distribution}",
        f"prune.schedule={schedule}",
        f"prune.layers={layers}",
        "prune.step=0.5",
        "prune.sparsities=[0.5, 0.75, 1]",
        "retrain.fraction=0.5",
        FEW_STEPS,
    )
    loaded = tiny("oneshot_global", *overrides)
    events, run = carried_out(
        loaded, shared, "-".join((granularity, distribution, schedule, layers))
    )
    levels = of(e.Level, events)
    assert [level.sparsity_asked for level in levels if level.listed] == [0.5, 0.75, 1]
    taking_part = shape.matrices(loaded.config.model, layers)
    before = None
    for level, name in zip(levels, ("0.5", "0.75", "1"), strict=True):
        masks = files.load_masks(run.mask(name))
        weights = files.load_tensors(run.weights(name), "cpu")
        for matrix, mask in masks.items():
            assert not weights[f"{matrix}.weight"][~mask].any()  # removed is exactly 0
            assert matrix in taking_part or mask.all()
            if matrix.rpartition(".")[2] in WITH_BIAS.get(granularity, ()):
                assert not weights[f"{matrix}.bias"][~mask.any(dim=1)].any()
            elif matrix in taking_part and level.sparsity_asked == 1:
                assert weights[f"{matrix}.bias"].any()  # no others take their bias along
        counts = remains(masks, loaded.config)
        assert counts.sparsity == level.sparsity
        groups = 2 if granularity in ("head", "neuron") else len(taking_part)  # blocks, matrices
        exact_to = LARGEST.get(granularity, 0) * (groups if distribution == "layerwise" else 1)
        tolerance = exact_to / 2 / shape.weights(taking_part) + 1e-12
        assert abs(level.sparsity - level.sparsity_asked) <= tolerance
        if before and (schedule == "iterative" or distribution == "random"):
            assert all((masks[m] <= before[m]).all() for m in masks)
        assert (counts.matrices, counts.speedup) == (level.matrices, level.speedup)
        assert load_grids(run.grid(name)).matrices.keys() == masks.keys()
        before = masks
    assert levels[-1].collapsed == tuple(taking_part)
    assert isinstance(events[-1], e.Finished)
    assert events[-1].weights_sha256 == levels[-1].weights_sha256


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("layers", ["all", "qk"])
def test_two_of_four_stays_two_of_four(tiny, shared, distribution, layers):
    overrides = (f"prune.distribution={distribution}", f"prune.layers={layers}")
    loaded = tiny("two_of_four", *overrides, "prune.sparsities=[0, 0.5]")
    events, run = carried_out(loaded, shared, f"2:4-{distribution}-{layers}")
    _, level = of(e.Level, events)
    masks, weights = (
        files.load_masks(run.mask("0.5")),
        files.load_tensors(run.weights("0.5"), "cpu"),
    )
    assert level.sparsity == 0.5
    for matrix, mask in masks.items():
        weight = weights[f"{matrix}.weight"]
        if matrix in shape.matrices(loaded.config.model, layers):
            assert (mask.view(-1, 4).sum(dim=1) == 2).all()
            assert ((weight.view(-1, 4) != 0).sum(dim=1) <= 2).all()
        else:
            assert mask.all()
        assert weights[f"{matrix}.bias"].any()


@pytest.mark.parametrize("criterion", ["taylor", "wanda"])
@pytest.mark.parametrize("granularity", ["weight", "head", "neuron", "2:4"])
def test_criteria_count_as_exactly_as_magnitude(tiny, shared, criterion, granularity):
    """They choose other units, and in rounds what is gone stays gone."""
    rounds = granularity != "2:4"
    overrides = [f"prune.granularity={granularity}", "retrain.fraction=0.5", FEW_STEPS]
    overrides += ["prune.schedule=iterative", "prune.step=0.5"] if rounds else []
    overrides += [f"prune.sparsities={[0.5, 0.75] if rounds else [0.5]}"]
    found = {}
    for chosen in ("magnitude", criterion):
        loaded = tiny("oneshot_global", *overrides, f"prune.criterion={chosen}")
        events, run = carried_out(loaded, shared, f"{criterion}-{granularity}-{chosen}")
        levels = of(e.Level, events)
        names = ("0.5", "0.75")[: len(levels)]
        found[chosen] = levels, [files.load_masks(run.mask(name)) for name in names]
        for level, masks, name in zip(*found[chosen], names, strict=True):
            weights = files.load_tensors(run.weights(name), "cpu")
            assert remains(masks, loaded.config).sparsity == level.sparsity
            assert not any(weights[f"{m}.weight"][~mask].any() for m, mask in masks.items())
        first, last = found[chosen][1][0], found[chosen][1][-1]
        assert all((last[m] <= first[m]).all() for m in first)
    (levels, one), (others, other) = found.values()
    assert [level.sparsity for level in levels] == [level.sparsity for level in others]
    if granularity != "head":  # of six heads both may take the same
        assert not all(torch.equal(one[0][m], other[0][m]) for m in one[0])


@pytest.mark.parametrize("criterion", ["taylor", "wanda"])
def test_criteria_look_at_the_model_as_it_is_pruned_so_far(tiny, shared, criterion):
    """The masks of a second round are those of its own weights, scored once more."""
    overrides = ("prune.sparsities=[0.5, 0.75]", "prune.step=0.5", "retrain.fraction=0.5")
    loaded = tiny("iterative_global", f"prune.criterion={criterion}", *overrides)
    _, run = carried_out(loaded, shared, f"again-{criterion}")
    config = resolve(loaded.config)
    data, model = load_data(config), ViT(config.model, config.data)
    weights = files.load_tensors(run.weights("0.5"), "cpu")
    model.load_state_dict(weights)
    names = list(shape.matrices(config.model))
    made = make_masks(
        {n: weights[f"{n}.weight"] for n in names},
        sparsity=0.75,
        before=files.load_masks(run.mask("0.5")),
        scores=result(scored(model, names, config, data, Moment(0, None))),
    )
    for name, mask in files.load_masks(run.mask("0.75")).items():
        assert torch.equal(mask, made[name])


def test_images_in_colour_are_trained_on_varied_and_in_half_precision(colour, tmp_path):
    overrides = ("prune.sparsities=[0.5]", "retrain.fraction=0.5")
    found = {}
    for name, word in (
        ("autoaugment", "train.augment=autoaugment"),
        ("again", "train.augment=autoaugment"),
        ("none", "train.augment=none"),
        ("bf16", "precision=bf16"),
    ):
        loaded = colour("oneshot_global", *overrides, "precision=fp32", word)
        events, run = carried_out(loaded, tmp_path / name, "run")
        weights = files.load_tensors(run.weights("0.5"), "cpu")
        assert {w.dtype for w in weights.values()} == {torch.float32}
        found[name] = events[-1].weights_sha256
    assert found["autoaugment"] == found["again"]
    assert len(set(found.values())) == 3


def test_the_same_seed_gives_equal_events_and_equal_weights(tiny, tmp_path):
    loaded = tiny("iterative_global", "prune.sparsities=[0, 0.36]")
    (first, _), (second, _) = (carried_out(loaded, tmp_path / n, "run") for n in "ab")
    assert [vars(a) for a in first if not isinstance(a, e.Started)] == [
        vars(b) for b in second if not isinstance(b, e.Started)
    ]
    assert first == second
    other, _ = carried_out(tiny("iterative_global", seed=1), tmp_path / "c", "run")
    assert other[-1] != first[-1]


def test_a_level_alone_gives_the_same_bytes_as_in_a_list(tiny, shared):
    alone, _ = carried_out(tiny("oneshot_global", "prune.sparsities=[0.8]"), shared, "alone")
    listed, _ = carried_out(tiny("oneshot_global", "prune.sparsities=[0, 0.5, 0.8]"), shared, "l")
    assert of(e.Level, alone) == of(e.Level, listed)[-1:]


def test_a_second_preset_starts_at_pruning_and_tells_the_same_epochs(tiny, tmp_path):
    first, _ = carried_out(tiny("oneshot_global", "prune.sparsities=[0.5]"), tmp_path, "first")
    second, _ = carried_out(tiny("oneshot_random", "prune.sparsities=[0.5]"), tmp_path, "second")
    (reused,) = of(e.DenseReused, second)
    assert not of(e.DenseReused, first)
    assert reused.hash == of(e.DenseTrained, first)[0].hash
    assert of(e.Epoch, first)[:2] == of(e.Epoch, second)[:2]
    assert of(e.DenseTrained, first) == of(e.DenseTrained, second)


def test_a_shared_dense_model_gives_the_same_bytes_as_a_fresh_one(tiny, tmp_path):
    loaded = tiny("oneshot_global", "prune.sparsities=[0.5]")
    fresh, _ = carried_out(loaded, tmp_path, "fresh")
    again, _ = carried_out(loaded, tmp_path, "again")
    assert of(e.Level, fresh) == of(e.Level, again)


@pytest.mark.parametrize("file", ["weights.safetensors", "state.safetensors", "dense.json"])
def test_a_damaged_dense_model_is_moved_aside_and_trained_again(tiny, tmp_path, file):
    loaded = tiny("oneshot_global", "prune.sparsities=[0.5]")
    first, _ = carried_out(loaded, tmp_path, "first")
    (folder,) = (p for p in (tmp_path / ".dense").iterdir() if p.is_dir())
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2] ^= 4
    (folder / file).write_bytes(data)
    again, _ = carried_out(loaded, tmp_path, "again")
    assert not of(e.DenseReused, again)
    (damaged,) = of(e.DenseDamaged, again)
    assert (tmp_path / ".dense" / damaged.kept_as).is_dir()
    assert [event for event in again if event != damaged] == first
    folders = sorted(p.name for p in (tmp_path / ".dense").iterdir() if p.is_dir())
    assert [name.endswith(".corrupt") for name in folders] == [False, True]


def test_another_recipe_is_another_dense_model(tiny, tmp_path):
    carried_out(tiny("dense"), tmp_path, "a")
    for i, changed in enumerate(("train.lr=0.002", "data.fold=1", "model.mlp=9")):
        events, _ = carried_out(tiny("dense", changed), tmp_path, f"b{i}")
        assert not of(e.DenseReused, events)
    assert not of(e.DenseReused, carried_out(tiny("dense", seed=1), tmp_path, "c")[0])
    # On a machine with other work two threads wait for each other: asked is what they look for.
    one, two = (dense_hash(resolve(tiny("dense", f"threads={n}").config)) for n in (1, 2))
    assert (tmp_path / ".dense" / one).is_dir()
    assert not (tmp_path / ".dense" / two).is_dir()


def test_the_control_is_retrained_and_nothing_is_removed(tiny, shared):
    events, run = carried_out(tiny("retrain_only"), shared, "control")
    (level,) = of(e.Level, events)
    (dense,) = of(e.DenseTrained, events)
    assert (level.sparsity, level.compression, level.epochs) == (0, 1, 1)
    assert not of(e.Pruned, events)
    assert level.test_before == dense.test
    assert level.weights_sha256 != dense.weights_sha256
    assert run.mask("0").exists()


def test_the_control_of_an_iterative_list_does_not_touch_the_trajectory(tiny, shared):
    plain, _ = carried_out(tiny("iterative_global", "prune.sparsities=[0.36]"), shared, "plain")
    control, _ = carried_out(tiny("iterative_global", "prune.sparsities=[0, 0.36]"), shared, "with")
    assert of(e.Level, plain) == of(e.Level, control)[1:]


def test_epochs_count_from_the_dense_model(tiny, shared):
    overrides = ("prune.sparsities=[0, 0.36, 0.488]", "retrain.fraction=0.5", "retrain.cycles=2")
    events, _ = carried_out(tiny("iterative_global", *overrides), shared, "epochs")
    assert [level.epochs for level in of(e.Level, events)] == [2, 2, 4, 6]


@pytest.mark.parametrize("policy", ["lr_rewind", "finetune", "restart"])
@pytest.mark.parametrize("optimizer", ["keep", "reset"])
def test_every_policy_retrains_with_moments_kept_or_reset(tiny, shared, policy, optimizer):
    rate = ", lr: 2e-3" if policy == "finetune" else ""
    overrides = (f"retrain={{policy: {policy}, fraction: 0.5, optimizer: {optimizer}{rate}}}",)
    name = f"{policy}-{optimizer}"
    events, _ = carried_out(
        tiny("oneshot_global", "prune.sparsities=[0.5]", *overrides), shared, name
    )
    (epoch,) = [event for event in of(e.Epoch, events) if event.round == 1]
    assert epoch.lr == pytest.approx({"lr_rewind": 3e-5, "finetune": 2e-3, "restart": 3e-5}[policy])
    assert epoch.epoch == {"lr_rewind": 1, "finetune": 1, "restart": 0}[policy]
    kept = of(e.Level, events)[0].weights_sha256
    other = f"retrain={{policy: {policy}, fraction: 0.5, optimizer: reset{rate}}}"
    events, _ = carried_out(
        tiny("oneshot_global", "prune.sparsities=[0.5]", other), shared, f"{name}2"
    )
    assert (of(e.Level, events)[0].weights_sha256 == kept) == (optimizer == "reset")


def test_an_iterative_round_goes_on_from_the_weights_of_the_round_before(tiny, shared):
    overrides = ("prune.sparsities=[0.5, 0.75]", "prune.step=0.5", "retrain.fraction=0.5")
    loaded = tiny("iterative_global", *overrides)
    events, run = carried_out(loaded, shared, "trajectory")
    weights = files.load_tensors(run.weights("0.5"), "cpu")
    masks = files.load_masks(run.mask("0.75"))
    config = resolve(loaded.config)
    model = ViT(config.model, config.data)
    parameters = with_biases(masks, "weight")
    model.load_state_dict({n: w * parameters.get(n, 1) for n, w in weights.items()})
    moment = Moment(0, None)
    _, score = result(evaluate(model, load_data(config).test, moment))
    assert score == of(e.Level, events)[1].test_before


def test_a_second_cycle_goes_on_from_the_first(tiny, shared):
    overrides = ("prune.sparsities=[0.5]", "retrain.fraction=0.5")
    once, _ = carried_out(tiny("oneshot_global", *overrides), shared, "once")
    twice, _ = carried_out(tiny("oneshot_global", *overrides, "retrain.cycles=2"), shared, "twice")
    first, second = (event for event in of(e.Epoch, twice) if event.round == 1)
    assert first == next(event for event in of(e.Epoch, once) if event.round == 1)
    assert second.loss < first.loss
    assert of(e.Level, twice)[0].weights_sha256 != of(e.Level, once)[0].weights_sha256


def test_random_masks_are_of_the_dense_weights_and_the_seed(tiny, shared):
    wanted = ("prune.sparsities=[0.5, 0.75]", "prune.step=0.5", "retrain.fraction=0.5")
    _, oneshot = carried_out(tiny("oneshot_random", *wanted), shared, "shots")
    _, iterative = carried_out(tiny("iterative_random", *wanted), shared, "rounds")
    _, other = carried_out(tiny("oneshot_random", *wanted, seed=1), shared, "other")
    for name in ("0.5", "0.75"):
        masks = [files.load_masks(run.mask(name)) for run in (oneshot, iterative, other)]
        assert all(torch.equal(masks[0][m], masks[1][m]) for m in masks[0])
        assert not all(torch.equal(masks[0][m], masks[2][m]) for m in masks[0])


@pytest.mark.parametrize("changed", ["weight_decay=0.3", "label_smoothing=0.3", "lr=0.002"])
def test_every_key_of_the_recipe_changes_the_weights(tiny, shared, changed):
    plain, _ = carried_out(tiny("dense"), shared, f"plain-{changed}")
    other, _ = carried_out(tiny("dense", f"train.{changed}"), shared, f"other-{changed}")
    assert plain[-1] != other[-1]


def test_no_retraining_leaves_what_pruning_left(tiny, shared):
    overrides = ("prune.sparsities=[0.5]", "retrain.fraction=0")
    (level,) = of(e.Level, carried_out(tiny("oneshot_global", *overrides), shared, "none")[0])
    assert (level.test, level.validation) == (level.test_before, level.validation_before)
    assert level.epochs == 0


def test_every_test_image_is_told_right_or_wrong(tiny, shared):
    events, run = carried_out(tiny("oneshot_global", "prune.sparsities=[0.5]"), shared, "images")
    (level,) = of(e.Level, events)
    with np.load(run.images("0.5")) as images:
        n = len(images["index"])
        for suffix, score in (("", level.test), ("_before", level.test_before)):
            correct = np.unpackbits(images[f"correct{suffix}"], count=n)
            assert correct.mean() == score.accuracy
            assert images[f"nll{suffix}"].mean(dtype=float) == pytest.approx(score.loss)


def test_a_loss_that_is_no_number_stops_the_run_and_says_where(tiny, tmp_path):
    events, _ = carried_out(tiny("oneshot_global", "train.lr=1e18"), tmp_path, "nan")
    stop = events[-1]
    assert isinstance(stop, e.Diverged)
    assert (stop.round, stop.level) == (0, None)
    assert stop.lr > 1e15
    assert stop.step > 0
    assert not [p for p in (tmp_path / ".dense").iterdir() if p.is_dir()]


def test_a_model_that_breaks_in_its_very_last_step_is_not_called_trained(tiny, tmp_path):
    recipe = "train={lr: 1e30, lr_min: 1e30, warmup: 0, epochs: 1, batch_size: 2000}"
    events, _ = carried_out(tiny("dense", recipe), tmp_path, "nan")
    assert isinstance(events[-1], e.Diverged)
    assert not [p for p in (tmp_path / ".dense").iterdir() if p.is_dir()]


def test_a_level_that_diverges_is_named(tiny, shared):
    overrides = ("retrain={policy: finetune, lr: 1e18, fraction: 1}", "prune.sparsities=[0.5, 0.9]")
    events, _ = carried_out(tiny("oneshot_global", *overrides), shared, "nan")
    stop = events[-1]
    assert isinstance(stop, e.Diverged)
    assert (stop.round, stop.level, stop.sparsity_asked, stop.lr) == (1, 0.5, 0.5, 1e18)
    assert stop.gradient_norm > 0


def test_a_round_that_diverges_names_the_level_it_was_to_lead_to(tiny, shared):
    overrides = ("retrain={policy: finetune, lr: 1e18, fraction: 1}", "prune.sparsities=[0, 0.5]")
    loaded = tiny("iterative_global", *overrides)
    steps = plan(loaded.config)
    phase = steps.rounds[2].retrain[0]
    stop = diverged(NotFinite(phase, 1, 2, 0.1, None), steps)
    assert (stop.round, stop.level) == (2, 0.5)
    assert stop.sparsity_asked == pytest.approx(0.37, abs=0.01)
