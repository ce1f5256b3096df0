"""Left at any moment and gone on with, a run ends at the same bytes. In one process; `test_workers`
does the same to real ones."""

import json
import random
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
from vitprune_core.engine.device import fingerprint, resolve
from vitprune_core.engine.execute import execute
from vitprune_core.engine.position import Position, encode
from vitprune_core.engine.resume import carry_out
from vitprune_core.spec.config import as_dict
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.control import Inbox
from vitprune_core.store.log import Log, entries, kept
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.sealed import sealed
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
            for _ in attempt(self.run, log, begin, save, orders, every):
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


    @property
    def dense(self):
        """What the shared dense model's record tells other runs, its time aside."""
        return replace(dense_of(self.config, self.run).read(), seconds=0.0, sha256={})


def same(one, other):
    return all(getattr(one, n) == getattr(other, n) for n in ("told", "files", "dense"))


def after(moments):
    return lambda number, position: number == moments


def moments_of(bench, tmp_path):
    """How many moments the whole run has."""
    run = RunDir(tmp_path / "counted" / "run").create()
    told = execute(bench.config, bench.data, run)
    return sum(isinstance(item, Moment) for item in told)


def test_left_at_any_moment_a_run_ends_at_the_same_bytes(whole, tmp_path):
    bench, loaded = whole
    for stop in range(1, moments_of(bench, tmp_path), 4):
        other = Bench(tmp_path / str(stop), loaded)
        assert not other.attempt(after(stop))
        assert other.attempt()
        assert same(bench, other), stop
        assert summarize(other.run).exact


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
    known = {f.name for f in fields(Position)} - {"step", "state"}  # the step is the file's name
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
