"""A writer that opens a log looks at its end: as far back as it must, and no further."""

import pytest
from hypothesis import given, settings

from tests.store.test_history import CHECKPOINTED, epoch, logs
from vitprune_core.store import log as module
from vitprune_core.store.log import Log, entries


@pytest.fixture
def path(tmp_path):
    """A log of a hundred records, three of which are enough to see."""
    log = Log(tmp_path / "events.jsonl")
    for at in range(100):
        log.append(epoch(at))
    return log.path


@pytest.fixture
def looked(path, monkeypatch):
    """Lines that a writer looks at."""
    lines, stamps = [], module._stamps
    monkeypatch.setattr(module, "ENOUGH", 3 * len(path.read_bytes()) // 100)
    monkeypatch.setattr(module, "_stamps", lambda line: lines.append(line) or stamps(line))
    return lines


def opened(path):
    """What the writer goes on from; its next record has to count."""
    log = Log(path)
    told = list(entries(path))
    appended = log.append(CHECKPOINTED)
    assert list(entries(path)) == [*told, appended]
    return log.seq - 1, log.attempt


def test_of_a_whole_log_only_the_end_is_looked_at(path, looked):
    assert opened(path) == (100, 1)
    assert len(looked) <= 4


def test_behind_damage_it_looks_on(path, looked):
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    assert opened(path) == (99, 1)
    assert 5 <= len(looked) <= 8


def test_a_part_that_was_written_twice_does_not_mislead_it(path, looked):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, *lines[50:52]]))
    assert opened(path) == (100, 1)
    assert len(looked) <= 8


def test_records_that_are_missing_make_it_look_on(path, looked):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:97], *lines[98:]]))
    assert opened(path) == (100, 1)
    assert 5 <= len(looked) <= 8


def test_what_was_never_finished_is_cut_off_however_long_it_is(path, looked):
    whole = path.read_bytes()
    for tail in (b"{", b"x" * 5_000, b"\x00" * 100_000):
        path.write_bytes(whole + tail)
        assert module.repair(path) == (100, 0)
        assert path.read_bytes() == whole
    path.write_bytes(b"x" * 5_000)
    assert module.repair(path) == (0, -1)
    assert path.read_bytes() == b""


@settings(max_examples=100, deadline=None)
@given(data=logs())
def test_whatever_befell_a_log_the_next_record_counts(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    path.write_bytes(data)
    opened(path)
