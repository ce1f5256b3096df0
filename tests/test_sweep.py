"""Studies worked off by real processes: once, again, killed in the middle, by many at a time.

Hands are forked from one that has loaded torch; that they are started as users' are is seen in
tests/tui/test_studies.py.
"""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from tests.conftest import TINY, called
from tests.hatched import command
from tests.workers import until
from tests.zygote import Zygote
from vitprune_core.analysis import tables
from vitprune_core.analysis.collect import catch_up
from vitprune_core.analysis.tables import Tables
from vitprune_core.spec.source import SpecError
from vitprune_core.spec.study import load_study
from vitprune_core.store import events as e
from vitprune_core.store.lock import holder
from vitprune_core.store.log import entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.studydir import StudyDir
from vitprune_core.store.summary import summarize
from vitprune_core.sweep import Hands, declare, declared, progress
from vitprune_tui.doing import sweeping
from vitprune_tui.wrong import Wrong

BAD = {
    "a_dense": {"prune": {"sparsities": [0.5]}, "train": {"lr": 1e30}},
    "a_level": {"prune": {"sparsities": [0.5]}, "retrain": {"policy": "finetune", "lr": 1e30}},
}
"""Arms that diverge, and come before the others."""
COMPARED = ("results.csv", "images.npz", "structure.json", "grids.json")
SEEDS = "100,101"
FEW_STEPS = "train.batch_size=700"
"""Two an epoch, each with a checkpoint."""
RESOLVED = ("precision=fp32", "kernels=eager")
"""What is `auto` else, and asked of a process that loads torch."""


def study_file(folder: Path, name: str = "small", resolved=RESOLVED, **arms) -> Path:
    """A study of the tiny model: one arm that takes part in all tests, and more."""
    asked = (*TINY, FEW_STEPS, *resolved)
    base = {key: yaml.safe_load(value) for key, value in (word.split("=", 1) for word in asked)}
    train = {k.removeprefix("train."): base.pop(k) for k in list(base) if k.startswith("train.")}
    study = {
        "workload": "digits",
        "seeds": list(range(100, 108)),
        "looks": {"digits": [8]},
        "base": {**base, "train": train, "keep_weights": "last", "checkpoint": {"every": 0}},
        "arms": {
            "control": {"prune": {"sparsities": [0], "alone": 0.5}},
            "global": {"prune": {"sparsities": [0.5, 0.95]}},
            "random": {"prune": {"distribution": "random", "sparsities": [0.5]}},
            **arms,
        },
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


def sweep(
    study: Path, runs: Path, *options: str, zygote: Zygote | None = None, **kind
) -> subprocess.Popen[str]:
    """The command as a process; its hands are forked where a zygote is given."""
    words = ["sweep", str(study), "--runs", str(runs), "--seeds", SEEDS, "--jobs", "2", *options]
    start, files = command(zygote)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*start, *words], pass_fds=files, **pipes, **kind)


def swept(
    study: Path, runs: Path, *options: str, zygote: Zygote | None = None
) -> tuple[int, str, str]:
    process = sweep(study, runs, *options, zygote=zygote)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def answered(study: Path, runs: Path, *options: str, code: int = 0):
    """What is said of what needs no hand, asked in this process."""
    return called("sweep", study, "--runs", runs, "--seeds", SEEDS, *options, code=code)


def home_of(runs: Path, name: str = "small") -> StudyDir:
    return StudyDir(runs / f"{name}-digits")


def bytes_of(home: StudyDir) -> dict[str, bytes]:
    return {name: (home.path / name).read_bytes() for name in COMPARED}


def logs(home: StudyDir) -> list[RunDir]:
    return [RunDir(path.parent) for path in sorted(home.path.glob("*/events.jsonl"))]


def told(run: RunDir, kind: type) -> int:
    return sum(isinstance(record.event, kind) for record in entries(run.log))


def hands(home: StudyDir) -> dict[Path, int]:
    """Whoever carries runs out, by the lock."""
    found = {lock: holder(lock) for lock in home.hands.glob("*.lock")}
    return {lock: hand.pid for lock, hand in found.items() if hand and hand.pid}


def kill(home: StudyDir, process: subprocess.Popen[str]) -> None:
    """The sweep and all its hands, at once."""
    process.kill()
    for pid in hands(home).values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: nobody(home))


def nobody(home: StudyDir) -> bool:
    """No process works on the study or on any of its runs."""
    locks = [*home.hands.glob("*.lock"), *home.path.glob("*/lock")]
    return not any(holder(lock) for lock in locks)


@pytest.fixture(scope="module")
def done(tmp_path_factory, zygote):
    """A study that was done without an accident, and what the sweep said."""
    folder = tmp_path_factory.mktemp("done")
    study = study_file(folder)
    one = ("--jobs", "1")  # others below by two hands
    code, _, err = swept(study, folder / "runs", *one, zygote=zygote)
    assert code == 0, err
    return study, home_of(folder / "runs"), err


def test_a_study_does_every_arm_with_every_seed(done):
    _, home, err = done
    assert "3 arms x 2 seeds, 6 runs" in err
    assert [summarize(run).state for run in logs(home)] == ["done"] * 6
    found = tables.read(home)
    assert {(w.arm, w.seed, w.level) for w in found.rows} == {
        (arm, seed, level)
        for seed in (100, 101)
        for arm, levels in (("control", "0"), ("global", "0.5 0.95"), ("random", "0.5"))
        for level in levels.split()
    }
    assert nobody(home)


def test_a_dense_model_is_trained_once_a_seed(done):
    _, home, _ = done
    costs = tables.read(home).costs.values()
    assert sorted((c.seed, c.dense_reused) for c in costs) == [
        (seed, reused) for seed in (100, 101) for reused in (False, True, True)
    ]


def test_the_tables_say_what_the_logs_say(done):
    _, home, _ = done
    found = tables.read(home)
    for where, row in found.rows.items():
        summary = summarize(home.run(row.run))
        (level,) = [
            r.level for r in summary.levels if format(r.level.sparsity_asked, "g") == where.level
        ]
        assert (row.test_accuracy, row.weights_sha256) == (
            level.test.accuracy,
            level.weights_sha256,
        )
        assert found.images[where].correct.mean() == pytest.approx(row.test_accuracy)
        assert float(found.images[where].nll.mean()) == pytest.approx(row.test_loss, rel=0.01)
    alone = found.structure[tables.Where("control", 100, "alone")]
    assert set(alone) == set(found.structure[tables.Where("global", 100, "0.95")])


def test_only_the_last_weights_are_kept(done):
    _, home, _ = done
    (run,) = home.path.glob("global-s100-*")
    assert [p.name for p in (run / "weights").iterdir()] == ["0.95.safetensors"]


def test_done_again_it_starts_nothing(done):
    study, home, _ = done
    before = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file()}
    code, out, err = swept(study, home.path.parent)
    assert (code, out.strip()) == (0, "small-digits: 6 of 6 runs are done")
    after = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file()}
    assert before == after
    assert err == ""


def test_killed_then_stopped_and_done_again_it_comes_to_the_same_bytes(done, zygote, tmp_path):
    _, home, _ = done
    study = study_file(tmp_path)
    mine = home_of(tmp_path / "runs")
    with sweep(study, tmp_path / "runs", zygote=zygote) as process:
        until(lambda: any(told(run, e.Epoch) for run in logs(mine)))
        kill(mine, process)
    assert "lost" in {summarize(run).state for run in logs(mine)}
    with sweep(study, tmp_path / "runs", "--jobs", "1", zygote=zygote) as process:
        until(lambda: any(told(run, e.Starting) > 1 for run in logs(mine)))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "stopping after checkpoints" in err
    assert nobody(mine)
    states = {summarize(run).state for run in logs(mine)}
    assert "stopped" in states
    assert states <= {"stopped", "lost", "done"}
    code, _, err = swept(study, tmp_path / "runs", "--jobs", "1", zygote=zygote)
    assert code == 0, err
    assert bytes_of(mine) == bytes_of(home)
    assert nobody(mine)


def test_hands_outlive_their_sweep_and_the_next_one_finds_and_replaces_them(done, zygote, tmp_path):
    _, home, _ = done
    study = study_file(tmp_path)
    mine = home_of(tmp_path / "runs")
    with sweep(study, tmp_path / "runs", zygote=zygote) as process:
        before = until(lambda: len(found := hands(mine)) == 2 and found)
        process.kill()
    with sweep(study, tmp_path / "runs", zygote=zygote) as process:
        until(lambda: any(told(run, e.Epoch) for run in logs(mine)))
        found = set(hands(mine).values())
        assert found <= set(before.values())
        for hand in found:  # one that was left would soon be through with all of it
            os.kill(hand, signal.SIGKILL)
        until(lambda: set(hands(mine).values()) - found)
        _, err = process.communicate()
        assert process.returncode == 0, err
    assert bytes_of(mine) == bytes_of(home)


def test_two_that_join_do_every_run_once(done, zygote, tmp_path):
    _, home, _ = done
    study = study_file(tmp_path)
    one = ("--join", "--jobs", "1")
    both = [sweep(study, tmp_path / "runs", *one, zygote=zygote) for _ in range(2)]
    ends = [(process.communicate()[1], process.returncode) for process in both]
    assert [code for _, code in ends] == [0, 0], ends
    mine = home_of(tmp_path / "runs")
    assert [told(run, e.Finished) for run in logs(mine)] == [1] * 6
    assert bytes_of(mine) == bytes_of(home)


def test_bad_arms_do_not_stop_the_others_and_are_told_and_not_tried_for_ever(zygote, tmp_path):
    """A dense model that diverges gives no row and its seed is never complete; a level that does
    counts as chance.
    """
    study = study_file(tmp_path, resolved=(), **BAD)
    mine = home_of(tmp_path / "runs")
    for began in (1, 0):  # a second sweep begins nothing: they would diverge again
        before = sum(told(run, e.Starting) for run in logs(mine))
        one = ("--seeds", "100", "--jobs", "1")
        code, out, _ = swept(study, tmp_path / "runs", *one, zygote=zygote)
        assert code == 1
        assert "3 of 5 runs are done" in out
        assert re.search(r"a_dense-s100-\w+: failed \(diverged at step", out)
        assert re.search(r"a_level-s100-\w+: failed \(diverged at step", out)
        assert sum(told(run, e.Starting) for run in logs(mine)) == before + 5 * began
    rows = tables.read(mine).rows
    assert {where.arm for where in rows} == {"a_level", "control", "global", "random"}
    assert [row.arm for row in rows.values() if row.diverged] == ["a_level"]


def test_what_is_in_the_tables_is_not_done_again_when_its_run_has_gone(done, tmp_path):
    study, home, _ = done
    mine = home_of(tmp_path)
    mine.path.mkdir()
    for name in (*COMPARED, "costs.csv", "study.yaml"):
        (mine.path / name).write_bytes((home.path / name).read_bytes())
    assert answered(study, tmp_path).stdout.strip() == "small-digits: 6 of 6 runs are done"
    assert logs(mine) == []
    assert bytes_of(mine) == bytes_of(home)


def test_what_was_declared_cannot_change_after_the_first_run(done):
    study, home, _ = done
    changed = study.with_name("changed") / "small.yaml"
    changed.parent.mkdir()
    changed.write_text(study.read_text().replace("- 107", "- 107\n- 108"))
    said = answered(changed, home.path.parent, code=2)
    assert said.stdout == ""
    assert "what decides cannot change after the first run" in said.stderr


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("epochs: 2", "epochs: 3"), "was changed after it was declared"),
        (lambda text: text.partition("\n")[2], "has lost the hash of its first line"),
        (lambda text: "", "has lost the hash of its first line"),
        (lambda text: text[:300], "is not YAML"),
    ],
)
def test_a_declaration_that_was_edited_is_told_and_left_alone(tmp_path, change, why):
    file = study_file(tmp_path)
    study, home = load_study(str(file)), home_of(tmp_path)
    declare(home, study)
    assert declared(home).hash == study.hash
    home.study.write_text(edited := change(home.study.read_text()))
    for ask in (lambda: declared(home), lambda: sweeping.declared(str(file), tmp_path, None, None)):
        with pytest.raises((SpecError, Wrong), match=rf"study.yaml.*{why}"):
            ask()
    assert home.study.read_text() == edited


def without(found: Tables, arm: str, seed: int) -> Tables:
    """What nobody told them of a run."""
    parts = (getattr(found, f.name) for f in fields(found))
    return Tables(*({w: v for w, v in p.items() if (w.arm, w.seed) != (arm, seed)} for p in parts))


def test_tables_that_a_killed_hand_did_not_write_are_caught_up(done):
    study, home, _ = done
    before = bytes_of(home)
    tables.save(home, without(tables.read(home), "global", 100))
    assert bytes_of(home) != before
    code, _, err = swept(study, home.path.parent)
    assert code == 0, err
    assert bytes_of(home) == before


@pytest.mark.parametrize("name", [*COMPARED, "costs.csv"])
def test_a_table_that_was_moved_away_is_collected_again(done, name):
    _, home, _ = done
    before = {**bytes_of(home), name: (home.path / name).read_bytes()}
    (home.path / name).unlink()
    assert catch_up(home, declared(home), (100, 101)) == []
    assert {name: (home.path / name).read_bytes() for name in before} == before


def test_a_damaged_table_is_named_and_nothing_is_begun(done, tmp_path):
    study, home, _ = done
    shutil.copytree(home.path, tmp_path / home.path.name)
    mine = home_of(tmp_path)
    mine.images.write_bytes(mine.images.read_bytes()[:-9])
    shutil.rmtree(logs(mine)[0].path)  # something is left to do
    said = answered(study, tmp_path, code=1)
    assert said.stdout == ""
    told = r".*/images.npz: cannot be read: .*; move it away, and .*\n"
    assert re.fullmatch(told, said.stderr)
    assert len(logs(mine)) == 5


def test_a_run_whose_files_are_damaged_does_not_keep_others_from_the_tables(done, tmp_path):
    _, home, _ = done
    shutil.copytree(home.path, tmp_path / home.path.name)
    mine, before = home_of(tmp_path), tables.read(home)
    (run,) = (run for run in logs(mine) if run.id.startswith("global-s101-"))
    run.images("0.95").write_bytes(b"PK")
    mine.results.unlink()
    (problem,) = catch_up(mine, declared(mine), (100, 101))
    assert problem.startswith(str(run.path))
    assert tables.read(mine).rows == without(before, "global", 101).rows


def test_hands_that_can_do_nothing_are_not_started_for_ever(forked, tmp_path):
    study, mine = load_study(str(study_file(tmp_path))), home_of(tmp_path)
    declare(mine, study)
    mine.results.write_text("arm\n")
    workers = Hands(mine, (100,), [0])
    until(lambda: not (workers.at_work() or workers.go_on(progress(mine, study, (100,), 0))))
    assert workers.given_up
    said = mine.output.read_text().splitlines()
    assert set(said) == {said[0]}
    assert len(said) in (3, 4)  # one may be started while the one before is about to end
    assert "results.csv: is no table of rows" in said[0]
    assert logs(mine) == []


def test_a_study_that_is_not_there_is_answered_with_the_choices(tmp_path):
    said = answered(Path("postr"), tmp_path, code=2)
    assert said.stdout == ""
    assert re.search(r"'postr' is not one of .*\bquick\b.*; did you mean 'poster'\?", said.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("workload", "seeds", "why"),
    [
        (None, "109", "109 was not declared; small has 100, 101"),
        (None, "107-100", "'107-100' names no seed"),
        (None, "a", "'a' is not like 100,101 or 100-109"),
        ("nope", None, "'nope' is not one of .*digits"),
    ],
)
def test_what_no_study_can_be_asked_is_refused(tmp_path, workload, seeds, why):
    with pytest.raises(Wrong, match=why):
        sweeping.declared(str(study_file(tmp_path)), tmp_path / "runs", workload, seeds)
    assert not (tmp_path / "runs").exists()


def test_a_script_for_slurm_is_a_script(tmp_path):
    study = study_file(tmp_path)
    out = answered(study, tmp_path / "runs", "--emit", "slurm", "--jobs", "2").stdout
    assert out.startswith("#!/bin/bash\n#SBATCH --job-name=small-digits\n")
    assert "#SBATCH --array=0-1\n" in out
    assert subprocess.run(["bash", "-n"], input=out, text=True).returncode == 0
    assert not (tmp_path / "runs").exists()
