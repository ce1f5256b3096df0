"""What the bench knows of a runs folder: looks at files that tests write, without a thread."""

import json
import os
import queue as waiting
import shutil
import zlib
from pathlib import Path

import pytest

from tests.tui import bench as b
from vitprune_core.store import control, queue
from vitprune_core.store import events as e
from vitprune_core.store.brief import brief
from vitprune_core.store.lock import Holder, hold, inscribe
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import cache, summarize
from vitprune_tui.doing.watcher import LISTED_EVERY, STALLED, TURNS, Watcher
from vitprune_tui.state import Lab

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def watcher(tmp_path):
    return Watcher(tmp_path / "runs")


@pytest.fixture
def runs(watcher):
    return watcher.lab.folder


def looks(watcher, number=TURNS):
    for _ in range(number):
        watcher.look()
    return watcher.lab


def done(folder, name, *sparsities):
    return b.made(folder, name, *b.finished(*sparsities or (0.5,)))


def living(folder, name, *told):
    return b.made(folder, name, e.Starting(host="bench", pid=1), b.started(), *told)


def test_a_folder_that_is_not_there_has_no_runs_until_it_is_there(watcher, runs):
    lab = watcher.look()
    assert lab == Lab(runs, read=True)
    assert lab.problem is None
    assert watcher.look() is lab
    done(runs, "a")
    assert list(watcher.look().runs) == ["a"]


def test_new_runs_are_found_at_the_next_look_also_in_studies(watcher, runs):
    done(runs, "b")
    watcher.look()
    done(runs, "a")
    assert list(watcher.look().runs) == ["a", "b"]
    (runs / "study").mkdir()
    watcher.look()
    study = done(runs / "study", "x", 0.5, 0.9)
    lab = watcher.look()
    assert list(lab.runs) == ["a", "b", "study/x"]
    assert lab.runs["study/x"] == brief(study)
    done(runs / "study", "y")
    assert "study/y" in watcher.look().runs


def test_a_run_whose_folder_is_there_before_its_log_is_found_with_its_log(watcher, runs):
    for folder in (runs, runs / "study"):
        run = RunDir(folder / "late").create()
        name = str(run.path.relative_to(runs))
        assert name not in looks(watcher, 3).runs
        Log(run.log).append(b.created())
        assert name in watcher.look().runs


def test_the_very_same_picture_when_nothing_is_new(watcher, runs):
    done(runs, "a")
    living(runs, "b")
    queue.add(runs, "c")
    watcher.wanted = frozenset({"a", "b"})
    lab = looks(watcher, 2)
    assert looks(watcher, LISTED_EVERY + TURNS) is lab
    assert set(lab.opened) == {"a", "b"}


def test_what_did_not_change_stays_the_very_same_when_something_else_did(watcher, runs):
    watcher.wanted = frozenset({"a", "b"})
    done(runs, "a")
    run = living(runs, "b")
    before = looks(watcher, 2)
    Log(run.log).append(b.epoch(0))
    after = watcher.look()
    assert after.opened["a"] is before.opened["a"]
    assert after.runs["a"] is before.runs["a"]
    assert after.opened["b"] is not before.opened["b"]
    assert after.opened["b"].tested is before.opened["b"].tested or not after.opened["b"].tested


def test_a_run_that_rests_and_goes_on_is_noticed_in_turn(watcher, runs):
    for i in range(3 * TURNS):
        done(runs, f"r{i:02}")
    watcher.look()
    for i in range(3 * TURNS):
        Log(RunDir(runs / f"r{i:02}").log).append(b.pruned(0.9, round=2))
        Log(RunDir(runs / f"r{i:02}").log).append(b.level(0.9))
    lab = looks(watcher)
    assert {one.levels for one in lab.runs.values()} == {2}


def test_a_living_run_is_read_at_every_look(watcher, runs):
    run = living(runs, "a")
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        assert watcher.look().runs["a"].state == "running"
        log = Log(run.log)
        for number in range(3):
            log.append(b.epoch(number))
            assert watcher.look().runs["a"].epochs_done == number + 1
    assert watcher.look().runs["a"].state == "lost"


def test_a_run_is_lost_as_soon_as_nobody_holds_it_and_lives_when_it_is_resumed(watcher, runs):
    run = living(runs, "a", b.epoch(0))
    assert watcher.look().runs["a"].state == "lost"
    assert watcher.lab.alive == []
    with hold(run.lock) as lock:
        inscribe(lock, attempt=2)
        Log(run.log).append(e.Starting(host="bench", pid=2))
        assert looks(watcher).runs["a"].state == "starting"
        assert watcher.lab.alive == ["a"]


def test_a_run_that_is_looked_at_grows(watcher, runs):
    run = living(runs, "a")
    watcher.wanted = frozenset({"a"})
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        opened = watcher.look().opened["a"]
        assert (opened.rows, opened.tested, opened.levels) == (0, (), ())
        assert opened.holder == Holder(opened.holder.host, os.getpid(), 1, opened.holder.boot)
        assert [type(entry.event) for entry in opened.latest] == [e.Created, e.Starting, e.Started]
        log = Log(run.log)
        for event in (b.epoch(0), b.dense(), b.pruned(0.5), b.epoch(2, 1, 0.5)):
            log.append(event)
        run.grid("0.5").write_text("{}")
        grown = watcher.look().opened["a"]
        assert grown.rows == len(grown.history) == 2
        assert grown.tested == (b.pruned(0.5),)
        assert grown.levels == ("0.5",)
        assert [type(entry.event) for entry in grown.latest[-2:]] == [e.DenseTrained, e.Pruned]
        assert grown.summary.sparsity == 0.5
        assert opened.rows == 0
        log.append(e.Checkpointed(step=3, file="x", bytes=1))
        assert watcher.look().opened["a"].latest == grown.latest


def test_a_run_is_read_in_full_only_while_it_is_wanted(watcher, runs):
    done(runs, "a")
    assert watcher.look().opened == {}
    watcher.wanted = frozenset({"a", "nobody"})
    assert list(watcher.look().opened) == ["a"]
    assert watcher.lab.opened["a"].summary == summarize(RunDir(runs / "a"))
    watcher.wanted = frozenset()
    assert watcher.look().opened == {}
    looks(watcher)
    assert watcher.readers == {}


def test_a_run_that_goes_away_while_it_is_looked_at_is_not_there_any_more(watcher, runs):
    done(runs, "a")
    done(runs / "study", "b")
    watcher.wanted = frozenset({"a", "study/b"})
    assert len(watcher.look().opened) == 2
    shutil.rmtree(runs / "a")
    shutil.rmtree(runs / "study")
    lab = watcher.look()
    assert (lab.opened, lab.runs, lab.problem) == ({}, {}, None)
    again = done(runs, "a", 0.5, 0.9)
    assert watcher.look().opened["a"].summary == summarize(again)


def test_a_run_that_another_of_its_name_replaces_is_read_anew(watcher, runs):
    done(runs, "a", 0.5, 0.9)
    watcher.wanted = frozenset({"a"})
    assert watcher.look().runs["a"].levels == 2
    shutil.rmtree(runs / "a")
    another = done(runs, "a", 0.8)
    assert watcher.look().opened["a"].summary == summarize(another)


def test_the_folder_may_go_away_and_come_back(watcher, runs):
    done(runs, "a")
    watcher.wanted = frozenset({"a"})
    watcher.look()
    moved = runs.rename(runs.with_name("moved"))
    assert watcher.look().runs == {}
    moved.rename(runs)
    assert list(watcher.look().opened) == ["a"]


def test_a_file_in_its_place_is_told_and_so_is_that_it_is_gone(watcher, runs):
    runs.write_text("not a folder")
    lab = watcher.look()
    assert lab.problem == f"{runs}: Not a directory"
    assert lab.read
    assert watcher.look() is lab
    runs.unlink()
    done(runs, "a")
    lab = watcher.look()
    assert (lab.problem, list(lab.runs)) == (None, ["a"])


def no_entry(monkeypatch, *paths):
    """As for a user who has no right to: root always has."""
    for module, name in ((os, "listdir"), (os, "scandir"), (Path, "open"), (os, "open")):
        real = getattr(module, name)

        def refusing(path, *more, _real=real, **options):
            if str(path) in map(str, paths):
                raise PermissionError(13, "Permission denied", str(path))
            return _real(path, *more, **options)

        monkeypatch.setattr(module, name, refusing)


def test_a_folder_that_may_not_be_read_is_told_until_it_may(watcher, runs, monkeypatch):
    done(runs, "a")
    with monkeypatch.context() as patch:
        no_entry(patch, runs)
        assert watcher.look().problem == f"{runs}: Permission denied"
        assert watcher.look().problem
    assert watcher.look().problem is None
    assert list(watcher.lab.runs) == ["a"]
    with monkeypatch.context() as patch:
        no_entry(patch, runs)
        done(runs, "b")
        assert watcher.look().problem
        assert list(watcher.lab.runs) == ["a"]  # what was known is still shown


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_rights_of_the_disk_are_told_like_that(watcher, runs):
    done(runs, "a")
    runs.chmod(0)
    try:
        assert "Permission denied" in watcher.look().problem
    finally:
        runs.chmod(0o755)
    assert list(watcher.look().runs) == ["a"]


def test_one_run_that_may_not_be_read_hides_no_other(watcher, runs, monkeypatch):
    secret = done(runs, "a")
    done(runs, "b")
    with monkeypatch.context() as patch:
        no_entry(patch, secret.log)
        lab = watcher.look()
        assert (list(lab.runs), lab.foreign, lab.problem) == (["a", "b"], 0, None)
        assert lab.unreadable == {"a": "Permission denied"}
        assert lab.runs["a"].state == "unreadable"
    lab = looks(watcher)
    assert (lab.unreadable, lab.runs["a"].state) == ({}, "done")
    with monkeypatch.context() as patch:
        no_entry(patch, secret.log)
        watcher.wanted = frozenset({"a"})
        Log(RunDir(runs / "b").log).append(b.level(0.9))
        lab = looks(watcher)
        assert (list(lab.runs), lab.runs["b"].levels) == (["a", "b"], 2)
        assert (lab.unreadable, lab.opened) == ({"a": "Permission denied"}, {})
        assert lab.runs["a"].state == "done"  # what was known is still shown
    lab = watcher.look()
    assert (lab.unreadable, list(lab.opened)) == ({}, ["a"])


def test_a_study_that_may_not_be_listed_hides_no_other_run(watcher, runs, monkeypatch):
    done(runs, "a")
    done(runs / "theirs", "b")
    no_entry(monkeypatch, runs / "theirs")
    lab = watcher.look()
    assert (list(lab.runs), lab.foreign, lab.problem) == (["a"], 1, None)


def test_other_folders_are_counted_and_files_are_not(watcher, runs):
    done(runs, "a")
    done(runs / "study", "b")
    for name in ("figures", "old.runs", "name with spaces", ".dense", ".trash"):
        (runs / name).mkdir()
    for name in ("notes", "live-1.svg", ".hidden"):
        (runs / name).write_text("")
    assert watcher.look().foreign == 3
    shutil.rmtree(runs / "figures")
    assert watcher.look().foreign == 2


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "[red]x", "-rf", "é", "x" * 65, "a b"])
def test_a_name_that_no_run_may_have_is_none(watcher, runs, name):
    shutil.copytree(done(runs, "a").path, runs / name)
    lab = watcher.look()
    assert (list(lab.runs), lab.foreign) == (["a"], 1)


@pytest.mark.parametrize(
    "bytes", [b"\x00\xff" * 500, b"\n" * 50, b'{"seq":1}\n', b"[" * 9000 + b"\n", b""]
)
def test_a_log_of_garbage_is_a_run_with_damaged_records(watcher, runs, bytes):
    run = RunDir(runs / "a").create()
    run.log.write_bytes(bytes)
    watcher.wanted = frozenset({"a"})
    lab = looks(watcher)
    assert lab.runs["a"].state == "stopped"
    assert lab.runs["a"].damaged == bytes.count(b"\n")
    assert lab.opened["a"].rows == 0
    assert lab.problem is None


def test_a_log_of_a_newer_version_is_read_as_far_as_it_is_known(watcher, runs):
    run = done(runs, "a")
    known = watcher.look().runs["a"]
    for record in ({"event": "Dreamt", "of": "sheep"}, {"event": 5}, {"event": None}):
        write(run, 1_000, **record)
    write(run, 1_001, event="Pruned", round=1, sparsity_asked=[], more="unknown")
    watcher.wanted = frozenset({"a"})
    lab = looks(watcher)
    assert lab.runs["a"].levels == known.levels
    assert lab.runs["a"].state == "done"
    assert lab.opened["a"].tested[-1].sparsity == 0.5


def write(run, seq, **record):
    """A record with a good checksum, whatever it says."""
    stamps = {"seq": seq, "attempt": 1, "time": 1.0, "seconds": 1.0}
    body = json.dumps({**stamps, **record})[:-1].encode()
    with run.log.open("ab") as file:
        file.write(body + b',"crc":%d}\n' % zlib.crc32(body))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"workload": ["digits"], "seed": "many", "prune": "all", "retrain": 7, "device": {}},
        {"workload": {"a": 1}, "seed": 1e100, "prune": [], "device": None},
    ],
)
def test_a_config_of_any_shape_is_no_reason_to_stop_looking(watcher, runs, config):
    run = RunDir(runs / "a").create()
    Log(run.log).append(e.Created(preset="x", request=(), config=config))
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        Log(run.log).append(b.started(config=config))
        Log(run.log).append(b.level(0.5))
        watcher.wanted, watcher.loading = frozenset({"a"}), "a"
        lab = looks(watcher, 3)
        assert lab.runs["a"].state == "running"
        assert lab.load is not None


def test_the_queue_is_told_with_who_sees_to_it(watcher, runs):
    for name in ("a", "b"):
        b.made(runs, name)
    lab = watcher.look()
    assert {one.state for one in lab.runs.values()} == {"stopped"}  # made, and not queued yet
    queue.add(runs, "b")
    queue.add(runs, "a")
    lab = watcher.look()
    assert (lab.order, lab.dispatcher) == (("b", "a"), False)
    assert {one.state for one in lab.runs.values()} == {"queued"}
    with hold(queue.lock(runs)) as lock:
        inscribe(lock, attempt=0)
        assert watcher.look().dispatcher
    queue.move(runs, "a", -1)
    assert watcher.look().order == ("a", "b")
    queue.remove(runs, "a")
    lab = watcher.look()
    assert (lab.order, lab.dispatcher) == (("b",), False)
    assert (lab.runs["a"].state, lab.runs["b"].state) == ("stopped", "queued")


def test_a_queued_run_that_begins_is_noticed_at_once(watcher, runs):
    run = b.made(runs, "a")
    queue.add(runs, "a")
    assert watcher.look().runs["a"].state == "queued"
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        Log(run.log).append(e.Starting(host="bench", pid=1))
        assert watcher.look().runs["a"].state == "starting"


def test_what_was_asked_stands_until_it_is_acknowledged(watcher, runs):
    run, resting = living(runs, "a"), done(runs, "b")
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        assert watcher.look().asked == {}
        control.ask(resting.control, "stop")  # of nobody
        first, last = control.ask(run.control, "pause"), control.ask(run.control, "stop")
        assert watcher.look().asked == {"a": "stop"}
        last.unlink()
        assert watcher.look().asked == {"a": "pause"}
        first.unlink()
        shutil.rmtree(run.control)
        run.control.write_text("no folder")
        assert watcher.look().asked == {}
        assert watcher.lab.problem is None


def test_a_worker_that_does_not_touch_its_lock_is_stalled(watcher, runs):
    run = living(runs, "a")
    watcher.wanted = frozenset({"a"})
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        assert watcher.look().opened["a"].stalled is None
        touched = os.stat(run.lock).st_mtime
        for late, told in (
            (STALLED - 5, None),
            (STALLED + 5, STALLED),
            (2 * STALLED + 5, 2 * STALLED),
        ):
            os.utime(run.lock, (touched, touched - late))
            assert watcher.look().opened["a"].stalled == told
        lab = watcher.lab
        assert watcher.look() is lab  # told in steps: nothing counts up on the screen
        os.utime(run.lock)
        assert watcher.look().opened["a"].stalled is None
    os.utime(run.lock, (touched, touched - 100))
    assert watcher.look().opened["a"].stalled is None  # nobody hangs who is gone


def test_the_machine_is_looked_at_only_for_the_run_that_is_shown_and_works_here(watcher, runs):
    run = living(runs, "a")
    done(runs, "b")
    watcher.wanted = frozenset({"a", "b"})
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        assert looks(watcher, 2).load is None
        watcher.loading = "a"
        load = watcher.look().load
        assert load.cores >= 1
        assert watcher.look().load is load  # not at every look
        watcher.loading = "b"
        assert watcher.look().load is None
        watcher.loading = "a"
        elsewhere = json.dumps({"host": "elsewhere", "pid": 1, "attempt": 1}).encode()
        os.ftruncate(lock, 0)
        os.pwrite(lock, elsewhere, 0)
        assert looks(watcher, 2).load is None
        assert watcher.lab.opened["a"].holder.host == "elsewhere"


def test_a_look_that_finds_nothing_new_asks_for_few_files(watcher, runs, monkeypatch):
    for i in range(200):
        cache(done(runs, f"r{i:03}"))
    for i in range(20):
        b.made(runs, f"q{i:02}")
        queue.add(runs, f"q{i:02}")
    watcher.wanted = frozenset({"r000"})
    lab = looks(watcher, TURNS + 1)
    asked = []
    for module, name in ((os, "stat"), (os, "open"), (os, "listdir"), (os, "scandir")):
        count(monkeypatch, module, name, asked)
    count(monkeypatch, Path, "open", asked)
    most = 0
    for _ in range(2 * TURNS):
        asked.clear()
        assert watcher.look() is lab
        most = max(most, len(asked))
    assert most < 80
    assert not {"listdir", "scandir"} & set(asked)


def count(monkeypatch, module, name, asked):
    real = getattr(module, name)

    def counted(*args, **options):
        asked.append(name)
        return real(*args, **options)

    monkeypatch.setattr(module, name, counted)


def test_a_folder_of_hundreds_opens_from_its_caches(watcher, runs, monkeypatch):
    for i in range(50):
        cache(done(runs, f"r{i:02}"))
    folded = []
    monkeypatch.setattr("vitprune_core.store.history.decode", lambda *a: folded.append(a))
    assert len(watcher.look().runs) == 50
    assert folded == []


def test_what_was_read_before_a_look_that_failed_is_shown_by_the_next(watcher, runs, monkeypatch):
    run = living(runs, "a")
    watcher.wanted = frozenset({"a"})
    watcher.look()
    Log(run.log).append(b.pruned(0.5))
    with monkeypatch.context() as patch:
        patch.setattr(watcher, "_asked", lambda: (_ for _ in ()).throw(OSError(5, "no disk")))
        assert "no disk" in watcher.look().problem
    assert watcher.look().opened["a"].tested == (b.pruned(0.5),)


def test_a_cache_of_garbage_is_no_reason_not_to_open(watcher, runs):
    for name, text in (("a", "[" * 100_000), ("b", '{"version": 3}'), ("c", "\x00")):
        done(runs, name).summary.write_text(text)
    assert {one.state for one in watcher.look().runs.values()} == {"done"}


def test_nobody_waits_for_the_name_in_a_lock(watcher, runs, monkeypatch):
    run = living(runs, "a")
    queue.add(runs, "a")
    watcher.wanted = frozenset({"a"})
    monkeypatch.setattr("vitprune_core.store.lock.time.sleep", lambda _: pytest.fail("it waits"))
    with hold(run.lock), hold(queue.lock(runs)):
        lab = watcher.look()
        assert (lab.runs["a"].state, lab.dispatcher) == ("running", True)


def test_the_thread_tells_what_is_new_and_ends_when_it_is_told_to(watcher, runs):
    told = waiting.Queue()
    done(runs, "a")
    watcher.start(told.put)
    assert list(told.get(timeout=20).runs) == ["a"]
    done(runs, "b")
    watcher.nudge()
    assert list(told.get(timeout=20).runs) == ["a", "b"]
    watcher.stop()
    assert told.empty()


def test_an_error_that_nobody_foresaw_is_told_and_not_swallowed_by_the_thread(watcher, monkeypatch):
    told = waiting.Queue()
    mistake = KeyError("a mistake")
    monkeypatch.setattr(watcher, "_list", lambda: (_ for _ in ()).throw(mistake))
    watcher.start(told.put)
    assert told.get(timeout=20) is mistake


def test_an_error_of_the_disk_is_a_problem_and_the_next_look_tries_again(
    watcher, runs, monkeypatch
):
    done(runs, "a")
    with monkeypatch.context() as patch:
        patch.setattr(
            watcher, "_lab", lambda: (_ for _ in ()).throw(OSError(5, "Input/output error"))
        )
        assert watcher.look().problem == f"{runs}: Input/output error"
    lab = watcher.look()
    assert (lab.problem, list(lab.runs)) == (None, ["a"])


@pytest.fixture
def slices(monkeypatch):
    """A long log, as far as the watcher is concerned, is one of five kilobytes."""
    monkeypatch.setattr("vitprune_core.store.history.CHUNK", 500)
    monkeypatch.setattr("vitprune_tui.doing.watcher.SLICE", 1_000)


def test_a_long_log_is_read_in_slices_and_shown_as_far_as_it_is_known(watcher, runs, slices):
    run = living(runs, "a", *(b.epoch(at) for at in range(40)))
    watcher.wanted = frozenset({"a"})
    seen = [watcher.look().opened["a"]]
    while watcher.lab.runs["a"].state == "reading":
        seen.append(watcher.look().opened["a"])
    assert len(seen) > 5
    done = [opened.summary.epochs_done for opened in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (3, 40)
    assert {opened.summary.state for opened in seen[:-1]} == {"reading"}
    assert {opened.summary.reason[2:] for opened in seen[:-1]} == {" % of its log"}
    assert seen[-1].summary == summarize(run)


def test_other_runs_are_read_while_a_long_log_is(watcher, runs, slices):
    living(runs, "a", *(b.epoch(at) for at in range(40)))
    cache(done(runs, "b"))
    lab = watcher.look()
    assert {name: one.state for name, one in lab.runs.items()} == {"a": "reading", "b": "done"}


def test_a_long_log_that_somebody_kept_is_not_read_again(watcher, runs, slices):
    run = living(runs, "a", *(b.epoch(at) for at in range(40)))
    cache(run)
    Log(run.log).append(b.epoch(40))
    watcher.wanted = frozenset({"a"})
    assert watcher.look().opened["a"].rows == 41


def test_the_thread_does_not_rest_before_a_long_log_is_read(watcher, runs, slices, monkeypatch):
    living(runs, "a", *(b.epoch(at) for at in range(40)))
    monkeypatch.setattr("vitprune_tui.doing.watcher.EVERY", 1e9)
    told = waiting.Queue()
    watcher.start(told.put)
    while told.get(timeout=20).runs["a"].state == "reading":
        pass
    watcher.stop()
