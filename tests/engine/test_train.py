import math
from itertools import islice

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.conftest import result
from vitprune_core.engine.adamw import AdamW
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.evaluate import evaluate
from vitprune_core.engine.position import Position
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.state import fresh, masked
from vitprune_core.engine.train import (
    CALIBRATION,
    Losses,
    NotFinite,
    batches,
    calibration,
    check_removed,
    train,
)
from vitprune_core.engine.vit import ViT, decays, initial
from vitprune_core.spec import shape
from vitprune_core.spec.plan import Train
from vitprune_core.store.checkpoints import Moment

PHASE = Train(round=1, cycle=0, start=0, stop=1, policy="lr_rewind", sparsity=0.8)


@pytest.fixture
def request_(tiny):
    config = tiny("oneshot_global").config
    return config, load_data(config), ViT(config.model, config.data)


def trained(model, state, config, data, masks=None):
    """The state after the phase."""
    here = Position(stage="rounds", step=0, epoch=PHASE.start, state=state)
    return result(train(model, here, PHASE, config, data, masks or {})).state


def evaluated(model, part):
    return result(evaluate(model, part, Moment(0, None)))


def test_a_state_comes_back_as_it_was_put(request_):
    config, data, model = request_
    state = trained(model, fresh(initial(config)), config, data)
    again = AdamW(model, state, 0.05).state
    assert again.step == state.step == 5
    for name in state.weights:
        assert torch.equal(again.weights[name], state.weights[name])
        assert torch.equal(again.first[name], state.first[name])
        assert torch.equal(again.second[name], state.second[name])


def test_updates_equal_torchs_own_adamw(request_):
    config, data, model = request_
    ours = AdamW(model, fresh(initial(config)), 0.05)
    other = ViT(config.model, config.data)
    other.load_state_dict(initial(config))
    matrices = [p for n, p in other.named_parameters() if decays(n, p)]
    rest = [p for n, p in other.named_parameters() if not decays(n, p)]
    groups = [{"params": matrices}, {"params": rest, "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, weight_decay=0.05)
    for lr in (1e-3, 1e-2, 3e-3):
        theirs.param_groups[0]["lr"] = theirs.param_groups[1]["lr"] = lr
        for each in (model, other):
            each.zero_grad()
            cross_entropy(each(data.train.images), data.train.labels).backward()
        ours.update(lr)
        theirs.step()
    for name, weight in other.named_parameters():
        torch.testing.assert_close(ours.state.weights[name], weight.detach())


def test_training_does_not_depend_on_what_the_model_was_before(request_):
    config, data, model = request_
    first = trained(model, fresh(initial(config)), config, data)
    second = trained(model, fresh(initial(config)), config, data)
    assert all(torch.equal(first.weights[n], second.weights[n]) for n in first.weights)


def test_removed_weights_stay_zero_though_their_moments_were_not(request_):
    config, data, model = request_
    dense = trained(model, fresh(initial(config)), config, data)
    weights = {n: dense.weights[f"{n}.weight"] for n in shape.matrices(config.model)}
    masks = {f"{n}.weight": m for n, m in make_masks(weights, sparsity=0.8).items()}
    assert any(dense.first[n][~m].any() for n, m in masks.items())
    after = trained(model, masked(dense, masks), config, data, masks)
    for name, mask in masks.items():
        for values in (after.weights, after.first, after.second):
            assert not values[name][~mask].any()
        assert not after.weights[name][~mask].signbit().any()  # 0.0, not -0.0: bytes are compared
        assert not torch.equal(after.weights[name], dense.weights[name])


def test_a_weight_that_grew_back_would_be_noticed():
    with pytest.raises(RuntimeError, match="has grown back"):
        check_removed([(torch.tensor([0.0, 0.1]), torch.tensor([True, False]))])
    check_removed([(torch.tensor([0.0, 0.1]), torch.tensor([False, True]))])


def test_an_epoch_is_every_image_once_in_an_order_of_its_own(request_):
    config, data, _ = request_

    def order(phase, epoch):
        labels = [labels for _, labels in batches(data.train, phase, epoch, config)]
        return torch.cat(labels).tolist()

    assert sorted(order(PHASE, 0)) == sorted(data.train.labels.tolist())
    assert order(PHASE, 0) == order(PHASE, 0)
    others = [Train(2, 0, 0, 1, "lr_rewind"), Train(1, 1, 0, 1, "lr_rewind")]
    assert order(PHASE, 0) not in [order(PHASE, 1), *(order(p, 0) for p in others)]


def test_the_order_belongs_to_the_seed(tiny):
    orders = []
    for seed in (0, 1):
        config = tiny("dense", "data.fold=0", seed=seed).config
        data = load_data(config)
        orders.append([labels.tolist() for _, labels in batches(data.train, PHASE, 0, config)])
    assert orders[0] != orders[1]


def test_a_logit_that_is_no_number_is_never_right(request_):
    _, data, model = request_
    with torch.no_grad():
        model.classifier.bias.fill_(torch.nan)
    images, _ = evaluated(model, data.test)
    assert not images.correct.any()


def test_an_image_counts_as_right_only_if_its_class_comes_first(request_):
    _, data, model = request_
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.classifier.bias[3] = 1.0
    images, score = evaluated(model, data.test)
    threes = (data.test.labels == 3).numpy()
    assert (images.correct == threes).all()
    assert score.accuracy == threes.mean()
    assert score.top5 is None


def test_of_equal_logits_the_first_class_is_the_answer(request_):
    _, data, model = request_
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    images, score = evaluated(model, data.test)
    assert (images.correct == (data.test.labels == 0).numpy()).all()
    assert score.loss == pytest.approx(2.302585, abs=1e-5)


# Losses that are fetched now and then.


def added(losses, values, images=3):
    for value in values:
        losses.add(torch.tensor(value), images)
    return losses


VALUES = [0.1, 2.7, 1e-8, 3.3, 0.7, 1e6, 0.2]


def test_losses_are_summed_in_order_like_python_does_it():
    expected = 0.0
    for value in VALUES:
        expected += torch.tensor(value).item() * 3
    assert added(Losses(), VALUES).total() == expected


@pytest.mark.parametrize("every", [1, 2, 3, 20])
def test_how_often_they_are_fetched_does_not_change_the_sum(every):
    losses = Losses()
    for i, value in enumerate(VALUES, 1):
        added(losses, [value])
        if i % every == 0:
            losses.total()
    assert losses.total() == added(Losses(), VALUES).total()
    assert losses.total() == losses.total()  # asking changes nothing


def test_a_sum_goes_on_from_what_was_there():
    first = added(Losses(), VALUES[:3]).total()
    assert added(Losses(3, first), VALUES[3:]).total() == added(Losses(), VALUES).total()


def test_a_loss_is_kept_without_what_it_was_computed_by():
    weight = torch.ones(2, requires_grad=True)
    losses = Losses()
    losses.add(weight.sum(), 1)
    assert all(not loss.requires_grad for loss, _ in losses.waiting)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("every", [1, 2, 20])
@pytest.mark.parametrize("first", [0, 5])
def test_a_loss_that_is_no_number_names_its_batch(bad, every, first):
    losses = Losses(first, 1.0)
    for i, value in enumerate([1.0, 2.0, bad, 4.0, math.nan], 1):
        added(losses, [value])
        if i % every == 0:
            losses.total()
    assert not math.isfinite(losses.total())
    assert losses.broken == first + 2


def stops(config, data, model, weights):
    """Where a training with too large a step ends: epoch, step and learning rate."""
    here = Position(stage="rounds", step=0, epoch=0, state=fresh(weights))
    phase = Train(round=1, cycle=0, start=0, stop=2, policy="finetune", sparsity=0.8)
    with pytest.raises(NotFinite) as stop:
        result(train(model, here, phase, config, data, {}))
    found = stop.value
    return found.epoch, found.step, found.lr


@pytest.mark.parametrize("batch_size", [100, 32])
@pytest.mark.parametrize("lr", [1e18, 1e12, 1e10])
def test_a_run_that_diverges_tells_the_same_step_however_seldom_it_looks(
    tiny, monkeypatch, batch_size, lr
):
    retrain = f"retrain={{policy: finetune, lr: {lr}}}"
    config = tiny("oneshot_global", retrain, f"train.batch_size={batch_size}").config
    data, model, found = load_data(config), ViT(config.model, config.data), set()
    for device, every in (("cpu", 1), ("cuda", 1), ("cuda", 3), ("cuda", 20), ("cuda", 1000)):
        monkeypatch.setattr("vitprune_core.engine.train.FETCH_EVERY", every)
        asked = config.model_copy(update={"device": device})  # only how often it looks
        found.add(stops(asked, data, model, initial(config)))
    ((_, step, rate),) = found
    assert rate == lr
    assert 0 < step < 2 * len(data.train) / batch_size


def test_how_often_it_looks_does_not_change_what_is_learned(tiny):
    config = tiny("oneshot_global", "train.batch_size=100").config
    data, model = load_data(config), ViT(config.model, config.data)
    cuda = config.model_copy(update={"device": "cuda"})
    states = [trained(model, fresh(initial(config)), c, data) for c in (config, cuda)]
    assert all(torch.equal(states[0].weights[n], states[1].weights[n]) for n in states[0].weights)


def test_a_gpu_is_waited_for_at_every_twentieth_step_and_a_cpu_at_each(tiny, monkeypatch):
    config = tiny("oneshot_global", "train.batch_size=30").config  # 42 steps an epoch
    data, model, total, looks = load_data(config), ViT(config.model, config.data), Losses.total, {}
    for device in ("cpu", "cuda"):
        seen = looks[device] = []
        monkeypatch.setattr(Losses, "total", lambda self, seen=seen: seen.append(0) or total(self))
        asked = config.model_copy(update={"device": device})
        trained(model, fresh(initial(config)), asked, data)
    epochs = PHASE.stop - PHASE.start
    assert len(looks["cpu"]) - len(looks["cuda"]) == epochs * (42 - 2)


# Batches: varied, but by counting.


def pixels_of(taken):
    return [images.clone() for images, _ in taken]


@pytest.mark.parametrize("augment", ["none", "crop", "crop_flip", "autoaugment"])
def test_a_batch_is_the_same_wherever_one_begins(colour, augment):
    config = colour("oneshot_global", f"train.augment={augment}").config
    part = load_data(config).train
    assert len(part) == 200
    whole = list(batches(part, PHASE, 0, config))
    assert [len(labels) for _, labels in whole] == [64, 64, 64, 8]
    for first in range(5):
        rest = list(batches(part, PHASE, 0, config, first=first))
        assert len(rest) == 4 - first
        for (a, labels), (b, same_labels) in zip(whole[first:], rest, strict=True):
            assert torch.equal(a, b)
            assert torch.equal(labels, same_labels)
            assert a.dtype == torch.uint8


def test_an_image_is_varied_anew_by_seed_round_cycle_epoch_and_batch(colour):
    config = colour("oneshot_global", "train.augment=autoaugment").config
    part = load_data(config).train
    same = part.images[:1].expand(200, -1, -1, -1)  # what differs is what was done to it
    part = type(part)(same, part.labels)
    other_seed = config.model_copy(update={"seed": 1})
    calls = [
        (PHASE, 0, config),
        (PHASE, 1, config),
        (Train(2, 0, 0, 1, "lr_rewind"), 0, config),
        (Train(1, 1, 0, 1, "lr_rewind"), 0, config),
        (PHASE, 0, other_seed),
    ]
    made = [images for call in calls for images in pixels_of(islice(batches(part, *call), 2))]
    for i, one in enumerate(made):
        assert not any(torch.equal(one, other) for other in made[:i])


def test_augmentation_changes_no_stored_image(colour):
    config = colour("oneshot_global", "train.augment=autoaugment").config
    part = load_data(config).train
    before = part.images.clone()
    list(batches(part, PHASE, 0, config))
    assert torch.equal(part.images, before)


def test_calibration_is_fixed_by_the_seed_and_sees_images_as_they_are(colour):
    config = colour("oneshot_global", "train.augment=autoaugment").config
    part = load_data(config).train
    seen = list(calibration(part, config))
    assert [len(labels) for _, labels in seen] == [64, 64, 64, 8]
    stored = {image.numpy().tobytes() for image in part.images}
    assert {image.numpy().tobytes() for images, _ in seen for image in images} == stored
    again = pixels_of(calibration(part, config))
    assert all(torch.equal(a, b) for a, b in zip(pixels_of(seen), again, strict=True))
    other = pixels_of(calibration(part, config.model_copy(update={"seed": 1})))
    assert not torch.equal(again[0], other[0])


def test_calibration_sees_so_many_images_at_most(tiny):
    config = tiny("oneshot_global", "train.batch_size=500").config
    seen = [len(labels) for _, labels in calibration(load_data(config).train, config)]
    assert seen == [500, 500, 24]
    assert sum(seen) == CALIBRATION
