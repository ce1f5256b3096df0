"""A terminal that is gone ends what is shown on it, also where SIGHUP is ignored."""

import signal

import pytest

from tests.terminals import Screen
from tests.tui import bench as b
from vitprune_core.store import events as e
from vitprune_core.store.lock import hold, inscribe

WAYS = {"vitprune_tui.tui": (), "vitprune_tui.cli": ("watch", "run")}


@pytest.fixture
def living(tmp_path):
    """A folder with a run that somebody works on."""
    run = b.made(tmp_path, "run", e.Starting(host="bench", pid=1), b.started(), b.epoch(0))
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        yield tmp_path


@pytest.fixture
def deaf():
    """As under nohup: what is started ignores SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("module", "words"), WAYS.items())
def test_a_screen_whose_terminal_is_gone_ends_though_it_ignores_sighup(living, deaf, module, words):
    with Screen(*words, "--runs", living, module=module) as screen:
        screen.until("2 Live", "running")
        assert screen.close() == 128 + signal.SIGHUP
