"""A run's models as modules to use elsewhere: the ones that were measured, to the bit."""

import shutil

import numpy as np
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
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import RunDir


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Every run that was asked for, in a folder of its own that is left as it is."""
    folders = {}

    def make(loaded):
        if loaded.config not in folders:
            folder = tmp_path_factory.mktemp("made")
            events, run = carried_out(loaded, folder, "run")
            run.config.write_text(dump(resolve(loaded.config)))
            log = Log(run.log)
            for event in events:
                log.append(event)
            folders[loaded.config] = folder, events
        return folders[loaded.config]

    return make


@pytest.fixture
def done(tiny, made, tmp_path):
    """`done("rows_global", …)`: a finished run as it lies in a folder, its events and its data."""

    def make(preset, *overrides):
        loaded = tiny(preset, "retrain.fraction=0.5", *overrides)
        folder, events = made(loaded)
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        config = resolve(loaded.config)
        return RunDir(tmp_path / "run"), events, load_data(config), config

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
    with pytest.raises(ValueError, match=r"level .* is not one of dense, 0, 0\.5$"):
        load_model(run.path, level)


@pytest.mark.parametrize("kind", [np.float32, np.float64, str])
def test_a_level_is_found_by_its_name_whatever_kind_of_number_it_is(done, kind):
    run, events, data, _ = done("oneshot_global", "prune.sparsities=[0.4, 0.9]")
    assert accuracy(load_model(run.path, kind(0.9)), data) == of(e.Level, events)[1].test
    with pytest.raises(ValueError, match=r"is not one of dense, 0\.4, 0\.9$"):
        load_model(run.path, kind(0.91))


def test_levels_that_are_not_there_yet_are_told_so(tiny, done, tmp_path):
    with pytest.raises(ValueError, match=r"is no run: it has no config\.yaml"):
        load_model(tmp_path / "nowhere")
    begun = RunDir(tmp_path / "begun").create()
    begun.config.write_text(dump(tiny("oneshot_global").config))
    for level in (None, "dense", 0.5):
        with pytest.raises(ValueError, match="begun has no model yet: its log tells of none"):
            load_model(begun.path, level)


def test_only_listed_levels_that_the_log_tells_of_can_be_had(done):
    run, events, _, _ = done("iterative_global", "prune.sparsities=[0.36]", "prune.step=0.2")
    assert [level.listed for level in of(e.Level, events)] == [False, True]
    run.weights("0.95").write_bytes(run.weights("0.36").read_bytes())
    for level in (0.2, 0.95):
        with pytest.raises(ValueError, match=r"is not one of dense, 0\.36$"):
            load_model(run.path, level)


def test_a_stray_file_among_the_weights_does_no_harm(done):
    run, events, data, _ = done("oneshot_global", "prune.sparsities=[0.5]")
    for name in ("copy of 0.5.safetensors", ".0.5.safetensors.7.tmp", "notes.txt", "1.safetensors"):
        (run.weights("0.5").parent / name).write_bytes(b"stray")
    assert accuracy(load_model(run.path), data) == of(e.Level, events)[0].test


def test_what_a_resumed_run_has_told_again_is_what_counts(done):
    run, events, data, _ = done("oneshot_global", "prune.sparsities=[0, 0.5]")
    log, values = Log(run.log), {"step": 1, "worked": 0.0, "exact": True}
    first, last = of(e.Level, events)
    kept = events.index(first) + 1
    log.append(e.Resumed(after=kept, differs=(), corrupt=(), **values))
    with pytest.raises(ValueError, match=r"level 0\.5 is not one of dense, 0$"):
        load_model(run.path, 0.5)
    log.append(last)
    assert accuracy(load_model(run.path), data) == last.test


@pytest.mark.parametrize("level", ["dense", "0.5"])
def test_weights_that_are_gone_are_told(done, level):
    run, _, _, config = done("oneshot_global", "prune.sparsities=[0.5]")
    path = dense_of(config, run).weights if level == "dense" else run.weights(level)
    path.unlink()
    with pytest.raises(ValueError, match=rf"level {level}: {path} is gone"):
        load_model(run.path, level)


DAMAGE = {
    "a flipped bit of the last number": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "a flipped bit of the first name": lambda data: data[:11] + bytes([data[11] ^ 1]) + data[12:],
    "a flipped bit of its length": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "a missing end": lambda data: data[:-1],
    "nothing left": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("level", ["dense", "0.5"])
def test_damaged_weights_are_told(done, level, damage):
    run, _, _, config = done("oneshot_global", "prune.sparsities=[0.5]")
    path = dense_of(config, run).weights if level == "dense" else run.weights(level)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(ValueError, match=rf"level {level}: {path} is damaged: it is not what"):
        load_model(run.path, level)


def test_the_weights_of_another_level_are_not_taken_for_it(done):
    run, *_ = done("oneshot_global", "prune.sparsities=[0.4, 0.5]")
    run.weights("0.5").write_bytes(run.weights("0.4").read_bytes())
    with pytest.raises(ValueError, match=r"level 0\.5: .* is damaged"):
        load_model(run.path)
