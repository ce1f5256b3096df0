"""From a request to a run, asked of real processes, without a word to the terminal."""

from pathlib import Path

import pytest

from tests.workers import until
from vitprune_core.spec.request import load
from vitprune_core.store import queue
from vitprune_core.store.lock import Held, alone, hold, holder, inscribe
from vitprune_core.store.summary import summarize
from vitprune_tui.doing import making
from vitprune_tui.doing.asking import ask
from vitprune_tui.wrong import Unable, Wrong

STAND_IN = """
import sys
sys.stdin.read()
print("1 of 2", end="\\r", file=sys.stderr, flush=True)
print("2 of \\x1b[31m2", file=sys.stderr, flush=True)
print("no " * 100_000 + "room")
sys.exit(1)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Another process in place of the check."""

    def put(text):
        (tmp_path / "stand_in.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(making, "CHECK", "stand_in")

    return put


def test_what_will_do_is_checked_without_a_word(tiny, capfd):
    lines = []
    making.check(tiny("oneshot_global"), lines.append)
    assert lines == []
    assert capfd.readouterr() == ("", "")


def test_what_the_check_tells_is_heard_by_who_listens_who_may_end_it(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("VITPRUNE_DATA", raising=False)
    cache = tmp_path / "vitprune" / "data"
    cache.mkdir(parents=True)

    def leave(line):
        assert line == f"another process fetches into {cache}; waiting for it"
        raise InterruptedError

    with alone(cache / ".lock"), pytest.raises(InterruptedError):
        making.check(load("oneshot_global", "cifar10"), leave)
    assert capfd.readouterr() == ("", "")


def test_a_line_that_changes_is_heard_each_time_and_is_clean(tiny, stand_in):
    stand_in(STAND_IN)
    lines = []
    with pytest.raises(Unable, match="no room"):
        making.check(tiny("oneshot_global"), lines.append)
    assert lines == ["1 of 2", "2 of 2"]


def test_without_a_listener_it_is_told_on_stderr(tiny, stand_in, capfd):
    stand_in(STAND_IN)
    with pytest.raises(Unable):
        making.check(tiny("oneshot_global"))
    assert capfd.readouterr() == ("", "1 of 2\r2 of \x1b[31m2\n")


def test_a_device_that_is_not_here_is_told(tiny):
    if Path("/dev/nvidia0").exists():
        pytest.skip("it is here")
    with pytest.raises(Unable, match="torch finds no CUDA device here"):
        making.check(tiny("oneshot_global", "device=cuda"), lambda line: None)


def test_a_name_is_free_or_refused(tiny, tmp_path):
    loaded = tiny("oneshot_global")
    for name in (None, "mine"):
        making.allowed_name(loaded, tmp_path, name)
    making.create(loaded, tmp_path, "mine")
    for refused in (making.allowed_name, making.create):
        with pytest.raises(Wrong, match="--name mine: there is such a run already"):
            refused(loaded, tmp_path, "mine")
    with pytest.raises(Wrong, match="a run's name is letters"):
        making.allowed_name(loaded, tmp_path, "../mine")


def test_a_run_without_a_name_is_called_after_what_it_does(tiny, tmp_path):
    made = making.create(tiny("oneshot_global", seed=3), tmp_path, None)
    assert made.id.startswith("oneshot_global-digits-s3-")
    assert load(str(made.config)).config == tiny("oneshot_global", seed=3).config


def test_a_queued_run_waits_until_it_is_taken_out(tiny, tmp_path):
    other, made = (making.create(tiny("dense"), tmp_path, name) for name in ("other", "made"))
    with hold(other.lock) as file:  # it seems to work, so nothing else is started
        inscribe(file, attempt=1)
        assert making.begin(made, tmp_path, queued=True) is None
        assert holder(queue.lock(tmp_path))
        assert summarize(made).state == "queued"
        assert ask(tmp_path, made, "stop") is None
        assert summarize(made).state == "stopped"
        assert queue.order(tmp_path) == []
        until(lambda: holder(queue.lock(tmp_path)) is None)
        with pytest.raises(Held):
            making.begin(other, tmp_path, queued=False)
