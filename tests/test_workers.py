"""A run belongs to the machine: real processes and real signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import points
from tests.conftest import vitprune
from tests.workers import (
    BRIEF,
    ENDLESS,
    ITERATIVE,
    ONESHOT,
    PATIENCE,
    kinds,
    outcome,
    state,
    tiny,
    told,
    trains,
    until,
)
from vitprune_core import launch
from vitprune_core.store import control
from vitprune_core.store import events as e
from vitprune_core.store.lock import holder
from vitprune_core.store.sealed import sealed
from vitprune_core.store.summary import summarize


def test_a_worker_is_a_session_of_its_own_that_ignores_a_hangup(working):
    run, process = working()
    until(lambda: "Starting" in kinds(run))
    assert os.getsid(process.pid) == process.pid
    os.kill(process.pid, signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    assert holder(run.lock).pid == process.pid


def test_the_lock_is_taken_before_torch_is_loaded(working):
    run, process = working()
    assert holder(run.lock).pid == process.pid  # from the first moment
    until(lambda: "Starting" in kinds(run))
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    assert "Started" in kinds(run) or "libtorch" not in maps


def test_the_lock_is_touched_while_the_worker_lives(working, forked):
    forked.first = [("tests.zygote:put", "vitprune_core.store.lock:TOUCHED_EVERY", 0.2)]
    run, _ = working("run", ONESHOT, ENDLESS)
    until(lambda: trains(run))  # nobody writes into it any more
    before = run.lock.stat().st_mtime
    until(lambda: run.lock.stat().st_mtime > before)


def by_a_worker(run):
    assert launch.start(run).wait(PATIENCE) == 0


def in_this_process(run):
    done = vitprune("resume", run.id, "--here", "--runs", run.path.parent)
    assert "goes on from the checkpoint of step" in done.stderr


@pytest.mark.parametrize(
    ("number", "resume"), [(signal.SIGINT, by_a_worker), (signal.SIGTERM, in_this_process)]
)
def test_a_signal_stops_after_a_checkpoint_to_be_resumed_from(working, forked, number, resume):
    run, process = working("run", ONESHOT, "train.epochs=10")
    until(lambda: trains(run))
    os.kill(process.pid, number)
    assert process.wait(PATIENCE) == 130
    assert kinds(run)[-1] == "Stopped"
    summary = summarize(run)
    assert (summary.state, summary.reason) == ("stopped", signal.Signals(number).name)
    resume(run)
    assert state(run) == "done"


def test_a_second_signal_ends_at_once(working):
    run, process = working()
    until(lambda: "Starting" in kinds(run))  # while torch is loaded nothing looks at the first
    os.kill(process.pid, signal.SIGTERM)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(PATIENCE) == 130
    assert kinds(run)[-1] == "Starting"
    assert state(run) == "lost"


def test_a_second_pause_is_a_pause(working, forked, tmp_path):
    run, _ = working("run", ONESHOT, ENDLESS)
    until(lambda: trains(run))
    for _ in range(2):
        assert "paused" in vitprune("pause", "run", "--runs", tmp_path).stdout
    assert "running" in vitprune("continue", "run", "--runs", tmp_path).stdout


def test_a_run_is_not_removed_while_it_is_started(working, tmp_path):
    run, process = working()
    said = vitprune("rm", "run", "--runs", tmp_path, code=75).stderr
    assert f"process {process.pid} on " in said
    assert run.path.is_dir()


def test_pause_continue_and_stop_are_acknowledged(working, forked, tmp_path):
    run, process = working("run", ONESHOT, ENDLESS)
    until(lambda: trains(run))
    there = ("--runs", tmp_path)
    assert "paused" in vitprune("pause", "run", *there).stdout
    assert state(run) == "paused"
    assert holder(run.lock).pid == process.pid
    size = run.log.stat().st_size
    time.sleep(0.4)
    assert run.log.stat().st_size == size  # nothing goes on
    assert "running" in vitprune("continue", "run", *there).stdout
    until(lambda: run.log.stat().st_size > size + 2_000)
    assert "stopped" in vitprune("stop", "run", *there).stdout
    assert process.wait(PATIENCE) == 130
    assert not control.pending(run.control)
    assert oct(control.ask(run.control, "stop").stat().st_mode)[-3:] == "600"
    assert "nobody works on it" in vitprune("pause", "run", *there, code=2).stderr


def test_requests_to_a_process_that_is_gone_are_forgotten(working, forked):
    run, process = working("run", ONESHOT, *BRIEF)
    process.kill()
    process.wait()
    control.ask(run.control, "stop")
    assert launch.start(run).wait(PATIENCE) == 0
    assert state(run) == "done"


def test_resume_continues_a_paused_run_and_leaves_a_done_one(working, forked, tmp_path):
    forked.first = [("tests.points:pause", str(tmp_path / "run" / "control"))]
    run, _ = working("run", ONESHOT, *BRIEF)
    until(lambda: state(run) == "paused")
    resumed = vitprune("resume", "run", "--runs", tmp_path)
    assert "run: done" in resumed.stdout
    size = run.log.stat().st_size
    assert "run: done" in vitprune("resume", "run", "--runs", tmp_path).stdout
    assert run.log.stat().st_size == size


def test_of_two_starters_one_works_and_the_other_is_told_who(working, forked, tmp_path):
    run, process = working("run", ONESHOT, ENDLESS)
    told_so = vitprune("resume", "run", "--runs", tmp_path, code=75).stderr
    assert f"held by process {process.pid} on {os.uname().nodename}" in told_so
    second = [sys.executable, "-m", launch.WORKER, str(run.path)]
    done = subprocess.run(second, capture_output=True, text=True, check=False)
    assert done.returncode == 75
    assert f"process {process.pid} on " in done.stderr


@pytest.mark.campaign("starters", 1, 100)
def test_of_sixteen_simultaneous_starters_one_works(times, tmp_path):
    for i in range(times):
        run = tiny(tmp_path, f"run{i}", *ONESHOT, ENDLESS)
        command = [sys.executable, "-m", "vitprune_tui.cli", "resume", run.id, "--detach"]
        command += ["--runs", str(tmp_path)]
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        starters = [subprocess.Popen(command, **piped) for _ in range(16)]
        said = [starter.communicate()[1] for starter in starters]
        codes = sorted(starter.returncode for starter in starters)
        assert codes == [0] + 15 * [75]
        worker = launch.kill(run)
        expected = f"held by process {worker.pid} on {worker.host}"
        assert sum(expected in words for words in said) == 15
        assert kinds(run).count("Starting") <= 1


def test_a_stale_lock_with_a_number_in_use_is_no_lock(working, forked, tmp_path):
    """The number in it is of another process, as after a restart: it must not be touched."""
    run, process = working("run", ONESHOT, *BRIEF)
    process.kill()
    process.wait()
    other = subprocess.Popen(["sleep", "60"])
    words = run.lock.read_text().replace(f'"pid": {process.pid}', f'"pid": {other.pid}')
    run.lock.write_text(words)
    assert state(run) in ("lost", "stopped")
    assert "nobody works on it" in vitprune("kill", "run", "--runs", tmp_path, code=2).stderr
    assert launch.start(run).wait(PATIENCE) == 0
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_process_of_another_host_is_not_killed(working, forked, tmp_path):
    run, process = working()
    until(lambda: trains(run))
    words = run.lock.read_text()
    run.lock.write_text(words.replace(f'"host": "{os.uname().nodename}"', '"host": "elsewhere"'))
    said = vitprune("kill", "run", "--runs", tmp_path, code=1).stderr
    assert f"process {process.pid} on elsewhere works on it: kill it there" in said
    run.lock.write_text(words)


def test_the_trainer_killed_a_waiter_takes_over(working, forked, tmp_path):
    dense = ("train.epochs=20", "retrain.fraction=0.05")
    first, trainer = working("first", ONESHOT, *dense)
    until(lambda: trains(first))
    control.ask(first.control, "pause")
    second, waiter = working("second", ITERATIVE, *dense)
    until(lambda: state(second) == "starting" and summarize(second).reason)
    assert summarize(second).reason == "waiting for dense: first trains it"
    assert "pausing" not in vitprune("pause", "second", "--runs", tmp_path).stdout
    assert state(second) == "paused"
    vitprune("continue", "second", "--runs", tmp_path)
    trainer.kill()
    trainer.wait()
    assert waiter.wait(PATIENCE) == 0
    (adopted,) = (i for i in told(second) if isinstance(i, e.DenseAdopted))
    assert adopted.of == "first"
    assert adopted.step > 0
    assert launch.start(first).wait(PATIENCE) == 0
    assert "DenseReused" in kinds(first)


def test_a_damaged_checkpoint_and_log_are_survived(working, whole, forked):
    forked.first = [("tests.points:arm", *points.ALONE["after Pruned (2)"])]
    run, process = working("run", ITERATIVE, *BRIEF)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    forked.first = []
    newest = sealed(run.checkpoints)[0]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    lines = run.log.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"0", b"1", 1)
    run.log.write_bytes(b"".join(lines) + b'{"seq":99,"att')  # and a torn tail
    assert launch.start(run).wait(PATIENCE) == 0
    summary = summarize(run)
    assert (summary.state, summary.damaged) == ("done", 1)
    assert outcome(run).sha256 == whole((*ITERATIVE, *BRIEF)).outcome.sha256
    assert newest.with_name(f"{newest.name}.corrupt").exists()
