import os

import pytest

from vitprune_core.store import control, queue, runs
from vitprune_core.store import events as e
from vitprune_core.store.lock import claim
from vitprune_core.store.log import Log
from vitprune_core.store.rundir import RunDir, write


@pytest.fixture
def folder(tmp_path):
    for name in ("a-digits-s0-1111", "a-digits-s1-2222", "b-digits-s0-3333", "study/c-s0-4444"):
        RunDir(tmp_path / name).create().log.touch()
    (tmp_path / ".dense" / "hash").mkdir(parents=True)
    (tmp_path / "not a run").mkdir()
    (tmp_path / "README.md").touch()
    return tmp_path


def names(folder):
    return [runs.name_of(folder, run) for run in runs.runs(folder)]


def test_runs_are_folders_with_a_log_also_inside_studies(folder):
    expected = ["a-digits-s0-1111", "a-digits-s1-2222", "b-digits-s0-3333", "study/c-s0-4444"]
    assert names(folder) == expected
    assert names(folder / "none") == []


@pytest.mark.parametrize("name", ["b", "b-digits-s0-3333", "c-s0", "study/c"])
def test_a_unique_prefix_is_enough(folder, name):
    assert runs.find(folder, name).log.exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", "'a' is short for several runs .* a-digits-s0-1111, a-digits-s1-2222$"),
        ("x", "no run is called 'x' .* a-digits-s0-1111, a-digits-s1-2222, b"),
        ("", "several runs"),
        ("../x", "no run is called"),
    ],
)
def test_an_unknown_or_ambiguous_name_tells_the_candidates(folder, name, expected):
    with pytest.raises(runs.UnknownRun, match=expected):
        runs.find(folder, name)


def test_a_new_run_has_preset_workload_seed_and_four_hex(tmp_path):
    made = runs.create(tmp_path, "oneshot", "digits", 3)
    assert made.id.startswith("oneshot-digits-s3-")
    assert len(made.id.rpartition("-")[2]) == 4
    assert runs.create(tmp_path, "x", "y", 0, "mine").id == "mine"
    with pytest.raises(FileExistsError):
        runs.create(tmp_path, "x", "y", 0, "mine")


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/b", "", ".x", "x" * 65, "a b", "[red]", "\x1b[31m", "\u202ex", "a\0"]
)
def test_a_name_that_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="a run's name is"):
        runs.create(tmp_path / "runs", "p", "w", 0, name)
    assert not (tmp_path / "runs").exists()


def test_the_trash_keeps_what_was_removed(folder):
    first = runs.trash(folder, runs.find(folder, "b"))
    RunDir(folder / "b-digits-s0-3333").create().log.touch()
    second = runs.trash(folder, runs.find(folder, "b"))
    assert (first.name, second.name) == ("b-digits-s0-3333", "b-digits-s0-3333.2")
    assert (first / "events.jsonl").exists()
    assert "b-digits-s0-3333" not in names(folder)


def test_nothing_can_be_written_by_everybody_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        run = runs.create(tmp_path / "runs", "p", "w", 0)
        write(run.config, b"x")
        Log(run.log).append(e.Finished(weights_sha256=""))
        control.ask(run.control, "stop")
        queue.add(tmp_path / "runs", run.id)
        os.close(claim(run.lock))
    finally:
        os.umask(before)
    found = [tmp_path / "runs", *(tmp_path / "runs").rglob("*")]
    assert len(found) > 10
    assert not [path for path in found if path.stat().st_mode & 0o022]


def test_drafts_of_killed_processes_are_swept_away(tmp_path):
    run = runs.create(tmp_path, "p", "w", 0)
    (run.path / "masks" / ".0.5.npz.123.tmp").touch()
    (run.path / "masks" / "0.5.npz").touch()
    run.complete()
    assert [path.name for path in (run.path / "masks").iterdir()] == ["0.5.npz"]
