"""A loss, gradient, weight or score that is not a number ends a run, which says where.

What is broken is broken on purpose: the model's answer while it trains or is measured, a gradient
before an update, a weight after it. `test_train` has the same for the loop alone.
"""

import math
import random
from contextlib import contextmanager
from itertools import product

import pytest
import torch

from tests.engine.test_resume import Bench
from vitprune_core.engine.adamw import AdamW
from vitprune_core.engine.files import packed, save_tensors
from vitprune_core.engine.given import GivenError
from vitprune_core.engine.resume import newest
from vitprune_core.engine.vit import ViT, initial
from vitprune_core.store import events as e
from vitprune_core.store.summary import summarize
from vitprune_tui.draw.told import told

STEPS, EPOCHS = 4, 2
"""Of an epoch; of dense training, of which retraining is the second half."""
ASKED = ("train.batch_size=350", "prune.sparsities=[0.5]", "retrain.fraction=0.5", "threads=1")
PLACES = {
    "dense": (0, 2, STEPS - 1, STEPS, 2 * STEPS - 1),
    "retraining": (0, 2, STEPS - 1),
}
"""Steps of a phase: the first, the last, those around an epoch's end, one in the middle."""
PARTS = ("loss", "gradient", "weight", "validation")
CASES = [
    case
    for phase, steps in PLACES.items()
    for case in product((math.nan, math.inf), PARTS, [phase], steps, ("fp32", "bf16"))
    if case[1] != "validation" or (case[3] + 1) % STEPS == 0
]


@contextmanager
def broken(part, number, step):
    """From the update that is number `step` in this process on, a part of training is `number`."""
    forward, update, updates = ViT.forward, AdamW.update, 0

    def answer(model, images):
        logits = forward(model, images)
        trains = part == "loss" and model.training and updates == step
        watched = part == "validation" and not model.training and updates == step + 1
        if trains or watched:  # of an infinite loss the label's answer is -inf
            return torch.full_like(logits, -math.inf) if number == math.inf else logits * math.nan
        return logits

    def move(optimizer, lr):
        nonlocal updates
        bias = optimizer.weights["classifier.bias"]
        if (part, updates) == ("gradient", step):
            bias.grad[0] = number
        update(optimizer, lr)
        if (part, updates) == ("weight", step):
            bias.data[0] = number
        updates += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ViT, "forward", answer)
        patch.setattr(AdamW, "update", move)
        yield


def seen_at(part, step):
    """A loss at once, what an update breaks by the next loss or at the epoch's end."""
    later = part in ("gradient", "weight") and (step + 1) % STEPS != 0
    return step + later


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder for each precision, in which the dense model is there already."""
    made = {}

    def make(tiny, precision):
        if precision not in made:
            made[precision] = tmp_path_factory.mktemp(precision)
            asked = tiny("oneshot_global", *ASKED, f"precision={precision}")
            assert Bench(made[precision], asked, "first").attempt(every=1e9)
        return made[precision]

    return make


def ended(bench):
    """Where a run that broke says that it did."""
    bench.attempt()
    summary = summarize(bench.run)
    assert summary.state == "failed"
    (event,) = (found for found in bench.told if isinstance(found, e.Diverged))
    assert event == summary.diverged
    norm = "?" if event.gradient_norm is None else f"{event.gradient_norm:.3g}"
    where = f"step {event.step} of epoch {event.epoch}, learning rate {event.lr:.3g}"
    for words in (summary.reason, told(event, summary)):
        assert f"{where}, gradient norm before it {norm}" in words
    return event


def kept(bench):
    """The newest checkpoint, which is whole and of numbers; its position."""
    found, corrupt = newest(bench.run, bench.config)
    assert corrupt == ()
    state = packed(found.position.state)
    assert all(bool(tensor.isfinite().all()) for tensor in state.values())
    return found.position


@pytest.mark.campaign("numbers", 20, len(CASES))
def test_a_number_that_is_none_ends_a_run_and_the_last_finite_weights_stay(
    tiny, trained, tmp_path, times
):
    for at, case in enumerate(random.Random(1).sample(CASES, times)):
        number, part, phase, step, precision = case
        folder = trained(tiny, precision) if phase == "retraining" else tmp_path / str(at)
        asked = tiny("oneshot_global", *ASKED, f"precision={precision}")
        bench = Bench(folder, asked, f"run-{at}")
        with broken(part, number, step):
            event = ended(bench)
        assert (event.round, event.step) == (phase == "retraining", seen_at(part, step)), case
        first = (EPOCHS - 1) * STEPS if phase == "retraining" else 0
        assert event.epoch == (first + event.step) // STEPS, case
        here = kept(bench)
        done = here.epoch * STEPS + here.batch - first
        assert done == step + (part == "validation"), case


LARGE = [
    (phase, lr, precision)
    for lr in (1e18, 1e12, 1e10)
    for phase, precision in product(PLACES, ("fp32", "bf16"))
]


@pytest.mark.campaign("numbers", 4, len(LARGE))
def test_a_learning_rate_that_is_too_large_ends_a_run_with_its_rate(tiny, trained, tmp_path, times):
    for phase, lr, precision in random.Random(0).sample(LARGE, times):
        dense, change = (
            (tmp_path / precision, f"train.lr={lr}")
            if phase == "dense"
            else (trained(tiny, precision), f"retrain={{policy: finetune, lr: {lr}}}")
        )
        asked = tiny("oneshot_global", *ASKED, f"precision={precision}", change)
        bench = Bench(dense, asked, f"{phase}-{lr:g}")
        event = ended(bench)
        assert event.lr <= lr
        assert event.round == (phase == "retraining")
        kept(bench)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_new_run_with_other_settings_shares_the_dense_model(precision, tiny, trained):
    folder = trained(tiny, precision)
    large = "retrain={policy: finetune, lr: 1e18}"
    failed = Bench(folder, tiny("oneshot_global", *ASKED, f"precision={precision}", large), "bad")
    assert ended(failed).level == 0.5
    other = Bench(folder, tiny("oneshot_global", *ASKED, f"precision={precision}"), "good")
    assert other.attempt(every=1e9)
    assert any(isinstance(event, e.DenseReused) for event in other.told)
    assert summarize(other.run).state == "done"


def test_a_given_model_whose_answers_are_none_is_refused_with_the_reason(tiny, tmp_path):
    weights = initial(tiny("dense").config)
    huge = torch.full_like(weights["classifier.weight"], 3e38)
    save_tensors(tmp_path / "huge.safetensors", {**weights, "classifier.weight": huge})
    asked = tiny("oneshot_global", *ASKED, f"dense={{file: '{tmp_path}/huge.safetensors'}}")
    bench = Bench(tmp_path, asked)
    with pytest.raises(GivenError, match=r"huge\.safetensors: its loss on these images is no num"):
        bench.attempt()
    assert not any(isinstance(event, e.DenseTrained) for event in bench.told)
