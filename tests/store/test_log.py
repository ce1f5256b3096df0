import json
import os
import random
import zlib
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitprune_core.store.events import (
    KINDS,
    Damaged,
    Epoch,
    Failed,
    Finished,
    Score,
    Stopped,
    Unknown,
)
from vitprune_core.store.log import Log, encode, entries
from vitprune_core.store.values import from_json, to_json


def epoch(number=0):
    score = Score(accuracy=0.5, loss=1.25)
    values = {"round": 0, "cycle": 0, "sparsity": 0.0, "loss": 2.0, "lr": 1e-3}
    return Epoch(epoch=number, validation=score, **values)


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


def test_two_thousand_damaged_logs_are_read_without_a_crash(path):
    log = Log(path)
    for i in range(4):
        log.append(epoch(i))
    log.append(Failed(reason='quotes " and \n lines'))
    data, draw = path.read_bytes(), random.Random(0)
    for _ in range(2_000):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 8)):
            at = draw.randrange(len(damaged))
            kind = draw.random()
            if kind < 0.5:
                damaged[at] = draw.randrange(256)
            elif kind < 0.8:
                del damaged[at : at + draw.randint(1, 200)]
            else:
                damaged[at:at] = draw.randbytes(draw.randint(1, 50))
            damaged = damaged or bytearray(b"\n")
        path.write_bytes(damaged)
        for event in events(path):
            assert isinstance(event, Damaged | Epoch | Failed)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_survives_a_record(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    Log(path).append(Failed(reason=text))
    assert events(path) == [Failed(reason=text)]
