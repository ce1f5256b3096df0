"""A run belongs to the machine: real processes, real signals, a real full disk."""

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import vitprune
from tests.workers import gone, killed_at_random, outcome, tiny, told, trains, until
from vitprune_core import dispatcher, launch
from vitprune_core.store import control, queue
from vitprune_core.store import events as e
from vitprune_core.store.lock import holder
from vitprune_core.store.log import entries
from vitprune_core.store.sealed import sealed
from vitprune_core.store.summary import summarize

ONESHOT = ("oneshot_global", "prune.sparsities=[0.5]")
ITERATIVE = ("iterative_random", "prune.sparsities=[0.5, 0.75]", "prune.step=0.5")
REWIND = ("oneshot_global", "prune.sparsities=[0.5]", "retrain={policy: weight_rewind}")
SOON_DONE = "train.epochs=2"
"""For a run that nobody has to meet at work."""


@pytest.fixture
def working(tmp_path):
    """Runs with a worker each; none is left behind."""
    runs, processes = [], []

    def start(name="run", preset=ONESHOT, *overrides, folder=tmp_path):
        run = tiny(folder, name, *preset, *overrides)
        runs.append(run)
        processes.append(launch.start(run))
        return run, processes[-1]

    yield start
    for run in runs:
        launch.kill(run)
    for process in processes:
        process.wait()


def state(run):
    return summarize(run).state


def kinds(run):
    return [type(record.event).__name__ for record in entries(run.log)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """`whole(preset)`: a run that nothing happened to, worked on once for all who compare."""
    done = {}

    def make(preset):
        if preset not in done:
            done[preset] = tiny(tmp_path_factory.mktemp("whole"), "run", *preset)
            assert launch.start(done[preset]).wait(120) == 0
        return done[preset]

    return make


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "preset",
    [
        pytest.param(ONESHOT, id="oneshot"),
        pytest.param(ITERATIVE, id="iterative"),
        pytest.param(REWIND, id="weight_rewind"),
    ],
)
def test_killed_at_random_times_a_run_ends_at_the_same_bytes(preset, kills, whole, tmp_path):
    run = tiny(tmp_path, "run", *preset)
    hits = killed_at_random(run, kills, draw=random.Random(0), longest=0.6)
    assert hits >= min(kills, 2)
    assert outcome(run) == outcome(whole(preset))
    assert outcome(run)[0] == "done"
    assert summarize(run).exact


def test_a_worker_is_a_session_of_its_own_that_ignores_a_hangup(working):
    run, process = working()
    until(lambda: trains(run))
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


def test_the_lock_is_touched_while_the_worker_lives(working):
    run, _ = working("run", ONESHOT, "train.epochs=2000")
    before = run.lock.stat().st_mtime
    until(lambda: run.lock.stat().st_mtime > before + 1, patience=120)


def by_a_worker(run):
    assert launch.start(run).wait(120) == 0


def in_this_process(run):
    done = vitprune("resume", run.id, "--here", "--runs", run.path.parent)
    assert "goes on from the checkpoint of step" in done.stderr


@pytest.mark.parametrize(
    ("number", "resume"), [(signal.SIGINT, by_a_worker), (signal.SIGTERM, in_this_process)]
)
def test_a_signal_stops_after_a_checkpoint_to_be_resumed_from(working, number, resume):
    run, process = working()
    until(lambda: trains(run))
    os.kill(process.pid, number)
    assert process.wait(120) == 130
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
    assert process.wait(120) == 130
    assert kinds(run)[-1] == "Starting"
    assert state(run) == "lost"


def test_a_second_pause_is_a_pause(working, tmp_path):
    run, _ = working("run", ONESHOT, "train.epochs=2000")
    until(lambda: trains(run))
    for _ in range(2):
        assert "paused" in vitprune("pause", "run", "--runs", tmp_path).stdout
    assert "running" in vitprune("continue", "run", "--runs", tmp_path).stdout


def test_a_run_is_not_removed_while_it_is_started(working, tmp_path):
    run, process = working()
    said = vitprune("rm", "run", "--runs", tmp_path, code=75).stderr
    assert f"process {process.pid} on " in said
    assert run.path.is_dir()


def test_pause_continue_and_stop_are_acknowledged(working, tmp_path):
    run, process = working("run", ONESHOT, "train.epochs=2000")
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
    assert process.wait(120) == 130
    assert not control.pending(run.control)
    assert oct(control.ask(run.control, "stop").stat().st_mode)[-3:] == "600"
    assert "nobody works on it" in vitprune("pause", "run", *there, code=2).stderr


def test_requests_to_a_process_that_is_gone_are_forgotten(working):
    run, process = working("run", ONESHOT, SOON_DONE)
    process.kill()
    process.wait()
    control.ask(run.control, "stop")
    assert launch.start(run).wait(120) == 0
    assert state(run) == "done"


def test_resume_continues_a_paused_run_and_leaves_a_done_one(working, tmp_path):
    run, _ = working()
    until(lambda: trains(run))
    vitprune("pause", "run", "--runs", tmp_path)
    resumed = vitprune("resume", "run", "--runs", tmp_path)
    assert "run: done" in resumed.stdout
    size = run.log.stat().st_size
    assert "run: done" in vitprune("resume", "run", "--runs", tmp_path).stdout
    assert run.log.stat().st_size == size


def test_of_two_starters_one_works_and_the_other_is_told_who(working, tmp_path):
    run, process = working("run", ONESHOT, "train.epochs=2000")
    told_so = vitprune("resume", "run", "--runs", tmp_path, code=75).stderr
    assert f"held by process {process.pid} on {os.uname().nodename}" in told_so
    second = [sys.executable, "-m", launch.WORKER, str(run.path)]
    done = subprocess.run(second, capture_output=True, text=True, check=False)
    assert done.returncode == 75
    assert f"process {process.pid} on " in done.stderr


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_of_sixteen_simultaneous_starters_one_works(tmp_path, rounds):
    for i in range(rounds):
        run = tiny(tmp_path, f"run{i}", *ONESHOT, "train.epochs=2000")
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


def test_a_stale_lock_with_a_number_in_use_is_no_lock(working, tmp_path):
    """The number in it is of another process, as after a restart: it must not be touched."""
    run, process = working("run", ONESHOT, SOON_DONE)
    process.kill()
    process.wait()
    other = subprocess.Popen(["sleep", "60"])
    words = run.lock.read_text().replace(f'"pid": {process.pid}', f'"pid": {other.pid}')
    run.lock.write_text(words)
    assert state(run) in ("lost", "stopped")
    assert "nobody works on it" in vitprune("kill", "run", "--runs", tmp_path, code=2).stderr
    assert launch.start(run).wait(120) == 0
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_process_of_another_host_is_not_killed(working, tmp_path):
    run, process = working()
    until(lambda: trains(run))
    words = run.lock.read_text()
    run.lock.write_text(words.replace(f'"host": "{os.uname().nodename}"', '"host": "elsewhere"'))
    said = vitprune("kill", "run", "--runs", tmp_path, code=1).stderr
    assert f"process {process.pid} on elsewhere works on it: kill it there" in said
    run.lock.write_text(words)


def test_the_trainer_killed_a_waiter_takes_over(working, tmp_path):
    long_dense = ("train.epochs=60", "retrain.fraction=0.05")
    first, trainer = working("first", ONESHOT, *long_dense)
    until(lambda: trains(first))
    second, waiter = working("second", ITERATIVE, *long_dense)
    until(lambda: state(second) == "starting" and summarize(second).reason)
    assert summarize(second).reason == "waiting for dense: first trains it"
    assert "pausing" not in vitprune("pause", "second", "--runs", tmp_path).stdout
    assert state(second) == "paused"
    vitprune("continue", "second", "--runs", tmp_path)
    trainer.kill()
    trainer.wait()
    assert waiter.wait(120) == 0
    (adopted,) = (i for i in told(second) if isinstance(i, e.DenseAdopted))
    assert adopted.of == "first"
    assert adopted.step > 0
    assert launch.start(first).wait(120) == 0
    assert "DenseReused" in kinds(first)


def test_a_damaged_checkpoint_and_log_are_survived(working, whole):
    run, process = working("run", ITERATIVE)
    until(lambda: "Pruned" in kinds(run) and len(sealed(run.checkpoints)) == 2)
    process.kill()
    process.wait()
    newest = sealed(run.checkpoints)[0]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    lines = run.log.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"0", b"1", 1)
    run.log.write_bytes(b"".join(lines) + b'{"seq":99,"att')  # and a torn tail
    assert launch.start(run).wait(120) == 0
    summary = summarize(run)
    assert (summary.state, summary.damaged) == ("done", 1)
    assert summary.weights_sha256 == summarize(whole(ITERATIVE)).weights_sha256
    assert newest.with_name(f"{newest.name}.corrupt").exists()


# A real disk that is full.


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


@pytest.mark.parametrize("leave", [0, 100_000])
def test_a_full_disk_pauses_and_room_lets_it_go_on_to_the_same_bytes(
    working, whole, small_disk, leave
):
    run, process = working("run", ITERATIVE, folder=small_disk)
    until(lambda: trains(run))
    filler = fill(small_disk, leave)
    until(lambda: state(run) == "paused", patience=120)
    assert "the disk is full" in summarize(run).reason
    assert all(path.stat().st_size > 10_000 for path in sealed(run.checkpoints))
    time.sleep(0.5)
    assert process.poll() is None
    filler.unlink()
    assert process.wait(120) == 0
    assert outcome(run) == outcome(whole(ITERATIVE))


def test_a_run_begun_on_a_full_disk_waits_for_room(working, small_disk, tmp_path):
    run = tiny(small_disk, "run", *ONESHOT, SOON_DONE)
    filler = fill(small_disk, 0)
    process = subprocess.Popen([sys.executable, "-m", launch.WORKER, str(run.path)])
    time.sleep(4)
    assert process.poll() is None
    filler.unlink()
    assert process.wait(120) == 0
    assert state(run) == "done"


def test_a_disk_with_no_room_for_a_first_checkpoint_is_not_tried_again_and_again(
    working, small_disk
):
    run = tiny(small_disk, "run", "oneshot_global", "model.width=240", "model.heads=6")
    fill(small_disk, 1_500_000)
    process = launch.start(run)
    until(lambda: state(run) == "paused", patience=120)
    time.sleep(5)
    assert kinds(run).count("Paused") == 1
    process.kill()
    process.wait()


def test_a_run_paused_by_a_full_disk_can_be_stopped_and_resumed(working, small_disk):
    run, process = working("run", ONESHOT, folder=small_disk)
    until(lambda: trains(run))
    filler = fill(small_disk, 0)
    until(lambda: state(run) == "paused", patience=120)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(120) == 130
    filler.unlink()
    assert launch.start(run).wait(120) == 0
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


def test_out_of_memory_is_told_with_its_peak_and_can_be_resumed(working):
    run, process = working("run", ONESHOT, "train.epochs=2000")
    until(lambda: trains(run))
    control.ask(run.control, "pause")
    until(lambda: state(run) == "paused")
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
    size = pages * resource.getpagesize()
    resource.prlimit(process.pid, resource.RLIMIT_AS, (size, size))
    resource.prlimit(process.pid, resource.RLIMIT_DATA, (1 << 20, 1 << 20))
    control.ask(run.control, "continue")
    assert process.wait(120) == 130
    summary = summarize(run)
    assert summary.state == "stopped", summary.reason
    assert "out of memory at a peak of " in summary.reason
    assert "smaller train.batch_size" in summary.reason
    again = launch.start(run)
    until(lambda: kinds(run).count("Resumed") == 1)
    again.kill()
    again.wait()
    assert gone(run)
