"""Hostile texts in a run's log, its files and its study are text wherever they are shown."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.analysis import made
from tests.conftest import called
from tests.terminals import Screen
from tests.trust.hostile import TEXTS, WORDS, harmful, unseen
from tests.tui import bench as b
from tests.tui import screens
from vitprune_core.analysis.gather import gather
from vitprune_core.analysis.report import markdown
from vitprune_core.store import events as e
from vitprune_core.store.clean import cell, clean
from vitprune_core.store.export import as_csv
from vitprune_core.store.log import encode
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.studydir import StudyDir

MATRIX = e.Matrix(density=0.5, heads=None, dead_rows=0, dead_columns=0)


def told_in(run: RunDir, *told: e.Event) -> RunDir:
    run.create()
    records = (encode(i + 1, 1, 1_800_000_000.0 + i, 1.0, event) for i, event in enumerate(told))
    run.log.write_bytes(b"".join(records))
    return run


def everywhere(run: RunDir) -> RunDir:
    """A run with all texts in every place that takes several."""
    each = dict.fromkeys(TEXTS, 1)
    config = {
        "workload": "digits",
        "prune": {"layers": "all", **{text: text for text in TEXTS}},
        "retrain": {text: text for text in TEXTS},
        "dense": {"file": TEXTS[0], "sha256": TEXTS[1]},
    }
    texts = tuple(TEXTS)
    level = b.level(
        0.5,
        collapsed=texts,
        silent_heads=texts,
        key_blind_heads=texts,
        dead_neurons=each,
        matrices=dict.fromkeys(TEXTS, MATRIX),
    )
    started = b.started(config=config, fingerprint={text: text for text in TEXTS})
    log = [e.Created(preset="mine", request=texts, config=config), started, b.epoch(0), b.dense()]
    for t in TEXTS:
        log += [e.Paused(reason=t), e.DenseAwaited(hash=t, by=t), e.Acknowledged(request=t)]
    log += [
        e.Resumed(
            after=4 + 3 * len(TEXTS), step=1, worked=0, exact=False, differs=texts, corrupt=texts
        )
    ]
    return told_in(run, *log, level, e.Failed(reason=TEXTS[-1]))


def one_each(runs: Path) -> list[str]:
    """A run for each text, which is in every place that takes one."""
    for word, text in zip(WORDS, TEXTS, strict=True):
        config = {"workload": text, "seed": text, "prune": {"granularity": text, "layers": text}}
        config["dense"] = {"file": text, "sha256": text}
        told_in(
            RunDir(runs / word),
            e.Created(preset=text, request=(text,), config=config),
            e.Starting(host=text, pid=1),
            b.started(config=config, host=text, fingerprint={"device": text}),
            b.epoch(0),
            b.dense(),
            b.level(0.5, weights_sha256=text, matrices={"blocks.0.attn.q": MATRIX}),
            e.Failed(reason=text),
        )
    return WORDS


@pytest.fixture
def some(request):
    """All of them with --torture, else every seventh."""
    every = 1 if request.config.getoption("torture") else 7
    return lambda them: them[::every]


@pytest.fixture
def vitprune(tmp_path):
    """Call the command line; what it said on both streams."""

    def call(*words):
        told = called(*words, "--runs", tmp_path)
        assert not harmful(told.stdout + told.stderr)
        return told.stdout

    return call


def tokens(text):
    """What a reader of Markdown makes of it, with whatever HTML is in it."""
    every = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [token for block in every for token in (block, *(block.children or ()))]


PLAIN = {"inline", "text", "softbreak", "fence", "paragraph_open", "paragraph_close"}
TABLE = {
    f"{part}_{at}"
    for part in ("table", "thead", "tbody", "tr", "th", "td")
    for at in ("open", "close")
}
REFERS = {"link_open", "link_close", "em_open", "em_close"}
OURS = {
    f"{part}_{at}"
    for part in ("heading", "strong", "bullet_list", "list_item")
    for at in ("open", "close")
}


@pytest.mark.campaign("texts")
def test_on_the_command_line_and_in_markdown_texts_are_text(vitprune, tmp_path, counted):
    everywhere(RunDir(tmp_path / "all"))
    assert not unseen(vitprune("log", "all"))
    assert "q000q" in vitprune("show", "all")
    for words in (["ls"], ["plot", "all"], ["plot", "all", "--x", "epoch"], ["queue"]):
        assert vitprune(*words)
    vitprune("export", "all", "-o", tmp_path / "all.md")
    written = (tmp_path / "all.md").read_text()
    assert not harmful(written)
    assert not unseen(written)
    assert {token.type for token in tokens(written)} == PLAIN - {"softbreak"} | TABLE | OURS
    counted(len(TEXTS))


@pytest.mark.campaign("texts")
def test_in_places_of_their_own_texts_are_text_and_json_gives_them_back(vitprune, tmp_path, some):
    names = one_each(tmp_path)
    assert not unseen(vitprune("ls"))
    listed = {run["id"]: run for run in json.loads(vitprune("ls", "--json"))}
    told = [(listed[name]["preset"], listed[name]["workload"]) for name in names]
    assert told == [(text, text) for text in TEXTS]
    assert some(WORDS)[-1] in vitprune("plot", *some(names))
    vitprune("export", *some(names), "-o", tmp_path / "all.md", "--csv", tmp_path / "all.csv")
    written = (tmp_path / "all.md").read_text()
    assert not harmful(written)
    assert all(word in written for word in some(WORDS))
    check_no_formulas((tmp_path / "all.csv").read_text(), some(TEXTS))


def check_no_formulas(table, texts):
    """A CSV table has a row for each text, which a spreadsheet takes for text."""
    assert not harmful(table)
    for text, row in zip(texts, csv.DictReader(io.StringIO(table)), strict=True):
        for key in ("preset", "workload", "seed", "granularity", "layers"):
            assert row[key] in (clean(text, 1_000), f"'{clean(text, 1_000)}")
            assert row[key][:1] not in tuple("=+-@＝＋－＠\t\r\n")


def test_no_text_is_a_formula_in_a_table():
    def shown(text):
        prune = {"granularity": text, "layers": text}
        known = {"preset": text, "workload": text, "seed": text, "dense": None}
        return {**known, "config": {"prune": prune}, "levels": [{}]}

    rows = [(word, shown(text)) for word, text in zip(WORDS, TEXTS, strict=True)]
    check_no_formulas(as_csv(rows), TEXTS)


@pytest.mark.campaign("texts")
def test_what_one_run_says_is_text_and_its_json_gives_every_text_back(vitprune, tmp_path, some):
    for name, text in some(list(zip(one_each(tmp_path), TEXTS, strict=True))):
        assert name in vitprune("show", name)
        assert name in vitprune("log", name)
        shown = json.loads(vitprune("show", name, "--json"))
        given = {**shown, **shown["config"], **shown["config"]["prune"], **shown["fingerprint"]}
        keys = ("preset", "workload", "seed", "reason", "granularity", "layers", "device")
        assert [given[key] for key in keys] == [text] * len(keys)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write presets of the user's own, named and described by texts; their words."""
    (tmp_path / "presets").mkdir()
    monkeypatch.chdir(tmp_path)

    def write(*words: str) -> tuple[str, ...]:
        for word in words:
            text = TEXTS[WORDS.index(word)]
            name = text.replace("/", "").replace("\0", "")[:40].encode("utf-8", "replace")
            data = f"# {word} {text}\nworkload: digits\nprune: null\n".encode("utf-8", "replace")
            with open(os.path.join(b"presets", name + b".yaml"), "wb") as file:
                file.write(data)
        return words

    return write


@pytest.mark.campaign("texts")
def test_presets_named_by_texts_are_listed_as_text(own):
    words = own(*WORDS)
    listed = called("presets").stdout
    assert not harmful(listed)
    assert all(listed.count(word) >= 2 for word in words)  # in its name, and in what it says


@pytest.mark.campaign("texts")
async def test_on_every_screen_texts_are_text(tmp_path, some, own):
    presets = own(*WORDS[::7])
    names = one_each(tmp_path / "runs")
    everywhere(RunDir(tmp_path / "runs" / "all"))
    async with b.opened(Path("runs"), (120, len(presets) + 40)) as pilot:

        async def shows(*words: str, times: int = 1) -> str:
            """What is on the screen, once these are, with nothing in it that does anything."""

            def there():
                if pilot.app.at_work or pilot.app.workers._workers:
                    return False
                shown = screens.text(pilot.app)
                return all(shown.count(word) >= times for word in words) and shown

            shown = await b.until(pilot, there)
            assert not harmful(shown)
            return shown

        await shows(*presets, "multiply-adds")
        pilot.app.become(shown="all", marked=("all", *names[:8]), baseline=names[0])
        for key, words in {"3": names[:8], "4": ["No masks"]}.items():
            await pilot.press(key)
            await shows(*words)
        await pilot.press("2")
        for name in some(names[::7]):
            pilot.app.become(shown=name)
            await shows(name, times=5)
        await pilot.press("5")
        await pilot.resize_terminal(160, len(TEXTS) + 40)
        await shows(*names, times=3)  # its id, its preset, its workload


@pytest.mark.campaign("texts")
def test_no_byte_of_a_text_that_does_something_reaches_a_terminal(tmp_path, own):
    """Beside all of them one after the other, those of the bench's two busiest screens."""
    everywhere(RunDir(tmp_path / "all"))
    own(*WORDS[::7])
    with Screen("--runs", tmp_path, size=(160, 80), cwd=tmp_path) as screen:
        for key, word in (("1", "in presets"), ("2", WORDS[-1]), ("5", "failed")):
            screen.press(key)
            screen.until(word)
            screen.settle()
        screen.press("q")
        assert screen.ends() == 0
        written = screen.captured.decode()
    assert not [text for text in TEXTS if harmful(text) and text in written]
    assert harmful(written) <= set("\x1b\r\a\b\x0e\x0f")


@pytest.mark.campaign("texts")
def test_what_a_study_claims_is_text_in_its_report(vitprune, tmp_path):
    """Five texts to a claim and a caveat: a study's file is not that long."""
    fives = (TEXTS[i : i + 5] for i in range(0, len(TEXTS), 5))
    claims = ["\x1b\\".join(text[:200] for text in five) for five in fives]  # ends what is open
    part = {"test": "superior", "arm": "global", "over": "random", "at": [0.5]}
    findings = {f"F{i}": {"claim": c, "caveat": c, "parts": [part]} for i, c in enumerate(claims)}
    asked = made.SMALL.partition("findings")[0] + json.dumps({"findings": findings})[1:-1]
    declared = made.study(tmp_path, asked)
    made.saved(tmp_path / "made-digits", declared, made.measured(declared))
    assert not unseen(vitprune("report", "made-digits", "--note", TEXTS[0]))
    found = json.loads(vitprune("report", "made-digits", "--json"))
    assert [f["claim"] for f in found] == claims
    written = markdown(gather([StudyDir(tmp_path / "made-digits")]), {}, TEXTS[0])
    assert not harmful(written)
    assert not unseen(written)
    read = tokens(written)
    assert not {token.type for token in read} - PLAIN - TABLE - OURS - {"code_inline"} - REFERS
    links = {token.attrs["href"] for token in read if token.type == "link_open"}
    files = {"levels.csv", "results.csv", "results.parquet"}
    assert links == {"https://arxiv.org/abs/2003.03033", *files}  # those of every report


def test_a_cell_of_a_table_is_read_as_the_text_it_was():
    for text in TEXTS:
        read = [t for t in tokens(f"| a |\n| --- |\n| {cell(text)} |\n") if t.type == "text"]
        assert "".join(t.content for t in read) == f"a{clean(text).strip()}"
