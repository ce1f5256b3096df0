"""Left at any moment and gone on with, a run ends at the same bytes.

In one process, at every kind of moment; `test_workers` does the same to real ones.
"""

import hashlib
import json
import math
import random
import shutil
import struct
import time
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import torch

from tests.conftest import TINY
from vitprune_core.attempt import Orders, attempt
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.device import fingerprint, repeats, resolve
from vitprune_core.engine.execute import execute
from vitprune_core.engine.files import packed, save_tensors
from vitprune_core.engine.position import COUNTERS, Position, encode, read
from vitprune_core.engine.resume import carry_out, newest
from vitprune_core.engine.vit import initial
from vitprune_core.spec.config import as_dict
from vitprune_core.spec.request import load
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


def left_at(bench, moments, folder):
    """Copies of all that is there at these moments of a run: what a `kill -9` would leave.

    The run itself goes on to its end, with a checkpoint at every moment.
    """
    left = {}

    def copy(number, position):
        if number in moments:
            left[number] = shutil.copytree(bench.run.path.parent, folder / str(number))

    assert bench.attempt(copy)
    return left


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_left_at_any_moment_a_run_ends_at_the_same_bytes(whole, stride, tmp_path):
    bench, loaded = whole
    watched = Bench(tmp_path / "watched", loaded)
    left = left_at(watched, range(1, 1000, stride), tmp_path)
    assert same(bench, watched)
    assert len(left) > 20 / stride
    for moment, folder in left.items():
        other = Bench(folder, loaded)
        assert other.attempt()
        assert same(bench, other), moment
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
    left = list(left_at(bench, range(2, 1000, 2), tmp_path).items())
    assert any(name.endswith(".npz") for name in bench.files)
    assert len(left) > 7
    for moment, folder in left[:: max(len(left) // 5, 1)]:
        other = Bench(folder, loaded)
        assert other.attempt()
        assert same(bench, other), moment
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
    apart = {"step", "state", "differs"}  # the file's name, the tensors, and left out further down
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


def in_dense(here):
    return (here.stage, here.epoch, here.batch) == ("dense", 1, 1)


def in_the_second_cycle_of_the_second_round(here):
    return (here.round, here.cycle, here.batch) == (1, 1, 1)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was left at two places, each with one checkpoint; on a clock that jumps."""
    preset, *overrides = METHODS["iterative"]
    loaded = load(preset, "digits", [*TINY, *SHORT, *overrides, "retrain.cycles=2"])
    folder = tmp_path_factory.mktemp("stopped")
    bench, places = Bench(folder / "run", loaded), {}

    def copy(number, position):
        here = position and position()
        for place in (in_dense, in_the_second_cycle_of_the_second_round):
            if here and place(here):
                places[place] = shutil.copytree(folder / "run", folder / place.__name__)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", partial(next, count(0.0, LONG)))
        assert bench.attempt(copy)
    return loaded, places


@pytest.mark.campaign("omissions")
@pytest.mark.parametrize("name", [None, *OMITTED])
def test_whatever_a_checkpoint_leaves_out_shows_in_the_result(
    name, stopped, reference, tmp_path, counted
):
    loaded, places = stopped
    spoil = spoiled(name, OMITTED[name]) if name else (lambda position: position)
    found = []
    for place, folder in places.items():
        other = Bench(shutil.copytree(folder, tmp_path / place.__name__), loaded)
        newer, older = sealed(other.run.checkpoints)
        kept = read(newer, other.config)
        data = encode(spoil(kept.position), kept.seq, kept.worked, kept.fingerprint)
        older.unlink()
        newer.unlink()
        checkpoints.commit(other.run.checkpoints, kept.position.step, data)
        found.append(ends_elsewhere(reference(loaded), other))
    assert len(found) == 2
    assert any(found) == bool(name)
    counted(bool(name))


# Checkpoints that are not what was written.


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """A run left in a retraining, with two checkpoints."""
    preset, *overrides = METHODS["iterative"]
    loaded = load(preset, "digits", [*TINY, *SHORT, *overrides, "model.depth=1"])
    bench = Bench(tmp_path_factory.mktemp("left"), loaded)

    assert not bench.attempt(in_the_second_round)
    assert len(sealed(bench.run.checkpoints)) == 2
    return bench


def damaged(data, draw, other):
    """Bytes as disks, power cuts and people leave them."""
    kind = draw.choice(["flip", "truncate", "zeros", "swap", "grow", "empty", "other", "header"])
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
        case "header":  # of the one before, over the weights of this one
            length = 8 + int.from_bytes(other[:8], "little")
            data[:length] = other[:length]
    return bytes(data)


TOGETHER = 20
"""Damaged checkpoints that lie above a good one: all have to be passed on the way to it."""


@pytest.mark.campaign("checkpoints", 1_000, 20_000)
def test_damaged_checkpoints_are_rejected_and_the_one_before_is_used(left, times):
    newer, older = sealed(left.run.checkpoints)
    good, other, draw = newer.read_bytes(), older.read_bytes(), random.Random(0)
    for first in range(0, times, TOGETHER):
        bad = {}
        while len(bad) < TOGETHER:
            data = damaged(good, draw, other)
            if data != good:
                name = f"{10_000_000 + first + len(bad)}-{newer.name.partition('-')[2]}"
                bad[name] = data
                newer.with_name(name).write_bytes(data)
        found, corrupt = newest(left.run, left.config)
        assert found.position.step == int(newer.name.partition("-")[0])
        assert corrupt == tuple(f"{name}.corrupt" for name in reversed(bad))
        for name, data in bad.items():
            aside = newer.with_name(f"{name}.corrupt")
            assert aside.read_bytes() == data  # moved aside, never deleted
            aside.unlink()
    newer.write_bytes(good[:-1])
    assert newest(left.run, left.config)[0].position.step == int(older.name.partition("-")[0])
    (newer.with_name(f"{newer.name}.corrupt")).unlink()
    newer.write_bytes(good)


# Files whose names fit and whose contents do not: no accident, but who may write may write them.


def parted(data):
    """What a file tells of its tensors, and their bytes."""
    length = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:length]), data[length:]


def joined(header, body, length=None):
    told = header if isinstance(header, bytes) else json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    return (len(told) if length is None else length).to_bytes(8, "little") + told + body


def of_a_tensor(kind, **changes):
    """Another thing told of the first tensor of a kind."""

    def change(header, body):
        name = min(name for name in header if name.startswith(kind))
        return joined({**header, name: {**header[name], **changes}}, body)

    return change


def written_at(kind, data):
    """Another thing in a tensor's place."""

    def change(header, body):
        start, _ = header[min(name for name in header if name.startswith(kind))]["data_offsets"]
        return joined(header, body[:start] + data + body[start + len(data) :])

    return change


def renamed(old, new):
    def change(header, body):
        name = min(name for name in header if name.startswith(old))
        told = {new if key == name else key: value for key, value in header.items()}
        return joined(told, body)

    return change


def told_as(dtype, part):
    """A tensor's numbers in another format, at the end."""

    def change(header, body):
        name = min(name for name in header if name.startswith(part))
        count, size = math.prod(header[name]["shape"]), {"F64": 8, "F16": 2, "I32": 4, "U8": 1}
        start, stop = header[name]["data_offsets"]
        more = count * size[dtype] - (stop - start)
        moved = {
            key: {**of, "data_offsets": [at + more * (at > start) for at in of["data_offsets"]]}
            for key, of in header.items()
            if key != "__metadata__"
        }
        moved["__metadata__"] = header["__metadata__"]
        moved[name]["dtype"] = dtype
        return joined(moved, body[:start] + bytes(count * size[dtype]) + body[stop:])

    return change


def position(**changes):
    """Another place; `...` leaves a counter out."""

    def change(header, body):
        words = header["__metadata__"]
        known = {**json.loads(words["position"]), **changes}
        known = {key: value for key, value in known.items() if value is not ...}
        told = json.dumps(known)
        return joined({**header, "__metadata__": {**words, "position": told}}, body)

    return change


def words(**changes):
    return lambda header, body: joined(
        {**header, "__metadata__": {**header["__metadata__"], **changes}}, body
    )


NAN, FULL = struct.pack("<f", math.nan), {"dtype": "F32", "shape": [1]}
HOSTILE = {
    "no bytes": lambda header, body: b"",
    "a length and nothing": lambda header, body: bytes(8),
    "a header of 8 EiB": lambda header, body: joined(header, body, length=2**63 - 1),
    "a header of 100 MB": lambda header, body: joined(header, body, length=10**8),
    "a header that ends early": lambda header, body: joined(header, body, length=100),
    "no JSON": lambda header, body: joined(b"{" * 80, body),
    "a list": lambda header, body: joined(b"[]", body),
    "deep JSON": lambda header, body: joined(b'{"a":' + b"[" * 50_000, body),
    "no UTF-8": lambda header, body: joined(b'{"\xff": 1}', body),
    "a number": lambda header, body: joined({**header, "a": 1}, body),
    "no words": lambda header, body: joined({**header, "__metadata__": {}}, body),
    "no metadata": lambda header, body: joined(
        {name: of for name, of in header.items() if name != "__metadata__"}, body
    ),
    "one tensor": lambda header, body: joined(
        {"a": {**FULL, "data_offsets": [0, 4]}, "__metadata__": header["__metadata__"]}, body[:4]
    ),
    "less than it tells": lambda header, body: joined(header, body[:-1]),
    "more than it tells": lambda header, body: joined(header, body + b"0"),
    "overlapping": of_a_tensor("weights", data_offsets=[4, 8]),
    "negative": of_a_tensor("weights", data_offsets=[-8, 8]),
    "backwards": of_a_tensor("weights", data_offsets=[8, 0]),
    "far away": of_a_tensor("weights", data_offsets=[2**40, 2**40 + 8]),
    "a huge shape": of_a_tensor("weights", shape=[2**31, 2**31, 2**31]),
    "another shape": of_a_tensor("weights", shape=[1]),
    "a negative shape": of_a_tensor("weights", shape=[-1]),
    "a format that is none": of_a_tensor("weights", dtype="PICKLE"),
    "whole numbers": of_a_tensor("weights", dtype="I32"),
    "numbers of eight bytes": told_as("F64", "weights"),
    "numbers of two bytes": told_as("F16", "second"),
    "masks of bytes": of_a_tensor("masks", dtype="U8"),
    "masks of numbers": told_as("I32", "masks"),
    "images of bytes": of_a_tensor("before.correct", dtype="U8"),
    "a weight that is no number": written_at("weights", NAN),
    "a moment that is no number": written_at("first", NAN),
    "an infinite moment": written_at("second", struct.pack("<f", math.inf)),
    "a name that is a path": renamed("weights", "weights.../../../etc/passwd"),
    "a name of nothing": renamed("first", ""),
    "a mask of another matrix": renamed("masks", "masks.blocks.9.attn.q"),
    "no results before": renamed("before.nll", "after.nll"),
    "words that are no JSON": words(position="{"),
    "words that are deep": words(position="[" * 50_000),
    "words that are text": words(position='"rounds"'),
    "words that are no numbers": words(stamps='{"seq": NaN, "worked": 0.0, "fingerprint": {}}'),
    "an infinite age": words(stamps='{"seq": 1, "worked": 1e999, "fingerprint": {}}'),
    "a record that is none": words(stamps='{"seq": "1", "worked": 0.0, "fingerprint": {}}'),
    "a list for a fingerprint": words(stamps='{"seq": 1, "worked": 0.0, "fingerprint": []}'),
    "a stage that is none": position(stage="elsewhere"),
    "a round that is none": position(round=99),
    "a round before the first": position(round=-1),
    "a round that is text": position(round="1"),
    "a round that is half": position(round=0.5),
    "a cycle that is none": position(cycle=7),
    "an epoch that is none": position(epoch=99),
    "a batch before the first": position(batch=-1),
    "a sum that is text": position(total="0"),
    "a sum that is a list": position(total=[]),
    "updates before the first": position(updates=-1),
    "no results at all": position(before=...),
    "results that are none": position(before=[{}, {}]),
    "epochs that are none": position(told=[{"round": 0}]),
    **{f"no {name}": position(**{name: ...}) for name in (*COUNTERS, "updates", "told")},
}


@pytest.mark.campaign("checkpoints")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_fits_its_name_and_is_no_checkpoint_is_rejected_too(name, left, counted):
    header, body = parted(sealed(left.run.checkpoints)[0].read_bytes())
    bad = HOSTILE[name](dict(header), body)
    path = checkpoints.commit(left.run.checkpoints, 10_000_000, bad)
    found, corrupt = newest(left.run, left.config)
    assert corrupt == (f"{path.name}.corrupt",)
    assert found.position.step < 10_000_000
    counted(1)


def test_what_was_taken_apart_and_joined_again_is_a_checkpoint(left):
    """Or nothing above would mean anything."""
    data = sealed(left.run.checkpoints)[0].read_bytes()
    for change in (joined, position(), words(), of_a_tensor("weights")):
        path = checkpoints.commit(left.run.checkpoints, 10_000_000, change(*parted(data)))
        assert newest(left.run, left.config)[1] == ()
        path.unlink()


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


@pytest.mark.campaign("omissions")
@pytest.mark.parametrize("stamp", ["seq", "worked", "fingerprint"])
def test_whatever_its_stamps_leave_out_shows_too(
    stamp, tiny, reference, tmp_path, monkeypatch, counted
):
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
    counted(1)


# What differs, and what is gone.


def trained_under_two(folder, loaded, change=lambda item: item):
    """What is told of a dense model, of which a part was trained by another torch."""
    first = Bench(folder, loaded, "first")
    assert not first.attempt(after(2), change=change)
    first.today = {**first.today, "torch": "9.9"}
    assert not first.attempt(after(2), change=change)
    assert first.attempt(change=change)
    second = Bench(folder, loaded, "second")
    assert second.attempt()
    (told,) = (event for event in second.told if isinstance(event, e.DenseReused))
    return told.differs, summarize(second.run).exact


def test_a_model_trained_under_two_fingerprints_says_so_to_those_who_reuse_it(tiny, tmp_path):
    assert trained_under_two(tmp_path, tiny("dense", *SHORT)) == (("torch",), False)


@pytest.mark.campaign("omissions")
def test_what_differed_before_is_not_said_where_a_checkpoint_leaves_it_out(tiny, tmp_path, counted):
    """So it has to be there; in the end the model looks as if one torch had trained it."""

    def change(item):
        return replace(item, position=lambda: replace(item.position(), differs=()))

    assert trained_under_two(tmp_path, tiny("dense", *SHORT), change) == ((), True)
    counted(1)


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


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"PK nonsense")])
def test_masks_that_were_spoiled_while_it_was_retrained_are_written_again(
    spoil, tiny, reference, tmp_path
):
    preset, *overrides = METHODS["oneshot"]
    loaded = tiny(preset, *SHORT, *overrides)
    other = Bench(tmp_path, loaded)
    mask = other.run.mask("0.5")
    assert not other.attempt(lambda number, position: mask.exists())
    spoil(mask)
    assert other.attempt()
    assert same(reference(loaded), other)


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
