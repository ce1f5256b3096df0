"""How old a checkpoint may get, by a clock that the test winds."""

import time

import pytest

from vitprune_core.attempt import Orders, attempt
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.control import Inbox
from vitprune_core.store.events import Checkpointed, Starting
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import RunDir


def kept(folder, moments, every):
    """The steps of which there were checkpoints."""
    run = RunDir(folder / "run").create()
    log = Log(run.log)
    log.append(Starting(host="here", pid=1))
    told = attempt(run, log, moments, lambda *_: b"bytes", Orders(Inbox(run.control)), every)
    return [record.event.step for record in told if isinstance(record.event, Checkpointed)]


@pytest.mark.parametrize(
    ("every", "expected"), [(0, [*range(10)]), (3, [*range(1, 10)]), (10, [4, 8])]
)
def test_a_checkpoint_is_older_than_was_asked_by_less_than_a_step(
    every, expected, tmp_path, monkeypatch
):
    """Steps of three seconds."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def steps():
        for step in range(10):
            yield Moment(step, position=lambda: "here")
            clock[0] += 3.0

    assert kept(tmp_path, steps(), every) == expected


def test_the_end_of_a_phase_is_kept_however_young_the_last_checkpoint_is(tmp_path):
    moments = [Moment(step, lambda: "here", phase_end=step == 2) for step in range(4)]
    assert kept(tmp_path, iter(moments), every=1e9) == [2]
