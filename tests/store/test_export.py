import csv
import io
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from tests.store.test_summary import CONFIG, CREATED, DENSE, DONE, STARTED, level, write
from vitprune_core.store import events as e
from vitprune_core.store.clean import cell, clean, field
from vitprune_core.store.export import Exported, as_csv, markdown
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.shown import as_shown
from vitprune_core.store.summary import summarize

HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://x)",
    "a | b | c",
    "`code` ``` fence",
    "\x1b[31mred\x1b]0;title\x07",
    "bidi \u202e txt",
    "line\nbreak\r\n# heading",
    "**bold** _it_ ~~no~~",
    "=cmd()",
    "&lt;b&gt; &amp;",
    "@here #1 https://example.org",
    "[TODO] [red]x[/red]",
    "$math$ \\",
    "- item",
    "C1 \x9b31m",
]


def exported(tmp_path, name="run-1", events=DONE, sentence="Removes weights.", config="a: 1"):
    run = RunDir(tmp_path / name).create()
    write(run, events)
    return Exported(run.id, summarize(run), sentence, config, {"Masks at 0.9": "░▒\n▓█"})


def html(text):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_a_report_has_every_part(tmp_path):
    text = markdown([exported(tmp_path)], curve="a curve")
    for heading in (
        "# vitprune: run-1",
        "## Accuracy against sparsity",
        "## What was asked",
        "## Result",
        "## Density",
        "## Masks at 0.9",
        "## Environment",
        "## How to reproduce",
    ):
        assert f"{heading}\n" in text
    assert "vitprune run mine --workload digits --seed 3\n" in text
    assert "| 90 % | 90.000 % | 90 % | 20.00 % | 90.00 % | +0.0 |" in text


def test_the_markdown_renders_into_tables_and_code(tmp_path):
    page = html(markdown([exported(tmp_path)], curve="a curve"))
    assert page.count("<table>") == 5
    assert "<td>blocks.0.attn.q</td>" in page
    assert "░▒\n▓█" in page


def test_the_command_to_reproduce_is_quoted(tmp_path):
    created = e.Created(preset="x", request=("x; rm -rf ~", "--set", "a=$(id)"), config={})
    text = markdown([exported(tmp_path, events=[created])], "")
    assert "vitprune run 'x; rm -rf ~' --set 'a=$(id)'" in text


def test_a_report_says_how_long_training_took_and_of_a_given_model_nothing(tmp_path):
    text = markdown([exported(tmp_path)], "")
    assert "Dense model (trained by this run, 2 epochs in " in text
    given = {**CONFIG, "dense": {"file": "/m/a.st", "sha256": "ab"}}
    started = replace(STARTED, config=given)
    taken = [CREATED, started, replace(DENSE, epochs=0), level(), e.Finished(weights_sha256="w")]
    text = markdown([exported(tmp_path, "given", taken)], "")
    assert "SHA-256 ab; retraining starts with fresh moments): test accuracy **90.00 %**" in text
    assert "epochs in" not in text


def test_several_runs_stand_side_by_side(tmp_path):
    other = [*DONE[:-2], level(0.8), e.Finished(weights_sha256="w")]
    runs = [exported(tmp_path), exported(tmp_path, "run-2", other)]
    text = markdown(runs, curve="")
    assert "| run | layers | state | dense | 80 % | 90 % |" in text
    assert "| run-2 | all | done | 90.00 % | 90.00 % |  |" in text
    assert "### What was asked" in text


def test_collapse_and_divergence_are_told(tmp_path):
    empty = level(collapsed=("blocks.0.mlp.fc1",), dead_neurons={"blocks.0.mlp": 4})
    stop = e.Diverged(
        round=1, sparsity_asked=0.93, level=0.95, step=3, epoch=45, lr=0.1, gradient_norm=None
    )
    text = markdown([exported(tmp_path, events=[*DONE[:-2], empty, stop])], curve="")
    assert "nothing is left of blocks.0.mlp.fc1" in text
    assert "hidden neurons without input or output: blocks.0.mlp (4)" in text
    assert "| 95 % | diverged at epoch 45, learning rate 0.1 |" in text
    assert "State: **failed**" in text


def test_a_run_without_levels_is_a_report_too(tmp_path):
    assert "There is no dense model yet" in markdown([exported(tmp_path, events=DONE[:2])], "")
    assert "No level was measured" in markdown([exported(tmp_path, "b", DONE[:5])], "")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(tmp_path, text):
    created = e.Created(preset=text, request=(text,), config={"workload": text, "seed": text})
    failed = e.Failed(reason=text)
    report = markdown(
        [exported(tmp_path, events=[created, *DONE[2:-1], failed], sentence=text, config=text)],
        curve=text,
    )
    page = html(report)
    for bad in ("<script", "<img", "href", "<h1>heading", "<strong>bold", "\x1b", "\u202e", "\x9b"):
        assert bad not in page
    assert page.count("<h1>") == 1
    assert all(
        line.count(" | ") == 1 for line in report.splitlines() if line.startswith("| preset")
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_clean_leaves_no_control_characters(text):
    assert all(c.isprintable() for c in clean(text))
    assert "\x1b" not in clean(text)


def test_clean_is_one_line_of_bounded_length():
    assert clean("a\nb\tc") == "a\ufffdb\ufffdc"
    assert len(clean("x" * 10_000_000)) == 2_000
    assert clean("naïve 日本 90 %") == "naïve 日本 90 %"


def test_escaped_cells_read_as_the_text_they_were():
    for text in HOSTILE:
        shown = html(f"| a |\n| --- |\n| {cell(text)} |\n")
        assert shown.count("<td>") == 1


def test_csv_has_a_row_a_level_and_no_formulas(tmp_path):
    run = RunDir(tmp_path / "run-1").create()
    write(run, [e.Created(preset="=cmd()", request=(), config={}), *DONE[1:]])
    rows = list(csv.DictReader(io.StringIO(as_csv([(run.id, as_shown(run, summarize(run)))]))))
    assert len(rows) == 1
    assert rows[0]["preset"] == "'=cmd()"
    assert (rows[0]["test_accuracy"], rows[0]["dense_test_accuracy"]) == ("0.9", "0.9")
    assert (rows[0]["layers"], rows[0]["diverged"]) == ("all", "False")
    assert field("-1") == "'-1"
