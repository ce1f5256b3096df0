"""Killed or stopped at any time, again and again, a run ends at the bytes of one left alone."""

import random
import signal

import pytest

from tests.workers import (
    BRIEF,
    ITERATIVE,
    ONESHOT,
    PATIENCE,
    REWIND,
    begun,
    executed,
    outcome,
    state,
    tiny,
    until,
    works_until,
)
from vitprune_core import launch
from vitprune_core.store import events as e
from vitprune_core.store.log import entries
from vitprune_core.store.summary import summarize

LOADING = 3.0
"""About the seconds of a processor in which a worker that is not forked loads torch."""

methods = pytest.mark.parametrize(
    "preset",
    [
        pytest.param((*ONESHOT, *BRIEF), id="oneshot"),
        pytest.param((*ITERATIVE, *BRIEF), id="iterative"),
        pytest.param((*REWIND, *BRIEF), id="weight_rewind"),
    ],
)


@methods
@pytest.mark.campaign("kills", 9, 170)
def test_killed_at_random_times_a_run_ends_at_the_same_bytes(
    preset, times, whole, forked, tmp_path
):
    def kill(run, share, number):
        if number % 25 == 4:
            process, life = executed(run), alone.life + LOADING
        else:
            process, life = launch.start(run), alone.life
        return ended_by(signal.SIGKILL, process, after=share * life) == -signal.SIGKILL

    alone = whole(preset)
    attacked(preset, times, kill, alone, tmp_path)


@methods
@pytest.mark.campaign("signals", 3, 34)
def test_stopped_at_random_times_a_run_ends_at_the_same_bytes(
    preset, times, whole, forked, tmp_path
):
    def stop(run, share, _):
        process = launch.start(run)
        until(lambda: begun(run) or process.poll() is not None)
        code = ended_by(signal.SIGTERM, process, after=share * alone.life)
        assert (code, state(run)) in ((130, "stopped"), (0, "done"))
        return code == 130

    alone = whole(preset)
    attacked(preset, times, stop, alone, tmp_path)


def attacked(preset, times, attack, alone, folder):
    """`attack(run, share, number)` runs, after a share of their lives, until it succeeded so often.

    Every run then goes on to the end of one that was left alone.
    """
    draw, hits, runs = random.Random(0), 0, 0
    while hits < times:
        run, runs = tiny(folder / str(runs), "run", *preset), runs + 1
        while hits < times and attack(run, draw.random(), hits):
            hits += 1
        assert launch.start(run).wait(PATIENCE) == 0
        assert outcome(run) == alone.outcome
        assert summarize(run).exact
        does_no_step_twice(run)


def ended_by(number, process, after):
    """Send a signal once it has worked for so long, if it is not over; its exit code."""
    works_until(process, after)
    process.send_signal(number)
    return process.wait(PATIENCE)


def does_no_step_twice(run):
    """With a checkpoint before every step: but for the one in which an attempt was ended."""
    newest, lost = None, False
    for record in entries(run.log):
        match record.event:
            case e.Resumed(step=None):
                lost = newest is not None
            case e.Resumed(step=step):
                assert newest is None or step in (newest, newest + 1), record
                newest = step
            case e.DenseKept():  # dense training was over: its checkpoints are of no use
                newest, lost = None, False
            case e.Checkpointed(step=step):
                assert not lost, record
                assert newest is None or step in (newest, newest + 1), record
                newest = step
