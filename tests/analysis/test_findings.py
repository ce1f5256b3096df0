"""The poster's findings on tables in which each is true, false, and beyond what can be decided."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.analysis.planted import recorded, tables
from vitprune_core.analysis import findings
from vitprune_core.analysis.cells import Cells
from vitprune_core.analysis.findings import Verdict, as_json, decide, family
from vitprune_core.analysis.tables import Images, Tables, Where
from vitprune_core.spec.study import Study, load_study

POSTER = load_study("poster")
CONTROL = 0.975
TEN_LEFT = 10 / 96**2
"""Of a matrix: of the six heads 0.97 are empty when these ten are shuffled."""


def as_the_poster_says(arm: str, sparsity: float) -> float:
    """A world in which every conclusion holds."""
    if arm.startswith("control"):
        return CONTROL
    if arm.startswith("attention") and sparsity == 1:
        return 0.1
    if arm.startswith(("rows", "columns")):
        return 0.95 if sparsity == 0.8 else 0.93
    if "random" in arm:
        return {0.8: 0.95, 0.9: 0.9, 0.95: 0.8, 0.98: 0.6}.get(sparsity, 0.95)
    if arm.startswith("iterative"):
        return CONTROL
    if arm == "layerwise":
        return 0.94
    if arm in ("qk", "vo", "attention"):
        return 0.95 if sparsity == 0.8 else 0.85
    return 0.9601  # global, mlp


def but(**changed):
    """The poster's world, but for some arms: a number, or one for each sparsity."""

    def truth(arm: str, sparsity: float) -> float | None:
        if arm not in changed:
            return as_the_poster_says(arm, sparsity)
        value = changed[arm]
        return (
            value.get(sparsity, as_the_poster_says(arm, sparsity))
            if isinstance(value, dict)
            else value
        )

    return truth


class Findings(dict[str, Verdict]):
    """By name, each decided when it is asked for."""

    def __init__(self, study: Study, found: Tables):
        self.cells = Cells(study, found)

    def __missing__(self, name: str) -> Verdict:
        return self.setdefault(name, findings.decided(self.cells, name))

    def all(self) -> list[Verdict]:
        return [self[name] for name in self.cells.study.file.findings]


def decided(truth=as_the_poster_says, study=POSTER, before=0.5, **told):
    given = {k: told.pop(k) for k in ("density", "cost", "ratio", "dead") if k in told}
    structure = recorded(study, **given)
    return Findings(study, tables(study, truth, before=before, structure=structure, **told))


@pytest.fixture(scope="module")
def poster():
    return decided()


@pytest.mark.parametrize("finding", ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8"])
def test_what_is_true_is_supported(poster, finding):
    verdict = poster[finding]
    assert verdict.verdict == "supported", [
        (c.label, c.verdict, c.note) for c in verdict.comparisons
    ]
    assert (verdict.seeds, verdict.look, verdict.seeds_needed) == (20, 20, None)
    assert verdict.p is not None
    assert verdict.p < 0.05


FALSE = {
    "F1": [{"iterative_global": 0.93}, {"global": 0.8, "global_reset": 0.8}],
    "F2": [{"mlp": 0.84}],
    "F3": [{"layerwise": 0.85}],
    "F5": [{"rows_shuffled_global": 0.88}, {"columns_shuffled_layerwise_reset": 0.8}],
    "F6": [{"iterative_global": 0.9601}, {"global_13": CONTROL}, {"random": 0.97}],
    "F7": [{"mlp": {1: 0.9}}, {"qk": {1: 0.97}}],
    "F8": [{"iterative_random": 0.9}],
}


@pytest.mark.parametrize(
    ("finding", "world"), [(f, w) for f, worlds in FALSE.items() for w in worlds]
)
def test_what_is_false_is_refuted(finding, world):
    verdict = decided(but(**world))[finding]
    assert verdict.verdict == "refuted", [
        (c.label, c.verdict, c.effect) for c in verdict.comparisons
    ]
    assert verdict.effect in [c.effect for c in verdict.comparisons if c.verdict == "refuted"]


NEITHER = {
    "F1": {"iterative_global": 0.955},
    "F2": {"mlp": {0.8: 0.9505, 0.95: 0.8505, 0.98: 0.8505}},
    "F3": {"layerwise": 0.88},
    "F5": {"rows_shuffled_global": 0.9105},
    "F6": {"global_13": CONTROL - 0.004},
    "F7": {"mlp": {1: CONTROL - 0.05}},
    "F8": {"iterative_random": CONTROL - 0.05},
}


@pytest.mark.parametrize(("finding", "world"), NEITHER.items())
def test_what_lies_on_the_boundary_stays_open(finding, world):
    verdict = decided(but(**world), spread=0.006)[finding]
    assert verdict.verdict == "inconclusive", [
        (c.label, c.verdict, c.effect, c.interval) for c in verdict.comparisons
    ]
    assert any(c.note for c in verdict.comparisons if c.verdict == "inconclusive")


def test_matrices_that_are_all_alike_refute_unevenness():
    verdict = decided(density=lambda m, s: 0.05, cost=lambda m, s: 0.3)["F2"]
    assert [c.verdict for c in verdict.comparisons[:2]] == ["refuted", "refuted"]


def test_matrices_that_differ_by_noise_only_are_not_called_uneven():
    """The largest of 16 noisy numbers is large; corrected for all pairs it is none."""
    noise = np.random.default_rng(0).normal(0.3, 0.03, (16, 200))
    verdict = decided(cost=lambda m, s: noise[m, s], density=lambda m, s: noise[m, s])["F2"]
    for comparison in verdict.comparisons[:2]:
        assert comparison.verdict == "inconclusive"
        assert abs(comparison.effect) < 0.03
        assert "Kendall's W is 0.0" in comparison.note


def test_small_but_lawful_differences_of_cost_are_too_small():
    """Seeds agree on the ranks, but 15 matrices are 0.1 points apart in all."""
    verdict = decided(cost=lambda m, s: 0.0001 * m, density=lambda m, s: 0.05 + 0.0001 * m)["F2"]
    kept, cost = verdict.comparisons[:2]
    assert (kept.verdict, kept.small) == ("supported", True)
    assert cost.verdict == "refuted"


@pytest.mark.parametrize(
    ("ratio", "dead", "density", "expected"),
    [
        (lambda k, s: 3.0 + s % 2, 2, 0.02, ["supported"] * 4),
        (lambda k, s: 0.9 + 0.01 * (s % 2), 0, 0.02, ["refuted"] * 4),
        (lambda k, s: 3.0 if s % 2 else 1 / 3, 1, TEN_LEFT, ["inconclusive"] * 4),
        (
            lambda k, s: 3.0 + s % 2 if k == "heads" else 0.9 + 0.01 * (s % 2),
            0,
            0.02,
            ["supported", "refuted", "refuted", "refuted"],
        ),
    ],
)
def test_structure_is_told_from_shuffled_masks(ratio, dead, density, expected):
    verdict = decided(ratio=ratio, dead=dead, density=lambda m, s: density)["F4"]
    words = [c.verdict for c in verdict.comparisons]
    assert words == expected * 2, [(c.label, c.verdict, c.note) for c in verdict.comparisons]
    assert verdict.comparisons[0].effect == pytest.approx(
        np.mean([math.log(ratio("heads", s)) for s in POSTER.file.seeds])
    )


def test_what_was_there_before_training_is_told_beside(poster):
    for comparison in poster["F4"].comparisons[:3]:
        assert comparison.note == "of untrained weights it is 1.00 times"


def test_structure_that_was_recorded_for_few_seeds_decides_nothing():
    known = {at: of for at, of in recorded(POSTER).items() if at.seed < 105}
    found = decide(POSTER, tables(POSTER, as_the_poster_says, structure=known))
    verdict = next(v for v in found if v.id == "F4")
    assert {c.verdict for c in verdict.comparisons} == {"inconclusive"}
    assert all("5 seeds decide nothing" in c.note for c in verdict.comparisons)


@pytest.mark.parametrize("gone", ["global", "layerwise", "control"])
def test_without_what_was_not_recorded_nothing_is_supported(gone):
    known = {at: of for at, of in recorded(POSTER).items() if at.arm != gone}
    found = {v.id: v for v in decide(POSTER, tables(POSTER, as_the_poster_says, structure=known))}
    for name in {"global": ("F2", "F4"), "layerwise": ("F4",), "control": ("F2",)}[gone]:
        assert found[name].verdict == "inconclusive"
        open_ = [c for c in found[name].comparisons if c.verdict == "inconclusive"]
        assert open_
        assert all("not recorded" in c.note for c in open_)


def test_cells_at_chance_or_as_good_as_control_do_not_count():
    chance, alike = {0.5: 0.15}, {0.5: CONTROL}
    truth = but(rows_global=chance, rows_shuffled_global=chance, columns_global=alike)
    verdict = decided(truth)["F5"]
    at_half = [c for c in verdict.comparisons if c.part.at == (0.5,)]
    skipped = [c for c in at_half if c.verdict == "skipped"]
    assert {c.part.arm for c in skipped} == {"rows_global", "columns_global"}
    assert verdict.verdict == "supported"
    assert any("chance" in c.note for c in skipped)
    assert any("control" in c.note for c in skipped)


@pytest.mark.parametrize("reset", [True, False])
def test_one_of_kept_and_reset_optimizer_is_not_enough(reset):
    arms = [arm for arm in POSTER.arms if arm.startswith(("rows", "columns"))]
    alike = {arm: CONTROL for arm in arms if arm.endswith("_reset") == reset}
    verdict = decided(but(**alike))["F5"]
    assert {c.verdict for c in verdict.comparisons} == {"supported", "skipped"}
    assert verdict.verdict == "inconclusive"
    assert "of 4 of 8 parts no comparison is left" in verdict.note


def test_nothing_to_bring_back_is_skipped():
    verdict = decided(before=CONTROL)["F3"]
    assert {c.verdict for c in verdict.comparisons} == {"skipped"}
    assert verdict.verdict == "inconclusive"


def test_a_diverged_level_counts_as_chance_and_so_do_the_later_ones_of_its_run():
    found = tables(POSTER, but(iterative_global=None), structure=recorded(POSTER))
    for seed in POSTER.file.seeds:  # the run stops where it diverges: nothing is listed after it
        for level in ("0.9", "0.95", "0.98"):
            del found.rows[Where("iterative_global", seed, level)]
    verdict = {v.id: v for v in decide(POSTER, found)}["F1"]
    assert verdict.verdict == "refuted"
    at_98 = verdict.comparisons[1]
    assert at_98.effect == pytest.approx(0.1 - CONTROL, abs=0.005)
    assert at_98.loss.effect > 1


def test_looks_are_kept():
    """Before the first nothing is decided, between two the first one stands."""
    for seeds, look in ((9, None), (10, 10), (19, 10), (20, 20)):
        verdict = decided(seeds=seeds)["F8"]
        assert verdict.look == look
        assert verdict.seeds == (look or seeds)
        assert verdict.verdict == ("supported" if look else "inconclusive")
        first = verdict.comparisons[0]
        assert first.effect is not None
        assert first.interval is not None
        assert (first.p is None) == (look is None)
    assert "the first look is after 10 whole seeds" in decided(seeds=9)["F8"].note


def test_a_look_needs_the_first_seeds_in_their_order():
    found = tables(POSTER, as_the_poster_says, structure=recorded(POSTER))
    del found.rows[Where("random", 103, "0.8")]
    verdicts = {v.id: v for v in decide(POSTER, found)}
    assert (verdicts["F8"].look, verdicts["F8"].seeds) == (None, 19)
    assert verdicts["F7"].look == 20  # has no need of that arm


@pytest.mark.parametrize("seeds", [1, 2, 7])
def test_few_seeds_show_and_do_not_decide(seeds):
    for verdict in decided(seeds=seeds).values():
        assert verdict.verdict == "inconclusive"
        assert verdict.seeds == seeds
        first = verdict.comparisons[0]
        assert len(first.per_seed) == seeds
        assert (first.interval is None) == (seeds == 1)


def test_nothing_measured_says_so():
    for verdict in decide(POSTER, Tables()):
        assert (verdict.verdict, verdict.effect, verdict.seeds) == ("inconclusive", None, 0)
        assert verdict.comparisons[0].note == "nothing was measured yet"


def test_a_workload_without_looks_never_decides():
    file = POSTER.file.model_copy(update={"looks": {}})
    study = replace(POSTER, file=file)
    verdict = decided(study=study)["F8"]
    assert verdict.verdict == "inconclusive"
    assert "no look is declared for digits" in verdict.note


def test_the_family_counts_the_same_part_once():
    """F1 7, F2 2 + 2, F3 14, F4 8, F5 28, F6 4 of which 2 are in F1, F7 3, F8 17."""
    assert family(POSTER) == 7 + 4 + 14 + 8 + 28 + 2 + 3 + 17


def test_the_interval_is_corrected_for_parts_and_looks(poster):
    comparison = poster["F8"].comparisons[2]  # random
    values = np.array(comparison.per_seed)
    level = 0.05 / 2 / family(POSTER)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(1 - level)
    assert comparison.effect == pytest.approx(values.mean())
    assert comparison.interval[0] <= low + 1e-12
    assert comparison.interval[1] >= high - 1e-12  # wider where the images say so
    p = stats.ttest_1samp(values, -0.05).pvalue * 2 * family(POSTER)
    assert comparison.p >= p * (1 - 1e-9)


def test_what_is_less_than_matters_is_small():
    verdict = decided(but(mlp={0.8: 0.953, 0.95: 0.853, 0.98: 0.853}), spread=0.0)["F2"]
    over_qk = verdict.comparisons[2]
    assert (over_qk.verdict, over_qk.small) == ("supported", True)


def test_the_largest_sparsity_that_passes_is_told(poster):
    note = poster["F1"].note
    assert "iterative_global is not inferior to control up to 98 %" in note
    note = decided(but(**{"global": {0.5: CONTROL, 0.8: CONTROL, 0.9: 0.9, 0.95: CONTROL}}))[
        "F1"
    ].note
    assert "global is not inferior to control up to 80 %" in note


def test_the_smallest_margin_is_where_the_interval_ends(poster):
    for comparison in poster["F8"].comparisons:
        assert comparison.smallest_margin == pytest.approx(max(0, -comparison.interval[0]))
    for comparison in poster["F5"].comparisons:
        if comparison.verdict == "skipped":
            continue
        assert comparison.smallest_margin == pytest.approx(max(0, comparison.interval[1]))
    assert poster["F6"].comparisons[0].smallest_margin is None


def test_loss_goes_beside_accuracy(poster):
    comparison = poster["F6"].comparisons[0]
    assert comparison.loss.effect == pytest.approx(-1.9 * comparison.effect)
    low, high = comparison.loss.interval
    assert low < comparison.loss.effect < high


def test_budgets_that_share_a_control_are_compared_without_it(poster):
    """iterative 0 below the control, 13 cycles 1.5 points below: it is taken off twice."""
    comparison = poster["F6"].comparisons[3]
    assert comparison.label.startswith("iterative_global - global_13, at 95 %")
    assert comparison.effect == pytest.approx(0.015, abs=0.003)
    assert comparison.achieved == pytest.approx({"iterative_global": 0.95, "global_13": 0.95})


def test_the_constant_class_is_a_check_beside(poster):
    """Two losses, of right and wrong images; as soon as one wrong image shares it, it is none."""
    (check,) = poster["F7"].beside
    assert check.verdict == "supported"
    found = tables(POSTER, as_the_poster_says)
    images = found.images[Where("attention", 100, "1")]
    nll = images.nll.copy()
    nll[np.flatnonzero(~images.correct)[0]] = nll[images.correct][0]
    spoilt = {**found.images, Where("attention", 100, "1"): Images(images.correct, nll)}
    verdict = {v.id: v for v in decide(POSTER, replace(found, images=spoilt))}["F7"]
    assert verdict.beside[0].verdict == "refuted"
    assert "19 of 20" in verdict.beside[0].note
    assert verdict.verdict == "supported"


def test_without_images_the_rest_is_still_said():
    found = tables(POSTER, as_the_poster_says, structure=recorded(POSTER))
    verdict = {v.id: v for v in decide(POSTER, replace(found, images={}))}
    assert verdict["F8"].verdict == "supported"
    assert verdict["F7"].beside[0].verdict == "skipped"


def test_findings_are_json_with_what_was_promised(poster):
    found = json.loads(json.dumps(as_json(poster.all()), allow_nan=False))
    promised = {"id", "verdict", "effect", "interval", "p", "seeds", "seeds_needed", "fragile"}
    assert [f["id"] for f in found] == [f"F{n}" for n in range(1, 9)]
    for finding in found:
        assert promised | {"comparisons"} <= finding.keys()
        assert finding["comparisons"][0]["part"]["test"]


def test_equal_tables_give_equal_verdicts(poster):
    assert as_json(decided().all()) == as_json(poster.all())
