"""A terminal is only somewhere to look from: closed under any command, it takes nothing with it."""

import os
import random
import signal
import time
from contextlib import suppress
from itertools import pairwise

import psutil
import pytest

from tests.conftest import TINY, vitprune
from tests.terminals import Screen, Terminal
from tests.workers import (
    BRIEF,
    ENDLESS,
    LONGER,
    PATIENCE,
    gone,
    kinds,
    outcome,
    tiny,
    trains,
    until,
)
from vitprune_core import launch
from vitprune_core.store import queue
from vitprune_core.store.lock import holder
from vitprune_core.store.log import entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize

LONG = ("oneshot_global", "prune.sparsities=[0.5]", ENDLESS)
SHORT = ("oneshot_global", "prune.sparsities=[0.5]", *BRIEF)


@pytest.fixture
def long_run(tmp_path, zygote):
    run = tiny(tmp_path, "run", *LONG)
    with zygote.instead():
        process = launch.start(run)
    yield run
    launch.kill(run)
    process.wait()


def words_for(name, preset, *overrides):
    sets = [w for o in (*TINY, *LONGER, *overrides) for w in ("--set", o)]
    return ["run", preset, "--workload", "digits", "--name", name, *sets]


@pytest.mark.campaign("terminals", 1, 10)
def test_terminals_closed_under_run_leave_the_worker_alone(tmp_path, times):
    for i in range(times):
        folder = tmp_path / str(i)
        terminal = Terminal(*words_for("run", *LONG), "--runs", folder)
        run = RunDir(folder / "run")
        until(lambda run=run: run.log.exists() and trains(run))
        goes_on_without(terminal, run)
        launch.kill(run)


@pytest.mark.campaign("terminals", 2, 20)
def test_terminals_closed_under_watch_leave_the_worker_alone(long_run, tmp_path, times):
    until(lambda: trains(long_run))
    for _ in range(times):
        screen = watching(tmp_path)
        screen.until("2 Live", "running")
        goes_on_without(screen, long_run)


@pytest.mark.campaign("terminals", 2, 20)
def test_terminals_closed_under_the_bench_leave_the_worker_alone(long_run, tmp_path, times):
    until(lambda: trains(long_run))
    draw = random.Random(0)
    for i in range(times):
        screen = Screen("--runs", tmp_path)
        if i % 3 == 2:
            screen.watch(draw.uniform(0, 0.5))  # closed while it opens
        else:
            screen.until("1 Bench", "running")
            screen.press(draw.choice("12345"))
            screen.watch(draw.uniform(0, 0.5))
        goes_on_without(screen, long_run)


def goes_on_without(terminal, run):
    """Closed, it takes its own session with it and nothing else."""
    worker = holder(run.lock)
    assert terminal.close() == -signal.SIGHUP
    size = run.log.stat().st_size
    until(lambda: run.log.stat().st_size > size + 2_000)
    assert holder(run.lock) == worker
    assert summarize(run).state == "running"
    assert not {"Acknowledged", "Stopped", "Paused"} & set(kinds(run))
    assert not session(terminal.process.pid)


def session(leader):
    """Processes that belong to a terminal's session."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                found.append(pid)
    return found


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


def test_watch_on_a_terminal_ends_with_the_run_and_says_how_it_ended(tmp_path, forked):
    process = launch.start(tiny(tmp_path, "run", *SHORT, "train.epochs=20"))
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


def test_watch_follows_to_the_end_and_says_how_it_ended(tmp_path, forked):
    run = tiny(tmp_path, "run", *SHORT, "train.epochs=20")
    process = launch.start(run)
    done = vitprune("watch", "run", "--runs", tmp_path)
    assert "run: done" in done.stdout
    assert "retrained" in done.stderr
    process.wait()


def test_detach_prints_the_id_and_the_run_goes_on(tmp_path):
    done = vitprune(*words_for("run", *SHORT), "--detach", "--runs", tmp_path)
    assert done.stdout == "run\n"
    starts_in(tmp_path / "run")


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
    assert len({outcome(run).sha256 for run in runs}) == 1


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
    starts_in(tmp_path / "c")
    assert vitprune("resume", "a", "--detach", *there).stdout == "a\n"
    starts_in(tmp_path / "a")
    assert "choices are up, down, rm, start" in vitprune("queue", "x", *there, code=2).stderr


def test_a_dispatcher_that_was_killed_is_started_by_the_next(long_run, tmp_path):
    vitprune(*words_for("a", *SHORT), "--queue", "--runs", tmp_path)
    os.kill(holder(queue.lock(tmp_path)).pid, signal.SIGKILL)
    until(lambda: holder(queue.lock(tmp_path)) is None)
    shown = vitprune("queue", "--runs", tmp_path).stdout
    assert "Nobody starts them: `vitprune queue start`" in shown
    vitprune("queue", "start", "--runs", tmp_path)
    launch.kill(long_run)
    starts_in(tmp_path / "a")


def starts_in(folder):
    """A worker of its own begins there, which is enough to see."""
    until(lambda: "Starting" in kinds(RunDir(folder)))
    launch.kill(RunDir(folder))


def test_a_run_that_diverged_is_not_resumed(tmp_path, forked):
    run = tiny(tmp_path, "nan", *SHORT, "train.lr=1e18")
    assert launch.start(run).wait(PATIENCE) == 1
    said = vitprune("resume", "nan", "--runs", tmp_path, code=2).stderr
    assert "a new run with other settings shares its dense" in said


def test_here_detach_and_queue_exclude_each_other(tmp_path):
    words = words_for("x", *SHORT)
    said = vitprune(*words, "--here", "--queue", "--runs", tmp_path / "r", code=2).stderr
    assert "--here and --queue exclude each other" in said
    assert not (tmp_path / "r").exists()
