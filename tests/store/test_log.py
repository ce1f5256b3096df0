import json
import os
import random
import re
import zlib
from dataclasses import fields, replace
from itertools import accumulate, cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.test_summary import (
    CREATED,
    DENSE,
    PAUSED,
    RESUMED,
    STARTED,
    STARTING,
    level,
)
from vitprune_core.store.events import (
    KINDS,
    Checkpointed,
    Damaged,
    Epoch,
    Failed,
    Finished,
    Score,
    Stopped,
    Unknown,
)
from vitprune_core.store.history import LONGEST, Reader
from vitprune_core.store.log import Log, encode, entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import fold, seen, summarize
from vitprune_core.store.values import from_json, to_json


def epoch(number=0):
    score = Score(accuracy=0.5, loss=1.25)
    values = {"round": 0, "cycle": 0, "sparsity": 0.0, "loss": 2.0, "lr": 1e-3}
    return Epoch(epoch=number, validation=score, **values)


CHECKPOINTED = Checkpointed(step=1, file="x", bytes=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def events(path, after=0):
    return [entry.event for entry in entries(path, after)]


def test_what_is_appended_is_read_back(path):
    log = Log(path)
    written = [log.append(epoch(0)), log.append(epoch(1)), log.append(Finished(weights_sha256="x"))]
    assert list(entries(path)) == written
    assert [w.seq for w in written] == [1, 2, 3]
    assert events(path, written[0].end) == [epoch(1), Finished(weights_sha256="x")]


def test_a_record_is_a_line_whose_crc_covers_what_stands_before_it(path):
    for _ in range(4):
        Log(path).append(epoch())
    line = path.read_bytes().splitlines(keepends=True)[-1]
    body, _, crc = line.rpartition(b',"crc":')
    assert int(crc.rstrip(b"}\n")) == zlib.crc32(body)
    record = json.loads(line)
    assert list(record)[:5] == ["seq", "attempt", "time", "seconds", "event"]
    assert (record["seq"], record["attempt"], record["event"]) == (4, 3, "Epoch")


def test_a_record_that_does_not_fit_on_the_disk_leaves_nothing_behind(path, monkeypatch):
    log = Log(path)
    log.append(epoch(0))
    whole = os.write
    monkeypatch.setattr(os, "write", lambda file, line: whole(file, line[:10]))
    with pytest.raises(OSError, match="No space left on device"):
        log.append(epoch(1))
    monkeypatch.undo()
    assert log.append(epoch(2)).seq == 2
    assert events(path) == [epoch(0), epoch(2)]


def test_a_log_that_is_not_there_is_empty(path):
    assert events(path) == []


def test_a_record_half_written_is_left_for_the_next_call(path):
    log = Log(path)
    log.append(epoch(0))
    whole = encode(2, 1, 0.0, 0.0, epoch(1))
    for cut in range(len(whole)):
        with path.open("r+b") as file:
            file.seek(0, 2)
            end = file.tell()
            file.write(whole[:cut])
        assert events(path) == [epoch(0)]
        with path.open("r+b") as file:
            file.truncate(end)
    with path.open("ab") as file:
        file.write(whole)
    assert events(path) == [epoch(0), epoch(1)]


def test_a_writer_removes_a_torn_tail_and_goes_on_counting(path):
    log = Log(path)
    log.append(epoch(0))
    log.append(epoch(1))
    with path.open("ab") as file:
        file.write(b'{"seq":3,"attempt":1,"ti')
    entry = Log(path).append(epoch(2))
    assert (entry.seq, entry.attempt) == (3, 1)
    assert events(path) == [epoch(0), epoch(1), epoch(2)]


def test_any_flipped_byte_is_damage_and_the_rest_is_read(path):
    log = Log(path)
    first = log.append(epoch(0))
    log.append(epoch(1))
    data = bytearray(path.read_bytes())
    for at in range(first.end - 1):
        for changed in (data[at] ^ 1, 0):
            damaged = bytearray(data)
            damaged[at] = changed
            if damaged == data or changed == ord("\n"):
                continue
            path.write_bytes(damaged)
            found = events(path)
            assert found[-1] == epoch(1)
            assert all(isinstance(event, Damaged) for event in found[:-1]), (at, changed)


def test_a_record_told_a_second_time_is_damage(path):
    log = Log(path)
    log.append(epoch(0))
    log.append(epoch(1))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[0]]))
    assert [type(event) for event in events(path)] == [Epoch, Epoch, Damaged]


def test_a_kind_that_a_newer_version_wrote_is_named(path):
    log = Log(path)
    log.append(epoch(0))
    line = encode(2, 1, 0.0, 0.0, epoch(1))
    body = line.rpartition(b',"crc":')[0].replace(b'"Epoch"', b'"Teleported"')
    with path.open("ab") as file:
        file.write(body + b',"crc":%d}\n' % zlib.crc32(body))
    assert events(path) == [epoch(0), Unknown(kind="Teleported")]


def test_a_field_that_a_newer_version_added_is_ignored(path):
    body = encode(1, 1, 0.0, 0.0, Stopped(reason="x")).rpartition(b',"crc":')[0] + b',"more":[1]'
    path.write_bytes(body + b',"crc":%d}\n' % zlib.crc32(body))
    assert events(path) == [Stopped(reason="x")]


def test_a_number_that_json_has_not_is_refused(path):
    log = Log(path)
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            log.append(replace(epoch(), loss=number))
    assert events(path) == []
    assert to_json({"c": (1.5,)}) == {"c": [1.5]}


@pytest.mark.parametrize("number", ["1e999", "1" + "0" * 400, str(2**53), "1e150", "NaN"])
@pytest.mark.parametrize("where", ['"time":0.0', '"reason":"x"'])
def test_a_number_that_nobody_can_calculate_with_is_damage_wherever_it_stands(path, where, number):
    body = encode(1, 1, 0.0, 0.0, Stopped(reason="x")).rpartition(b',"crc":')[0].decode()
    hostile = body.replace(where, f"{where.partition(':')[0]}:{number}").encode()
    path.write_bytes(hostile + b',"crc":%d}\n' % zlib.crc32(hostile))
    assert [type(event) for event in events(path)] == [Damaged]


def test_no_event_has_a_field_called_like_a_stamp():
    stamps = {"seq", "attempt", "time", "seconds", "event", "crc"}
    assert not any(stamps & {f.name for f in fields(kind)} for kind in KINDS.values())


def test_a_record_of_an_unknown_kind_is_counted_when_the_log_goes_on(path):
    Log(path).append(epoch(0))
    body = encode(7, 1, 0.0, 0.0, epoch(1)).rpartition(b',"crc":')[0].replace(b"Epoch", b"Later")
    with path.open("ab") as file:
        file.write(body + b',"crc":%d}\n' % zlib.crc32(body))
    assert Log(path).append(epoch(2)).seq == 8


def test_values_are_checked_when_they_come_back():
    assert from_json(Score, {"accuracy": 1, "loss": 2.0}) == Score(accuracy=1.0, loss=2.0)
    with pytest.raises(TypeError):
        from_json(Score, {"accuracy": "1", "loss": 2.0})
    with pytest.raises(TypeError):
        from_json(Score, {"accuracy": 1.0})


# Logs as disks, power cuts, other programs and people leave them.


STORY = [
    *(CREATED, STARTED, epoch(0), CHECKPOINTED, epoch(1), DENSE, epoch(2), STARTING),
    *(replace(RESUMED, after=6), epoch(2), PAUSED, level(0.5), Failed(reason='" and \n')),
]
LINES = tuple(encode(at, 1, 1.5 * at, 0.25, event) for at, event in enumerate(STORY, 1))
WHOLE = b"".join(LINES)


def body_of(line):
    return line.rpartition(b',"crc":')[0]


def sealed(body):
    return body + b',"crc":%d}\n' % zlib.crc32(body)


def several(change):
    """Damage of bytes, in one place or in some."""

    def damage(draw):
        data = bytearray(WHOLE)
        for _ in range(draw.choice([1, 1, 2, 8])):
            change(data, draw.randrange(len(data)), draw)
        return bytes(data)

    return damage


def flip(data, at, draw):
    data[at] ^= 1 << draw.randrange(8)


def overwrite(data, at, draw):
    end = min(at + draw.choice([1, 10, 300]), len(data))
    data[at:end] = draw.randbytes(end - at)


def zero(data, at, draw):
    """A page that was never written."""
    start, end = at // 512 * 512, min(at // 512 * 512 + 512, len(data))
    data[start:end] = bytes(end - start)


def cut_out(data, at, draw):
    del data[at : at + draw.randint(1, min(200, len(data) - 1))]


def insert(data, at, draw):
    data[at:at] = draw.choice([b"\n", b"\r", b"\0", b'"', b"\xff", draw.randbytes(50)])


def repeat(data, at, draw):
    """A block that was written twice."""
    data[at:at] = data[at : at + draw.choice([16, 512, 4096])]


def forge(put):
    """A record in another's place, with the checksum that fits."""

    def damage(draw):
        at = draw.randrange(len(LINES))
        return b"".join([*LINES[:at], sealed(put(body_of(LINES[at]), draw)), *LINES[at + 1 :]])

    return damage


def value_replaced(value):
    """Any number of a record becomes another thing."""

    def put(body, draw):
        numbers = list(re.finditer(rb"(?<=:)-?[0-9.e-]+(?=[,}])", body))
        found = draw.choice(numbers)
        return body[: found.start()] + value + body[found.end() :]

    return forge(put)


def torn(draw):
    return WHOLE[: draw.randrange(len(WHOLE))]


def zeros_at_the_end(draw):
    return torn(draw) + bytes(draw.choice([1, 100, 4096]))


def interleaved(draw):
    """Two processes that write at the same time, half by half."""
    at = draw.randrange(len(LINES) - 1)
    one, other = LINES[at : at + 2]
    a, b = draw.randrange(len(one)), draw.randrange(len(other))
    mixed = one[:a] + other[:b] + one[a:] + other[b:]
    return b"".join([*LINES[:at], mixed, *LINES[at + 2 :]])


def told_again(draw):
    """Records from further back, each whole."""
    at, stop = draw.randrange(len(LINES)), draw.randrange(1, len(LINES))
    return b"".join([*LINES[:stop], *LINES[at : at + 3], *LINES[stop:]])


def left_out(draw):
    return b"".join(line for line in LINES if draw.random() < 0.8)


def without_an_end(draw):
    """A line longer than any that is ours, perhaps with an end after all."""
    at, long = draw.randrange(len(LINES) + 1), b"x" * (LONGEST + draw.randrange(100))
    return b"".join([*LINES[:at], long, draw.choice([b"", b"\n"]), *LINES[at:]])


DAMAGES = {
    "flip": several(flip),
    "overwrite": several(overwrite),
    "zeros": several(zero),
    "cut out": several(cut_out),
    "insert": several(insert),
    "repeat": several(repeat),
    "torn": torn,
    "zeros at the end": zeros_at_the_end,
    "interleaved": interleaved,
    "told again": told_again,
    "left out": left_out,
    "no end": without_an_end,
    "no UTF-8": forge(lambda body, draw: body + b',"more":"\xff\xfe"'),
    "deep": forge(lambda body, draw: body + b',"more":' + b"[" * 5000),
    "unknown": forge(lambda body, draw: body.replace(b'"event":"', b'"event":"Later', 1)),
    "no event": forge(lambda body, draw: body.replace(b'"event"', b'"evnt"', 1)),
    "no JSON": forge(lambda body, draw: draw.randbytes(60)),
    "infinite": value_replaced(b"1e999"),
    "no number": value_replaced(b"NaN"),
    "too much": value_replaced(b"1" + b"0" * 400),
    "list": value_replaced(b"[]"),
    "text": value_replaced(b'"1"'),
    "null": value_replaced(b"null"),
}


def damaged_logs(number):
    """Each with what was done to it; not one that was not damaged."""
    draw, made = random.Random(0), 0
    for kind in cycle(DAMAGES):
        data = DAMAGES[kind](draw)
        if data != WHOLE:
            yield kind, data
            made += 1
        if made == number:
            return


def still_whole(data):
    """Numbers of the records that stand in a log as they were written, each one once."""
    numbers, last = {line: at for at, line in enumerate(LINES, 1)}, 0
    for line in data.split(b"\n")[:-1]:
        number = numbers.get(line + b"\n", 0)
        if number > last:
            last = number
            yield number


@pytest.mark.campaign("logs", 2_000, 20_000)
def test_whatever_befell_a_log_whole_records_count_and_all_readers_agree(tmp_path, times):
    run = RunDir(tmp_path / "run").create()
    for at, (kind, data) in enumerate(damaged_logs(times)):
        run.log.write_bytes(data)
        found = list(entries(run.log))
        events = {r.seq: r.event for r in found if not isinstance(r.event, Damaged)}
        whole = list(still_whole(data))
        assert all(events[number] == STORY[number - 1] for number in whole), (at, kind)
        assert [r.end for r in found] == list(accumulate(map(len, whole_lines(data)))), (at, kind)
        assert sum(isinstance(r.event, Damaged) for r in found) >= len(found) - len(LINES)
        reader = Reader(run)
        reader.read()
        assert reader.summary == fold(found), (at, kind)
        if at % 4 == 0:
            assert seen(run, reader.summary, free=True) == summarize(run), (at, kind)
            goes_on(run.log, found)


def whole_lines(data):
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def goes_on(path, before):
    """A writer cuts off what was never finished, and nothing that was."""
    entry = Log(path).append(Stopped(reason="again"))
    assert list(entries(path)) == [*before, entry]
    assert entry.seq > max((r.seq for r in before), default=0)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_survives_a_record(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    Log(path).append(Failed(reason=text))
    assert events(path) == [Failed(reason=text)]
