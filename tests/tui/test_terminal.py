"""The bench as it is used: the real program on real pseudo-terminals, seen through their bytes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import termios

import pytest

from tests.conftest import TINY
from tests.terminals import Screen
from tests.tui.bench import epoch, finished, made, started
from tests.workers import LONGER, gone, tiny, trains, until
from vitprune_core import launch
from vitprune_core.store import events as e
from vitprune_core.store.lock import holder
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize

NAMES = ("1 Bench", "2 Live", "3 Curves", "4 Masks", "5 Runs")
SHOWS = {  # what each view says of a run that is done
    "1": ("oneshot_global", "start"),
    "2": ("done", "tiny-run", "5/5"),
    "3": ("tiny-run", "the share removed"),
    "4": ("tiny-run", "sparsity", "none kept"),
    "5": ("tiny-run", "done", "digits"),
}
LONG = ("oneshot_global", "prune.sparsities=[0.5]", "train.epochs=2000")


def bench(folder, *words, **options):
    return Screen("--runs", folder, *words, **options)


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    """A tiny run that trains for longer than anybody looks."""
    run = tiny(tmp_path_factory.mktemp("endless"), "run", *LONG)
    yield run
    launch.kill(run)


@pytest.fixture
def training(endless, forked):
    """It, at work."""
    if gone(endless):
        launch.start(endless)
        until(lambda: trains(endless))
    return endless


def looked_through(screen):
    """Every view once, the first last."""
    for key in "23451":
        screen.press(key)
        screen.until(*NAMES, *SHOWS[key])
    return bytes(screen.captured)


def test_an_empty_folder_says_what_to_do(tmp_path):
    with bench(tmp_path) as screen:
        screen.until(*NAMES, "oneshot_global", "enter start")
        for key in "2345":
            screen.press(key)
            screen.until(*NAMES, "No runs yet")


def test_the_five_keys_show_five_views(a_run):
    with bench(a_run.path.parent) as screen:
        screen.until(*NAMES)
        looked_through(screen)


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
def test_leaving_gives_the_terminal_back_as_it_was(tmp_path, key):
    with bench(tmp_path) as screen:
        screen.until(*NAMES, "q leave")
        screen.press(key)
        assert screen.ends() == 0
        last = bytes(screen.captured)
        for on, off in ((b"?1049h", b"?1049l"), (b"?25l", b"?25h"), (b"?1003h", b"?1003l")):
            assert last.rindex(off) > last.rindex(on)
        typed = termios.tcgetattr(screen.ours)[3]
        assert typed & termios.ECHO
        assert typed & termios.ICANON


def test_a_run_started_on_a_terminal_that_is_closed_ends_done(tmp_path):
    own = tmp_path / "presets"
    own.mkdir()
    lines = ["workload: digits", "prune: {sparsities: [0.5]}"]
    longer = ("train.epochs=15", *LONGER[1:])
    keys = [o.partition("=") for o in (*TINY, *longer) if not o.startswith("train.")]
    train = [o.removeprefix("train.").replace("=", ": ") for o in longer if o.startswith("train.")]
    lines += [f"train: {{{', '.join(train)}}}"]
    lines += [f"{k}: {v}" for k, _, v in keys if "." not in k]
    (own / "mine.yaml").write_text("\n".join(lines) + "\n")
    with bench(tmp_path / "runs", cwd=tmp_path) as screen:
        screen.until("mine on digits")
        screen.press("enter")
        screen.until("2 Live", "running", "mine-digits-s0-")
        assert screen.close() == -signal.SIGHUP
    (path,) = (tmp_path / "runs").glob("mine-*")
    run = RunDir(path)
    assert holder(run.lock)
    until(lambda: gone(run))
    assert summarize(run).state == "done"


def test_a_closed_terminal_is_opened_again_beside_another_viewer(training):
    folder, worker = training.path.parent, holder(training.lock)
    with bench(folder) as first, bench(folder, size=(120, 40)) as second:
        for screen in (first, second):
            screen.until(*NAMES, "running", "run", "1 alive")
        first.close()
        seen = progress(second)
        second.comes(lambda _: progress(second) > seen, "progress")
        with bench(folder) as again:
            again.until(*NAMES, "running", "run", "1 alive")
    assert holder(training.lock) == worker


def progress(screen):
    """Epochs done, as Live says."""
    found = re.search(r"(\d+)/\d\d\d\d\b", screen.text())
    return int(found[1]) if found else 0


def test_a_worker_that_is_killed_is_lost(training):
    with bench(training.path.parent) as screen:
        screen.until("running", "1 alive")
        launch.kill(training)
        screen.until("lost", "r resume")
        assert not screen.has("alive")


def test_no_color_means_no_colour_at_all(a_run):
    with bench(a_run.path.parent, env={"NO_COLOR": "1"}) as screen:
        screen.until(*NAMES)
        written = looked_through(screen)
    codes = [int(code) for code in re.findall(rb"[\d]+", b";".join(sgr(written)))]
    assert not [c for c in codes if 30 <= c <= 38 or 40 <= c <= 48 or 90 <= c <= 107]


def sgr(written):
    return re.findall(rb"\x1b\[([\d;:]*)m", written)


def test_ascii_means_nothing_else_is_written(a_run):
    with bench(a_run.path.parent, "--ascii", size=(120, 40)) as screen:
        screen.until(*NAMES)
        written = looked_through(screen)
    assert max(written) < 0x80, written[max(written.find(bytes([max(written)])) - 40, 0) :][:80]


EVIL = "\x1b]0;owned\x07\x1b[123;45H\x9b31m\u202e[red]evil[/red]\u2066" + "x" * 10_000


def test_hostile_words_of_a_log_stay_words(tmp_path):
    told = finished(0.5)[:-1]
    told[0] = started(host=EVIL, fingerprint={"device": EVIL, EVIL: EVIL})
    made(tmp_path, "evil", e.Starting(host=EVIL, pid=1), *told, e.Failed(reason=EVIL),
         preset=EVIL, workload=EVIL)  # fmt: skip
    (tmp_path / "evil" / "log.txt").write_text(EVIL)
    with bench(tmp_path) as screen:
        screen.until(*NAMES)
        for key in "25341":
            screen.press(key)
            screen.settle()
            assert screen.has(*NAMES)
        screen.press("5")
        screen.until("failed")
        screen.press("2")
        screen.until("[red]evil[/red]", "evil", "failed")
        screen.press("q")
        assert screen.ends() == 0
        for raw in (b"\x1b]0;", b"123;45H", b"\xc2\x9b", "\u202e".encode(), "\u2066".encode()):
            assert raw not in screen.captured


def test_any_size_will_do_while_it_is_open(tmp_path):
    made(tmp_path, "run", started(), *(epoch(i) for i in range(4)))
    with bench(tmp_path) as screen:
        screen.until(*NAMES)
        for key in "12345":
            screen.press(key)
            for size in ((20, 5), (1, 1), (200, 60), (80, 24)):
                screen.resize(*size)
                screen.settle(0.05)
            screen.until(*NAMES)
        screen.press("q")
        assert screen.ends() == 0


def test_a_terminal_that_was_smaller_for_a_moment_is_painted_anew(tmp_path):
    """The program sees the size it had; what stood there is lost all the same."""
    with bench(tmp_path) as screen:
        screen.until(*NAMES)
        screen.settle()
        screen.resize(20, 5)
        screen.resize(80, 24)
        screen.until(*NAMES, "q leave")


def test_keys_that_come_all_at_once_are_done_in_their_order(tmp_path):
    """As a slow connection delivers them: what was deleted is deleted before more is typed."""
    made(tmp_path, "a-run", *finished(0.5))
    with bench(tmp_path) as screen:
        screen.until("1 run")
        screen.press("5")
        screen.until("a-run")
        screen.press("/")
        screen.settle(0.5)
        os.write(screen.ours, b"failes\x7f\x7f\x7f\x7f\x7f\x7fdone\r")
        screen.comes(lambda text: "1 of 1 run  done" in text)


def test_a_runs_folder_may_vanish(tmp_path):
    folder = tmp_path / "runs"
    made(folder, "run", *finished(0.5))
    with bench(folder) as screen:
        screen.until("1 run")
        screen.press("2")
        screen.until("done")
        shutil.rmtree(folder)
        screen.until("No runs yet")
        made(folder, "another", *finished(0.5))
        screen.until("another")


def test_without_a_terminal_it_says_that_it_needs_one(tmp_path):
    command = [sys.executable, "-m", "vitprune_tui.tui", "--runs", str(tmp_path)]
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 2
    assert done.stderr == "vitprune-tui needs a terminal; `vitprune` does all of it without\n"
