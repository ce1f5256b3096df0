"""One file of a run or a study is not what was written: commands say so, or do without it.

All other files are whole. Whatever is raised beside an exit would be a traceback.
"""

import json
import random
import shutil
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest

from tests.conftest import called
from tests.formats.spoiling import spoiled
from vitprune_core.analysis import tables
from vitprune_core.analysis.collect import catch_up, of_run
from vitprune_core.analysis.tables import Damaged
from vitprune_core.spec.study import load_study
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.studydir import StudyDir
from vitprune_tui.facts.levels import compare, read

HERE = Path(__file__).parent
LIST, SHOW, MASKS = ("ls",), ("show", "done"), ("masks", "done")
PLOTS = [("plot", "done", "--x", x) for x in ("sparsity", "epoch", "compression", "speedup")]
EXPORT = ("export", "done", "-o", "out.md", "--csv", "out.csv")
READ_BY = {
    "events.jsonl": (
        LIST,
        (*LIST, "--json"),
        SHOW,
        (*SHOW, "--json"),
        ("log", "done"),
        EXPORT,
        *PLOTS,
    ),
    "summary.json": (LIST, (*LIST, "--json"), SHOW, (*SHOW, "--json"), EXPORT, *PLOTS[2:]),
    "config.yaml": (EXPORT,),
    "masks/0.5.grid.json": ((*MASKS, "--level", "0.5"), EXPORT),
    "masks/0.75.grid.json": (MASKS, (*MASKS, "--json"), EXPORT),
    "masks/0.75.npz": (),
    "masks/0.75.structure.json": (),
}
"""File -> commands; masks are read by the bench too."""


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(HERE / "structured" / "done", tmp_path / "runs" / "done")
    return tmp_path / "runs"


def spoilings(folder, names):
    """A file at a time that is another than it was, all others whole; which, and luck."""
    draw = random.Random(0)
    whole = {name: (folder / name).read_bytes() for name in names}
    while True:
        for name, data in whole.items():
            (folder / name).write_bytes(data)
        name = draw.choice(sorted(whole))
        (folder / name).write_bytes(spoiled(name, whole[name], draw))
        yield name, draw


@pytest.mark.campaign("files", 150, 2_000)
def test_commands_on_a_run_with_a_damaged_file_answer(runs, times):
    run = RunDir(runs / "done")
    for name, draw in islice(spoilings(run.path, READ_BY), times):
        if name == "events.jsonl":
            run.summary.unlink()
        for words in draw.sample(READ_BY[name], min(len(READ_BY[name]), 3)):
            done = called(*words, "--runs", runs, code=None)
            named = done.returncode == 2 and Path(name).name in done.stderr
            assert done.returncode == 0 or named, (name, words, done.stderr)
            assert "\x1b" not in done.stdout + done.stderr
        if name.startswith("masks"):
            half, quarter = read(run, "0.5"), read(run, "0.75")
            compare(quarter, half, "the level before")
            for matrix in (*half.matrices.values(), *quarter.matrices.values()):
                assert matrix.pooled(5, 5)
                assert matrix.thumbnail(3, 3)
                assert len(matrix.dead[0]) == matrix.units[0]


@pytest.mark.campaign("files", 100, 5_000)
def test_a_model_whose_weights_were_damaged_is_not_given_away(runs, times):
    from vitprune_core.engine import load_model

    whole, refused = load_model(runs / "done", 0.75).state_dict(), 0
    for _ in spoilings(runs / "done", ["weights/0.75.safetensors"]):
        try:
            same = load_model(runs / "done", 0.75).state_dict()
            assert all(same[name].equal(tensor) for name, tensor in whole.items())
        except ValueError:  # any other would be a traceback
            refused += 1
        if refused == times:
            break


# Studies.


@pytest.fixture
def study(tmp_path):
    return StudyDir(
        Path(shutil.copytree(HERE / "studied" / "small-digits", tmp_path / "small-digits"))
    )


TABLES = ("results.csv", "images.npz", "structure.json", "grids.json", "costs.csv", "study.yaml")


@pytest.mark.campaign("files", 60, 2_000)
def test_a_report_of_a_study_with_a_damaged_table_answers(study, times):
    for name, _ in islice(spoilings(study.path, TABLES), times):
        done = called("report", study.path, code=None)
        named = done.returncode == 2 and name in done.stderr and not done.stdout
        assert done.returncode == 0 or named, (name, done.stderr)
        assert "\x1b" not in done.stdout + done.stderr


FILES = ("events.jsonl", "images/0.95.npz", "masks/0.95.grid.json", "masks/0.95.structure.json")


@pytest.mark.campaign("files", 200, 4_000)
def test_what_is_collected_of_a_run_with_a_damaged_file_can_be_read_again(study, times):
    """Or it is not collected at all: no run may spoil the tables of the others."""
    declared = load_study(str(study.study))
    planned = next(p for p in declared.runs([0]) if p.arm == "global")
    run = study.run(planned.id)
    for name, _ in islice(spoilings(run.path, FILES), times):
        run.summary.unlink(missing_ok=True)
        with suppress(Damaged):
            found = of_run(run, planned, first=True)
            tables.save(study, found)
            assert tables.read(study).rows == found.rows, name


def test_a_run_that_cannot_be_collected_is_named_and_the_others_are(study):
    before = tables.read(study)
    for path in (study.results, study.images, study.structure, study.grids, study.costs):
        path.unlink()
    declared = load_study(str(study.study))
    planned = next(p for p in declared.runs([0]) if p.arm == "global")
    study.run(planned.id).images("0.95").write_bytes(b"PK nonsense")
    (told,) = catch_up(study, declared, [0, 1])
    assert told.startswith(f"{study.run(planned.id).path}: its files cannot be read: ")
    rows = tables.read(study).rows
    assert rows == {at: row for at, row in before.rows.items() if row.run != planned.id}
    assert len(rows) == 3


@pytest.mark.parametrize(
    "lose", [lambda matrix: matrix.pop("density"), lambda m: m["structure"]["dead_heads"].clear()]
)
def test_structure_without_what_is_needed_beside_it_is_a_damaged_table(lose, study):
    levels = json.loads(study.structure.read_text())
    lose(levels["global/s0/0.95"]["blocks.0.attn.q"])
    study.structure.write_text(json.dumps(levels))
    done = called("report", study.path, code=2)
    assert done.stdout == ""
    assert "structure.json: cannot be read: ValueError: blocks.0.attn.q: dead heads" in done.stderr
    assert "`vitprune sweep` collects it again" in done.stderr
