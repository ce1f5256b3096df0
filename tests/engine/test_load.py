"""A run's models as modules to use elsewhere: the ones that were measured, to the bit."""

import pytest
import torch

from tests.conftest import result
from tests.engine.test_execute import carried_out, of
from vitprune_core.engine import files, load_model
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.device import resolve
from vitprune_core.engine.evaluate import evaluate
from vitprune_core.engine.pruning.mask import with_biases
from vitprune_core.spec.config import dump
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment


@pytest.fixture
def done(tiny, tmp_path):
    """`done("rows_global", …)`: a finished run as it lies in a folder, its events and its data."""

    def make(preset, *overrides):
        loaded = tiny(preset, "retrain.fraction=0.5", *overrides)
        events, run = carried_out(loaded, tmp_path, "run")
        config = resolve(loaded.config)
        run.config.write_text(dump(config))
        return run, events, load_data(config), config

    return make


def accuracy(model, data):
    _, score = result(evaluate(model, data.test, Moment(0, None)))
    return score


@pytest.mark.parametrize("preset", ["oneshot_global", "rows_global", "heads", "neurons"])
def test_a_level_is_the_model_that_was_measured(done, preset):
    run, events, data, config = done(preset, "prune.sparsities=[0.34, 0.67]")
    granularity = config.prune.granularity
    for level, name in zip(of(e.Level, events), ("0.34", "0.67"), strict=True):
        model = load_model(str(run.path), level=float(name))
        assert accuracy(model, data) == level.test
        removed = with_biases(files.load_masks(run.mask(name)), granularity)
        assert any((~mask).any() for mask in removed.values())
        for parameter, mask in removed.items():
            assert not model.get_parameter(parameter)[~mask].any()
        assert files.weights_sha256(dict(model.named_parameters())) == level.weights_sha256


def test_the_dense_model_can_be_had_too(done):
    run, events, data, config = done("oneshot_global", "prune.sparsities=[0.5]")
    (dense,) = of(e.DenseTrained, events)
    model = load_model(run.path, "dense")
    assert accuracy(model, data) == dense.test
    trained = files.load_tensors(dense_of(config, run).weights, "cpu")
    assert all(torch.equal(p, trained[n]) for n, p in model.named_parameters())


def test_by_default_it_is_the_last_level_and_without_levels_the_dense_model(done, tiny):
    run, events, data, _ = done("oneshot_global", "prune.sparsities=[0, 0.00001, 0.5]")
    assert run.weights("1e-05").is_file()
    assert accuracy(load_model(run.path), data) == of(e.Level, events)[-1].test
    assert accuracy(load_model(run.path, 0), data) == of(e.Level, events)[0].test
    assert accuracy(load_model(run.path, "1e-05"), data) == of(e.Level, events)[1].test


def test_of_a_run_that_only_trains_it_is_the_dense_model(done):
    run, events, data, _ = done("dense")
    assert accuracy(load_model(run.path), data) == of(e.DenseTrained, events)[0].test


def test_it_is_ready_to_use_and_computes_as_the_run_did(done):
    run, events, data, _ = done("oneshot_global", "prune.sparsities=[0.5]", "precision=bf16")
    model = load_model(run.path)
    assert not model.training
    assert model.precision == "bf16"
    logits = model(data.test.images[:5])
    assert logits.shape == (5, 10)
    assert logits.dtype == torch.float32
    assert accuracy(model, data) == of(e.Level, events)[0].test
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("level", [0.7, "0.9", "final", 1])
def test_an_unknown_level_is_answered_with_the_choices(done, level):
    run, *_ = done("oneshot_global", "prune.sparsities=[0, 0.5]")
    with pytest.raises(ValueError, match=r"level .* is not there; choices: 0, 0\.5, dense"):
        load_model(run.path, level)


def test_levels_that_are_not_there_yet_are_told_so(done, tmp_path):
    run, _, _, config = done("oneshot_global", "prune.sparsities=[0.5]")
    run.weights("0.5").unlink()
    dense_of(config, run).weights.unlink()
    with pytest.raises(ValueError, match="is not there; choices: dense"):
        load_model(run.path)
    with pytest.raises(ValueError, match=r"is no run: it has no config\.yaml"):
        load_model(tmp_path / "nowhere")
