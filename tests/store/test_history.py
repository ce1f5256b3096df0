import errno
import os
import zlib
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.test_summary import (
    AWAITED,
    CONFIG,
    CREATED,
    DENSE,
    DONE,
    MATRIX,
    PAUSED,
    RESUMED,
    REUSED,
    SCORE,
    STARTED,
    STARTING,
    level,
)
from vitprune_core.store import events as e
from vitprune_core.store import history as module
from vitprune_core.store.history import LATEST, History, Reader
from vitprune_core.store.lines import Stretch
from vitprune_core.store.lock import hold
from vitprune_core.store.log import Entry, Log, encode, entries, kept
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import Summary, fold, seen, summarize

PRUNED = e.Pruned(
    round=1,
    sparsity_asked=0.5,
    sparsity=0.5,
    matrices={"blocks.0.attn.q": MATRIX},
    validation=SCORE,
    test=SCORE,
)
CHECKPOINTED = e.Checkpointed(step=1, file="x", bytes=1)


def epoch(number=0, round=0, **changes):
    made = e.Epoch(
        round=round, cycle=0, epoch=number, sparsity=0.0, loss=2.5, lr=1e-05, validation=SCORE
    )
    return replace(made, **changes)


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path / "run-1").create()


def write(run, events):
    log = Log(run.log)
    return [log.append(event) for event in events]


def read(run):
    reader = Reader(run)
    reader.read()
    return reader


def rows(history):
    return list(zip(*history.columns, strict=True))


def rows_of(records):
    return [
        (r.seq, x.round, x.sparsity, x.loss, x.lr, x.validation.accuracy, x.validation.loss, at)
        for at, (r, x) in enumerate(((r, r.event) for r in records), 1)
    ]


def sealed(body):
    return body + b',"crc":%d}\n' % zlib.crc32(body)


def told_by(run):
    """By the slow way: rows of epochs, the latest others, what tested, the fold."""
    told = kept(entries(run.log))
    epochs = rows_of(r for r in told if isinstance(r.event, e.Epoch))
    latest = [r for r in told if not isinstance(r.event, e.Epoch | e.Checkpointed | e.Unknown)]
    tested = [r.event for r in told if isinstance(r.event, e.Pruned | e.Level)]
    return epochs, (latest[-LATEST:], tested), fold(entries(run.log))


def seen_by(reader):
    return rows(reader.history), (list(reader.latest), list(reader.tested)), reader.summary


def test_epochs_become_columns(run):
    validation = e.Score(accuracy=0.75, loss=0.5, top5=0.9)
    written = write(run, [epoch(0), epoch(1, loss=1.5, validation=validation), epoch(45, round=1)])
    history = read(run).history
    assert len(history) == 3
    assert list(history.seq) == [1, 2, 3]
    assert list(history.round) == [0, 0, 1]
    assert list(history.loss) == [2.5, 1.5, 2.5]
    assert list(history.lr) == [1e-05] * 3
    assert list(history.accuracy) == [0.9, 0.75, 0.9]
    assert list(history.validation_loss) == [0.3, 0.5, 0.3]
    assert list(history.done) == [1, 2, 3]
    assert rows(history) == rows_of(written)


def test_an_epoch_costs_sixty_four_bytes():
    assert sum(column.itemsize for column in History.empty().columns) == 64


def test_only_what_is_new_is_read(run):
    reader = Reader(run)
    assert not reader.read()
    write(run, [CREATED, STARTED, epoch(0)])
    assert reader.read()
    before = reader.history
    assert not reader.read()
    write(run, [epoch(1)])
    assert reader.read()
    assert list(before.seq) == [3, 4]
    assert reader.history is before
    assert reader.summary.epochs_done == 2


def test_a_record_half_written_is_left_for_the_next_time(run):
    write(run, [epoch(0)])
    whole, reader = encode(2, 0, 0.0, 0.0, epoch(1)), read(run)
    with run.log.open("ab", buffering=0) as file:
        for at in range(len(whole)):
            file.write(whole[at : at + 1])
            assert reader.read() == (at == len(whole) - 1)
    assert list(reader.history.seq) == [1, 2]


def test_damaged_epochs_are_counted_and_the_others_are_kept(run):
    written = write(run, [epoch(i) for i in range(9)])
    data = bytearray(run.log.read_bytes())
    for record in (written[2], written[7]):
        data[record.end - 50] ^= 1
    run.log.write_bytes(data)
    reader = read(run)
    assert list(reader.history.seq) == [1, 2, 4, 5, 6, 7, 9]
    assert reader.summary.damaged == 2


def test_an_epoch_told_a_second_time_is_damage(run):
    write(run, [epoch(0), epoch(1)])
    lines = run.log.read_bytes().splitlines(keepends=True)
    run.log.write_bytes(b"".join([*lines, lines[0], lines[1]]))
    reader = read(run)
    assert (list(reader.history.seq), reader.summary.damaged) == ([1, 2], 2)


def test_a_resumed_run_takes_epochs_back_and_leaves_the_old_columns_as_they_were(run):
    write(run, [CREATED, STARTED, epoch(0), epoch(1), epoch(2)])
    reader = read(run)
    before = reader.history
    write(run, [replace(RESUMED, after=4), epoch(2, loss=1.0)])
    assert reader.read()
    assert list(before.loss) == [2.5, 2.5, 2.5]
    assert list(reader.history.loss) == [2.5, 2.5, 1.0]
    assert reader.summary.epochs_done == 3
    assert [type(r.event) for r in reader.latest] == [e.Created, e.Started, e.Resumed]


def test_a_screen_gets_the_last_records_and_what_was_pruned_and_tested(run):
    half = replace(MATRIX, density=0.5)
    pruned = replace(PRUNED, matrices={"blocks.0.attn.q": half})
    reader = read(run)
    assert (reader.latest, reader.tested, reader.pruned) == ((), (), None)
    write(run, [CREATED, STARTED, epoch(), CHECKPOINTED, DENSE, pruned])
    reader.read()
    assert [type(r.event) for r in reader.latest] == [
        e.Created,
        e.Started,
        e.DenseTrained,
        e.Pruned,
    ]
    assert (reader.tested, reader.pruned["blocks.0.attn.q"].density) == ((pruned,), 0.5)
    write(run, [epoch(round=1), level()])
    reader.read()
    assert reader.tested == (pruned, level())
    assert reader.pruned["blocks.0.attn.q"].density == 0.1


def test_records_of_a_newer_version_are_counted_and_not_among_the_latest(run):
    write(run, [CREATED, STARTED])
    later = line(3, put={b'"Epoch"': b'"Later"'}) + line(4, put={b'"Epoch"': b'"Later"'})
    run.log.write_bytes(run.log.read_bytes() + later)
    reader = read(run)
    assert (reader.summary.unknown, reader.summary.damaged) == (2, 0)
    assert [type(r.event) for r in reader.latest] == [e.Created, e.Started]


def test_latest_is_a_bounded_number_of_records(run):
    written = write(run, [STARTING] * (LATEST + 3))
    assert read(run).latest == tuple(written[3:])


def test_a_log_that_was_shortened_or_replaced_is_read_anew(run):
    write(run, [epoch(i) for i in range(3)])
    reader = read(run)
    lines = run.log.read_bytes().splitlines(keepends=True)
    run.log.write_bytes(lines[0])
    assert reader.read()
    assert list(reader.history.seq) == [1]
    other = run.path / "other"
    other.write_bytes(b"".join(lines))
    os.rename(other, run.log)
    assert reader.read()
    assert list(reader.history.seq) == [1, 2, 3]
    assert reader.summary.epochs_done == 3


def test_a_log_that_is_gone_has_nothing_new(run):
    write(run, DONE)
    reader = read(run)
    run.path.rename(run.path.with_name("elsewhere"))
    assert not reader.read()
    assert reader.summary.state == "done"


def test_a_log_that_vanishes_while_it_is_read_gives_what_was_read(run, monkeypatch):
    write(run, [CREATED, STARTED, epoch(0)])
    reader = Reader(run)
    whole = Reader._take

    def take(self, lines):
        whole(self, lines)
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(Reader, "_take", take)
    assert reader.read()
    monkeypatch.undo()
    assert (len(reader.history), reader.summary.epochs_done) == (1, 1)
    assert not reader.read()


def test_a_line_without_an_end_is_read_once_and_never_as_a_whole(run, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 1000)
    monkeypatch.setattr(module, "CHUNK", 100)
    write(run, [epoch(0)])
    with run.log.open("ab") as file:
        file.write(b"x" * 5_000)
    reader = Reader(run)
    assert reader.read()
    assert len(reader.history) == 1
    opened = []
    with monkeypatch.context() as patch:
        patch.setattr(type(run.log), "open", lambda *a, **k: opened.append(a))
        assert not reader.read()
    assert opened == []
    with run.log.open("ab") as file:
        file.write(b"x\n" + line(2))
    assert reader.read()
    assert seen_by(reader)[::2] == told_by(run)[::2]


def test_a_log_that_may_not_be_read_says_so(run):
    run.log.mkdir()
    with pytest.raises(IsADirectoryError):
        Reader(run).read()


def test_lock_and_queue_are_added_by_seen(run):
    write(run, [CREATED, STARTED])
    summary = read(run).summary
    assert summary.state == "running"
    assert seen(run, summary, free=True) == summarize(run)
    assert seen(run, summary, free=True).state == "lost"
    assert seen(run, summary, free=False).state == "running"
    with hold(run.lock):
        assert seen(run, summary, free=True).state == "running"


def test_a_real_run_is_read_like_the_slow_way(a_run):
    assert seen_by(read(a_run)) == told_by(a_run)
    assert len(read(a_run).history) > 2


def line(seq=1, **changes):
    """An epoch's line, unless something is put in another's place."""
    body = encode(seq, 0, 0.0, 0.5, epoch()).rpartition(b',"crc":')[0]
    for old, new in changes.pop("put", {}).items():
        assert old in body
        body = body.replace(old, new)
    return sealed(body)


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        (b'"loss":2.5', b'"loss":2', True),
        (b'"loss":2.5', b'"loss":-2.5E+3', True),
        (b'"loss":2.5', b'"loss":1e99', True),
        (b'"loss":2.5', b'"loss":1e149', True),
        (b'"loss":2.5', b'"loss":1e999', False),
        (b'"loss":2.5', b'"loss":-1e999', False),
        (b'"loss":2.5', b'"loss":9007199254740991', True),
        (b'"loss":2.5', b'"loss":9007199254740992', False),
        (b'"loss":2.5', b'"loss":02.5', False),
        (b'"loss":2.5', b'"loss":.5', False),
        (b'"loss":2.5', b'"loss":2.', False),
        (b'"loss":2.5', b'"loss":2_0', False),
        (b'"loss":2.5', b'"loss":"2.5"', False),
        (b'"loss":2.5', b'"loss":null', False),
        (b'"cycle":0', b'"cycle":0.0', False),
        (b'"cycle":0', b'"cycle":00', False),
        (b'"cycle":0', b'"cycle":-1', True),
        (b'"cycle":0', b'"cycle":9007199254740991', True),
        (b'"cycle":0', b'"cycle":9007199254740992', False),
        (b'"top5":null', b'"top5":1', True),
        (b'"top5":null', b'"top5":null,"top9":1', True),
        (b'"event":"Epoch"', b'"event":"Epoch","new":[1]', True),
        (b'"attempt":0', b'"attempt": 0', True),
    ],
)
def test_both_ways_agree_on_what_is_an_epoch(run, old, new, counts):
    run.log.write_bytes(line(1) + line(2, put={old: new}) + line(3))
    assert seen_by(read(run)) == told_by(run)
    assert len(read(run).history) == 2 + counts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"loss":2.5', b'"loss":1' + b"0" * 400),
        (b'"time":0.0', b'"time":"x"'),
        (b'"seq":1', b'"seq":null'),
        (b'"seq":1', b'"seq":1' + b"0" * 400),
        (b'"top5":null', b'"top5":null,"new":[1e999]'),
    ],
)
def test_numbers_that_no_engine_writes_are_damage(run, old, new):
    run.log.write_bytes(line(put={old: new}))
    reader = read(run)
    assert (len(reader.history), reader.summary.damaged) == (0, 1)


def test_a_stamp_that_is_none_is_damage_in_other_records_too(run):
    body = encode(1, 0, 0.0, 0.5, CREATED).rpartition(b',"crc":')[0]
    run.log.write_bytes(sealed(body.replace(b'"seconds":0.5', b'"seconds":[]')))
    assert read(run).summary == Summary(damaged=1)


def test_a_config_that_is_none_does_not_stop_the_reader(run):
    write(run, [replace(CREATED, config={"prune": "x"}), DENSE, level()])
    assert len(read(run).summary.levels) == 1


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SECONDS = st.floats(min_value=0, max_value=1e6)
SCORES = st.builds(e.Score, accuracy=NUMBERS, loss=NUMBERS, top5=st.none() | NUMBERS)
EPOCHS = st.builds(
    e.Epoch,
    round=st.integers(0, 2),
    cycle=st.integers(0, 1),
    epoch=st.integers(0, 99),
    sparsity=NUMBERS,
    loss=NUMBERS,
    lr=NUMBERS,
    validation=SCORES,
)
OTHERS = st.sampled_from(
    [
        *(CREATED, STARTING, STARTED, AWAITED, PAUSED, REUSED, DENSE, PRUNED, CHECKPOINTED),
        *(level(), level(0.5, listed=False), e.Continued(), e.DenseKept(trained_seconds=3.0)),
        replace(STARTED, config={**CONFIG, "prune": {"schedule": "iterative"}}),
        *(e.Retracing(hash="a", epochs=3), e.Retraced(epoch=1, loss=1.0)),
        *(e.Acknowledged(request="pause"), e.Stopped(reason="x"), e.Finished(weights_sha256="f")),
    ]
)
RESUMES = st.builds(
    replace, st.just(RESUMED), after=st.integers(-1, 30), worked=SECONDS, exact=st.booleans()
)
STRETCHES = st.lists(EPOCHS, max_size=8)
STORIES = st.lists(STRETCHES | st.lists(OTHERS | RESUMES, max_size=3), max_size=8).map(
    lambda parts: [event for part in parts for event in part]
)
TIMES = st.sampled_from([0.0, 1.5, 1763800000.123])
JUNK = [b"\n", b"{}\n", b"\xff\x00\n", sealed(b'{"seq":2,"attempt":1'), line(3), line(40)]
JUNK += [line(4, put={b'"Epoch"': b'"Later"'}), line(5)[:-1] + b" \n", line(6).replace(b"2", b"3")]


@st.composite
def logs(draw):
    """Bytes of a log: a story, and what may befall it."""
    story = draw(STORIES)
    lines = [
        encode(at, draw(st.integers(0, 2)), draw(TIMES), draw(SECONDS), event)
        for at, event in enumerate(story, 1)
    ]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines)))
        lines.insert(at, draw(st.sampled_from(JUNK + lines)))
    data = bytearray(b"".join(lines))
    for at in draw(st.lists(st.integers(0, max(len(data) - 1, 0)), max_size=2)):
        if data:
            data[at] ^= 1
    return bytes(data)


@settings(max_examples=150, deadline=None)
@given(data=logs(), cuts=st.lists(st.integers(0, 8000), max_size=6), chunk=st.integers(1, 3000))
def test_however_a_log_comes_in_it_is_what_the_slow_way_tells(tmp_path_factory, data, cuts, chunk):
    run = RunDir(tmp_path_factory.mktemp("run"))
    reader, at = Reader(run), 0
    with pytest.MonkeyPatch.context() as patch, run.log.open("ab", buffering=0) as file:
        patch.setattr(module, "CHUNK", chunk)
        for cut in [*sorted(cuts), len(data)]:
            file.write(data[at:cut])
            at = max(at, cut)
            reader.read()
            assert seen_by(reader) == told_by(run)


STATES = st.lists(OTHERS, max_size=6)


@settings(max_examples=300, deadline=None)
@given(
    STATES,
    st.integers(0, 2),
    st.lists(st.tuples(EPOCHS | st.just(CHECKPOINTED), TIMES, SECONDS), max_size=8),
    EPOCHS,
)
def test_epochs_in_a_row_are_folded_as_one_by_one(before, round, told, last):
    summary = reduce(Summary.then, (Entry(1, 0, 0.0, 0.7, event, 0) for event in before), Summary())
    told = [(last, 0.0, 0.5), *told, (CHECKPOINTED, 1.5, 0.25)]
    told = [(replace(x, round=round) if isinstance(x, e.Epoch) else x, *y) for x, *y in told]
    records = [
        Entry(at, at % 3, time, seconds, event, 0)
        for at, (event, time, seconds) in enumerate(told, 2)
    ]
    epochs = [r.event for r in records if isinstance(r.event, e.Epoch)]
    stretch = Stretch(
        first=2,
        last=records[-1].seq,
        attempt=records[-1].attempt,
        began=next(filter(None, (r.time for r in records))),
        ended=records[-1].time,
        seconds=[r.seconds for r in records],
        trained=[isinstance(r.event, e.Epoch) for r in records],
        epoch=epochs[-1],
        columns=[],
        bytes=0,
    )
    at_once = summary.after_stretch(stretch)
    assert at_once == reduce(Summary.then, records, summary)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_make_the_reader_fail(tmp_path_factory, data, with_crc):
    run = RunDir(tmp_path_factory.mktemp("run"))
    run.log.write_bytes(sealed(data) if with_crc else data)
    assert seen_by(read(run)) == told_by(run)


def test_no_history_is_an_empty_one():
    assert len(History.empty()) == len(History.empty().until(3)) == 0


def test_a_run_that_is_not_there_is_empty():
    assert not Reader(RunDir(Path("/nowhere/at/all"))).read()
