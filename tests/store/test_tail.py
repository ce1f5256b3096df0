"""Whoever follows a run is told what was last, then what comes, with the run as it is then."""

from dataclasses import replace

import pytest

from tests.store.test_history import epoch, write
from tests.store.test_summary import CREATED, DENSE, DONE, RESUMED, STARTED, STARTING, level
from vitprune_core.store import tail as module
from vitprune_core.store.lock import hold
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import cache, summarize
from vitprune_core.store.tail import tail


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path / "run").create()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(module, "EVERY", 0.0)


def followed(run, *parts):
    """What is told while these are written, one after the other."""
    coming = iter(parts)

    def left():
        events = next(coming, None)
        write(run, events or ())
        return events is None

    with hold(run.lock):
        return [(type(entry.event).__name__, s) for entry, s in tail(run, left)]


def test_a_run_that_is_over_is_told_at_once_but_for_its_epochs(run):
    write(run, DONE)
    told = list(tail(run, left=lambda: pytest.fail("nobody is waited for")))
    kinds = [type(entry.event).__name__ for entry, _ in told]
    assert kinds == ["Created", "Started", "DenseTrained", "Level", "Finished"]
    assert {s.state for _, s in told} == {"done"}


def test_what_comes_is_told_record_by_record_with_the_run_after_it(run):
    write(run, [CREATED, STARTED, epoch(0)])
    told = followed(run, [epoch(1), DENSE], [level()])
    assert [kind for kind, _ in told] == ["Created", "Started", "Epoch", "DenseTrained", "Level"]
    assert [s.epochs_done for _, s in told] == [1, 1, 2, 2, 2]
    with hold(run.lock):
        assert told[-1][1] == summarize(run)


@pytest.mark.parametrize("kept", [False, True])
def test_a_resumed_run_is_told_without_what_it_takes_back(run, monkeypatch, kept):
    """Also when somebody has kept what comes after it already."""
    coming = module.entries
    if kept:
        monkeypatch.setattr(module, "entries", lambda *of: cache(run) or coming(*of))
    write(run, [CREATED, STARTED, epoch(0), epoch(1)])
    told = followed(run, [epoch(2), STARTING, replace(RESUMED, after=3), epoch(1)])
    assert [(kind, s.epochs_done) for kind, s in told[2:]] == [
        ("Epoch", 3),
        ("Starting", 3),
        ("Resumed", 1),
        ("Epoch", 2),
    ]
    with hold(run.lock):
        assert told[-1][1] == summarize(run)
