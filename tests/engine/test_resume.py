"""Left at any moment and gone on with, a run ends at the same bytes.

In one process, at every kind of moment; `test_workers` does the same to real ones.
"""

import hashlib
import json
import random
import shutil
import time
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from itertools import count

import pytest
import torch

from vitprune_core.attempt import Orders, attempt
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.device import fingerprint, repeats, resolve
from vitprune_core.engine.execute import execute
from vitprune_core.engine.files import packed, save_tensors
from vitprune_core.engine.position import Position, encode, read
from vitprune_core.engine.resume import carry_out, newest
from vitprune_core.engine.vit import initial
from vitprune_core.spec.config import as_dict
from vitprune_core.store import checkpoints
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment, clear
from vitprune_core.store.control import Inbox
from vitprune_core.store.log import Log, entries, kept
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.sealed import DamagedFile, sealed
from vitprune_core.store.summary import summarize

METHODS = {
    "oneshot": ("oneshot_global", "prune.sparsities=[0, 0.5]", "retrain.fraction=0.5"),
    "iterative": (
        "iterative_random",
        *("prune.sparsities=[0.5, 0.75]", "prune.step=0.5", "retrain.fraction=0.5"),
    ),
    "rows": (
        "rows_global",
        *("prune.sparsities=[0.5]", "retrain={policy: restart, fraction: 0.5, cycles: 2}"),
    ),
    "weight_rewind": (
        "iterative_global",
        *("prune.sparsities=[0.5, 0.75]", "prune.step=0.5"),
        "retrain={policy: weight_rewind, fraction: 0.5, optimizer: keep}",
    ),
}
SHORT = ("train.batch_size=700",)


class Bench:
    """A run in this process: worked on until some moment, then again, like attempts of workers."""

    def __init__(self, folder, loaded, name="run"):
        self.config, self.run = resolve(loaded.config), RunDir(folder / name)
        self.data = load_data(self.config)
        self.today = fingerprint(self.config, self.data.sha256)
        if not self.run.path.exists():
            self.run.create()
            asked = as_dict(self.config)
            Log(self.run.log).append(e.Created(preset="p", request=(), config=asked))

    def attempt(self, until=lambda number, position: False, every=0.0, change=lambda item: item):
        """Work on, and leave as if killed at a moment; whether the run is over.

        `every` seconds a checkpoint; `change` may spoil what is kept.
        """
        log, number = Log(self.run.log), count(1)

        def begin():
            with closing(carry_out(self.config, self.data, self.run, self.today)) as told:
                for item in told:
                    yield change(item) if isinstance(item, Moment) else item
                    if isinstance(item, Moment) and until(next(number), item.position):
                        raise KeyboardInterrupt

        save = partial(encode, fingerprint=self.today)
        orders = Orders(Inbox(self.run.control))
        try:
            with closing(begin()) as told:
                for _ in attempt(self.run, log, told, save, orders, every):
                    pass
        except KeyboardInterrupt:
            return False
        return True

    @property
    def told(self):
        """What the engine told and still counts."""
        return [
            record.event
            for record in kept(entries(self.run.log))
            if not isinstance(record.event, e.PROCESS)
        ]

    @property
    def files(self):
        """Everything a finished run leaves for others, as bytes."""
        kinds = ("masks", "weights", "images")
        found = [p for kind in kinds for p in (self.run.path / kind).iterdir()]
        return {p.name: p.read_bytes() for p in found}

    @property
    def dense(self):
        """What the shared dense model's record tells other runs, its time aside."""
        return replace(dense_of(self.config, self.run).read(), seconds=0.0, sha256={})


@pytest.fixture(scope="module", params=METHODS)
def whole(request, tmp_path_factory):
    """An uninterrupted run, and the request that gave it."""
    from tests.conftest import TINY
    from vitprune_core.spec.request import load

    preset, *overrides = METHODS[request.param]
    loaded = load(preset, "digits", [*TINY, *SHORT, *overrides])
    bench = Bench(tmp_path_factory.mktemp(request.param), loaded)
    assert bench.attempt(every=1e9)
    return bench, loaded


def same(one, other):
    return all(getattr(one, n) == getattr(other, n) for n in ("told", "files", "dense"))


def after(moments):
    return lambda number, position: number == moments


def moments_of(bench, tmp_path):
    """How many moments the whole run has."""
    run = RunDir(tmp_path / "counted" / "run").create()
    told = execute(bench.config, bench.data, run)
    return sum(isinstance(item, Moment) for item in told)


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_left_at_any_moment_a_run_ends_at_the_same_bytes(whole, stride, tmp_path):
    bench, loaded = whole
    for stop in range(1, moments_of(bench, tmp_path), stride):
        other = Bench(tmp_path / str(stop), loaded)
        assert not other.attempt(after(stop))
        assert other.attempt()
        assert same(bench, other), stop
        assert summarize(other.run).exact


# The same of everything else that a run may depend on: a few moments each, spread over it.


RESUMED = {
    "colour": ("train.augment=autoaugment", "precision=bf16", "prune.sparsities=[0.5]"),
    "heads": (
        *("prune.granularity=head", "prune.criterion=taylor", "prune.schedule=iterative"),
        *("prune.sparsities=[0.34, 0.67]", "prune.step=0.5"),
    ),
    "neurons": ("prune.granularity=neuron", "prune.criterion=wanda", "prune.sparsities=[0.5]"),
    "two_of_four": ("prune.granularity=2:4", "prune.criterion=wanda", "prune.sparsities=[0.5]"),
    "given": ("prune.distribution=random", "prune.sparsities=[0.5, 0.75]"),
}


def request(name, tiny, colour, folder):
    make, overrides = (colour if name == "colour" else tiny), list(RESUMED[name])
    if name == "given":
        path = folder / "mine.safetensors"
        weights = initial(tiny("dense").config)
        save_tensors(path, {n: w + 0.01 for n, w in weights.items()})
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        overrides.append(f"dense={{file: '{path}', sha256: {sha256}}}")
    short = () if name == "colour" else SHORT
    return make("oneshot_global", *short, "retrain.fraction=0.5", *overrides)


@pytest.mark.parametrize("name", RESUMED)
def test_whatever_is_asked_for_a_run_that_was_left_ends_at_the_same_bytes(
    name, tiny, colour, tmp_path
):
    loaded = request(name, tiny, colour, tmp_path)
    bench = Bench(tmp_path / "whole", loaded)
    assert bench.attempt(every=1e9)
    assert any(name.endswith(".npz") for name in bench.files)
    moments = moments_of(bench, tmp_path)
    assert moments > 15
    for stop in range(2, moments, max(moments // 5, 1)):
        other = Bench(tmp_path / str(stop), loaded)
        assert not other.attempt(after(stop))
        assert other.attempt()
        assert same(bench, other), stop
        assert summarize(other.run).exact


@pytest.mark.parametrize("criterion", ["taylor", "wanda"])
def test_left_while_weights_are_scored_a_run_ends_at_the_same_bytes(criterion, tiny, tmp_path):
    overrides = ("prune.sparsities=[0.5]", f"prune.criterion={criterion}", "retrain.fraction=0.5")
    loaded = tiny("oneshot_global", "train.batch_size=200", *overrides)
    bench, other = Bench(tmp_path / "whole", loaded), Bench(tmp_path / "left", loaded)
    assert bench.attempt(every=1e9)
    scoring = count(1)

    def third_batch(number, position):
        here = position and position()
        cutting = here and (here.stage, here.cycle, here.before) == ("rounds", -1, None)
        return cutting and next(scoring) == 5  # after the two moments before any is scored

    assert not other.attempt(third_batch)
    assert other.attempt()
    assert same(bench, other)


def test_left_again_and_again_a_run_ends_at_the_same_bytes(whole, tmp_path):
    bench, loaded = whole
    other = Bench(tmp_path, loaded)
    draw, attempts = random.Random(0), 1
    while not other.attempt(after(draw.randint(1, 20))):
        attempts += 1
    assert attempts > 3
    assert same(bench, other)


def test_without_a_checkpoint_a_run_begins_anew(whole, tmp_path):
    bench, loaded = whole
    other = Bench(tmp_path, loaded)
    assert not other.attempt(after(5), every=1e9)
    assert not sealed(other.run.checkpoints)
    assert other.attempt(every=1e9)
    assert same(bench, other)


def test_a_finished_run_keeps_no_checkpoints(whole):
    bench, _ = whole
    assert not list(bench.run.checkpoints.iterdir())
    assert not bench.run.ballast.exists()


# What a checkpoint holds: each thing left out once, the run must end elsewhere.


def spoiled(name, initial):
    """Positions as if `name` had never been written down."""
    parts = {"weights", "first", "second"}

    def spoil(position):
        if name in parts:
            lost = {n: torch.zeros_like(t) for n, t in getattr(position.state, name).items()}
            return replace(position, state=replace(position.state, **{name: lost}))
        if name == "updates":
            return replace(position, state=replace(position.state, step=0))
        return replace(position, **{name: initial})

    return spoil


OMITTED = {
    "stage": "dense",
    "round": 0,
    "cycle": -1,
    "epoch": 0,
    "batch": 0,
    "total": 0.0,
    "masks": {},
    "before": None,
    "spent": 0,
    "told": (),
    "seconds": 0.0,
    **dict.fromkeys(("weights", "first", "second", "updates")),
}


def test_every_field_of_a_position_is_among_those_left_out():
    apart = {"step", "state", "differs"}  # the file's name, the tensors, and tested further down
    known = {f.name for f in fields(Position)} - apart
    assert known | {"weights", "first", "second", "updates"} == set(OMITTED)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Runs to compare with, by request: each trained once."""
    done = {}

    def make(loaded):
        key = json.dumps(as_dict(loaded.config))
        if key not in done:
            done[key] = Bench(tmp_path_factory.mktemp("reference"), loaded)
            done[key].attempt(every=1e9)
        return done[key]

    return make


def ends_elsewhere(bench, other):
    """The equality test, on a run that may also break."""
    try:
        done = other.attempt()
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError):
        return True
    anew = any(r.event.step is None for r in entries(other.run.log) if is_resumed(r))
    seconds = dense_of(other.config, other.run).read().seconds
    return not done or anew or not same(bench, other) or seconds < LONG


def is_resumed(record):
    return isinstance(record.event, e.Resumed)


LONG = 1_000.0
"""Seconds that the interrupted attempt seems to take, so that losing them shows."""


def in_dense(number, position):
    here = position and position()
    return here and (here.stage, here.epoch, here.batch) == ("dense", 1, 1)


def in_the_second_cycle_of_the_second_round(number, position):
    here = position and position()
    return here and (here.round, here.cycle, here.batch) == (1, 1, 1)


@pytest.mark.parametrize("name", [None, *OMITTED])
def test_whatever_a_checkpoint_leaves_out_shows_in_the_result(
    name, tiny, reference, tmp_path, monkeypatch
):
    preset, *overrides = METHODS["iterative"]
    loaded = tiny(preset, *SHORT, *overrides, "retrain.cycles=2")
    bench = reference(loaded)
    found = []
    for until in (in_dense, in_the_second_cycle_of_the_second_round):
        other = Bench(tmp_path / until.__name__, loaded)
        spoil = spoiled(name, OMITTED[name]) if name else (lambda position: position)

        def change(item, spoil=spoil):
            return replace(item, position=lambda: spoil(item.position()))

        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic", partial(next, count(0.0, LONG)))
            assert not other.attempt(until, change=change)
        found.append(ends_elsewhere(bench, other))
    assert any(found) == bool(name)


# Checkpoints that are not what was written.


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """A run left in a retraining, with two checkpoints."""
    from tests.conftest import TINY
    from vitprune_core.spec.request import load

    preset, *overrides = METHODS["iterative"]
    loaded = load(preset, "digits", [*TINY, *SHORT, *overrides])
    bench = Bench(tmp_path_factory.mktemp("left"), loaded)

    assert not bench.attempt(in_the_second_round)
    assert len(sealed(bench.run.checkpoints)) == 2
    return bench


def damaged(data, draw, other):
    """Bytes as disks, power cuts and people leave them."""
    kind = draw.choice(["flip", "truncate", "zeros", "swap", "grow", "empty", "other"])
    data, at = bytearray(data), draw.randrange(len(data))
    match kind:
        case "flip":
            data[at] ^= 1 << draw.randrange(8)
        case "truncate":
            del data[at:]
        case "zeros":
            data[at : at + 4096] = bytes(len(data[at : at + 4096]))
        case "swap":
            to = draw.randrange(len(data) - 64)
            data[at : at + 64], data[to : to + 64] = data[to : to + 64], data[at : at + 64]
        case "grow":
            data[at:at] = draw.randbytes(64)
        case "empty":
            data.clear()
        case "other":
            data = bytearray(other)
    return bytes(data)


def test_two_hundred_damaged_checkpoints_are_rejected_and_the_one_before_is_used(left):
    folder, draw = left.run.checkpoints, random.Random(0)
    newer, older = sealed(folder)
    good, other = newer.read_bytes(), older.read_bytes()
    rejected = 0
    while rejected < 200:
        bad = damaged(good, draw, other)
        if bad == good:
            continue
        newer.write_bytes(bad)
        found, corrupt = newest(left.run, left.config)
        assert found.position.step == int(older.name.partition("-")[0])
        assert corrupt == (f"{newer.name}.corrupt",)
        aside = folder / corrupt[0]
        assert aside.read_bytes() == bad  # moved aside, never deleted
        aside.unlink()
        rejected += 1
    newer.write_bytes(good)
    assert newest(left.run, left.config)[0].position.step > found.position.step


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p: replace(p, state=replace(p.state, weights={})), "not those of the model"),
        (lambda p: replace(p, masks=dict(list(p.masks.items())[1:])), "masks are not those"),
    ],
)
def test_a_file_whose_name_fits_but_whose_content_does_not_is_rejected(left, change, expected):
    found, _ = newest(left.run, left.config)
    data = encode(change(found.position), 1, 0.0, left.today)
    path = checkpoints.commit(left.run.checkpoints, 10_000_000, data)
    with pytest.raises(DamagedFile, match=expected):
        read(path, left.config)
    assert newest(left.run, left.config)[1] == (f"{path.name}.corrupt",)


def test_weights_that_are_no_numbers_are_never_kept(left):
    found, _ = newest(left.run, left.config)
    name = next(iter(found.position.state.second))
    second = {**found.position.state.second, name: found.position.state.second[name] / 0}
    spoiled = replace(found.position, state=replace(found.position.state, second=second))
    assert encode(spoiled, 1, 0.0, left.today) is None


def test_both_checkpoints_damaged_begins_anew_and_ends_at_the_same_bytes(tiny, reference, tmp_path):
    preset, *overrides = METHODS["iterative"]
    loaded = tiny(preset, *SHORT, *overrides)
    other = Bench(tmp_path, loaded)
    assert not other.attempt(in_the_second_round)
    for path in sealed(other.run.checkpoints):
        path.write_bytes(path.read_bytes()[:-1])
    assert other.attempt()
    assert same(reference(loaded), other)
    (resumed,) = (r.event for r in entries(other.run.log) if is_resumed(r))
    assert (resumed.step, len(resumed.corrupt)) == (None, 2)


def in_the_second_round(number, position):
    here = position and position()
    return here and (here.round, here.cycle, here.batch) == (1, 0, 1)


@pytest.mark.parametrize("stamp", ["seq", "worked", "fingerprint"])
def test_whatever_its_stamps_leave_out_shows_too(stamp, tiny, reference, tmp_path, monkeypatch):
    loaded = tiny("oneshot_global", *SHORT, "prune.sparsities=[0.5]")
    nothing, whole = {"seq": 0, "worked": 0.0, "fingerprint": {}}, encode

    def ended(folder, left_out):
        """What is told of a run whose checkpoints lack these stamps, on a clock that jumps."""

        def without(position, seq, worked, fingerprint):
            known = {"seq": seq, "worked": worked, "fingerprint": fingerprint}
            return whole(position, **{**known, **left_out})

        other = Bench(folder, loaded)
        with monkeypatch.context() as patch:
            patch.setattr("tests.engine.test_resume.encode", without)
            patch.setattr(time, "monotonic", partial(next, count(0.0, LONG)))
            assert not other.attempt(lambda number, position: number == 3)
        other.attempt()
        summary = summarize(other.run)
        jumps = round(summary.dense.seconds / LONG)
        return same(reference(loaded), other), summary.exact, jumps

    with_all = ended(tmp_path / "all", {})
    assert with_all[:2] == (True, True)
    assert ended(tmp_path / "without", {stamp: nothing[stamp]}) != with_all


# What differs, and what is gone.


def test_a_model_trained_under_two_fingerprints_says_so_to_those_who_reuse_it(tiny, tmp_path):
    loaded = tiny("dense", *SHORT)
    first = Bench(tmp_path, loaded, "first")
    assert not first.attempt(after(2))
    first.today = {**first.today, "torch": "9.9"}
    assert not first.attempt(after(2))
    assert first.attempt()
    second = Bench(tmp_path, loaded, "second")
    assert second.attempt()
    (told,) = (event for event in second.told if isinstance(event, e.DenseReused))
    assert told.differs == ("torch",)
    assert not summarize(second.run).exact


def test_a_run_that_comes_back_under_another_fingerprint_to_its_own_model_says_so(
    tiny, tmp_path, monkeypatch
):
    bench = Bench(tmp_path, tiny("oneshot_global", *SHORT, "prune.sparsities=[0.5]"))
    assert not bench.attempt(lambda number, position: has_dense(bench))
    clear(bench.run.checkpoints)
    bench.today = {**bench.today, "numpy": "9"}
    monkeypatch.setattr("vitprune_core.engine.dense.fingerprint", lambda *_: bench.today)
    assert bench.attempt()
    assert summarize(bench.run).differs == ("numpy",)


def test_once_the_dense_model_is_there_the_first_place_to_go_on_from_is_kept(tiny, tmp_path):
    bench = Bench(tmp_path, tiny("oneshot_global", *SHORT, "prune.sparsities=[0.5]"))
    assert not bench.attempt(lambda number, position: has_dense(bench), every=1e9)
    assert newest(bench.run, bench.config)[0].position.stage == "rounds"


def has_dense(bench):
    return dense_of(bench.config, bench.run).exists


def test_seconds_of_ones_own_dense_model_are_not_lost_when_it_is_only_told_again(tiny, tmp_path):
    bench = Bench(tmp_path, tiny("oneshot_global", *SHORT, "prune.sparsities=[0.5]"))
    assert not bench.attempt(lambda number, position: has_dense(bench))
    trained = dense_of(bench.config, bench.run).read().seconds
    clear(bench.run.checkpoints)  # as if killed a moment before the first of the rounds
    assert bench.attempt()
    summary = summarize(bench.run)
    assert (summary.dense.seconds, summary.dense.reused) == (trained, False)
    assert summary.epochs_done == summary.epochs_planned
    assert summary.epochs_here == 1


def test_a_differing_fingerprint_resumes_and_says_what_differs(tiny, tmp_path):
    preset, *overrides = METHODS["oneshot"]
    bench = Bench(tmp_path, tiny(preset, *SHORT, *overrides))
    assert not bench.attempt(after(9))
    bench.today = {**bench.today, "torch": "9.9", "threads": 64}
    assert bench.attempt()
    summary = summarize(bench.run)
    assert (summary.state, summary.exact) == ("done", False)
    assert summary.differs == ("torch", "threads")


def test_cuda_promises_the_same_bytes_only_where_it_was_asked_for(tiny):
    cpu, asked = tiny("dense").config, tiny("dense", "deterministic=true").config
    cuda = cpu.model_copy(update={"device": "cuda"})
    sure = asked.model_copy(update={"device": "cuda"})
    assert [repeats(config) for config in (cpu, cuda, sure)] == [True, False, True]


def test_a_dense_model_that_is_gone_is_trained_again(tiny, reference, tmp_path):
    preset, *overrides = METHODS["iterative"]
    loaded = tiny(preset, *SHORT, *overrides)
    other = Bench(tmp_path, loaded)
    assert not other.attempt(in_the_second_round)
    shutil.rmtree(dense_of(other.config, other.run).path)
    assert other.attempt()
    assert same(reference(loaded), other)
    (resumed,) = (r.event for r in entries(other.run.log) if is_resumed(r))
    assert resumed.step  # rounds that were done are not done again


def test_a_diverged_run_keeps_its_last_finite_checkpoint(tiny, tmp_path):
    bench = Bench(tmp_path, tiny("oneshot_global", *SHORT, "train.lr=1e18"))
    bench.attempt()
    assert summarize(bench.run).state == "failed"
    for path in sealed(bench.run.checkpoints):
        state = read(path, bench.config).position.state
        assert all(t.isfinite().all() for t in packed(state).values())
    assert sealed(bench.run.checkpoints)


def test_seconds_of_an_interrupted_epoch_are_not_lost(tiny, tmp_path, monkeypatch):
    """A clock that only runs while the first attempt works: all of it must be told at the end."""
    bench = Bench(tmp_path, tiny("dense", *SHORT))
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", partial(next, count(0.0, LONG)))
        assert not bench.attempt(after(4))
    assert bench.attempt()
    summary = summarize(bench.run)
    assert summary.dense.seconds > LONG
    assert summary.seconds_here > LONG
