"""Studies: what a file asks for, its hash, and everything that can be wrong with it."""

import re

import pytest

from vitprune_core.spec.claims import comparisons
from vitprune_core.spec.plan import plan
from vitprune_core.spec.source import SpecError
from vitprune_core.spec.study import load_study, seeds_of

HERE = {"device": "cpu", "precision": "fp32", "kernels": "eager"}
HEAD = "workload: digits\nseeds: [1]\n"
SMALL = """
workload: digits
seeds: [100, 101, 102, 103, 104, 105, 106, 107]
looks: {digits: [8]}
base: {retrain: {optimizer: keep}}
arms:
  control: {prune: {sparsities: [0]}}
  global: {prune: {sparsities: [0.5, 0.9]}}
  random: {prune: {distribution: random, sparsities: [0.5, 0.9]}}
findings:
  F6:
    claim: Magnitude beats random.
    parts:
      - {test: superior, arm: global, over: random, at: [0.5, 0.9]}
"""


@pytest.fixture
def study(tmp_path):
    """A study of that text, with replacements: `study(("0.9", "0.95"))`."""

    def make(*changes: tuple[str, str], name: str = "small", workload: str | None = None):
        text = SMALL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return load_study(str(path), workload)

    return make


def problems(study, *changes: tuple[str, str], **options) -> list[str]:
    with pytest.raises(SpecError) as wrong:
        study(*changes, **options)
    return [re.sub(r"^.*?small\.yaml:", "", str(p)) for p in wrong.value.problems]


def test_arms_lie_over_the_base_and_every_seed_gets_all_of_them_the_longest_first(study):
    runs = list(study().runs([100, 101]))
    names = ["global", "random", "control"]
    assert [(p.arm, p.seed) for p in runs] == [(n, s) for s in (100, 101) for n in names]
    assert runs[4].config.seed == 101
    assert runs[4].config.data.fold == 101 % 5
    assert runs[4].config.prune.distribution == "random"
    assert {p.config.retrain.optimizer for p in runs} == {"keep"}


def test_what_rewinds_weights_trains_the_dense_model_so_that_they_are_kept(study):
    """Trained by global, of as many epochs, the dense model would not keep what random needs."""
    rewinds = "random: {retrain: {policy: weight_rewind}, prune: {distribution: random, "
    changed = study(("random: {prune: {distribution: random, ", rewinds))
    assert [p.arm for p in changed.runs([100])] == ["random", "global", "control"]


def test_the_same_config_has_the_same_id_wherever_it_is_asked_for(study):
    ids = [p.id for p in study().resolved(HERE).runs()]
    assert ids == [p.id for p in study(name="other").resolved(HERE).runs()]
    assert len(set(ids)) == 24
    assert re.fullmatch(r"global-s100-[0-9a-f]{8}", ids[0])


def test_what_is_not_part_of_a_result_changes_no_id(study):
    kept = study(("retrain: {optimizer: keep}", "keep_weights: last"))
    ids = [p.id for p in study().resolved(HERE).runs()]
    assert ids == [p.id for p in kept.resolved(HERE).runs()]


def test_everything_that_decides_is_hashed(study):
    hashes = [
        study().hash,
        study(("0.5, 0.9]", "0.5, 0.95]"), ("at: [0.5, 0.95]", "at: [0.5]")).hash,
        study(("looks:", "thresholds: {margin: 0.03}\nlooks:")).hash,
        study(("[8]", "[]")).hash,
        study(("at: [0.5, 0.9]", "at: [0.9]")).hash,
        study((", 107]", ", 108]")).hash,
        study(("optimizer: keep", "optimizer: reset")).hash,
        study(workload="fashion").hash,
    ]
    assert len(set(hashes)) == len(hashes)
    assert study(name="another_name").hash == study().hash


def test_a_study_written_down_asks_for_the_same_again(study, tmp_path):
    before = study().resolved(HERE)
    path = tmp_path / "written.yaml"
    path.write_text(before.dump())
    after = load_study(str(path))
    assert after.hash == before.hash
    assert [p.id for p in after.runs()] == [p.id for p in before.runs()]


@pytest.mark.parametrize("name", ["poster", "quick", "grid", "retraining"])
def test_shipped_studies_are_right_on_every_workload(name, tmp_path):
    for workload in ("digits", "fashion", "cifar10", "cifar100", "svhn"):
        study = load_study(name, workload).resolved(HERE)
        path = tmp_path / f"{workload}.yaml"
        path.write_text(study.dump())
        assert load_study(str(path)).hash == study.hash
        assert study.folder == f"{name}-{workload}"


def test_the_shipped_grid_is_the_whole_cross_product():
    arms = load_study("grid").arms
    assert len(arms) == 3 * 3 * 2 * 3
    config = arms["row_layerwise_iterative_mlp"].prune
    asked = (config.granularity, config.distribution, config.schedule, config.layers)
    assert asked == ("row", "layerwise", "iterative", "mlp")


def test_the_shipped_poster_study_retrains_as_often_as_it_says():
    runs = list(load_study("poster").runs([100]))
    rounds = [round for run in runs for round in plan(run.config).rounds]
    assert sum(len(round.retrain) for round in rounds) == 170


def test_what_iterative_spends_to_95_percent_is_what_its_control_spends():
    study = load_study("poster")
    to_95 = [r for r in plan(study.arms["iterative_global"]).rounds if r.sparsity <= 0.9501]
    for arm in ("control_13", "global_13", "random_13"):
        (round,) = plan(study.arms[arm]).rounds
        assert len(round.retrain) == len(to_95) == 13


def test_a_grid_names_its_arms_after_their_values(tmp_path):
    path = tmp_path / "grid.yaml"
    axes = "prune.granularity: [row, '2:4'], retrain.fraction: [0.5, 1]"
    path.write_text(f"{HEAD}base: {{prune: {{sparsities: [0.5]}}}}\ngrid: {{{axes}}}\n")
    assert list(load_study(str(path)).arms) == ["row_0.5", "row_1", "2of4_0.5", "2of4_1"]


def test_a_grid_over_lists_names_its_arms_after_all_that_is_in_them(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text(f"{HEAD}grid: {{prune.sparsities: [[0, 0.5], [0.9]]}}\n")
    assert list(load_study(str(path)).arms) == ["0-0.5", "0.9"]


def test_a_part_may_stand_for_several():
    finding = load_study("poster").file.findings["F1"]
    parts = [p for p in comparisons(finding) if not p.beside]
    assert [(p.test, p.arm, p.over, p.at) for p in parts[:3]] == [
        ("noninferior", "iterative_global", "control", (0.95,)),
        ("noninferior", "iterative_global", "control", (0.98,)),
        ("superior", "global", "random", (0.8, 0.9, 0.95, 0.98)),
    ]
    assert [p.over for p in parts[4:]] == ["layerwise", "rows_global", "columns_global"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "over: random",
            "over: rndom",
            "'rndom' is not one of control, global, random; did you mean",
        ),
        ("over: random, ", "", "superior needs `over`"),
        (", at: [0.5, 0.9]}", "}", "needs sparsities"),
        ("test: superior", "test: recovers", "recovers compares with no `over`"),
        ("test: superior", "test: better", "'better' is not one of superior"),
        ("at: [0.5, 0.9]", "at: [0.7]", "at: 0.7 is no sparsity of the arm global"),
        ("[8]", "[7]", "7 is below 8"),
        ("[8]", "[9]", "9 is more than the 8 seeds declared"),
        (", 107]", ", 106]", "each is named once"),
        ("sparsities: [0]", "sparsities: [2]", "2 is above 1"),
        ("control: {", "a b: {", "'a b': an arm's name is"),
        ("control: {", "control: {seed: 3, ", "the study itself says that"),
        ("workload: digits", "workload: digit", "did you mean 'digits'?"),
        ("arms:", "arm:", "unknown key 'arm'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(study, old, new, told):
    found = problems(study, (old, new))
    assert any(told in problem for problem in found), found
    assert all(re.match(r"\d+:\d+: |.*--", problem) for problem in found), found


def test_a_study_without_arms_is_refused(tmp_path):
    path = tmp_path / "none.yaml"
    path.write_text(HEAD)
    with pytest.raises(SpecError, match="names no arm"):
        load_study(str(path))


def test_a_grid_of_millions_is_refused_before_it_is_made(tmp_path):
    path = tmp_path / "large.yaml"
    axes = "".join(f"  train.k{i}: [{', '.join(map(str, range(40)))}]\n" for i in range(6))
    path.write_text(f"{HEAD}grid:\n{axes}")
    with pytest.raises(SpecError, match="4,096,000,000 arms, more than 1,000"):
        load_study(str(path))


def test_seeds_are_some_of_those_declared_in_their_order(study):
    declared = study()
    assert seeds_of(declared, None) == tuple(range(100, 108))
    assert seeds_of(declared, "103,100-101") == (100, 101, 103)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("0", "0 was not declared; small has 100, 101"),
        ("100-9999999999", "108 was not declared"),
        ("x", "'x' is not like 100,101 or 100-109"),
        ("", "'' is not like"),
        ("100,", "is not like"),
    ],
)
def test_other_seeds_are_refused(study, asked, told):
    with pytest.raises(SpecError, match=re.escape(told)):
        seeds_of(study(), asked)
