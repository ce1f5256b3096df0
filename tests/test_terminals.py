"""A terminal is only somewhere to look from: closed under any command, it takes nothing with it."""

import os
import signal
import time
from itertools import pairwise

import pytest

from tests.conftest import vitprune
from tests.terminals import Screen, Terminal
from tests.workers import gone, outcome, tiny, trains, until
from vitprune_core import launch
from vitprune_core.store import queue
from vitprune_core.store.lock import holder
from vitprune_core.store.log import entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize

LONG = ("oneshot_global", "prune.sparsities=[0.5]", "train.epochs=2000")
SHORT = ("oneshot_global", "prune.sparsities=[0.5]", "train.epochs=5")


@pytest.fixture
def long_run(tmp_path):
    run = tiny(tmp_path, "run", *LONG)
    process = launch.start(run)
    yield run
    launch.kill(run)
    process.wait()


def words_for(name, preset, *overrides):
    from tests.conftest import TINY
    from tests.workers import LONGER

    sets = [w for o in (*TINY, *LONGER, *overrides) for w in ("--set", o)]
    return ["run", preset, "--workload", "digits", "--name", name, *sets]


def test_a_terminal_closed_under_run_leaves_the_worker_alone(tmp_path):
    terminal = Terminal(*words_for("run", *LONG), "--runs", tmp_path)
    run = RunDir(tmp_path / "run")
    until(lambda: run.log.exists() and trains(run))
    worker = holder(run.lock)
    assert terminal.close() == -signal.SIGHUP
    size = run.log.stat().st_size
    until(lambda: run.log.stat().st_size > size + 2_000)
    assert holder(run.lock) == worker
    assert summarize(run).state == "running"
    launch.kill(run)


@pytest.mark.parametrize("times", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_terminals_closed_under_watch_leave_the_worker_alone(long_run, tmp_path, times):
    until(lambda: trains(long_run))
    worker = holder(long_run.lock)
    for _ in range(times):
        screen = watching(tmp_path)
        screen.until("2 Live", "running")
        assert screen.close() == -signal.SIGHUP
    assert holder(long_run.lock) == worker
    kinds = {type(record.event).__name__ for record in entries(long_run.log)}
    assert not kinds & {"Acknowledged", "Stopped", "Paused"}


def test_leaving_watch_leaves_the_run_alone_and_the_terminal_as_it_was(long_run, tmp_path):
    until(lambda: trains(long_run))
    for way in ("ctrl+c", "q", signal.SIGTERM, signal.SIGINT):
        with watching(tmp_path) as screen:
            screen.until("2 Live", "running")
            if isinstance(way, str):
                screen.press(way)
            else:
                screen.process.send_signal(way)
            assert screen.ends() == 130
            _, _, after = bytes(screen.captured).rpartition(b"\x1b[?1049l")  # the screen before
            assert b"run is left alone" in after
            assert b"run: running" in after
    assert summarize(long_run).state == "running"


def test_watch_on_a_terminal_ends_with_the_run_and_says_how_it_ended(tmp_path):
    process = launch.start(tiny(tmp_path, "run", *SHORT))
    with watching(tmp_path) as screen:
        assert screen.ends() == 0
        assert b"run: done" in bytes(screen.captured).rpartition(b"\x1b[?1049l")[2]
    process.wait()
    with watching(tmp_path) as screen:  # one that is over is only told
        assert screen.ends() == 0
        assert b"run: done" in screen.captured


def watching(folder):
    return Screen("watch", "run", "--runs", folder, module="vitprune_tui.cli")


def test_ctrl_c_under_run_asks_the_worker_to_stop(tmp_path):
    terminal = Terminal(*words_for("run", *LONG), "--runs", tmp_path)
    run = RunDir(tmp_path / "run")
    until(lambda: run.log.exists() and trains(run))
    terminal.press(b"\x03")
    terminal.reads("vitprune resume run")
    assert terminal.ends() == 130
    assert summarize(run).state == "stopped"
    assert gone(run)
    terminal.close()


def test_a_second_ctrl_c_under_run_leaves_and_the_stop_stands(tmp_path):
    terminal = Terminal(*words_for("run", *LONG), "--runs", tmp_path)
    terminal.reads("loads torch")  # the worker reads no requests yet
    terminal.press(b"\x03")
    terminal.reads("once more leaves it alone")
    terminal.press(b"\x03")
    assert terminal.ends() == 130
    until(lambda: summarize(RunDir(tmp_path / "run")).state == "stopped")
    terminal.close()


def test_a_killed_run_command_leaves_the_worker_alone(tmp_path):
    terminal = Terminal(*words_for("run", *LONG), "--runs", tmp_path)
    run = RunDir(tmp_path / "run")
    until(lambda: run.log.exists() and trains(run))
    terminal.process.kill()
    terminal.process.wait()
    size = run.log.stat().st_size
    until(lambda: run.log.stat().st_size > size + 2_000)
    terminal.close()
    launch.kill(run)


def test_watch_follows_to_the_end_and_says_how_it_ended(tmp_path):
    run = tiny(tmp_path, "run", *SHORT)
    process = launch.start(run)
    done = vitprune("watch", "run", "--runs", tmp_path)
    assert "run: done" in done.stdout
    assert "retrained" in done.stderr
    process.wait()


def test_detach_prints_the_id_and_the_run_goes_on(tmp_path):
    done = vitprune(*words_for("run", *SHORT), "--detach", "--runs", tmp_path)
    assert done.stdout == "run\n"
    run = RunDir(tmp_path / "run")
    until(lambda: summarize(run).state == "done")


def test_three_queued_runs_finish_in_order_though_the_terminal_is_closed(tmp_path):
    names = ["first", "second", "third"]
    for name in names:
        terminal = Terminal(*words_for(name, *SHORT), "--queue", "--runs", tmp_path)
        terminal.reads(name)
        terminal.close()
    assert holder(queue.lock(tmp_path))
    runs = [RunDir(tmp_path / name) for name in names]
    until(lambda: all(summarize(run).state == "done" for run in runs))
    until(lambda: holder(queue.lock(tmp_path)) is None, patience=60)
    times = [[r.time for r in entries(run.log) if r.attempt > 0] for run in runs]
    for earlier, later in pairwise(times):
        assert max(earlier) <= min(later)
    assert len({outcome(run)[1] for run in runs}) == 1


def test_a_queue_is_reordered_and_waits_for_what_runs(long_run, tmp_path):
    there = ("--runs", tmp_path)
    for name in ("a", "b", "c"):
        vitprune(*words_for(name, *SHORT), "--queue", *there)
    assert queue.order(tmp_path) == ["a", "b", "c"]
    assert summarize(RunDir(tmp_path / "b")).state == "queued"
    shown = vitprune("queue", "up", "c", *there).stdout
    assert [line.split()[-1] for line in shown.splitlines()] == ["RUN", "a", "c", "b"]
    vitprune("queue", "rm", "a", *there)
    vitprune("stop", "b", *there)
    assert summarize(RunDir(tmp_path / "a")).state == "stopped"
    assert summarize(RunDir(tmp_path / "a")).reason == "not started yet"
    assert queue.order(tmp_path) == ["c"]
    time.sleep(1.5)
    assert summarize(RunDir(tmp_path / "c")).state == "queued"  # one works already
    vitprune("pause", "run", *there)  # a paused run leaves its turn to others
    until(lambda: summarize(RunDir(tmp_path / "c")).state == "done")
    assert vitprune("resume", "a", *there).returncode == 0
    assert "choices are up, down, rm, start" in vitprune("queue", "x", *there, code=2).stderr


def test_a_dispatcher_that_was_killed_is_started_by_the_next(long_run, tmp_path):
    vitprune(*words_for("a", *SHORT), "--queue", "--runs", tmp_path)
    os.kill(holder(queue.lock(tmp_path)).pid, signal.SIGKILL)
    until(lambda: holder(queue.lock(tmp_path)) is None)
    shown = vitprune("queue", "--runs", tmp_path).stdout
    assert "Nobody starts them: `vitprune queue start`" in shown
    vitprune("queue", "start", "--runs", tmp_path)
    launch.kill(long_run)
    until(lambda: summarize(RunDir(tmp_path / "a")).state == "done")


def test_a_run_that_diverged_is_not_resumed(tmp_path):
    words = words_for("nan", "oneshot_global", "train.lr=1e18", "train.epochs=2")
    vitprune(*words, "--runs", tmp_path, code=1)
    said = vitprune("resume", "nan", "--runs", tmp_path, code=2).stderr
    assert "a new run with other settings shares its dense" in said


def test_here_detach_and_queue_exclude_each_other(tmp_path):
    words = words_for("x", *SHORT)
    said = vitprune(*words, "--here", "--queue", "--runs", tmp_path / "r", code=2).stderr
    assert "--here and --queue exclude each other" in said
    assert not (tmp_path / "r").exists()
