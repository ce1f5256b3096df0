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
from vitprune_core.engine.train import batches, check_removed, train
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
