import pytest

from vitprune_core.store import runs
from vitprune_core.store.rundir import RunDir


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
