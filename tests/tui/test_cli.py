"""The command line as its users meet it: exit codes, stdout and stderr apart.

Where a process of its own is the point it has one, and every command has one in test_imports.py.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import TINY, called, vitprune
from tests.hatched import command, itself
from tests.workers import ENDLESS
from vitprune_core.store import events as e
from vitprune_core.store.log import Log, entries
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import cache

OF_THE_PROCESS = ("time", "seconds", "crc", "pid", "file", "bytes")
SET = [word for override in TINY for word in ("--set", override)]


def folder(run):
    return ["--runs", str(run.path.parent)]


def as_json(*words, by=called):
    return json.loads(by(*words, "--json").stdout)


def test_run_prints_the_levels_and_keeps_progress_on_stderr(forked, tmp_path):
    words = ("run", "oneshot_global", "--workload", "digits", "--runs", tmp_path, *SET)
    done = vitprune(*words, zygote=forked)
    assert "98 %" in done.stdout
    assert "SPARSITY" in done.stdout
    assert "Removes single weights of all matrices by magnitude" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    again = called("run", "oneshot_random", "--workload", "digits", "--runs", tmp_path, *SET)
    assert "the run starts at pruning" in again.stderr


def test_run_json_is_one_value_and_the_same_as_show(tmp_path):
    words = ("run", "oneshot_global", "--workload", "digits", "--runs", tmp_path, *SET)
    ran = as_json(*words, "--here", "--name", "mine", "--seed", "3", by=vitprune)
    shown = as_json("show", "mine", "--runs", tmp_path, by=vitprune)
    assert (ran["id"], ran["state"], ran["seed"]) == ("mine", "done", 3)
    assert ran | {"pid": None, "host": None, "attempt": None} == shown


def test_the_same_seed_gives_the_same_bytes_in_two_empty_folders(forked, tmp_path):
    words = ("run", "iterative_global", "--workload", "digits", *SET)
    override = ("--set", "prune.sparsities=[0.5]", "--name", "same")
    a = as_json(*words, *override, "--runs", tmp_path / "a")
    b = as_json(*words, *override, "--runs", tmp_path / "b")
    assert a["weights_sha256"] == b["weights_sha256"]
    first, second = (
        [
            {k: v for k, v in json.loads(line).items() if k not in OF_THE_PROCESS}
            for line in (tmp_path / side / "same" / "events.jsonl").read_text().splitlines()
        ]
        for side in "ab"
    )
    assert first == second


def test_a_preset_by_its_path_and_a_config_as_a_preset(forked, a_run, tmp_path):
    steps = as_json("plan", "presets/oneshot_random.yaml", "--workload", "digits")
    assert steps["parameters"] == 228_394
    assert [p["kind"] for p in steps["phases"][:3]] == ["train", "prune", "train"]
    assert steps["phases"][2] | {"cycle": 0} == {
        "kind": "train",
        "round": 1,
        "cycle": 0,
        "start": 45,
        "stop": 60,
        "policy": "lr_rewind",
        "sparsity": 0.5,
    }
    again = as_json("run", a_run.config, "--runs", tmp_path)
    assert again["weights_sha256"] == as_json("show", a_run.id, *folder(a_run))["weights_sha256"]


def test_plan_draws_the_learning_rate_and_knows_no_eta_before_a_run(tmp_path, a_run):
    done = called("plan", "oneshot_random", "--workload", "cifar10", "--runs", tmp_path)
    assert "6,268,810 parameters, 6,193,152 prunable" in done.stdout
    assert "ETA     ?" in done.stdout
    assert "learning rate" in done.stdout
    words = ("plan", "oneshot_random", "--workload", "digits", *SET)
    assert "ETA     ?" not in called(*words, *folder(a_run)).stdout


def test_presets_are_listed_and_shown():
    names = {preset["name"] for preset in as_json("presets")}
    assert names >= {"oneshot_random", "workloads/digits", "workloads/cifar10"}
    assert "random_of: global" in called("presets", "--show", "oneshot_random").stdout
    assert "patch: 2" in called("presets", "--show", "workloads/digits").stdout
    assert "did you mean 'dense'?" in called("presets", "--show", "dens", code=2).stderr


def test_ls_and_show_tell_the_same_run(a_run):
    (listed,) = as_json("ls", *folder(a_run))
    shown = as_json("show", "tiny", *folder(a_run))
    assert (listed["id"], listed["state"], listed["levels"]) == (a_run.id, "done", 3)
    assert listed["accuracy"] == shown["levels"][-1]["test_accuracy"]
    assert "tiny-run" in called("ls", *folder(a_run)).stdout
    text = called("show", "tiny", *folder(a_run)).stdout
    last = shown["levels"][-1]
    row = ["90", "%", f"{100 * last['test_accuracy_before']:.1f}", "%"]
    row += [f"{100 * last['test_accuracy']:.1f}", "%"]
    assert row in [line.split()[:6] for line in text.splitlines()]


def test_an_empty_folder_says_what_to_do(tmp_path):
    done = called("ls", "--runs", tmp_path)
    assert (done.stdout, "No runs yet" in done.stderr) == ("", True)
    assert as_json("ls", "--runs", tmp_path) == []


def test_the_folder_of_runs_may_come_from_the_environment(a_run, monkeypatch):
    monkeypatch.setenv("VITPRUNE_RUNS", str(a_run.path.parent))
    assert "tiny-run" in called("ls").stdout


def test_log_tells_every_record(a_run):
    records = as_json("log", a_run.id, *folder(a_run))
    kinds = [record["event"] for record in records]
    assert kinds[:3] == ["Created", "Starting", "Started"]
    assert kinds[-1] == "Finished"
    assert len(called("log", a_run.id, *folder(a_run)).stdout.splitlines()) == len(records)


def test_masks_are_drawn_per_matrix_with_head_borders(a_run):
    text = called("masks", a_run.id, *folder(a_run)).stdout
    assert "at sparsity 0.9" in text
    assert "block 1" in text
    assert "│" in text
    assert "─" in text
    one = called(
        *("masks", a_run.id, *folder(a_run), "--level", "0.50"),
        *("--layer", "1", "--matrix", "q", "--ascii"),
    ).stdout
    assert "blocks.1.attn.q  12x12" in one
    assert one.isascii()
    grids = as_json("masks", a_run.id, *folder(a_run), "--level", "0.5", "--layer", "0")
    assert set(grids["matrices"]) == {
        f"blocks.0.{kind}"
        for kind in ("attn.q", "attn.k", "attn.v", "attn.o", "mlp.fc1", "mlp.fc2")
    }


@pytest.mark.parametrize("axis", ["sparsity", "epoch", "compression", "speedup"])
def test_plot_draws_each_axis(a_run, axis):
    done = called("plot", a_run.id, *folder(a_run), "--x", axis)
    assert "┤" in done.stdout
    assert as_json("plot", a_run.id, *folder(a_run), "--x", axis)["x"] == axis


def test_what_a_resumed_run_told_twice_is_drawn_once(a_run, tmp_path):
    run = RunDir(tmp_path / "resumed")
    shutil.copytree(a_run.path, run.path)
    last = [r for r in entries(run.log) if isinstance(r.event, e.Epoch)][-1]
    values = {"step": 1, "worked": 0.0, "exact": True, "differs": (), "corrupt": ()}
    log = Log(run.log)
    for event in (e.Resumed(after=last.seq - 1, **values), last.event):
        log.append(event)
    drawn = [as_json("plot", r.id, *folder(r), "--x", "epoch") for r in (a_run, run)]
    (once,), (twice,) = (value["runs"] for value in drawn)
    assert [once["x"], once["y"]] == [twice["x"], twice["y"]]


def test_export_writes_markdown_and_csv(a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "runs" / "other")
    shutil.copytree(a_run.path, tmp_path / "runs" / "one")
    words = ("export", "other", "one", "other/", "--runs", tmp_path / "runs")
    words = (*words, "-o", tmp_path / "a.md")
    written = as_json(*words, "--csv", tmp_path / "a.csv")["written"]
    assert written == [str(tmp_path / "a.md"), str(tmp_path / "a.csv")]
    assert "## Side by side" in (tmp_path / "a.md").read_text()
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 7


def test_rm_moves_to_the_trash(a_run, tmp_path):
    run = RunDir(tmp_path / "gone").create()
    Log(run.log)
    run.log.touch()
    assert as_json("rm", "gone", "--runs", tmp_path)["trash"].endswith(".trash/gone")
    assert as_json("ls", "--runs", tmp_path) == []


def test_doctor_tells_device_versions_data_and_disk(tmp_path, monkeypatch):
    facts = as_json("doctor", "--runs", tmp_path / "none")
    assert facts["device"] in ("cpu", "cuda")
    assert facts["torch"]
    assert "digits" in facts["data"]
    assert facts["disk_free"] > 0
    monkeypatch.setattr("vitprune_tui.commands.doctor._engine", lambda: facts)  # asked once
    assert "torch" in called("doctor", "--runs", tmp_path).stdout


WRONG = [
    (["run", "oneshot_globl"], "did you mean 'oneshot_global'?"),
    (["run", "none.yaml"], "none.yaml: cannot be read: No such file or directory"),
    (["run", "dense", "--workload", "digts"], "did you mean 'digits'?"),
    (["run", "dense", "--set", "train.lr"], "is not KEY=VALUE"),
    (["run", "dense", "--set", "train.lr=x"], "train.lr: 'x' is not a number"),
    (["run", "dense", "--device", "tpu"], "--device tpu: device: 'tpu' is not one of auto, cpu"),
    (["run", "dense", "--workload", "digits", "--name", "../x"], "a run's name is"),
    (["run", "dense", "--seed", "x"], "'x' is not a valid int"),
    (["run", "dense", "--dense", "none.st"], "none.st: dense.file: "),
    (["plan", "dense", "--dense", "none.st"], "none.st: dense.file: "),
    (["plan", "nothing"], "'nothing' is not one of attention_only"),
    (["show", "nothing"], "no run is called 'nothing'"),
    (["masks", "tiny-run", "--level", "0.7"], "levels of tiny-run are 0, 0.5, 0.9"),
    (["masks", "tiny-run", "--layer", "9"], "blocks are 0 to 1"),
    (["masks", "tiny-run", "--matrix", "attn.x"], "--matrix attn.x: blocks are 0 to 1, matrices q"),
    (["export", "tiny-run", "-o", "."], "the file's name must end in .md"),
    (["export", "tiny-run", "-o", "none/x.md"], "there is no folder none to write it to"),
    (["export", "tiny-run", "-o", "x.md", "--csv", "x.md"], "the file's name must end in .csv"),
    (["plot", "tiny-run", "--x", "time"], "choices are sparsity, epoch, compression, speedup"),
    (["nothing"], "No such command 'nothing'"),
    (["ls", "--nothing"], "No such option"),
]


@pytest.mark.parametrize(("words", "expected"), WRONG, ids=[" ".join(w) for w, _ in WRONG])
def test_wrong_input_is_exit_2_and_writes_nothing(words, expected, a_run, tmp_path):
    where = [] if words == ["nothing"] else folder(a_run)
    before = sorted(a_run.path.parent.iterdir())
    done = called(*words, *where, code=2, cwd=tmp_path)
    assert expected in done.stderr
    assert done.stdout == ""
    assert sorted(a_run.path.parent.iterdir()) == before
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_is_exit_2(a_run):
    words = ("run", "dense", "--workload", "digits", "--name", a_run.id)
    assert "there is such a run already" in called(*words, *folder(a_run), code=2).stderr


def test_a_run_that_diverges_is_exit_1_and_tells_the_step(forked, tmp_path):
    words = ("run", "oneshot_global", "--workload", "digits", "--runs", tmp_path, *SET)
    override = ("--set", "retrain={policy: finetune, lr: 1e18, fraction: 1}", "--name", "nan")
    done = called(*words, *override, code=1)
    assert "diverged at step" in done.stderr
    shown = as_json("show", "nan", "--runs", tmp_path)
    assert shown["state"] == "failed"
    assert shown["levels"][-1]["diverged"] is True
    assert "diverged, counts as chance" in called("show", "nan", "--runs", tmp_path).stdout


@pytest.fixture
def under_way(zygote, tmp_path):
    """`under_way("--here")`: a process of `vitprune run` that has told of two epochs of many.

    What it says goes to a file.
    """
    log, said = tmp_path / "long" / "events.jsonl", tmp_path / "said.txt"
    words = ["run", "dense", "--workload", "digits", "--runs", str(tmp_path), "--name", "long"]
    words += [*SET, "--set", ENDLESS]

    def make(*where):
        with said.open("wb") as told:
            if where:
                process = itself(zygote, [*words, *where], told.fileno())
            else:
                start, files = command(zygote)
                start += words
                process = subprocess.Popen(start, pass_fds=files, stdout=told, stderr=told)
        while not (log.exists() and log.read_bytes().count(b'"Epoch"') >= 2):
            assert process.poll() is None, said.read_text()
            time.sleep(0.02)
        return process, said

    return make


@pytest.mark.parametrize(
    ("number", "where"),
    [
        (signal.SIGINT, []),
        (signal.SIGTERM, []),
        (signal.SIGTERM, ["--here"]),
        (signal.SIGHUP, ["--here"]),  # to a worker a closed terminal means nothing
    ],
)
def test_an_interrupted_run_is_exit_130_and_keeps_what_was_done(under_way, tmp_path, number, where):
    process, said = under_way(*where)
    process.send_signal(number)
    assert process.wait(60) == 130
    assert "Traceback" not in said.read_text()
    shown = as_json("show", "long", "--runs", tmp_path)
    assert (shown["state"], shown["pid"]) == ("stopped", None)
    kinds = [record["event"] for record in as_json("log", "long", "--runs", tmp_path)]
    assert kinds[-3:] == ["Acknowledged", "Checkpointed", "Stopped"]


def test_a_killed_run_is_lost_and_a_running_one_cannot_be_removed(under_way, tmp_path):
    process, _ = under_way()
    live = as_json("show", "long", "--runs", tmp_path)
    assert (live["state"], live["attempt"]) == ("running", 1)
    held = called("rm", "long", "--runs", tmp_path, code=75).stderr
    assert f"process {live['pid']} on " in held
    assert called("resume", "long", "--runs", tmp_path, code=75).stderr == held
    told = called("kill", "long", "--runs", tmp_path).stdout
    assert told.endswith(" killed; it counts as lost until resumed: vitprune resume long\n")
    assert process.wait() == 1
    assert as_json("show", "long", "--runs", tmp_path)["state"] == "lost"
    called("rm", "long", "--runs", tmp_path)


def test_two_hundred_runs_are_listed(a_run, tmp_path):
    data = a_run.log.read_bytes()
    for i in range(200):
        run = RunDir(tmp_path / f"run-{i:03d}").create()
        run.log.write_bytes(data)
        cache(run)
    assert len(as_json("ls", "--runs", tmp_path)) == 200


def test_output_that_is_not_utf_8_is_drawn_in_ascii(a_run):
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    assert vitprune("masks", a_run.id, *folder(a_run), env=env).stdout.isascii()
    assert vitprune("plot", a_run.id, *folder(a_run), env=env).stdout.isascii()


def test_hostile_text_in_a_log_reaches_no_terminal(a_run, tmp_path):
    run = RunDir(tmp_path / "hostile").create()
    data = a_run.log.read_text().splitlines()[0]
    body = data.rpartition(',"crc":')[0].replace("oneshot_global", "\\u001b[31m\\u202e[red]")
    import zlib

    run.log.write_text(f'{body},"crc":{zlib.crc32(body.encode())}}}\n')
    for words in (["ls"], ["show", "hostile"], ["log", "hostile"]):
        shown = called(*words, "--runs", tmp_path)
        assert "\x1b" not in shown.stdout
        assert "\u202e" not in shown.stdout


def test_presets_that_cannot_be_read_do_not_spoil_the_list(tmp_path):
    own = tmp_path / "presets"
    own.mkdir()
    (own / "bytes.yaml").write_bytes(b"# \xff\x1b[31m\nworkload: digits\n")
    os.mkfifo(own / "pipe.yaml")
    (own / "link.yaml").symlink_to(own / "nowhere.yaml")
    (own / "folder.yaml").mkdir()
    done = called("presets", cwd=tmp_path)
    assert "bytes" in done.stdout
    assert "\x1b" not in done.stdout
    assert "dense" in done.stdout
    for name in ("bytes", "pipe"):
        assert called("presets", "--show", f"presets/{name}.yaml", cwd=tmp_path, code=2).stderr


def test_a_run_goes_on_when_nobody_reads_its_progress(zygote, tmp_path):
    start, files = command(zygote)
    words = ["run", "oneshot_global", "--workload", "digits", "--name", "quiet", *SET]
    full = shlex.join([*start, *words, "--runs", str(tmp_path)]) + " 2>/dev/full"
    subprocess.run(["bash", "-c", full], capture_output=True, check=True, pass_fds=files)
    assert as_json("show", "quiet", "--runs", tmp_path)["state"] == "done"


def test_runs_is_a_folder(a_run):
    assert "is a file" in called("ls", "--runs", a_run.log, code=2).stderr


def test_a_closed_pipe_is_no_traceback(a_run):
    log = f"{sys.executable} -m vitprune_tui.cli log {a_run.id} --runs {a_run.path.parent}"
    done = subprocess.run(
        ["bash", "-c", f"{log} | head -1"], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
