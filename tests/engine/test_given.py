"""A dense model of one's own: what is taken, what is refused, and what is told of it."""

import hashlib
import json
import struct
from contextlib import closing

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.conftest import TINY, called
from tests.engine.test_execute import carried_out, of
from tests.engine.test_resume import Bench
from vitprune_core import launch
from vitprune_core.engine import files
from vitprune_core.engine.check import check
from vitprune_core.engine.dense import dense_of
from vitprune_core.engine.device import resolve
from vitprune_core.engine.execute import execute
from vitprune_core.engine.given import GivenError, read_given
from vitprune_core.engine.position import Position
from vitprune_core.engine.vit import initial
from vitprune_core.spec.request import load
from vitprune_core.spec.source import SpecError
from vitprune_core.store import events as e
from vitprune_core.store import queue
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.lock import hold
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.summary import summarize

SHORT = ("train.batch_size=700", "prune.sparsities=[0.5]", "retrain.fraction=0.5")


def as_is(weights):
    return weights


def written(path, change=as_is):
    """A file of weights, after `change` has spoiled them."""
    draw, config = torch.Generator().manual_seed(0), load("dense", "digits", [*TINY]).config
    weights = {
        n: w + 0.1 * torch.randn(w.shape, generator=draw) for n, w in initial(config).items()
    }
    save_file(change(weights), path)
    return path


@pytest.fixture
def model_file(tmp_path):
    """`model_file(change)`: a file of weights in the test's folder."""
    return lambda change=as_is, name="mine.safetensors": written(tmp_path / name, change)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def given(tiny, path, *overrides, preset="oneshot_global"):
    known = f"dense={{file: '{path}', sha256: {sha256(path)}}}"
    return tiny(preset, *SHORT, known, *overrides)


def refused(tiny, path):
    config = tiny("oneshot_global", f"dense.file={path}").config
    with pytest.raises(GivenError) as error:
        read_given(config)
    assert str(error.value).startswith(f"dense.file {path}: ")
    return str(error.value).removeprefix(f"dense.file {path}: ")


# What is refused.


def without(*names):
    return lambda weights: {n: w for n, w in weights.items() if n not in names}


def changed(name, change):
    return lambda weights: {**weights, name: change(weights[name])}


Q, TOKEN = "blocks.0.attn.q.weight", "token"
WRONG = [
    (without(Q), f"1 keys are missing: {Q}"),
    (lambda w: {}, "keys are missing: token, positions, embed.weight and "),
    (lambda w: {**w, "head.weight": w[Q].clone()}, "1 keys are unknown: head.weight"),
    (
        lambda w: {f"model.{n}": t for n, t in w.items()},
        "keys are missing: token, positions, embed.weight and 37 more; 40 keys are unknown: model.",
    ),
    (changed(Q, lambda w: w[:6].contiguous()), f"1 shapes differ: {Q} is (6, 12), not (12, 12)"),
    (changed(Q, lambda w: w.flatten()), f"{Q} is (144,), not (12, 12)"),
    (changed(Q, lambda w: w.int()), f"1 are no floating-point numbers: {Q} is torch.int32"),
    (changed(Q, lambda w: w > 0), f"{Q} is torch.bool"),
    (changed(Q, lambda w: w / 0), f"1 hold a number that is none: {Q}"),
    (changed(TOKEN, lambda w: w * torch.nan), "1 hold a number that is none: token"),
    (changed(TOKEN, lambda w: w.double() + 1e300), "1 hold a number that is none: token"),
]


@pytest.mark.parametrize(("change", "expected"), WRONG, ids=[text for _, text in WRONG])
def test_a_file_of_other_weights_is_refused_with_the_reason(tiny, model_file, change, expected):
    assert expected in refused(tiny, model_file(change))


def test_everything_wrong_with_it_is_told_at_once(tiny, model_file):
    def change(weights):
        spoiled = changed("norm.weight", lambda w: w[:3].contiguous())(without(Q)(weights))
        return {**changed(TOKEN, lambda w: w.int())(spoiled), "more": weights[Q].clone()}

    told = refused(tiny, model_file(change)).split("; ")
    assert [what.split(":")[0] for what in told] == [
        "1 keys are missing",
        "1 keys are unknown",
        "1 shapes differ",
        "1 are no floating-point numbers",
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "not a safetensors file"),
        (b"PK\x03\x04 a pickle of weights", "not a safetensors file"),
        (bytes(1000), "not a safetensors file"),
        (b"\x80\x02}q\x00.", "not a safetensors file"),
    ],
)
def test_what_is_no_safetensors_file_is_refused(tiny, tmp_path, data, expected):
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    assert refused(tiny, path).startswith(expected)


def test_a_truncated_file_is_refused(tiny, model_file):
    path = model_file()
    path.write_bytes(path.read_bytes()[:-1])
    assert refused(tiny, path).startswith("not a safetensors file")


def test_numbers_of_a_format_that_torch_has_not_are_refused(tiny, tmp_path):
    path = tmp_path / "m.safetensors"
    head = b'{"token":{"dtype":"F8_E8M0","shape":[2],"data_offsets":[0,2]}}'
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"ab")
    assert refused(tiny, path) == "not a safetensors file for torch: 'F8_E8M0'"


def test_what_is_no_file_any_more_is_refused_with_the_reason(tiny, model_file):
    path = model_file()
    config = tiny("dense", f"dense.file={path}").config
    path.unlink()
    with pytest.raises(GivenError, match=f"dense.file {path}: No such file or directory"):
        read_given(config)
    path.mkdir()
    with pytest.raises(GivenError, match=f"dense.file {path}: Is a directory"):
        read_given(config)


def test_a_model_of_another_workload_is_refused(tiny, model_file):
    config = tiny("dense", f"dense.file={model_file()}", "model.mlp=9", "model.depth=3").config
    with pytest.raises(GivenError, match=r"16 keys are missing.*6 shapes differ: .*fc1\.weight"):
        read_given(config)


def test_a_file_that_has_changed_since_is_refused(tiny, model_file):
    path = model_file()
    config = given(tiny, path).config
    assert set(read_given(config)) == set(initial(config))
    model_file(changed(TOKEN, lambda w: w + 1))
    with pytest.raises(GivenError, match=f"it has changed: its SHA-256 is {sha256(path)}, not "):
        read_given(config)


def test_it_is_checked_before_a_run_is_made(tiny, model_file):
    check(given(tiny, model_file()).config)
    with pytest.raises(GivenError) as error:
        check(given(tiny, model_file(without(Q))).config)
    assert error.value.code == 2


def test_what_is_not_there_is_refused_before_anything_is_checked(tiny, tmp_path):
    with pytest.raises(SpecError, match=r"dense\.file: .*No such file or directory"):
        tiny("dense", f"dense.file={tmp_path / 'nowhere'}")


# What is taken.


def test_it_is_read_into_the_memory_of_the_cpu_whatever_the_device(tiny, model_file):
    config = given(tiny, model_file()).config.model_copy(update={"device": "cuda"})
    assert {weight.device.type for weight in read_given(config).values()} == {"cpu"}


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_taken_as_fp32(tiny, model_file, kind):
    exact = load_file(model_file())
    path = model_file(lambda w: {n: t.to(kind) for n, t in w.items()}, "half.safetensors")
    found = read_given(tiny("dense", f"dense.file={path}").config)
    for name, weight in found.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, exact[name].to(kind).float())


def test_a_given_model_is_measured_shared_and_pruned_as_it_is(tiny, model_file, tmp_path):
    path = model_file()
    events, run = carried_out(given(tiny, path), tmp_path, "run")
    config = resolve(given(tiny, path).config)
    assert [type(event).__name__ for event in events] == [
        *("Started", "DenseTrained", "Pruned", "Epoch", "Level", "Finished")
    ]
    (dense,) = of(e.DenseTrained, events)
    assert (dense.epochs, of(e.Started, events)[0].epochs) == (0, 1)
    state = files.load_state(dense_of(config, run), "cpu")
    for name, weight in load_file(path).items():
        assert torch.equal(state.weights[name], weight)
        assert not state.first[name].any()  # fresh moments
        assert not state.second[name].any()
    assert state.step == 0
    assert dense.weights_sha256 == files.weights_sha256(load_file(path))


def test_the_first_moment_to_go_on_from_has_its_weights_and_zero_moments(
    tiny, model_file, tmp_path
):
    bench = Bench(tmp_path, given(tiny, model_file()))
    with closing(execute(bench.config, bench.data, bench.run)) as told:
        first = next(i for i in told if isinstance(i, Moment) and i.position)
        position = first.position()
    assert isinstance(position, Position)
    assert (position.stage, position.state.step) == ("rounds", 0)
    assert not any(t.any() for t in (position.state.first | position.state.second).values())


def test_a_second_run_shares_it_wherever_the_file_lies(tiny, model_file, tmp_path):
    first, _ = carried_out(given(tiny, model_file()), tmp_path, "first")
    elsewhere = model_file(name="copy.safetensors")
    second, _ = carried_out(given(tiny, elsewhere), tmp_path, "second")
    assert len(of(e.DenseReused, second)) == 1
    assert of(e.Level, first) == of(e.Level, second)
    other = model_file(changed(TOKEN, lambda w: w + 1), "other.safetensors")
    third, _ = carried_out(given(tiny, other), tmp_path, "third")
    assert not of(e.DenseReused, third)
    trained, _ = carried_out(tiny("oneshot_global", *SHORT), tmp_path, "trained")
    assert not of(e.DenseReused, trained)


def test_once_it_is_shared_the_file_is_needed_no_more(tiny, model_file, tmp_path):
    path = model_file()
    loaded = given(tiny, path)
    whole, left = Bench(tmp_path / "whole", loaded), Bench(tmp_path / "left", loaded)
    assert whole.attempt()
    assert not left.attempt(
        lambda number, position: position is not None and position().stage == "rounds"
    )
    path.unlink()
    assert left.attempt()
    assert left.told == whole.told
    assert left.files == whole.files
    assert summarize(left.run).exact


def test_before_it_is_shared_a_missing_file_fails_the_run_with_the_reason(
    tiny, model_file, tmp_path
):
    path = model_file()
    bench = Bench(tmp_path, given(tiny, path))
    path.unlink()
    with pytest.raises(GivenError, match="No such file"):
        bench.attempt()
    assert not [p for p in (tmp_path / ".dense").iterdir() if p.is_dir()]


def test_a_damaged_shared_copy_is_taken_from_the_file_again(tiny, model_file, tmp_path):
    path = model_file()
    first, run = carried_out(given(tiny, path), tmp_path, "first")
    shared = dense_of(resolve(given(tiny, path).config), run)
    assert isinstance(shared, DenseDir)
    data = bytearray(shared.weights.read_bytes())
    data[-1] ^= 1
    shared.weights.write_bytes(data)
    second, _ = carried_out(given(tiny, path), tmp_path, "second")
    assert len(of(e.DenseDamaged, second)) == 1
    assert of(e.Level, first) == of(e.Level, second)


def test_a_trained_model_that_is_given_again_is_pruned_to_the_same_masks(tiny, tmp_path):
    """Its moments are gone: masks of the first round are the same, the weights after it not."""
    trained = tiny("oneshot_global", *SHORT)
    events, run = carried_out(trained, tmp_path, "trained")
    shared = dense_of(resolve(trained.config), run)
    again, other = carried_out(given(tiny, shared.weights), tmp_path, "given")
    (one,), (two,) = of(e.DenseTrained, events), of(e.DenseTrained, again)
    assert (one.weights_sha256, one.test) == (two.weights_sha256, two.test)
    assert run.mask("0.5").read_bytes() == other.mask("0.5").read_bytes()
    assert of(e.Pruned, events) == of(e.Pruned, again)
    assert events[-1] != again[-1]


# On the command line.


SET = [word for override in (*TINY, *SHORT) for word in ("--set", override)]


def run_words(folder, path, name="mine"):
    words = ["run", "oneshot_global", "--workload", "digits", *SET, "--runs", folder]
    return [*words, "--name", name, "--dense", path]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The runs with `mine`, made of a file by its path from there; the file, and what was told."""
    folder = tmp_path_factory.mktemp("given")
    path, runs = written(folder / "mine.safetensors"), folder / "runs"
    return runs, path, called(*run_words(runs, path.name), "--here", cwd=folder)


def config_words(runs, name):
    config = runs / "mine" / "config.yaml"
    return ["run", config, "--runs", runs, "--here", "--json", "--name", name]


def shown(runs, name):
    return json.loads(called("show", name, "--runs", runs, "--json").stdout)


def test_run_dense_prunes_the_file_and_says_so(ran, tmp_path):
    runs, path, told = ran
    assert f" %, given as {path}, fresh moments" in told.stdout  # no epochs, no seconds
    assert f"Takes the dense model from {path}." in told.stderr
    assert "given, not trained" in told.stderr
    assert "trained in" not in told.stderr
    mine = shown(runs, "mine")
    assert mine["dense"]["given"] == str(path)
    assert mine["dense"]["epochs"] == 0
    assert mine["config"]["dense"] == {"file": str(path), "sha256": sha256(path)}
    report = tmp_path / "a.md"
    called("export", "mine", "--runs", runs, "-o", report)
    origin = f"SHA-256 {sha256(path)}; retraining starts with fresh moments): test accuracy"
    assert origin in report.read_text()
    assert f"--dense {path}" in report.read_text()
    words = ["plan", "oneshot_global", "--workload", "digits", *SET, "--dense", path]
    steps = json.loads(called(*words, "--json").stdout)
    assert steps["epochs"] == 1
    assert steps["phases"][0] | {"start": 2, "stop": 2, "policy": "given"} == steps["phases"][0]


def test_a_runs_config_asks_for_the_same_model_again(ran, checked_here):
    runs, path, _ = ran
    again = json.loads(called(*config_words(runs, "again")).stdout)
    assert again["weights_sha256"] == shown(runs, "mine")["weights_sha256"]
    assert again["dense"]["given"] == str(path)
    assert again["dense"]["reused"] is True


def test_a_runs_config_is_refused_once_its_file_is_spoiled(ran, checked_here):
    runs, path, _ = ran
    whole = path.read_bytes()
    path.write_bytes(b"")
    done = called(*config_words(runs, "spoiled"), code=2)
    path.write_bytes(whole)  # for the tests that share it
    assert "not a safetensors file" in done.stderr
    assert not (runs / "spoiled").exists()


def test_a_wrong_file_is_exit_2_and_makes_no_run(model_file, tmp_path):
    runs, path = tmp_path / "runs", model_file(without(Q))
    done = called(*run_words(runs, path), code=2)
    assert done.stderr.strip() == f"dense.file {path}: 1 keys are missing: {Q}"
    assert done.stdout == ""
    nowhere = tmp_path / "nowhere"
    done = called(*run_words(runs, nowhere), code=2)
    assert done.stderr.startswith(f"--dense {nowhere}: dense.file: ")
    assert done.stderr.endswith(": No such file or directory\n")
    assert not runs.exists()


def test_what_is_planned_is_what_the_file_holds_now(model_file, tmp_path):
    words = ["plan", "oneshot_global", "--workload", "digits", *SET, "--json", "--dense"]
    assert json.loads(called(*words, model_file()).stdout)["epochs"] == 1
    done = called(*words, tmp_path / "nowhere", code=2)
    assert "No such file or directory" in done.stderr
    assert done.stdout == ""
    assert "it is no file" in called(*words, tmp_path, code=2).stderr


def test_another_file_over_a_runs_config_is_another_model(ran, checked_here, model_file):
    runs, two = ran[0], model_file(changed(TOKEN, lambda w: w + 1), "two.safetensors")
    other = json.loads(called(*config_words(runs, "other"), "--dense", two).stdout)
    assert other["config"]["dense"] == {"file": str(two), "sha256": sha256(two)}
    assert other["dense"]["reused"] is False


def test_a_file_given_in_a_preset_is_found_from_any_folder_later(
    model_file, checked_here, forked, tmp_path
):
    path, run = model_file(), RunDir(tmp_path / "runs" / "mine")
    known = f"dense.file={path.name}"
    words = [*run_words(run.path.parent, path)[:-2], "--set", known, "--queue"]
    queue.lock(run.path.parent).parent.mkdir(parents=True)
    with hold(queue.lock(run.path.parent)):  # somebody sees to the queue: nothing is started
        called(*words, cwd=tmp_path)
    config = run.config.read_text()
    assert f"file: {path}" in config
    assert f"sha256: {sha256(path)}" in config
    assert launch.start(run).wait() == 0
