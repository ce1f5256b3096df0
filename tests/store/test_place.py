"""What a reader goes on from: places to go back to, and the one that is kept for the next."""

import json
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.test_history import epoch, logs, read, rows, seen_by, told_by, write
from tests.store.test_summary import CREATED, DENSE, RESUMED, STARTED, STARTING, level
from vitprune_core.attempt import Orders, attempt
from vitprune_core.store import columns as thinning
from vitprune_core.store import events as e
from vitprune_core.store import history as module
from vitprune_core.store import rundir
from vitprune_core.store.brief import brief
from vitprune_core.store.brief import encode as encode_parts
from vitprune_core.store.control import Inbox
from vitprune_core.store.history import Reader
from vitprune_core.store.log import Log, encode
from vitprune_core.store.place import load
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import cache, summarize

TOLD = [CREATED, STARTING, STARTED, *map(epoch, range(5)), DENSE, epoch(round=1), level()]


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path / "run").create()


@pytest.fixture
def taken(monkeypatch):
    """Bytes of each part of a log that is taken apart."""
    sizes, take = [], Reader._take
    monkeypatch.setattr(
        Reader, "_take", lambda self, lines: sizes.append(len(lines)) or take(self, lines)
    )
    return sizes


@pytest.fixture
def in_pieces(monkeypatch):
    """A place for every line or two."""
    monkeypatch.setattr(module, "CHUNK", 500)


def test_a_reader_goes_on_from_where_another_kept_it(run, taken):
    write(run, TOLD)
    cache(run)
    size = run.log.stat().st_size
    write(run, [epoch(1, round=1), level(0.95)])
    taken.clear()
    reader = read(run)
    assert sum(taken) == run.log.stat().st_size - size
    assert seen_by(reader) == told_by(run)


@settings(max_examples=80, deadline=None)
@given(
    data=logs(),
    cuts=st.lists(st.integers(0, 8000), max_size=4),
    chunk=st.integers(1, 3000),
    places=st.integers(1, 8),
)
def test_whoever_goes_on_wherever_is_told_what_the_slow_way_tells(
    tmp_path_factory, data, cuts, chunk, places
):
    run, at = RunDir(tmp_path_factory.mktemp("run")), 0
    with pytest.MonkeyPatch.context() as patch, run.log.open("ab", buffering=0) as file:
        patch.setattr(module, "CHUNK", chunk)
        patch.setattr(module, "PLACES", places)
        first = Reader(run)
        for cut in [*sorted(cuts), len(data)]:
            file.write(data[at:cut])
            at = max(at, cut)
            first.read()
            cache(run)
            assert load(run).offset == first.end
            assert seen_by(first) == seen_by(read(run)) == told_by(run)


@settings(max_examples=50, deadline=None)
@given(data=logs(), most=st.integers(1, 3000))
def test_slice_by_slice_it_is_the_same(tmp_path_factory, data, most):
    run = RunDir(tmp_path_factory.mktemp("run"))
    run.log.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", 400)
        reader = Reader(run)
        reader.read(most)
        while reader.behind:
            reader.read(most)
    assert seen_by(reader) == told_by(run)


def test_what_a_resumed_run_takes_back_is_read_again_and_no_more(run, in_pieces, taken):
    told = write(run, [CREATED, STARTED, *map(epoch, range(100))])
    reader = read(run)
    taken.clear()
    (resumed,) = write(run, [replace(RESUMED, after=100)])
    reader.read()
    assert seen_by(reader) == told_by(run)
    assert sum(taken) < resumed.end - told[99].end + 1500


def test_a_run_that_was_resumed_a_hundred_times_is_read_about_once(run, in_pieces, taken):
    log = Log(run.log)
    for event in (CREATED, STARTED, epoch(0)):
        log.append(event)
    for at in range(100):
        known = log.seq if at % 2 else 3
        for event in (epoch(1), epoch(2), STARTING, replace(RESUMED, after=known)):
            log.append(event)
    assert seen_by(read(run)) == told_by(run)
    assert sum(taken) < 5 * run.log.stat().st_size


def test_records_before_what_was_kept_can_still_be_taken_back(run):
    write(run, TOLD)
    cache(run)
    reader = read(run)
    write(run, [replace(RESUMED, after=5), epoch(2)])
    reader.read()
    assert seen_by(reader) == seen_by(read(run)) == told_by(run)
    assert (reader.summary.dense, reader.summary.epochs_done) == (None, 3)


def test_who_took_records_back_and_was_taken_back_itself_has_still_taken_them(run, in_pieces):
    """Two resumes, the later one from before the first: also for one who goes on between them."""
    write(run, [CREATED, STARTED, epoch(0)])
    cache(run)  # with the epoch
    reader = read(run)
    write(run, [*map(epoch, range(30)), replace(RESUMED, after=2), epoch(0)])
    reader.read()
    assert reader.summary.epochs_done == 1
    write(run, [replace(RESUMED, after=20)])
    assert seen_by(read(run)) == told_by(run)
    cache(run)  # after the first resume
    write(run, [epoch(0), replace(RESUMED, after=21)])
    reader.read()
    assert seen_by(reader) == seen_by(read(run)) == told_by(run)
    assert reader.summary.epochs_done == 0


def test_what_another_kept_meanwhile_is_gone_back_to(run, in_pieces, taken, monkeypatch):
    monkeypatch.setattr(module, "PLACES", 2)
    write(run, [CREATED, STARTED, *map(epoch, range(50))])
    reader = read(run)
    cache(run)
    write(run, map(epoch, range(50)))
    reader.read()
    write(run, [replace(RESUMED, after=60)])
    taken.clear()
    reader.read()
    assert seen_by(reader) == told_by(run)
    assert sum(taken) < 0.7 * run.log.stat().st_size


def spoilt(run, change):
    """What was kept, with something else in it, as if that had been written."""
    data = json.loads(run.summary.read_text())
    change(data)
    rest = set(data) - {*HEAD, "summary"}
    run.summary.write_bytes(
        encode_parts([{key: data[key] for key in keys} for keys in (HEAD, ("summary",), rest)])
    )


HEAD = ("version", "after", "crc_log", "brief")


def test_a_byte_that_is_another_is_not_believed(run):
    write(run, TOLD)
    cache(run)
    whole, right = run.summary.read_bytes(), (brief(run), summarize(run), seen_by(read(run)))
    for at in range(0, len(whole), 7):
        run.summary.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert (brief(run), summarize(run), seen_by(read(run))) == right


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(version=3),
        lambda d: d.update(crc_log=d["crc_log"] ^ 1),
        lambda d: d.update(after=d["after"] + 1),
        lambda d: d.update(after=-d["after"]),
        lambda d: d.update(after="0"),
        lambda d: d.update(last=None),
        lambda d: d.update(span=[1]),
        lambda d: d.update(span=0),
        lambda d: d.update(settled=-1),
        lambda d: d.update(settled=7),
        lambda d: d["history"].update(done=[3] * 6),
        lambda d: d["history"].update(seq=d["history"]["seq"][::-1]),
        lambda d: d.update(summary=[]),
        lambda d: d.update(tested=[[0, "Level"]]),
        lambda d: d.update(tested=[[-1, "Level"]]),
        lambda d: d.update(latest=[[1, "Created"]]),
        lambda d: d.update(latest=[5]),
        lambda d: d["history"].update(loss=[]),
        lambda d: d["history"].update(loss=["x"] * 6),
        lambda d: d["history"].update(round=[2**60] * 6),
        lambda d: d["history"].pop("lr"),
    ],
)
def test_what_was_kept_and_is_not_right_is_not_believed(run, change):
    write(run, TOLD)
    cache(run)
    assert load(run) is not None
    spoilt(run, change)
    assert load(run) is None
    assert seen_by(read(run)) == told_by(run)


def test_what_was_kept_of_another_log_is_not_believed(run):
    write(run, TOLD)
    cache(run)
    data = bytearray(run.log.read_bytes())
    data[-100] ^= 1
    run.log.write_bytes(data)
    assert (summarize(run).damaged, brief(run).damaged, load(run)) == (1, 1, None)
    run.log.write_bytes(data[:-200])
    assert load(run) is None
    assert seen_by(read(run)) == told_by(run)


def test_a_reader_of_much_keeps_it_for_the_next_if_it_may(run, taken, monkeypatch):
    monkeypatch.setattr(module, "KEPT_EVERY", 2_000)
    write(run, TOLD[:3])
    read(run)
    assert not run.summary.exists()
    write(run, map(epoch, range(20)))
    with monkeypatch.context() as patch:
        patch.setattr(
            "vitprune_core.store.place.write",
            lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
        )
        assert read(run).summary.epochs_done == 20
    read(run)
    taken.clear()
    assert read(run).summary.epochs_done == 20
    assert taken == []


def test_one_who_writes_inside_the_write_of_another_takes_nothing_away_from_it(run, monkeypatch):
    """As hosts do that share a folder; their processes may have the same number."""
    write(run, TOLD)
    outer, inside = rundir.write_new, []

    def both(path, data, *mode):
        outer(path, data, *mode)
        if not inside:
            inside.append(path)
            cache(run)

    monkeypatch.setattr(rundir, "write_new", both)
    cache(run)
    assert load(run) is not None
    assert not list(run.path.glob(".*.tmp"))


def test_a_worker_keeps_what_a_reader_goes_on_from_as_its_log_grows(run, monkeypatch):
    monkeypatch.setattr("vitprune_core.attempt.KEPT_EVERY", 2_000)
    log, kept = Log(run.log), set()
    orders = Orders(Inbox(run.control))
    for _ in attempt(run, log, map(epoch, range(40)), lambda *_: None, orders, every=1e9):
        kept.add(load(run).offset if run.summary.exists() else 0)
    assert len(kept) > 3
    assert run.log.stat().st_size - max(kept) < 3_000


def test_memory_does_not_grow_with_the_log(run, monkeypatch):
    monkeypatch.setattr(thinning, "ROWS", 256)
    most = [peak(run, number) for number in (2_000, 10_000)]
    assert most[1] < most[0] + 8_000 * 20  # of each epoch more would be kept than 100 bytes


def peak(run, epochs):
    """Bytes at most while a log is read."""
    lines = [encode(1, 0, 1.0, 0.0, CREATED), encode(2, 0, 1.0, 0.0, STARTED)]
    told = (
        e.Checkpointed(step=at, file="x", bytes=1) if at % 30 == 29 else epoch(at)
        for at in range(epochs)
    )
    lines += [encode(at, 1, 2.0, 1.0, event) for at, event in enumerate(told, 3)]
    run.log.write_bytes(b"".join(lines))
    tracemalloc.start()
    try:
        reader = read(run)
        assert reader.summary.epochs_done == epochs - epochs // 30
        assert len(rows(reader.history)) < 300
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
