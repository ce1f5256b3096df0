"""A disk that is full, a real one, and memory that is refused: a run says so and loses nothing."""

import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import psutil
import pytest

from tests.workers import (
    BRIEF,
    ENDLESS,
    ITERATIVE,
    ONESHOT,
    PATIENCE,
    executed,
    kinds,
    outcome,
    state,
    tiny,
    trains,
    until,
    works_until,
)
from vitprune_core import dispatcher, launch
from vitprune_core.store import control, queue
from vitprune_core.store.sealed import sealed
from vitprune_core.store.summary import summarize


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 4 MiB, which only root can mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here: it takes root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk, leave):
    """Take all of a disk but `leave` bytes."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - leave, 1))
    return filler


@pytest.fixture
def eager(forked):
    """A worker that looks again and again whether a full disk has room."""
    forked.first = [("tests.zygote:put", "vitprune_core.attempt:AGAIN", 0.05)]


@pytest.mark.campaign("disks", 4, 20)
def test_a_full_disk_pauses_and_room_lets_it_go_on_to_the_same_bytes(
    times, whole, small_disk, eager
):
    """Filled at a random time, with more and more left free."""
    preset, draw, filled = (*ITERATIVE, *BRIEF), random.Random(0), 0
    alone = whole(preset)
    while filled < times:
        run = tiny(small_disk / "runs", "run", *preset)
        process = launch.start(run)
        works_until(process, draw.random() * alone.life)
        filler = fill(small_disk, leave=filled * 50_000)
        until(lambda run=run: state(run) in ("paused", "done"))
        if state(run) == "paused":
            assert "the disk is full" in summarize(run).reason
            assert all(path.stat().st_size > 10_000 for path in sealed(run.checkpoints))
            filled += 1
        filler.unlink()
        assert process.wait(PATIENCE) == 0
        assert outcome(run) == alone.outcome
        shutil.rmtree(small_disk / "runs")


def test_a_run_begun_on_a_full_disk_waits_for_room(small_disk, eager):
    run = tiny(small_disk, "run", *ONESHOT, *BRIEF)
    filler = fill(small_disk, 0)
    process = launch.start(run)
    until(lambda: state(run) == "paused")  # of which the log's last page may just hold the word
    filler.unlink()
    assert process.wait(PATIENCE) == 0
    assert state(run) == "done"


def test_a_disk_with_no_room_for_a_first_checkpoint_is_not_tried_again_and_again(small_disk, eager):
    run = tiny(small_disk, "run", "oneshot_global", "model.width=240", "model.heads=6")
    fill(small_disk, 1_500_000)
    process = launch.start(run)
    until(lambda: state(run) == "paused")
    time.sleep(0.5)
    assert kinds(run).count("Paused") == 1
    process.kill()
    process.wait()


def test_a_run_paused_by_a_full_disk_can_be_stopped_and_resumed(working, small_disk, forked):
    run, process = working("run", ONESHOT, "train.epochs=10", folder=small_disk)
    until(lambda: trains(run))
    filler = fill(small_disk, 0)
    until(lambda: state(run) == "paused")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 130
    filler.unlink()
    assert launch.start(run).wait(PATIENCE) == 0
    assert state(run) == "done"


def test_a_full_disk_costs_no_run_its_place_in_the_queue(tmp_path, monkeypatch):
    run = tiny(tmp_path, "run", *ONESHOT)
    queue.add(tmp_path, run.id)

    def full(run):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dispatcher, "start", full)
    with pytest.raises(OSError, match="No space left"):
        dispatcher.begin(tmp_path, run.id)
    assert queue.order(tmp_path) == ["run"]
    assert state(run) == "queued"


# Memory.

LARGE = (
    *(*ONESHOT, *BRIEF, "train.epochs=1", "retrain.fraction=1"),
    *("train.batch_size=1000", "model={width: 120, heads: 3, patch: 2, mlp: 240}"),
)
"""A run that keeps asking for memory."""
REFUSED = {
    "images": ("vitprune_core.engine.data:digits", "before", "", 1),
    "a thread": ("vitprune_core.engine.dense:hold", "before", "", 1),
    "a checkpoint": ("vitprune_core.engine.position:as_bytes", "before", "", 1),
    "a step": ("vitprune_core.engine.train:loss_of", "before", "", 1),
    "an evaluation": ("vitprune_core.engine.train:evaluate", "before", "", 1),
    "the shared model": ("vitprune_core.engine.dense:share", "before", "", 1),
    "a step of the retraining": ("vitprune_core.engine.train:loss_of", "before", "", 3),
}
"""From where on no memory is given any more."""


@pytest.mark.parametrize("where", REFUSED)
@pytest.mark.campaign("memory", 1, 1)
def test_memory_refused_to_a_part_of_the_work_is_told_and_the_run_can_be_resumed(
    where, times, whole, forked, tmp_path
):
    run = tiny(tmp_path, "run", *LARGE)
    forked.first = [("tests.points:arm_memory", *REFUSED[where])]
    assert launch.start(run).wait(PATIENCE) == 130
    tells_of_memory(run)
    forked.first = []
    assert launch.start(run).wait(PATIENCE) == 0
    assert outcome(run) == whole(LARGE).outcome


@pytest.mark.campaign("memory", 1, 1)
def test_memory_refused_while_torch_is_loaded_is_told_and_the_run_can_be_resumed(
    times, whole, forked, tmp_path
):
    run, enough_for_all_else = tiny(tmp_path, "run", *LARGE), 400 << 20
    process = executed(run)
    resource.prlimit(process.pid, resource.RLIMIT_AS, (enough_for_all_else,) * 2)
    assert process.wait(PATIENCE) == 130
    tells_of_memory(run)
    assert launch.start(run).wait(PATIENCE) == 0
    assert outcome(run) == whole(LARGE).outcome


@pytest.mark.slow
@pytest.mark.campaign("memory", 1, 40)
def test_memory_refused_at_random_times_is_told_and_the_run_can_be_resumed(
    times, whole, forked, tmp_path
):
    draw, refused, alone = random.Random(0), 0, whole(LARGE)
    forked.first = [("tests.points:keep_nothing_back",)]
    while refused < times:
        run = tiny(tmp_path / str(refused), "run", *LARGE)
        process = launch.start(run)
        works_until(process, draw.random() * alone.life)
        refuse(process)
        if process.wait(PATIENCE) == 130:
            tells_of_memory(run)
            refused += 1
        # Also of one that a library has ended in the middle of its work.
        assert launch.start(run).wait(PATIENCE) == 0
        assert outcome(run) == alone.outcome
        shutil.rmtree(run.path.parent)


@pytest.mark.campaign("memory", 1, 1)
def test_memory_refused_to_a_run_that_was_paused_is_told(times, working, forked):
    forked.first = [("tests.points:keep_nothing_back",)]
    run, process = working("run", ONESHOT, ENDLESS, *LARGE[-2:])
    until(lambda: trains(run))
    control.ask(run.control, "pause")
    until(lambda: state(run) == "paused")
    refuse(process)
    control.ask(run.control, "continue")
    assert process.wait(PATIENCE) == 130
    tells_of_memory(run)


def refuse(process):
    """Let a process have no more memory than it has, but for a mebibyte."""
    if process.poll() is None:
        size = psutil.Process(process.pid).memory_info().vms + (1 << 20)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (size, size))


def tells_of_memory(run):
    summary = summarize(run)
    assert summary.state == "stopped", summary.reason
    assert "out of memory at a peak of " in summary.reason
    assert "smaller train.batch_size" in summary.reason
