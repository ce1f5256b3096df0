"""`vitprune report` as its users meet it: its files, what it says where."""

import json
import subprocess
import sys

import pytest

from tests.analysis.made import SMALL, measured, saved, study
from tests.conftest import called, vitprune


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs with one study in it."""
    folder = tmp_path_factory.mktemp("runs")
    made = study(folder)
    saved(folder / "made-digits", made, measured(made))
    return folder


@pytest.fixture(scope="module")
def written(runs, tmp_path_factory):
    """A report, and what the command answered."""
    out = tmp_path_factory.mktemp("out")
    done = vitprune("report", "made-digits", "--runs", runs, "-o", out / "report.md")
    return out, done


def test_everything_lies_beside_the_report_and_is_named(written):
    out, done = written
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert names >= {"report.md", "findings.json", "results.csv", "results.parquet"}
    assert {"figures/made-digits-F1.svg", "figures/made-digits-F1.png"} <= names
    assert {str(out / name) for name in names} == set(done.stdout.split())
    assert done.stderr == ""


def test_json_is_the_findings(written, runs, tmp_path):
    out, _ = written
    words = ("report", runs / "made-digits", "--json", "--findings", tmp_path / "f.json")
    printed = json.loads(called(*words).stdout)
    assert printed == json.loads((out / "findings.json").read_text())
    assert printed == json.loads((tmp_path / "f.json").read_text())
    assert [(f["id"], f["verdict"]) for f in printed] == [
        ("F1", "supported"),
        ("F2", "supported"),
        ("F3", "refuted"),
    ]


@pytest.fixture
def undrawn(monkeypatch):
    """A report without its figures, which take seconds."""
    monkeypatch.setattr("vitprune_core.analysis.written.draw", lambda drafts, folder: [])


def test_findings_go_where_they_are_asked_to(runs, undrawn, tmp_path):
    words = ("report", "made-digits", "--runs", runs, "-o", tmp_path / "r.md")
    called(*words, "--findings", tmp_path / "mine.json")
    assert (tmp_path / "mine.json").exists()
    assert not (tmp_path / "findings.json").exists()


def test_without_a_file_it_is_text(runs):
    done = called("report", "made-digits", "--runs", runs)
    assert "F3  refuted        8  Nine of ten weights can go." in done.stdout
    assert (
        "F3 Nine of ten weights can go.\nrefuted: What decides it turned out the other way."
        in done.stdout
    )
    assert "by distribution: test accuracy in percent" in done.stdout
    assert "96.2 0.3" in done.stdout
    assert "\x1b" not in done.stdout
    assert called("report", "made-digits", "--runs", runs, "--ascii").stdout.isascii()


def test_layers_are_drawn_by_all_prunable_weights(runs):
    done = called("report", "made-digits", "--runs", runs)
    assert "against the share removed of all prunable weights" in " ".join(done.stdout.split())


def test_hostile_claims_do_nothing_to_a_terminal(tmp_path):
    made = study(
        tmp_path, SMALL.replace("Magnitude beats random.", '"x\\e[31m\\e]0;t\\a\\u202e y"')
    )
    home = saved(tmp_path / "made-digits", made, measured(made))
    for words in ((), ("-o", tmp_path / "r.md")):
        done = called("report", home.path, *words)
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "has no study.yaml; studies in"),
        (["made-digits", "-o", "report.txt"], "must end in .md"),
        (["made-digits", "-o", "nowhere/report.md"], "there is no folder nowhere"),
        (["made-digits", "--findings", "f.txt"], "must end in .json"),
        (["made-digits", "--note", "x" * 2001], "--note: 2,001 characters are more than 2,000"),
    ],
)
def test_a_wrong_request_is_2_and_says_why(runs, tmp_path, words, said):
    done = called("report", *words, "--runs", runs, code=2, cwd=tmp_path)
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_other_studies_of_the_same_name_are_2_with_both_hashes(runs, tmp_path):
    made = study(tmp_path, SMALL.replace("epochs: 2", "epochs: 3"))
    other = saved(tmp_path / "b" / "made-digits", made, measured(made))
    words = ("report", "made-digits", other.path, "--runs", runs, "-o", tmp_path / "r.md")
    said = called(*words, code=2).stderr
    assert made.hash in said
    assert (runs / "made-digits" / "study.yaml").read_text()[8:24] in said
    assert not (tmp_path / "r.md").exists()


def test_a_studys_folder_takes_its_own_report_and_no_other(undrawn, tmp_path):
    made = study(tmp_path)
    home = saved(tmp_path / "made-digits", made, measured(made))
    other = saved(tmp_path / "more-digits", made, measured(made))
    before = home.results.read_bytes()
    words = ("report", home.path, other.path, "-o", home.path / "report.md")
    assert "its results.csv is its own" in called(*words, code=2).stderr
    called("report", home.path, "-o", home.path / "report.md")
    assert (home.path / "report.md").exists()
    assert home.results.read_bytes() == before


def test_tables_that_cannot_be_read_are_2_and_named(tmp_path):
    made = study(tmp_path)
    home = saved(tmp_path / "made-digits", made, measured(made))
    home.results.write_text("arm,seed\nx,y\n")
    assert "results.csv: is no table of rows" in called("report", home.path, code=2).stderr
    home.study.write_text("# hash: 0\nworkload: [")
    assert "study.yaml" in called("report", home.path, code=2).stderr


def test_it_reads_tables_only_and_never_loads_torch(runs, tmp_path):
    spy = (
        "import sys\n"
        "from vitprune_tui.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('torch' in sys.modules, file=sys.stderr)\n"
    )
    words = ["report", "made-digits", "--runs", str(runs), "-o", str(tmp_path / "r.md")]
    done = subprocess.run([sys.executable, "-c", spy, *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "False")
