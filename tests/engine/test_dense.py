"""Runs that need the same dense model: one trains, others wait, and nobody waits for the dead."""

import os
import random
from contextlib import closing
from itertools import islice

import pytest
import torch
from safetensors.torch import load as safetensors
from safetensors.torch import save

from tests.conftest import TINY, events_of
from tests.engine.test_resume import Bench, damaged
from vitprune_core.engine import files
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.device import resolve
from vitprune_core.engine.execute import execute
from vitprune_core.spec.request import load
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.lock import claim, inscribe
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.sealed import seal, sealed
from vitprune_core.store.summary import summarize

SHORT = ("train.batch_size=700", "prune.sparsities=[0.5]", "retrain.fraction=0.5")
REWIND = "retrain={policy: weight_rewind, fraction: 0.5}"


@pytest.fixture
def begin(tiny, tmp_path):
    """Start a run in this process: `begin("name", "preset", …)` is its events and moments."""

    def make(name, preset="oneshot_global", *overrides):
        config = resolve(tiny(preset, *SHORT, *overrides).config)
        run = RunDir(tmp_path / name).create()
        return closing(execute(config, load_data(config), run))

    return make


def kinds(told):
    return [type(event).__name__ for event in events_of(told)]


def test_one_trains_and_the_other_waits_until_it_is_through(begin):
    with begin("first") as first, begin("second", "oneshot_random") as second:
        told = list(islice(first, 4))
        assert kinds(islice(second, 4)) == ["Started", "DenseAwaited"]
        told += list(first)
        rest = list(second)
    assert "DenseTrained" in kinds(told)
    assert kinds(rest)[:5] == ["WaitEnded", "DenseReused", "Epoch", "Epoch", "DenseTrained"]


def test_a_waiter_names_the_run_that_trains(begin):
    with begin("first") as first, begin("second") as second:
        list(islice(first, 3))
        (awaited,) = (i for i in islice(second, 3) if isinstance(i, e.DenseAwaited))
    assert awaited.by == "first"


def test_a_waiter_takes_over_from_a_trainer_that_is_gone(begin):
    with begin("second") as second:
        with begin("first") as first:
            list(islice(first, 4))
            list(islice(second, 3))
        rest = events_of(second)
    assert kinds(rest)[:4] == ["WaitEnded", "DenseAdopted", "Epoch", "Epoch"]
    assert rest[1].of == "first"
    assert rest[1].step is None  # the first kept no checkpoint
    assert isinstance(rest[-1], e.Finished)


def test_a_waiter_goes_on_from_the_checkpoint_of_a_trainer_that_is_gone(tiny, tmp_path):
    loaded = tiny("oneshot_global", *SHORT)
    whole = Bench(tmp_path / "whole", loaded, "second")
    assert whole.attempt()
    gone = Bench(tmp_path / "shared", loaded, "first")
    assert not gone.attempt(lambda number, position: number == 6)
    second = Bench(tmp_path / "shared", loaded, "second")
    assert second.attempt()
    (adopted,) = (event for event in second.told if isinstance(event, e.DenseAdopted))
    assert (adopted.of, adopted.step) == ("first", 3)
    assert [event for event in second.told if event != adopted] == whole.told
    assert second.files == whole.files
    assert gone.attempt()  # and when the first comes back, the model is there
    assert "DenseReused" in kinds(gone.told)
    assert gone.files == whole.files


def test_a_trainer_that_comes_back_while_another_trains_waits_and_goes_on(tiny, tmp_path):
    loaded = tiny("oneshot_global", *SHORT, "prune.sparsities=[0.5, 0.75]")
    whole = Bench(tmp_path / "whole", loaded, "first")
    assert whole.attempt()
    first = Bench(tmp_path / "shared", loaded, "first")
    assert not first.attempt(lambda number, position: number == 6)
    second = Bench(tmp_path / "shared", loaded, "second")
    with closing(execute(second.config, second.data, second.run)) as training:
        list(islice(training, 4))

        def waits(number, position):
            if position is None:
                list(training)  # the other comes to its end meanwhile
            return bool(position and position().stage == "rounds" and number > 12)

        assert not first.attempt(waits)
    newest_step = int(sealed(first.run.checkpoints)[0].name.partition("-")[0])
    assert newest_step > 4  # numbered on from where it had trained to
    assert first.attempt()
    summary = summarize(first.run)
    assert summary.epochs_done == summary.epochs_planned
    reused = [event for event in first.told if isinstance(event, e.DenseReused)]
    assert [event for event in first.told if event not in reused] == whole.told
    assert first.files == whole.files


def test_what_was_adopted_is_kept_from_the_first_moment(tiny, tmp_path):
    loaded = tiny("oneshot_global", *SHORT)
    first = Bench(tmp_path, loaded, "first")
    assert not first.attempt(lambda number, position: number == 6)
    second = Bench(tmp_path, loaded, "second")
    assert not second.attempt(lambda number, position: number == 2, every=1e9)
    third = Bench(tmp_path, loaded, "third")
    assert third.attempt()
    (adopted,) = (event for event in third.told if isinstance(event, e.DenseAdopted))
    assert (adopted.of, adopted.step) == ("second", 3)


def test_a_name_in_a_lock_that_is_none_is_not_followed(begin, tiny, tmp_path):
    config = resolve(tiny("oneshot_global", *SHORT).config)
    shared = dense_of(config, RunDir(tmp_path / "first"))
    file = claim(shared.lock)
    inscribe(file, attempt=0, run="../elsewhere")
    os.close(file)
    with begin("first") as first:
        assert "DenseAdopted" not in kinds(first)


def test_retracing_during_the_rounds_takes_no_checkpoint_of_theirs(tiny, tmp_path):
    loaded = tiny(
        "iterative_global", *SHORT, "prune.sparsities=[0.5, 0.75]", "prune.step=0.5", REWIND
    )
    whole, run = Bench(tmp_path / "whole", loaded), Bench(tmp_path / "left", loaded)
    assert whole.attempt()

    def in_the_second_round(number, position):
        here = position and position()
        return here and (here.stage, here.round, here.batch) == ("rounds", 1, 1)

    assert not run.attempt(in_the_second_round)
    (kept,) = sealed(dense_of(run.config, run.run).rewinds)
    kept.unlink()
    before = sealed(run.run.checkpoints)
    assert not run.attempt(lambda number, position: number == 4)
    assert sealed(run.run.checkpoints) == before
    assert run.attempt()
    assert run.told == whole.told
    assert run.files == whole.files


def test_weights_of_an_earlier_epoch_are_kept_where_they_are_asked_for(begin, tiny, tmp_path):
    with begin("first", "oneshot_global", REWIND) as first:
        told = list(first)
    assert not [i for i in told if isinstance(i, e.Retracing)]
    (kept,) = sealed(next((tmp_path / ".dense").glob("*.epochs")))
    assert kept.name.startswith("00000001-")


def test_where_they_were_not_kept_the_stretch_is_trained_again_to_the_same_bytes(begin, tmp_path):
    with begin("plain") as plain:
        list(plain)
    assert not list((tmp_path / ".dense").glob("*.epochs"))
    with begin("rewinding", "oneshot_global", REWIND) as rewinding:
        told = list(rewinding)
    assert [k for k in kinds(told) if k.startswith("Retrac")] == ["Retracing", "Retraced"]
    (kept,) = sealed(next((tmp_path / ".dense").glob("*.epochs")))
    retraced = kept.read_bytes()
    (tmp_path / "fresh").mkdir()
    folder = next((tmp_path / ".dense").glob("*.epochs"))
    for path in (tmp_path / ".dense").iterdir():
        if path != folder and path.is_dir():
            path.rename(path.with_name("aside"))
    kept.unlink()
    with begin("again", "oneshot_global", REWIND) as again:
        second = list(again)
    (kept,) = sealed(folder)
    assert kept.read_bytes() == retraced
    assert [i for i in told if isinstance(i, e.Level)] == [
        i for i in second if isinstance(i, e.Level)
    ]


def test_who_waits_for_weights_to_rewind_to_says_when_the_wait_is_over(begin):
    with begin("plain") as plain:
        list(plain)
    asked = "oneshot_global", REWIND
    with begin("first", *asked) as first, begin("second", *asked) as second:
        while not isinstance(next(first), e.Retracing):
            pass
        told = []
        while not told or not isinstance(told[-1], e.DenseAwaited):
            told.append(next(second))
        list(first)
        told += list(second)
    assert kinds(told)[-6:-3] == ["DenseAwaited", "WaitEnded", "Pruned"]
    assert isinstance(told[-1], e.Finished)


def test_a_retraced_stretch_is_gone_on_with_like_any_other(tiny, tmp_path):
    plain, rewinding = tiny("oneshot_global", *SHORT), tiny("oneshot_global", *SHORT, REWIND)
    folders = tmp_path / "whole", tmp_path / "left"
    for folder in folders:
        assert Bench(folder, plain, "plain").attempt()
    whole, left = (Bench(folder, rewinding) for folder in folders)
    assert whole.attempt()

    def retracing(number, position):
        here = position and position()
        return here and (here.stage, here.batch) == ("retrace", 1)

    assert not left.attempt(retracing)
    assert left.attempt()
    told = [[i for i in b.told if not isinstance(i, e.DenseReused)] for b in (left, whole)]
    assert told[0] == told[1]
    assert left.files == whole.files


def test_rewinding_starts_from_those_weights_and_moments(begin, tiny, tmp_path):
    """At 0 % nothing is removed: retraining from T-t is the end of the dense training once more."""
    overrides = ("prune.sparsities=[0]", REWIND)
    config = resolve(tiny("oneshot_global", *SHORT, *overrides).config)
    with begin("run", "oneshot_global", *overrides) as told:
        moments = [i for i in told if isinstance(i, Moment) and i.position]
        assert moments
    run = RunDir(tmp_path / "run")
    state = files.load_rewind(dense_of(config, run), 1, config)
    assert state.step == 2
    trained = files.load_state(dense_of(config, run), "cpu")
    weights = files.load_tensors(run.weights("0"), "cpu")
    assert set(weights) == set(trained.weights)
    assert not all(torch.equal(weights[n], trained.weights[n]) for n in weights)  # another order


def test_a_damaged_epoch_is_set_aside_and_trained_again(begin, tmp_path):
    with begin("first", "oneshot_global", REWIND) as first:
        told = list(first)
    (kept,) = sealed(next((tmp_path / ".dense").glob("*.epochs")))
    kept.write_bytes(kept.read_bytes()[:-1])
    with begin("second", "oneshot_global", REWIND) as second:
        again = list(second)
    assert "Retracing" in kinds(again)
    assert kept.with_name(f"{kept.name}.corrupt").exists()
    assert [i for i in told if isinstance(i, e.Level)] == [
        i for i in again if isinstance(i, e.Level)
    ]


# Files that are not what was written.


FILES = ("config.yaml", "dense.json", "images.npz", "state.safetensors", "weights.safetensors")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A dense model that is there."""
    bench = Bench(tmp_path_factory.mktemp("shared"), asked_for())
    assert bench.attempt(every=1e9)
    return dense_of(bench.config, bench.run)


def asked_for():
    return load("dense", "digits", [*TINY, "train.batch_size=700"])


@pytest.mark.campaign("files", 500, 10_000)
def test_a_damaged_dense_model_is_seen_whichever_file_it_is(shared, times):
    whole, draw, seen = shared.read(), random.Random(0), 0
    assert sorted(file.name for file in shared.path.iterdir()) == list(FILES)
    while seen < times:
        file = shared.path / draw.choice(FILES)
        good = file.read_bytes()
        file.write_bytes(damaged(good, draw, other=b"another file"))
        found = shared.read()
        file.write_bytes(good)
        assert found in (None, whole)  # a blank for a blank changes nothing
        seen += found is None
    assert shared.read() == whole


@pytest.mark.campaign("files")
@pytest.mark.parametrize("name", FILES)
def test_a_dense_model_without_one_of_its_files_is_trained_again(name, begin, tmp_path, counted):
    with begin("first") as first:
        told = events_of(first)
    (folder,) = (path for path in (tmp_path / ".dense").iterdir() if path.is_dir())
    (folder / name).unlink()
    with begin("second") as second:
        again = events_of(second)
    (aside,) = (event.kept_as for event in again if isinstance(event, e.DenseDamaged))
    assert (folder.parent / aside).is_dir()
    assert [event for event in again if not isinstance(event, e.DenseDamaged)] == told
    counted(1)


def without(tensors, name):
    return {key: tensor for key, tensor in tensors.items() if key != name}


def changed(tensors, change):
    """All but the number of updates."""
    of = {name: tensor if name == "updates" else change(tensor) for name, tensor in tensors.items()}
    return save(of)


SPOILED = {
    "no safetensors": lambda tensors: b"{}",
    "a header of 8 EiB": lambda tensors: (2**63 - 1).to_bytes(8, "little"),
    "no updates": lambda tensors: save(without(tensors, "updates")),
    "updates of many": lambda tensors: save({**tensors, "updates": torch.arange(3)}),
    "no moments": lambda tensors: save({n: t for n, t in tensors.items() if "first" not in n}),
    "another model's": lambda tensors: changed(tensors, lambda t: torch.cat([t, t])),
    "halves": lambda tensors: changed(tensors, torch.Tensor.half),
    "no numbers": lambda tensors: changed(tensors, lambda t: t * torch.nan),
}


@pytest.mark.campaign("files")
@pytest.mark.parametrize("name", SPOILED)
def test_an_earlier_epoch_that_fits_its_name_and_is_none_is_set_aside(name, shared, counted):
    state = files.load_state(shared, "cpu")
    files.save_rewind(shared, 1, state)
    (good,) = sealed(shared.rewinds)
    bad = SPOILED[name](safetensors(good.read_bytes()))
    good.unlink()
    path = seal(shared.rewinds, 1, bad)
    assert files.load_rewind(shared, 1, resolve(asked_for().config)) is None
    path.with_name(f"{path.name}.corrupt").unlink()
    counted(1)
