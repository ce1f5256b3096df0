"""What may be asked of a run that there is, and what is said when it may not."""

import json
import subprocess
import sys

import pytest

from tests.workers import made, tiny, trains, until
from vitprune_core import launch
from vitprune_core.store import control, queue
from vitprune_core.store import events as e
from vitprune_core.store.lock import Held, hold, holder, inscribe
from vitprune_core.store.log import Log
from vitprune_core.store.summary import summarize
from vitprune_tui.doing.asking import ask, bring_back, kill, remove, resumable
from vitprune_tui.doing.making import begin
from vitprune_tui.wrong import Unable, Wrong

NAN = e.Diverged(
    round=0, sparsity_asked=0, level=None, step=3, epoch=1, lr=1e18, gradient_norm=None
)


@pytest.fixture
def idle(tmp_path):
    """A run that nobody works on."""
    return made(tmp_path, "run", "dense")


@pytest.fixture
def held(idle):
    """A run that this process holds."""
    with hold(idle.lock) as file:
        inscribe(file, attempt=1)
        yield idle


def test_a_run_is_paused_continued_killed_and_brought_back(forked, tmp_path):
    run = tiny(tmp_path, "run", "oneshot_global", "train.epochs=2000")
    first = begin(run, tmp_path, queued=False)
    try:
        until(lambda: trains(run))
        with pytest.raises(Held, match=f"process {first.pid}"):
            bring_back(run)
        paused = ask(tmp_path, run, "pause")
        until(lambda: summarize(run).state == "paused" and not paused.exists())
        assert bring_back(run) is None
        until(lambda: summarize(run).state == "running")
        assert kill(run).pid == first.pid
        first.wait()
        assert summarize(run).state == "lost"
        second = bring_back(run)
        assert holder(run.lock).pid == second.pid
    finally:
        launch.kill(run)
    second.wait()


@pytest.mark.parametrize("request_", control.REQUESTS)
def test_a_request_is_left_for_who_works_on_the_run(held, tmp_path, request_):
    path = ask(tmp_path, held, request_)
    assert control.pending(held.control) == [path]
    assert control.request_of(path) == request_


@pytest.mark.parametrize("request_", [*control.REQUESTS, "kill"])
def test_nothing_is_asked_of_nobody(idle, tmp_path, request_):
    with pytest.raises(Wrong, match=f"run is stopped: .* there is nothing to {request_}"):
        kill(idle) if request_ == "kill" else ask(tmp_path, idle, request_)
    assert not control.pending(idle.control)


def test_a_queued_run_is_stopped_by_taking_it_out_and_cannot_be_paused(idle, tmp_path):
    queue.add(tmp_path, "run")
    with pytest.raises(Wrong, match=r"run is queued: .* there is nothing to pause"):
        ask(tmp_path, idle, "pause")
    assert ask(tmp_path, idle, "stop") is None
    assert queue.order(tmp_path) == []


@pytest.mark.parametrize(
    ("event", "why"),
    [(e.Finished(weights_sha256="0"), "is done already"), (NAN, "step 3 of .*, and would")],
    ids=["done", "diverged"],
)
def test_a_run_that_is_over_is_not_brought_back(idle, event, why):
    Log(idle.log).append(event)
    for refused in (bring_back, resumable):
        with pytest.raises(Wrong, match=why):
            refused(idle)
    assert holder(idle.lock) is None


def test_a_run_without_its_config_is_not_brought_back(idle):
    idle.config.unlink()
    with pytest.raises(Unable, match=r"its config\.yaml has gone"):
        bring_back(idle)


def test_a_run_that_somebody_holds_is_not_removed(held, tmp_path):
    with pytest.raises(Held):
        remove(tmp_path, held)
    assert held.path.is_dir()


def test_a_removed_run_is_in_the_trash_and_not_in_the_queue(idle, tmp_path):
    queue.add(tmp_path, "run")
    assert remove(tmp_path, idle) == tmp_path / ".trash" / "run"
    assert not idle.path.exists()
    assert queue.order(tmp_path) == []


@pytest.mark.parametrize(
    ("room", "none"),
    [
        ("asking", {"torch", "numpy", "rich", "textual", "pydantic", "yaml"}),
        ("making", {"torch", "numpy", "rich", "textual"}),
    ],
)
def test_asking_loads_little_and_making_no_engine_and_no_screen(room, none):
    script = f"import json, sys, vitprune_tui.doing.{room}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert not none & set(json.loads(done.stdout))
