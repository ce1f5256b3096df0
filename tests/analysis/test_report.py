"""The report: findings first, in plain words; numbers that can be checked; hostile text is text."""

import csv
import io
import json
import re
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import yaml
from markdown_it import MarkdownIt

from tests.analysis.made import SMALL, measured, saved, steady, study
from vitprune_core.analysis import tables, written
from vitprune_core.analysis.checklist import checklist
from vitprune_core.analysis.findings import Verdict
from vitprune_core.analysis.gather import Clash, findings, gather
from vitprune_core.analysis.report import markdown
from vitprune_core.analysis.report_findings import word_of
from vitprune_core.analysis.summaries import spread
from vitprune_core.analysis.tables import Where
from vitprune_core.analysis.verdicts import Comparison
from vitprune_core.analysis.wording import because, paragraph
from vitprune_core.analysis.written import Files, as_csv, as_parquet, levels_as_csv, save
from vitprune_core.spec.claims import Part
from vitprune_core.spec.study import load_study
from vitprune_core.spec.studyfile import Thresholds

READER = MarkdownIt("commonmark", {"html": True}).enable("table")
ESCAPE, RIGHT_TO_LEFT = "\x1b[31m", "\u202e"
HOSTILE = f"a | b `c` <script>alert(1)</script> [x](http://x) {ESCAPE}\n# top {RIGHT_TO_LEFT}"


@pytest.fixture
def undrawn(monkeypatch):
    """A report without its figures, which take seconds."""
    monkeypatch.setattr(written, "draw", lambda drafts, folder: [])


@pytest.fixture
def small(tmp_path):
    """The folder of a study of eight seeds: one finding supported, one too, one refuted."""
    made = study(tmp_path)
    return saved(tmp_path / "runs" / "made-digits", made, measured(made))


def report(*folders):
    return markdown(gather(folders), {})


def section(text, begin, end):
    return text.partition(begin)[2].partition(end)[0]


def comparison(test="superior", **known):
    part = known.pop("part", None) or Part(
        test=test, arm="a", over="b", at=known.pop("at", (0.8, 0.9))
    )
    usual = {"verdict": "supported", "effect": 0.03, "interval": (0.01, 0.05), "p": 0.012}
    return Comparison(part, "a - b", **{**usual, "seeds": 8, **known})


def verdict(*comparisons, word="supported", **known):
    first = comparisons[0]
    usual = {"id": "F1", "claim": "So it is.", "seeds": 8, "seeds_needed": None, "look": 8}
    usual |= {"fragile": False, "small": False, "beside": (), "caveat": "", "note": ""}
    usual |= {"effect": first.effect, "interval": first.interval, "p": first.p}
    return Verdict(verdict=word, comparisons=comparisons, **{**usual, **known})


def told(*comparisons, **known):
    return paragraph(verdict(*comparisons, **known), Thresholds())


def test_findings_come_first_each_with_its_verdict_in_bold(small):
    text = report(small)
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## {name}"
        for name in (
            "At a glance",
            "How to read it",
            "Findings",
            "What was run",
            "Results",
            "The comparisons in other ways",
            "Costs and environment",
            "Checklist",
            "How to repeat it",
        )
    ]
    assert "**Supported.**" in section(text, "### F1: Magnitude beats random.", "###")
    because = "With 90 % removed, random is 26.0 points less accurate than control (\N{MINUS SIGN}"
    assert f"| F3 | Nine of ten weights can go. | refuted (8 seeds) | {because}" in text


def test_a_refuted_finding_is_told_as_plainly_as_a_supported_one(small):
    refuted = section(report(small), "### F3: Nine of ten weights can go.", "\n## ")
    assert "**Refuted.** What decides it turned out the other way." in refuted
    assert "random is 26.0 points less accurate than control" in refuted
    assert "8 seeds" in refuted
    assert "On one workload." in refuted


def test_a_superior_arm_is_told_with_effect_interval_p_and_seeds():
    assert told(comparison()) == (
        "What decides it holds. Averaged over 80 and 90 % removed, a is 3.0 points more accurate "
        "than b (interval +1.0 to +5.0, p = 0.012 against 0, 8 seeds)."
    )


def test_a_margin_is_told_where_there_is_one():
    lost = comparison("noninferior", effect=-0.01, at=(0.9,))
    assert "With 90 % removed, a is 1.0 points less accurate than b" in told(lost)
    assert "a loss of up to 2.0 points counts as equal" in told(lost)
    assert "a gain of up to 2.0 points counts as no advantage" in told(comparison("bounded"))
    part = Part(test="recovers", arm="a", control="c", at=(0.8,), least=0.8)
    back = told(comparison(part=part, effect=0.9, interval=(0.85, 0.95)))
    assert "gives a back 90.0 % of what pruning cost (interval 85.0 to 95.0" in back
    assert "80 % are asked for" in back


def test_a_variance_ratio_is_told_as_a_ratio():
    part = Part(test="structured", arm="a", at=(0.95,))
    text = told(comparison(part=part, effect=0.0, interval=(-0.6931472, 0.6931472)))
    assert "1.00 times (interval 0.50 to 2.00" in text


def test_small_and_fragile_are_explained():
    text = told(comparison(fragile=True), small=True, fragile=True)
    assert "below the 1.0 points that were declared to matter" in text
    assert "seeds and images, says something else for a - b." in text


def test_what_is_open_says_what_would_settle_it():
    open_ = comparison(verdict="inconclusive", p=0.2, seeds_needed=21)
    text = told(open_, comparison(), word="inconclusive")
    assert text.startswith("It needs both comparisons: 1 holds and 1 is open.")
    assert "What holds: a - b (+3.0 points)." in text
    assert "About 13 more seeds (21 in all) would settle it" in text
    hopeless = replace(open_, seeds_needed=None)
    assert "cannot be foreseen" in told(open_, hopeless, word="inconclusive")


def test_what_would_settle_it_is_held_against_what_is_declared():
    open_ = verdict(
        comparison(verdict="inconclusive", seeds_needed=21), word="inconclusive", look=None, seeds=3
    )
    assert "The look after 30 seeds should settle it" in paragraph(open_, Thresholds(), [30])
    assert "(21 in all, more than the 20 declared)" in paragraph(open_, Thresholds(), (10, 20))


def test_one_that_fails_settles_a_finding_whatever_the_others_need():
    open_ = comparison(verdict="inconclusive", seeds_needed=160)
    failing = comparison(effect=-0.3, verdict="inconclusive", seeds_needed=12)
    assert "(12 in all)" in told(open_, failing, word="inconclusive")


def test_before_the_first_look_what_points_away_is_told_and_not_what_pleases():
    good = [comparison(effect=e, verdict="inconclusive", p=None) for e in (0.03, 0.05, 0.07)]
    bad = comparison(effect=-0.3, interval=(-0.4, -0.2), verdict="inconclusive", p=None)
    words = {"word": "inconclusive", "look": None, "note": "there are 3"}
    text = told(*good, bad, **words)
    assert text.startswith("Not decided yet: there are 3. So far 3 of 4 means point towards it.")
    assert "Furthest away: averaged over 80 and 90 % removed, a is 30.0 points less" in text
    assert text.count("accurate") == 1
    assert "So far all 3 means point towards it. The least sure: averaged" in told(*good, **words)


def test_a_refuted_difference_says_what_is_ruled_out():
    small = comparison(effect=-0.003, interval=(-0.009, 0.003), verdict="refuted")
    text = told(small, word="refuted")
    assert "a is 0.3 points less accurate than b" in text
    assert "an advantage of 1.0 points, from which on it matters, is ruled out" in text


def test_what_rounds_to_nothing_is_no_difference():
    assert "a is as accurate as b" in told(comparison(effect=-0.0002))


def test_a_mark_that_several_share_is_told_once():
    lost = [comparison("noninferior", effect=-0.1, verdict="refuted", at=(s,)) for s in (0.8, 0.9)]
    assert told(*lost, word="refuted").count("counts as equal") == 1


def test_where_an_arm_keeps_up_is_told_sparsity_by_sparsity():
    kept = [
        comparison("noninferior", verdict=word, at=(s,))
        for s, word in ((0.5, "supported"), (0.9, "inconclusive"), (0.95, "refuted"))
    ]
    text = told(comparison(), beside=tuple(kept))
    assert "a is shown to lose at most 2.0 points against b at 50 %, not at 90 and 95 %." in text
    assert "at none of 90 and 95 %." in told(comparison(), beside=tuple(kept[1:]))
    assert "shown" not in told(comparison(), beside=tuple(kept), look=None)


def test_a_check_is_not_told_as_a_verdict():
    part = Part(test="constant", arm="a", at=(1.0,))
    check = comparison(part=part, verdict="refuted", interval=None, p=None, note="true of 1 of 3")
    assert word_of(check) == "a check"
    assert "Beside it: a - b: true of 1 of 3 (8 seeds)." in told(comparison(), beside=(check,))


def test_before_the_first_look_nothing_is_called_decided(tmp_path):
    made = study(tmp_path)
    home = saved(tmp_path / "made-digits", made, measured(made, seeds=3))
    text = report(home)
    assert "**Inconclusive.** Not decided yet: the first look is after 8 whole seeds" in text
    assert "supported |" not in text
    assert "12 of 32 runs (4 arms x 8 seeds) are done so far." in text


def test_of_many_comparisons_the_telling_ones_are_told():
    several = [comparison(verdict="refuted", p=p) for p in (0.04, 0.001, 0.02, 0.03)]
    text = told(*several, word="refuted")
    assert text.startswith("It needs all 4 comparisons: 4 turned out the other way.")
    assert re.findall(r"p = ([\d.]+)", text) == ["0.001", "0.02", "0.03"]
    assert "1 more is in the table." in text
    others = [comparison(), comparison(), comparison(verdict="inconclusive", seeds_needed=9)]
    text = told(*several, *others, word="refuted")
    assert "all 7 comparisons: 4 turned out the other way, 2 hold and 1 is open." in text


def test_p_is_told_with_what_it_is_held_against():
    """A small p beside a small share would read as if the share were sure to be large."""
    part = Part(test="recovers", arm="a", control="c", at=(0.9,))
    back = comparison(part=part, effect=0.3, interval=(0.2, 0.4), p=0.0001, verdict="refuted")
    assert "(interval 20.0 to 40.0, p below 0.001 against 80 %, 8 seeds)" in told(
        back, word="refuted"
    )
    ruled_out = comparison(effect=0.001, verdict="refuted", p=0.016)
    assert "p = 0.016 against 1.0 points" in told(ruled_out, word="refuted")
    lost = comparison("noninferior", effect=-0.01)
    assert "p = 0.012 against \N{MINUS SIGN}2.0 points" in told(lost)


def test_parts_of_a_study_are_the_whole_study(small, tmp_path):
    made = study(tmp_path)
    whole, halves = tables.read(small), []
    for name, first in (("a", True), ("b", False)):
        kept = [
            {at: v for at, v in of.items() if (at.seed < 104) == first}
            for of in (whole.rows, whole.images, whole.structure, whole.grids, whole.costs)
        ]
        halves.append(saved(tmp_path / name / "made-digits", made, tables.Tables(*kept)))
    assert report(*halves) == report(*reversed(halves)) == report(small)


def test_levels_that_two_folders_have_otherwise_are_counted(small, tmp_path):
    made, other = study(tmp_path), tables.read(small)
    at = Where("global", 100, "0.5")
    rows = {**other.rows, at: replace(other.rows[at], weights_sha256="other")}
    second = saved(tmp_path / "b" / "made-digits", made, replace(other, rows=rows))
    assert "1 level came out with other weights in two folders" in report(small, second)


def test_studies_of_one_name_that_declare_different_things_are_refused(small, tmp_path):
    other = study(tmp_path, SMALL.replace("epochs: 2", "epochs: 3"))
    second = saved(tmp_path / "b" / "made-digits", other, measured(other))
    with pytest.raises(Clash, match=f"{gather([small])[0].study.hash}.*{other.hash}"):
        gather([small, second])
    third = saved(tmp_path / "b" / "longer-digits", other, measured(other))
    text = report(small, third)
    assert "## made on digits" in text
    assert "## longer on digits" in text


def test_what_was_declared_lies_beside_the_report_for_every_workload(small, undrawn, tmp_path):
    """And nobody's own file of the same name is written over."""
    fashion = study(tmp_path, SMALL.replace("digits", "fashion"))
    second = saved(tmp_path / "runs" / "made-fashion", fashion, measured(fashion))
    mine = tmp_path / "made.yaml"
    before = mine.read_text()
    gathered = gather([small, second])
    save(gathered, Files(tmp_path / "report.md", tmp_path / "findings.json"))
    for workload, g in zip(("digits", "fashion"), gathered, strict=True):
        assert load_study(str(tmp_path / "declared" / workload / "made.yaml")).hash == g.study.hash
    assert mine.read_text() == before


def test_several_workloads_have_a_section_each_and_a_paragraph_where_they_disagree(small, tmp_path):
    text = SMALL.replace("looks: {digits: [8]}", "looks: {digits: [8], fashion: [8]}")
    study(tmp_path, text)
    homes = []
    for workload in ("digits", "fashion"):
        made = load_study(str(tmp_path / "made.yaml"), workload)
        better = steady if workload == "digits" else (lambda *_: 0.96)
        folder = tmp_path / "two" / f"made-{workload}"
        homes.append(saved(folder, made, measured(made, better)))
    both = report(*homes)
    assert "| | conclusion | digits | fashion |".replace("| |", "|  |") in both
    disagreement = section(both, "### Where workloads disagree", "## ")
    assert "F3 is refuted on digits (−26.0 points), supported on fashion" in disagreement
    assert "F2" not in disagreement
    assert "## made on fashion" in both
    assert "vitprune sweep declared/digits/made.yaml --runs runs" in both


def test_a_file_that_was_changed_after_its_runs_is_told(tmp_path):
    made = study(tmp_path)
    home = saved(tmp_path / "made-digits", made, measured(made), hash="0123456789abcdef")
    assert "declared with hash 0123456789abcdef and now has" in report(home)


def test_what_diverged_counts_as_a_guess_and_is_told(small, tmp_path):
    made, found = study(tmp_path), tables.read(small)
    at = Where("random", 100, "0.9")
    lost = replace(found.rows[at], diverged=True, test_accuracy=None, test_loss=None)
    rows = {**found.rows, at: lost}
    home = saved(tmp_path / "b" / "made-digits", made, replace(found, rows=rows))
    text = report(home)
    assert "Training diverged, which counts as a guess: random at 90 % (1)." in text
    levels = csv.DictReader(io.StringIO(levels_as_csv(gather([home]))))
    (level,) = [x for x in levels if (x["arm"], x["asked"]) == ("random", "0.9")]
    assert (level["accuracy_low"], level["accuracy_high"], level["seeds"]) == ("0.1", "0.705", "8")


def test_tables_say_mean_spread_and_number(small):
    assert spread([0.5, 0.7]).sd == pytest.approx(0.2 / 2**0.5)
    assert spread([0.5]).sd is None
    results = section(report(small), "## Results", "## Costs")
    # four seeds at 96.0 and four at 96.5
    assert "| global | all |  | 96.2 ± 0.3 (8) | 96.2 ± 0.3 (8) |  |" in results
    assert "| mlp | mlp |  |  | 95.2 ± 0.3 (8) | 95.2 ± 0.3 (8) |" in results
    (level, *_) = csv.DictReader(io.StringIO(levels_as_csv(gather([small]))))
    assert (level["arm"], level["asked"], level["seeds"]) == ("control", "0.0", "8")
    assert float(level["accuracy_mean"]) == pytest.approx(0.9625)
    assert float(level["accuracy_sd"]) == pytest.approx(0.0025 * (8 / 7) ** 0.5)
    assert (level["accuracy_low"], level["accuracy_high"]) == ("0.96", "0.965")


def test_a_study_without_results_is_reported(tmp_path):
    made = study(tmp_path)
    text = report(saved(tmp_path / "made-digits", made, tables.Tables()))
    assert "0 of 32 runs" in text
    assert "No run is done yet." in text
    assert "there are 0. Nothing that it needs is measured yet." in text
    assert "nothing was measured" not in text


def test_what_each_arm_does_is_told_choice_by_choice(small):
    arms = section(report(small), "## What was run", "## Results")
    assert "| random | single weights | all matrices | random, as global | 50 %, 90 % |" in arms
    assert "| control | nothing |  |  |  |  |\n" in arms
    assert "The same for all arms: retrained for: 1 epoch; in which way: with the" in arms


def test_no_number_has_a_minus_before_a_zero():
    assert "interval +0.0 to +2.8" in told(comparison(interval=(-0.0002, 0.028)))


def test_the_checklist_says_what_is_missing(small):
    items = {item.asked: item for item in checklist(gather([small]))}
    met = [item.met for item in items.values()]
    assert met == ["no", "no", "yes", "yes", "yes", "yes"]
    assert "2 more needed" in items["at least 3 pairs of data set and model"].why
    assert "global 2" in items["at least 5 operating points of a curve"].why


def test_the_study_beside_the_report_is_the_study(small, undrawn, tmp_path):
    save(gather([small]), Files(tmp_path / "report.md", tmp_path / "findings.json"))
    text = (tmp_path / "report.md").read_text()
    again = "vitprune sweep declared/made.yaml --runs runs\nvitprune report runs/made-digits -o"
    assert again in text
    assert load_study(str(tmp_path / "declared" / "made.yaml")).hash == small.hash
    assert small.hash in text


def test_what_has_to_be_added_stands_before_everything_else(small):
    text = markdown(gather([small]), {}, "One rule was mended <b>afterwards</b>.")
    assert "\n\nOne rule was mended \\<b\\>afterwards\\</b\\>.\n\n## At a glance" in text
    assert "\n\n1\\. a b\n\n" in markdown(gather([small]), {}, "1. a\n\n    b")


def test_a_variance_ratio_that_is_refuted_is_held_against_the_smallest_that_matters():
    part = Part(test="structured", arm="a", at=(0.95,))
    alike = comparison(part=part, effect=0.0, interval=(-0.001, 0.001), verdict="refuted")
    assert "against a ratio of 1.01," in told(alike, word="refuted")
    assert "against a ratio of 1," in told(replace(alike, verdict="supported"))


def test_why_a_verdict_is_so_is_the_comparison_that_decides_it():
    """Of what is open the least sure, as in `findings.json`; before the first look nothing is."""
    surer = comparison(verdict="inconclusive", effect=0.18, p=0.3)
    open_ = comparison(verdict="inconclusive", effect=0.004, interval=(-0.09, 0.1), p=1.0)
    told = because(verdict(surer, open_, word="inconclusive"), Thresholds())
    assert told.endswith("a is 0.4 points more accurate than b (\N{MINUS SIGN}9.0 to +10.0)")
    assert because(verdict(surer, open_, word="inconclusive", look=None), Thresholds()) == ""


def test_what_stands_beside_a_verdict_is_in_brackets_in_every_table(tmp_path):
    beside = "{test: superior, arm: global, over: mlp, at: [0.9], beside: true}"
    parts = "over: random, at: [0.5, 0.9]}"
    text = SMALL.replace(f"{parts}]", f"{parts}, {beside}]")
    made = study(tmp_path, text)
    shown = report(saved(tmp_path / "made-digits", made, measured(made)))
    assert shown.count("| (global - mlp, at 90 %) |") == 2
    assert "| global - mlp" not in shown


def test_arms_that_lose_unlike_shares_of_all_weights_say_so(tmp_path):
    """Both lose 90 % of what takes part: mlp of a third of the weights."""
    made = study(tmp_path, SMALL.replace("over: random, at: [0.5, 0.9]", "over: mlp, at: [0.9]"))
    found = measured(made)
    part = {"mlp": 0.3}
    rows = {
        at: replace(row, sparsity_prunable=part.get(row.arm, row.sparsity_asked))
        for at, row in found.rows.items()
    }
    text = report(saved(tmp_path / "made-digits", made, replace(found, rows=rows)))
    assert "of all prunable weights lost: global 90 %, mlp 30 %" in text


def test_without_findings_nobody_reads_how_they_are_decided(tmp_path):
    made = study(tmp_path, SMALL.partition("findings:")[0])
    text = report(saved(tmp_path / "made-digits", made, measured(made)))
    assert "No finding is declared" in text
    assert "An arm is one way" in text
    assert "Bonferroni" not in text


def test_of_a_study_that_is_half_done_the_whole_seeds_are_repeated(tmp_path):
    made = study(tmp_path)
    text = report(saved(tmp_path / "made-digits", made, measured(made, seeds=3)))
    assert "vitprune sweep declared/made.yaml --seeds 100-102 --runs runs\n" in text


def hostile(tmp_path):
    tree = yaml.safe_load(SMALL)
    tree["findings"] = {
        HOSTILE: {**tree["findings"]["F1"], "claim": HOSTILE, "caveat": HOSTILE},
        "=2+3": tree["findings"]["F2"],
    }
    made = study(tmp_path, yaml.safe_dump(tree, allow_unicode=True))
    found = measured(made)
    rows = {at: replace(r, run="=cmd|x", policy=HOSTILE) for at, r in found.rows.items()}
    costs = {at: replace(c, host=HOSTILE, torch=HOSTILE) for at, c in found.costs.items()}
    return saved(tmp_path / "a`b<i>-digits", made, replace(found, rows=rows, costs=costs))


def test_text_from_files_is_text(tmp_path):
    home = hostile(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    save(gather([home]), Files(out / "r.md", out / "findings.json"))
    text = (out / "r.md").read_text()
    assert "\x1b" not in text
    assert RIGHT_TO_LEFT not in text
    html = READER.render(text)
    assert "<script" not in html
    assert "<i>" not in html
    assert "http://x" not in re.findall(r'href="([^"]*)"', html)
    titles = re.findall(r"<h1>(.*?)</h1>", html)
    assert len(titles) == 1
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        widths = {len(re.findall("<t[dh]>", row)) for row in table.split("</tr>")[:-1]}
        assert len(widths) == 1
    pictures = re.findall(r"!\[[^\n]*\]\(([^)]*)\)", text)
    assert all((out / name).exists() for name in pictures)
    assert pictures


def test_every_number_is_there_as_csv_and_parquet(small, tmp_path):
    gathered = gather([small])
    rows = list(csv.DictReader(io.StringIO(as_csv(gathered))))
    assert len(rows) == len(gathered[0].rows) == 56
    assert {row["study"] for row in rows} == {"made"}
    table = pq.read_table(io.BytesIO(as_parquet(gathered)))
    assert table.num_rows == 56
    assert str(table.schema.field("test_accuracy").type) == "double"
    assert str(table.schema.field("diverged").type) == "bool"
    assert table.column("test_accuracy").to_pylist() == [float(r["test_accuracy"]) for r in rows]


def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path):
    rows = list(csv.DictReader(io.StringIO(as_csv(gather([hostile(tmp_path)])))))
    assert {row["run"] for row in rows} == {"'=cmd|x"}


def test_what_is_written_is_complete_and_the_same_bytes_again(small, tmp_path):
    files = []
    for name in "ab":
        out = tmp_path / name
        out.mkdir()
        told = save(gather([small]), Files(out / "report.md", out / "findings.json"))
        assert sorted(told) == sorted(p for p in out.rglob("*") if p.is_file())
        files.append({p.relative_to(out): p.read_bytes() for p in told})
    assert files[0] == files[1]
    found = json.loads((tmp_path / "a" / "findings.json").read_bytes())
    assert [(f["id"], f["verdict"]) for f in found] == [
        ("F1", "supported"),
        ("F2", "supported"),
        ("F3", "refuted"),
    ]
    assert found == findings(gather([small]))
    text = (tmp_path / "a" / "report.md").read_text()
    f1 = section(text, "### F1", "### F2")
    assert f1.index("**Supported.**") < f1.index("figures/made-digits-F1.svg") < f1.index("| comp")


def test_a_studys_own_results_are_left_to_its_runs(small, undrawn):
    before = small.results.read_bytes()
    told = save(gather([small]), Files(small.path / "report.md", small.path / "findings.json"))
    assert small.results not in told
    assert small.results.read_bytes() == before
    assert (small.path / "report.md") in told


def test_pictures_that_are_none_are_told_before_anything_is_written(small, tmp_path):
    made, found = study(tmp_path), tables.read(small)
    (at,) = found.grids
    arms = SMALL.replace("[0.5, 0.9]", "[0.5, 0.95]")
    made = study(
        tmp_path, arms.replace("at: [0.5, 0.9]", "at: [0.5]").replace("at: [0.9]", "at: [0.5]")
    )
    bad = replace(measured(made), grids={at: {"sparsity": 0.95, "matrices": {"x": 1}}})
    home = saved(tmp_path / "b" / "made-digits", made, bad)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ValueError, match=r"grids\.json"):
        save(gather([home]), Files(out / "r.md", out / "findings.json"))
    assert not list(out.iterdir())
