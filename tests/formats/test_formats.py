"""Folders of runs that earlier versions left: listed, shown, exported, opened, resumed.

README.md says what wrote each. All is done on copies, by the commands themselves, in this process.
"""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import called
from tests.formats import make
from tests.tui.bench import opened, until
from tests.tui.screens import text
from vitprune_core import worker
from vitprune_core.analysis import tables
from vitprune_core.analysis.collect import catch_up
from vitprune_core.spec.study import load_study
from vitprune_core.store import events as e
from vitprune_core.store.control import Inbox
from vitprune_core.store.log import entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.studydir import StudyDir
from vitprune_core.store.summary import summarize

HERE = Path(__file__).parent
VERSIONS = {
    "first": None,
    "reviewed": None,
    "resumed": 4,
    "granularities": 5,
    "structured": 5,
    "counted": 5,
    "now": 5,
}
"""The step at which `stopped` was left; None: there were no checkpoints yet."""
ACCURACIES = {0.5: 78 / 360, 0.75: 86 / 360}
"""Of `done` on the test images: whoever trained it came to the same."""


@pytest.fixture(scope="session")
def today(tmp_path_factory):
    """What is not the work of an earlier version yet."""
    folder = tmp_path_factory.mktemp("now") / "runs"
    make.main(folder)
    return folder


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def folder(version, request, tmp_path):
    """A copy of all that a version left, and a third run whose log was damaged since."""
    kept = request.getfixturevalue("today") if version == "now" else HERE / version
    copied = Path(shutil.copytree(kept, tmp_path / "runs"))
    shutil.copytree(copied / "done", copied / "damaged")
    spoil(copied / "damaged" / "events.jsonl")
    (copied / "damaged" / "summary.json").unlink()  # the fold of what the log was before
    return copied


def spoil(log):
    """The first epoch is another than was written."""
    lines = log.read_bytes().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if b'"event":"Epoch"' in line)
    lines[at] = lines[at].replace(b'"cycle":0', b'"cycle":1')
    log.write_bytes(b"".join(lines))


def asked(*words) -> str:
    """What a command prints where nothing is wrong."""
    done = called(*words)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture
def vitprune(folder):
    """A command on the copy: what it prints."""
    return lambda *words: asked(*words, "--runs", folder)


@pytest.mark.campaign("formats")
def test_runs_of_an_earlier_version_are_listed_as_they_were_left(version, vitprune, counted):
    listed = {run["id"]: run for run in json.loads(vitprune("ls", "--json"))}
    told = {
        name: (run["state"], run["preset"], run["workload"], run["levels"], run["damaged"])
        for name, run in listed.items()
    }
    assert told == {
        "damaged": ("done", "iterative_global", "digits", 2, 1),
        "done": ("done", "iterative_global", "digits", 2, 0),
        "stopped": ("stopped", "oneshot_global", "digits", 0, 0),
    }
    assert (listed["done"]["dense"], listed["done"]["accuracy"]) == (84 / 360, 86 / 360)
    assert len(vitprune("ls").splitlines()) == 4
    counted(len(listed) * (version != "now"))


@pytest.mark.parametrize("name", ["done", "damaged"])
def test_a_finished_run_of_an_earlier_version_is_shown_and_drawn(name, vitprune):
    shown = json.loads(vitprune("show", name, "--json"))
    assert {of["sparsity_asked"]: of["test_accuracy"] for of in shown["levels"]} == ACCURACIES
    assert shown["exact"]
    words = vitprune("show", name)
    assert "iterative_global on digits, seed 0" in words
    assert ("1 damaged record(s) in the log were skipped" in words) == (name == "damaged")
    assert "23.9 %" in vitprune("plot", name)
    assert vitprune("plot", name, "--x", "epoch")
    told = vitprune("log", name).splitlines()
    assert "Created" in told[0]
    assert "Finished" in told[-1]
    for level, kept in (("0.5", 27 / 64), ("0.75", 8 / 64)):
        drawn = json.loads(vitprune("masks", name, "--level", level, "--json"))
        assert drawn["matrices"]["blocks.0.attn.q"]["density"] == pytest.approx(kept)
        assert f"{name} at sparsity {level}" in vitprune("masks", name, "--level", level)


def test_runs_of_an_earlier_version_are_exported(vitprune, tmp_path):
    markdown, rows = tmp_path / "all.md", tmp_path / "all.csv"
    vitprune("export", "done", "damaged", "stopped", "-o", markdown, "--csv", rows)
    written = markdown.read_text()
    assert "Masks at 0.75" in written
    assert "workload: digits" in written
    assert "cannot be read" not in written
    with rows.open(newline="") as file:
        table = [(row["run"], row["test_accuracy"]) for row in csv.DictReader(file)]
    found = [(name, float(accuracy)) for name, accuracy in table if accuracy]
    assert found == [(name, a) for name in ("done", "damaged") for a in ACCURACIES.values()]


async def test_runs_of_an_earlier_version_are_opened_in_the_bench(folder):
    async with opened(folder, size=(120, 40)) as pilot:
        await until(pilot, lambda: len(pilot.app.state.lab.runs) == 3)
        pilot.app.become(shown="done")
        await pilot.press("5")
        await until(pilot, lambda: "iterative_global" in text(pilot.app))
        await pilot.press("3")
        await until(pilot, lambda: "dense" in text(pilot.app))
        await pilot.press("4")
        await until(pilot, lambda: "[0.75]" in text(pilot.app) and pilot.app.view._seen)
        assert "cannot be read" not in text(pilot.app)
        pilot.app.become(shown="stopped")
        await pilot.press("2")
        await until(pilot, lambda: "stopped" in text(pilot.app))


def test_a_run_that_an_earlier_version_stopped_is_brought_to_its_end(version, folder):
    run = RunDir(folder / "stopped")
    for _ in worker.work(run, worker.Orders(Inbox(run.control))):
        pass
    told = [record.event for record in entries(run.log)]
    (resumed,) = (event for event in told if isinstance(event, e.Resumed))
    assert (resumed.step, resumed.corrupt) == (VERSIONS[version], ())
    summary = summarize(run)
    assert (summary.state, summary.damaged, len(summary.levels)) == ("done", 0, 2)
    assert summary.epochs_done == summary.epochs_planned == 6
    assert summary.exact == (not summary.differs)
    trained_again = any(isinstance(event, e.Retracing) for event in told)
    assert trained_again == ("dense" in summary.differs)
    assert trained_again or version != "resumed"
    assert run.levels == ["0.5", "0.75"]
    for level in run.levels:
        assert run.weights(level).exists()
        assert run.structure(level).exists()


# A study.


@pytest.fixture
def study(tmp_path):
    copied = shutil.copytree(HERE / "studied", tmp_path / "studied")
    return StudyDir(Path(copied) / "small-digits")


@pytest.mark.campaign("formats")
def test_a_study_of_an_earlier_version_is_reported(study, tmp_path, counted):
    words = asked("report", study.path)
    assert "small on digits: 2 seeds with results" in words
    assert "changed after it was declared" not in words
    asked("report", study.path, "-o", tmp_path / "report.md")
    found = json.loads((tmp_path / "findings.json").read_text())
    assert [(one["id"], one["seeds"]) for one in found] == [("F1", 2), ("F2", 2), ("F3", 2)]
    listed = asked("ls", "--runs", study.path.parent).splitlines()[1:]
    assert len(listed) == 4
    counted(len(listed))


def test_tables_of_an_earlier_version_are_collected_again_to_the_same_bytes(study):
    names = (study.results, study.images, study.structure, study.grids, study.costs)
    before = {path: path.read_bytes() for path in names}
    for path in names:
        path.unlink()
    declared = load_study(str(study.study))
    assert catch_up(study, declared, declared.file.seeds) == []
    assert len(tables.read(study).rows) == 4
    assert {path: path.read_bytes() for path in names} == before
