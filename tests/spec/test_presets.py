import hashlib
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vitprune_core.spec.config import Config, GivenConfig, dump
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.identity import config_hash, dense_hash
from vitprune_core.spec.plan import plan
from vitprune_core.spec.presets import find, listed, shipped
from vitprune_core.spec.request import load
from vitprune_core.spec.sentence import sentence
from vitprune_core.spec.source import SpecError

GOOD = "workload: digits\nprune: {sparsities: [0.5]}\n"
SHIPPED = sorted(path.stem for path in shipped().glob("*.yaml"))
WORKLOADS = sorted(path.stem for path in (shipped() / "workloads").glob("*.yaml"))


def wrong(*args, **settings):
    """The problems of a request, one text each."""
    with pytest.raises(SpecError) as error:
        load(*args, **settings)
    return [str(p) for p in error.value.problems]


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_shipped_preset_can_be_planned_on_every_shipped_workload(name, workload):
    config = load(name, workload).config
    assert plan(config).dense.epochs == config.train.epochs
    assert sentence(config).endswith(".")


def test_the_promised_presets_ship():
    methods = {
        f"{kind}_{where}"
        for kind in ("oneshot", "iterative", "rows", "columns")
        for where in ("global", "layerwise", "random")
    }
    methods |= {"dense", "retrain_only", "mlp_only", "attention_only"}
    assert methods | {"heads", "neurons", "two_of_four"} == set(SHIPPED)
    six = {"digits", "fashion", "cifar10", "cifar100", "svhn", "synthetic"}
    assert set(WORKLOADS) == six == set(DATASETS)
    assert {found.name for found in listed("workloads")} >= six


def test_each_layer_overrides_the_one_below(preset):
    path = preset(GOOD + "train: {epochs: 7}\n")
    assert load(path).config.train.epochs == 7
    assert load(path).config.train.batch_size == 64  # the workload's
    assert load(path, overrides=["train.epochs=9"]).config.train.epochs == 9
    assert load(path, "cifar10").config.train.batch_size == 128
    assert load(path, "workloads/cifar10").workload == "cifar10"
    assert load(path, str(shipped() / "workloads" / "cifar10.yaml")).workload == "cifar10"
    assert load(path, seed=3).config.seed == 3


def test_a_config_is_complete_and_loads_again_as_a_preset(preset):
    config = load("oneshot_random", "digits", ["train.lr=0.002"], seed=7).config
    assert load(preset(dump(config), "again.yaml")).config == config
    assert set(yaml.safe_load(dump(config))) == set(Config.model_fields)


def test_a_complete_config_needs_its_workload_no_more(preset):
    own = preset((shipped() / "workloads" / "digits.yaml").read_text(), "mine.yaml")
    config = load("dense", own).config
    assert config.workload == "mine"
    assert load(preset(dump(config), "config.yaml")).config == config
    (found,) = wrong("dense", "mine")
    assert "workload: 'mine' is not one of cifar10, cifar100, digits, fashion, svhn" in found


def test_rules_are_written_out():
    config = load("oneshot_global", "digits", seed=7).config
    assert (config.data.fold, config.retrain.optimizer) == (2, "keep")
    restart = load("oneshot_global", "digits", ["retrain.policy=restart"]).config
    assert restart.retrain.optimizer == "reset"
    finetune = load("oneshot_global", "digits", ["retrain.policy=finetune"]).config
    assert finetune.retrain.lr == finetune.train.lr_min == 3e-5
    assert load("oneshot_global", "cifar10").config.data.fold is None


def test_presets_have_no_fold_of_another_seed():
    assert [load("dense", "digits", seed=s).config.data.fold for s in (4, 5, 101)] == [4, 0, 1]


def asks(prune, workload="digits"):
    return f"workload: {workload}\nprune: {{{prune}, sparsities: [0.5]}}\n"


ON_SVHN, ON_FASHION = (GOOD.replace("digits", name) for name in ("svhn", "fashion"))
ONE = [
    ("workload: digts\nprune: null\n", "1:11: workload: 'digts' is not one of cifar10, cifar100"),
    ("workload: digts\nprune: null\n", "did you mean 'digits'?"),
    ("workload: digits\n", "1:1: prune: is missing"),
    ("prune: null\n", "1:1: workload: is missing"),
    (GOOD + "sed: 1\n", "3:1: unknown key 'sed'; did you mean 'seed'?"),
    (GOOD + "seed: 1.5\n", "3:7: seed: 1.5 is not a whole number"),
    (GOOD + "seed: true\n", "3:7: seed: true is not a whole number"),
    (GOOD + "seed: -1\n", "3:7: seed: -1 is below 0"),
    (GOOD + "seed: '1'\n", "3:7: seed: '1' is not a whole number"),
    (GOOD + "threads: 0\n", "3:10: threads: 0 is below 1"),
    (GOOD + "device: gpu\n", "3:9: device: 'gpu' is not one of auto, cpu, cuda"),
    (GOOD + "train: {lr: .inf}\n", "3:13: train.lr: inf is not finite"),
    (GOOD + "train: {lr: .nan}\n", "3:13: train.lr: nan is not finite"),
    (GOOD + "train: {lr: fast}\n", "3:13: train.lr: 'fast' is not a number"),
    (GOOD + "train: {lr_min: 1}\n", "3:17: train.lr_min: 1 is above the peak train.lr 0.003"),
    (GOOD + "train: {epochs: 0}\n", "3:17: train.epochs: 0 is below 1"),
    (GOOD + "train: []\n", "3:8: train: [] is not a mapping"),
    (GOOD + "model: 3\n", "3:8: model: 3 is not a mapping"),
    (GOOD + "model: {heads: 7}\n", "3:16: model.heads: 7 does not divide model.width 96"),
    (GOOD + "model: {patch: 3}\n", "3:16: model.patch: 3 does not divide the side of a digits"),
    (GOOD + "data: {fold: 5}\n", "3:14: data.fold: 5 is not one of 0 to 4"),
    (GOOD + "data: {validation: 5}\n", "data.validation: 5 is below the number of classes, 10"),
    (GOOD + "data: {validation: 900}\n", "900 is more than half of the 1437 images"),
    (GOOD + "data: {name: mnist}\n", "'mnist' is not one of digits, fashion, cifar10, cifar100"),
    (
        ON_SVHN + "train: {augment: crop_flip}\n",
        "'crop_flip' does not fit svhn; choices: none, crop",
    ),
    (ON_FASHION + "train: {augment: autoaugment}\n", "choices: none, crop, crop_flip"),
    (GOOD + "train: {augment: mixup}\n", "is not one of none, crop, crop_flip, autoaugment"),
    (GOOD + "precision: fp16\n", "3:12: precision: 'fp16' is not one of auto, fp32, bf16"),
    (GOOD + "kernels: fast\n", "3:10: kernels: 'fast' is not one of auto, eager, compiled"),
    (
        asks("granularity: heads"),
        "is not one of weight, row, column, head, neuron, n:m with n below m (2:4)",
    ),
    (asks("granularity: heads"), "did you mean 'head'?"),
    (asks("granularity: '4:2'"), "2:22: prune.granularity: '4:2' is not one of weight, row"),
    (asks("granularity: 2"), "2:22: prune.granularity: 2 is not text"),
    (
        asks("granularity: head, layers: mlp"),
        "2:36: prune.layers: head is a unit of attention, not of mlp; choices: all, attention",
    ),
    (asks("granularity: head, layers: vo"), "head is a unit of attention, not of vo"),
    (
        asks("granularity: neuron, layers: attention"),
        "neuron is a unit of mlp, not of attention; choices: all, mlp",
    ),
    (
        asks("granularity: 1:4"),
        "prune.sparsities.0: 0.5 is not what 1:4 removes; choices: 0, 0.75",
    ),
    (
        asks("granularity: 2:4, schedule: iterative"),
        "prune.schedule: 2:4 is reached in one shot, not in rounds",
    ),
    (
        asks("granularity: 5:10"),
        "prune.granularity: 5:10: 10 does not divide the 96 inputs of blocks.0.attn.q",
    ),
    (
        asks("granularity: 4:8, layers: mlp") + "model: {mlp: 92}\n",
        "4:8: 8 does not divide the 92 inputs of blocks.0.mlp.fc2",
    ),
    (
        asks("distribution: random, criterion: taylor"),
        "prune.criterion: taylor does not fit random masks; choices: magnitude",
    ),
    (asks("criterion: hessian"), "'hessian' is not one of magnitude, taylor, wanda"),
    (GOOD + "dense: mine.safetensors\n", "3:8: dense: 'mine.safetensors' is not a mapping"),
    (GOOD + "dense: {}\n", "dense.file: is missing"),
    (GOOD + "dense: {file: ''}\n", "3:15: dense.file: '' is empty"),
    (GOOD + "dense: {file: m, sha: x}\n", "unknown key 'sha'; did you mean 'sha256'?"),
    (GOOD + f"dense: {{file: m, sha256: {'a' * 65}}}\n", "is not 64 digits and letters a to f"),
    (
        GOOD + "dense: {file: m}\nretrain: {policy: weight_rewind}\n",
        "4:19: retrain.policy: weight_rewind needs the dense training, and a model that is given",
    ),
    (GOOD + "train: {augment: autoaugment}\n", "'autoaugment' does not fit digits; choices: none"),
    ("workload: cifar10\nprune: null\ndata: {fold: 1}\n", "a fixed test set and no folds"),
    ("workload: digits\nprune: {}\n", "2:8: prune.sparsities: is missing"),
    ("workload: digits\nprune: {sparsities: []}\n", "prune.sparsities: [] is not long enough"),
    ("workload: digits\nprune: {sparsities: 0.5}\n", "2:21: prune.sparsities: 0.5 is not a list"),
    ("workload: digits\nprune: {sparsities: [1.5]}\n", "2:22: prune.sparsities.0: 1.5 is above 1"),
    ("workload: digits\nprune: {sparsities: [-0.1]}\n", "prune.sparsities.0: -0.1 is below 0"),
    ("workload: digits\nprune: {sparsities: [.5, .5]}\n", "2:26: prune.sparsities.1: 0.5 does not"),
    ("workload: digits\nprune: {sparsities: [.9, .5]}\n", "0.5 does not rise above the 0.9"),
    (
        "workload: digits\nprune: {sparsities: [0.95, 0.95000001]}\n",
        "0.95000001 and 0.95 share the name 0.95",
    ),
    (GOOD + "retrain: {fraction: 1.5}\n", "3:21: retrain.fraction: 1.5 is above 1: a schedule"),
    (
        GOOD + "retrain: {policy: rewind}\n",
        "is not one of lr_rewind, finetune, weight_rewind, restart",
    ),
    (GOOD + "retrain: {lr: 0.1}\n", "retrain.lr: is for the policy finetune"),
    (GOOD + "retrain: {total: 0.001}\n", "retrain.total: 0.001 gives 0 epochs for 1 rounds"),
    (GOOD + "retrain: {total: 2}\n", "2 gives a round 120 epochs, more than the 60"),
    (GOOD + "retrain: {total: 1, cycles: 2}\n", "cannot be combined with retrain.total"),
    (GOOD + "retrain: {cycles: 20000}\n", "are more than 10,000"),
    (
        "workload: digits\nprune: {schedule: iterative, sparsities: [0.98]}\n"
        "retrain: {total: 0.2}\n",
        "gives 12 epochs for 18 rounds",
    ),
    ("[1, 2]\n", "1:1: is not a preset"),
    ("", "1:1: is not a preset"),
    ("just words\n", "1:1: is not a preset"),
]


@pytest.mark.parametrize(("text", "expected"), ONE, ids=[t for _, t in ONE])
def test_wrong_input_is_answered_with_place_value_and_choices(preset, text, expected):
    found = wrong(preset(text))
    assert any(expected in p for p in found), found
    assert len(found) == 1, found


@pytest.mark.parametrize("name", DATASETS)
def test_every_augmentation_that_makes_sense_for_a_dataset_is_taken(name):
    for augment in DATASETS[name].augment:
        assert load("dense", name, [f"train.augment={augment}"]).config.train.augment == augment


@pytest.mark.parametrize(("granularity", "layers"), [("head", "attention"), ("neuron", "mlp")])
def test_units_that_run_through_a_part_of_a_block_imply_it(granularity, layers):
    for asked in ("all", layers):
        overrides = [f"prune.granularity={granularity}", f"prune.layers={asked}"]
        assert load("oneshot_global", "digits", overrides).config.prune.layers == layers


@pytest.mark.parametrize(
    ("granularity", "sparsity"), [("2:4", 0.5), ("1:3", 0.666667), ("7:8", 0.125), ("1:2", 0.5)]
)
def test_n_of_m_knows_its_own_sparsity_and_the_control(granularity, sparsity):
    overrides = [f"prune.granularity={granularity}", f"prune.sparsities=[0, {sparsity}]"]
    config = load("oneshot_global", "digits", overrides).config
    (control, pruned) = plan(config).rounds
    assert (control.sparsity, pruned.sparsity) == (0, sparsity)
    overrides[1] = f"prune.sparsities=[{min(sparsity, 1 - sparsity) / 2}]"
    (found,) = wrong("oneshot_global", "digits", overrides)
    assert f"is not what {granularity} removes; choices: 0, {sparsity}" in found


SENTENCES = {
    "heads": "Removes whole heads of the attention matrices by magnitude, ranked over all of them "
    "together: 25 %, 50 %, 75 %, 90 %, each in one shot from the dense model, then",
    "neurons": "Removes whole hidden neurons of the MLP matrices by magnitude, ranked over",
    "two_of_four": "Removes 2 of every 4 neighbouring inputs in each row of all matrices by "
    "magnitude: 50 %, in one shot from the dense model, then retrains for 15 epochs",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_says_what_is_removed(name):
    assert sentence(load(name, "digits").config).startswith(SENTENCES[name])


@pytest.mark.parametrize(
    ("preset", "overrides", "expected"),
    [
        ("heads", ["prune.distribution=layerwise"], "by magnitude, ranked inside each block:"),
        ("neurons", ["prune.distribution=random"], "at random, as many in each block as global"),
        ("two_of_four", ["prune.distribution=random"], "in each row of all matrices at random:"),
        ("oneshot_global", ["prune.criterion=taylor"], "all matrices by weight times gradient,"),
        ("heads", ["prune.criterion=wanda"], "by weight times the norm of its input, ranked"),
    ],
)
def test_a_sentence_says_by_what_and_from_what(preset, overrides, expected):
    assert expected in sentence(load(preset, "digits", overrides).config)


def given_model(file="/m/a.safetensors", sha256="1" * 64, **changes):
    overrides = [f"{key}={value}" for key, value in changes.items()]
    known = f"dense={{file: {file}, sha256: '{sha256}'}}"
    return load("oneshot_global", "digits", [*overrides, known]).config


@pytest.mark.parametrize(
    ("preset", "expected"),
    [("dense", "Prunes nothing."), ("heads", "Removes whole heads of the attention matrices")],
)
def test_a_sentence_says_from_what(preset, expected, model_files):
    told = sentence(load(preset, "digits", ["dense.file=a.st"]).config)
    assert told.startswith(f"Takes the dense model from {model_files}/a.st. {expected}")


def test_the_plan_of_a_given_model_trains_no_dense_one():
    steps = plan(given_model())
    assert (steps.dense.epochs, steps.dense.policy) == (0, "given")
    assert steps.epochs == 5 * 15
    trained = plan(load("oneshot_global", "digits").config)
    assert steps.rounds == trained.rounds


@pytest.mark.parametrize("hash", [dense_hash, config_hash])
def test_a_given_model_is_known_by_its_content_and_not_by_its_place(hash):
    here, there = given_model(), given_model("/elsewhere/b.safetensors")
    assert hash(here) == hash(there)
    assert hash(here) != hash(given_model(sha256="2" * 64))
    assert hash(here) != hash(load("oneshot_global", "digits").config)
    assert hash(here) != hash(given_model(**{"data.fold": 1}))


def test_a_given_models_hash_does_not_depend_on_what_is_done_with_it():
    changed = given_model(**{"prune.sparsities": [0.7], "retrain.policy": "finetune"})
    assert dense_hash(given_model()) == dense_hash(changed)
    assert config_hash(given_model()) != config_hash(changed)


@pytest.fixture
def model_files(tmp_path, monkeypatch):
    """Where one is, with two files: to a request a model is its bytes."""
    (tmp_path / "a.st").write_bytes(b"a model")
    (tmp_path / "b.st").write_bytes(b"another")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_bytes(path):
    return GivenConfig(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_model_given_as_an_option_is_that_of_the_key(model_files):
    file = str(model_files / "a.st")
    option = load("oneshot_global", "digits", dense=file)
    assert option.config.dense == of_bytes(model_files / "a.st")
    assert option.request[-2:] == ("--dense", file)
    key = load("oneshot_global", "digits", [f"dense.file={file}"])
    assert key.config == option.config
    assert load("oneshot_global", "digits", ["dense.file=a.st"]).config == option.config


def test_what_is_known_of_a_given_model_is_taken_as_it_is(model_files, preset):
    known = GivenConfig(file=str(model_files / "gone.st"), sha256="a" * 64)
    overrides = [f"dense.sha256={known.sha256}"]
    assert load("oneshot_global", "digits", overrides, dense="gone.st").config.dense == known
    assert load("dense", "digits", [*overrides, "dense.file=gone.st"]).config.dense == known
    config = load("oneshot_global", "digits", dense="a.st").config
    complete = preset(dump(config), "complete.yaml")
    (model_files / "a.st").unlink()  # its run has long taken it over
    assert load(complete).config == config


def test_another_model_given_to_a_runs_config_is_not_known_yet(model_files, preset):
    for before in ({}, {"dense": "a.st"}):
        config = load("oneshot_global", "digits", **before).config
        complete = preset(dump(config), "complete.yaml")
        assert load(complete, dense="b.st").config.dense == of_bytes(model_files / "b.st")


def test_a_model_that_is_no_file_is_told_with_its_place(model_files, preset):
    os.mkfifo("pipe.st")
    (found,) = wrong(preset(GOOD + "dense: {file: c.st}\n"))
    assert found.endswith("mine.yaml:3:15: dense.file: 'c.st': No such file or directory")
    (found,) = wrong("dense", "digits", dense="c.st")
    assert found == "--dense c.st: dense.file: 'c.st': No such file or directory"
    for file in (".", "pipe.st"):
        (found,) = wrong("dense", "digits", [f"dense.file={file}"])
        assert found == f"--set dense.file={file}: dense.file: '{file}': it is no file"
    (found,) = wrong("dense", "digits", dense="a\0.st")
    assert "embedded null byte" in found


def test_a_model_that_is_not_there_is_told_beside_what_else_is_wrong(model_files):
    found = wrong("dense", "digits", ["seed=8"], seed=7, dense="c.st")
    assert [problem.split(": ")[0] for problem in found] == ["--dense c.st", "--set seed=8"]


@pytest.mark.parametrize("key", ["dense={file: b.st}", "dense=null", "dense.file=b.st"])
def test_a_model_given_twice_is_a_contradiction(key, model_files):
    (found,) = wrong("dense", "digits", [key], dense="a.st")
    assert found.endswith("is given by --dense too")


@pytest.mark.parametrize("hash", [dense_hash, config_hash])
def test_a_given_model_without_a_hash_has_no_identity(hash):
    unknown = given_model().model_copy(update={"dense": GivenConfig(file="a.st")})
    with pytest.raises(AssertionError, match="a given model is known by its hash"):
        hash(unknown)


def test_everything_wrong_comes_at_once(preset):
    text = """workload: digits
prune:
  granularity: wieght
  sparsities: [0.5, 0.4, abc]
  distributon: x
retrain: {fraction: 2, policy: lr_rewind}
seed: yes
model: {heads: 7, width: 96}
"""
    starts = ["3:16", "4:26", "5:3", "6:21", "7:7", "8:16"]
    found = wrong(preset(text))
    assert [p.split("mine.yaml:")[1].split(": ")[0] for p in found] == starts


def test_every_wrong_value_of_a_list_has_its_own_place(preset):
    found = wrong(preset("workload: digits\nprune: {sparsities: [a, 0.5, b]}\n"))
    places = [p.split("mine.yaml:")[1].split(" is")[0] for p in found]
    assert places == ["2:22: prune.sparsities.0: 'a'", "2:30: prune.sparsities.2: 'b'"]


def test_a_wrong_workload_file_is_told_by_its_own_name(preset):
    workload = preset("data: {name: digits, validaton: 3}\ntrain: {epochs: x}\n", "w.yaml")
    found = wrong(preset(GOOD), workload)
    assert [p.split("w.yaml:")[1].split(": ")[0] for p in found] == ["1:22", "2:17"]


def test_laws_about_an_unknown_workload_are_not_guessed(preset):
    (found,) = wrong(preset("prune: null\nmodel: {patch: 2, heads: 7}\n"))
    assert found.endswith("workload: is missing")


def test_a_config_of_another_workload_or_seed_is_not_mislabelled(preset):
    config = preset(dump(load("dense", "digits", seed=1).config), "config.yaml")
    (found,) = wrong(config, "cifar10")
    assert "data.name: 'digits' is not what the workload has, 'cifar10'" in found
    (found,) = wrong(config, seed=2)
    assert "data.fold: 1 belongs to seed 1, and 2 is asked for" in found
    assert load(config, overrides=["data.fold=null"], seed=2).config.data.fold == 2
    assert load(config, seed=1).config.data.fold == 1


def test_an_option_and_an_override_of_one_key_are_a_contradiction():
    (found,) = wrong("dense", "digits", ["seed=8"], seed=7)
    assert found == "--set seed=8: seed is given by --seed too"


def test_overrides_are_yaml_and_checked_like_a_file():
    found = wrong("oneshot_global", "digits", ["train.lr=abc", "foo", "prune.sparsities=[0.9,0.5]"])
    assert found[0] == "--set foo: is not KEY=VALUE, like train.epochs=10"
    assert found[1].endswith("prune.sparsities.1: 0.5 does not rise above the 0.9 before it")
    assert found[2] == "--set train.lr=abc: train.lr: 'abc' is not a number"
    assert load("oneshot_global", "digits", ["prune=null"]).config.prune is None


def test_an_unknown_preset_names_the_choices():
    (found,) = wrong("oneshot_randm")
    assert found.endswith("did you mean 'oneshot_random'?")
    assert "attention_only" in found


@pytest.mark.parametrize("name", ["a b", "[red]", "x" * 80, "-x", "ü"])
def test_a_preset_must_have_a_name_that_a_folder_may_have(preset, name):
    assert any("must be letters, digits" in p for p in wrong(preset(GOOD, f"{name}.yaml")))


def test_control_characters_do_not_reach_the_message(preset):
    (found,) = wrong(preset(GOOD + 'device: "\\e[31mred\\u202e"\n'))
    assert "\x1b" not in found
    assert "\u202e" not in found


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}[]:,-&*!|>'\"%@` \n#?abc019.~\t\x00é", max_size=80))
def test_text_that_is_no_preset_is_told_wrong_whatever_it_is(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "f.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError):
        load(str(path))


@pytest.mark.parametrize("path", ["studies/mine.yaml", "workloads/mine.yaml", "./mine.yaml"])
def test_a_path_is_a_path_also_where_it_begins_like_a_kind(path):
    assert find(path) == find(path, "studies") == Path(path)
