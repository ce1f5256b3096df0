"""The bench: presets and what they mean, values changed in place, runs started and queued."""

import asyncio
import os
import shlex
import socket
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.tui.bench import epoch, made, opened, started, until
from tests.tui.screens import text
from vitprune_core.spec.config import as_dict
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.presets import listed
from vitprune_core.spec.request import load
from vitprune_core.spec.source import parse, plain
from vitprune_core.store import queue
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.lock import claim
from vitprune_core.store.queue import order
from vitprune_tui.draw import lines
from vitprune_tui.draw.bench import asked
from vitprune_tui.draw.bench.meaning import meaning
from vitprune_tui.draw.bench.planned import planned
from vitprune_tui.draw.bench.wrapping import wrapped
from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.facts import judge as judging
from vitprune_tui.facts.judge import foresee, judge, known
from vitprune_tui.facts.request import Answer, Forecast, Request, Value
from vitprune_tui.facts.written import written
from vitprune_tui.state import Lab
from vitprune_tui.widgets.dialogs import Confirm, Prompt
from vitprune_tui.widgets.field import Field
from vitprune_tui.widgets.values import Values

SMALL = """# A model so small that a run takes a second.
workload: digits
model: {patch: 4, width: 12, heads: 3, depth: 2, mlp: 8}
train: {epochs: 3, batch_size: 256}
device: cpu
prune:
  sparsities: [0.5]
"""
BROKEN = """# Not right.
workload: digits
prune:
  granularity: weigth
  sparsities: [0.5, 0.4]
"""
KEYS = ("f5", "F")
DIGITS = Request("oneshot_random", "digits")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Own presets: `own(small=SMALL)`; names may hold anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))

    def make(**presets: str) -> Path:
        for name, content in presets.items():
            path = tmp_path / "presets" / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return tmp_path / "runs"

    return make


@asynccontextmanager
async def the_bench(folder: Path, size=(80, 24), **options):
    """The bench once its list was read; yields its pilot and the view."""
    async with opened(folder, size, **options) as pilot:
        await pilot.app.switch("bench")
        view = pilot.app.view
        await until(pilot, lambda: view.desk.presets)
        await pilot.pause()
        yield pilot, view


async def to(pilot, key: str) -> None:
    """With the cursor on a value."""
    if not pilot.app.view.on_values:
        await pilot.press("tab")
    pilot.app.view.desk.go([v.key for v in pilot.app.view.desk.values].index(key))
    pilot.app.view.paint()


async def typed(pilot, words: str) -> None:
    await pilot.press("enter", *words)
    await pilot.pause()


def said(drawn) -> str:
    return "\n".join(lines.plain(line) for line in drawn)


# What is asked.


def test_a_request_is_a_command_that_a_shell_reads():
    request = Request("heads", "digits").changed("prune.sparsities", "[0.5, 0.9]")
    assert shlex.join(request.words) == (
        "run heads --workload digits --set 'prune.sparsities=[0.5, 0.9]'"
    )
    assert Request("heads").words == ("run", "heads")


def test_a_value_counts_more_than_what_was_said_of_its_parts():
    request = Request("heads").changed("prune.step", "0.1").changed("seed", "3")
    request = request.changed("prune", "{sparsities: [0.5]}").changed("prune.step", "0.3")
    assert request.overrides == ("seed=3", "prune={sparsities: [0.5]}", "prune.step=0.3")
    assert request.as_it_was("prune.step").as_it_was("prune.sparsities").overrides == ("seed=3",)


def test_a_workload_is_an_option_and_no_override():
    request = Request("heads").changed("workload", "digits")
    assert (request.workload, request.changes) == ("digits", ())
    assert request.as_it_was("workload") == Request("heads")


# What it means.


def test_a_right_request_is_told_with_every_value():
    answer = judge(DIGITS)
    assert answer.problems == ()
    assert answer.sentence.startswith("Removes single weights of all matrices at random")
    assert answer.planned.steps.epochs == 60 + 5 * 15
    origins = {v.key: (v.text, v.origin, v.was) for v in answer.values}
    assert origins["workload"] == ("digits", "changed", "cifar10")
    assert origins["prune.distribution"] == ("random", "preset", "")
    assert origins["train.epochs"] == ("60", "workload", "")
    assert origins["checkpoint.every"] == ("30", "", "")


def test_what_was_changed_says_what_it_was_and_what_follows_does_too():
    answer = judge(DIGITS.changed("seed", "3"))
    seed, fold = answer.value("seed"), answer.value("data.fold")
    assert (seed.text, seed.origin, seed.was) == ("3", "changed", "0")
    assert (fold.text, fold.origin, fold.was) == ("3", "", "0")


def test_of_a_wrong_request_all_problems_are_told_and_what_was_typed_stays():
    wrong = DIGITS.changed("train.epochs", "ten").changed("prune.distribution", "globl")
    answer = judge(wrong.changed("train.lr", "0.01"))
    assert answer.problems == (
        "prune.distribution: 'globl' is not one of global, layerwise, random; "
        "did you mean 'global'?",
        "train.epochs: 'ten' is not a whole number",
    )
    assert {v.key: v.text for v in answer.values if v.wrong} == {
        "prune.distribution": "globl",
        "train.epochs": "ten",
    }
    assert answer.value("train.lr").text == "0.01"
    assert answer.planned is None


def test_a_value_that_only_the_next_makes_right_can_be_asked_for():
    wide = DIGITS.changed("model.width", "100")
    assert judge(wide).problems == ("model.heads: 6 does not divide model.width 100",)
    assert judge(wide).value("model.width").text == "100"
    assert judge(wide.changed("model.heads", "5")).problems == ()


def test_an_unknown_workload_is_told_and_the_values_are_the_presets_own():
    answer = judge(Request("oneshot_random", "dgits"))
    assert "did you mean 'digits'?" in answer.problems[0]
    assert answer.value("workload").text == "dgits"
    assert answer.value("train.epochs").text == "200"


def test_values_with_few_words_know_them():
    answer = judge(DIGITS)
    assert answer.value("prune.distribution").choices == ("global", "layerwise", "random")
    assert answer.value("retrain.optimizer").choices == ("keep", "reset", "null")
    assert answer.value("deterministic").choices == ("true", "false")
    assert "2:4" in answer.value("prune.granularity").choices
    assert "svhn" in answer.value("workload").choices
    assert answer.value("train.epochs").choices == ()
    assert answer.value("train.epochs").help == "Length of the learning-rate schedule."


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0.1 + 0.2,
        1e-5,
        7,
        "x",
        "true",
        "2:4",
        "a: b",
        "é",
        "\N{RIGHT-TO-LEFT OVERRIDE}\x85",
        "\N{GRINNING FACE}",
    ],
)
def test_values_are_written_as_they_are_read(value):
    assert plain(parse(written(value), "")[0]) == value
    assert plain(parse(written([value, {"a": value}]), "")[0]) == (value, {"a": value})


@pytest.mark.parametrize("name", [found.name for found in listed()])
def test_every_shipped_preset_can_be_asked_for_by_its_values(name):
    """Every value typed as it is shown asks for the same again."""
    config = load(name).config
    values = judge(Request(name)).values
    given = [f"{v.key}={v.text}" for v in values if not v.heading and v.text != "null"]
    again = load(name, None, given).config
    assert as_dict(again) == as_dict(config)


def test_without_earlier_runs_nothing_is_foreseen(tmp_path):
    assert foresee(tmp_path, judge(DIGITS).config) == Forecast(None, None)


def test_auto_is_what_it_was_on_this_host(tmp_path):
    config, other = (judge(DIGITS.changed("seed", seed)).config for seed in "01")
    resolved = config.model_copy(update={"device": "cpu", "kernels": "eager"})
    made(
        tmp_path,
        "before",
        started(config=as_dict(resolved), host=socket.gethostname()),
        *(epoch(i) for i in range(3)),
    )
    assert foresee(tmp_path, config).seconds > 0
    assert foresee(tmp_path, config).dense is False
    DenseDir.of(tmp_path, dense_hash(resolved)).path.mkdir(parents=True)
    assert foresee(tmp_path, config).dense is True
    assert foresee(tmp_path, other).dense is False


def test_own_presets_come_first_and_wrong_ones_stay(own):
    own(small=SMALL, broken=BROKEN, oneshot_global=SMALL)
    presets = known()
    assert [p.asked for p in presets[:4]] == ["broken", "oneshot_global", "small", "attention_only"]
    assert [p.asked for p in presets].count("oneshot_global") == 1
    assert presets[0].problems[0].startswith("presets/broken.yaml:4:16: prune.granularity")
    assert presets[2].comment == ("A model so small that a run takes a second.",)
    assert "workloads/digits" in [p.asked for p in presets]
    assert not any(p.problems for p in presets[1:])


# How it looks.


def test_a_value_is_a_line_of_yaml_with_where_it_comes_from():
    def shown(**facts):
        value = Value("train.epochs", "epochs", depth=1, text="10", **facts)
        return lines.plain(asked.value(value, 60, BRAILLE))

    assert shown() == f"{'  epochs: 10':<34}default"
    assert shown(origin="preset") == "  epochs: 10"
    assert shown(origin="changed", was="60") == f"{'  epochs: 10':<34}was 60"
    assert shown(origin="changed", wrong=True) == f"{'  epochs: 10':<34}× wrong"


def test_words_are_wrapped_in_cells():
    assert wrapped("a few words", 5) == ["a few", "words"]
    assert wrapped("日本 語 xy", 5) == ["日本", "語 xy"]


def preset_of(name: str):
    return next(p for p in known() if p.asked == name)


def test_the_plan_is_told_in_lines_with_time_and_cost():
    drawn = planned(
        preset_of("oneshot_random"),
        judge(DIGITS),
        Forecast(0.5, dense=True),
        Lab(Path("x"), order=("a", "b"), dispatcher=True),
        KEYS,
        columns=60,
        rows=5,
        glyphs=ASCII,
    )
    assert said(drawn).splitlines()[:5] == [
        "dense 60 epochs, 5 x (prune, retrain 15)",
        "135 epochs, ETA 38 s, 60 of them are there already",
        "228,394 parameters, 221,184 prunable, all take part",
        "4.0 M multiply-adds",
        "queue: 2 wait, one after the other: a, b",
    ]


def test_what_is_not_known_is_not_made_up():
    answer, lab = judge(Request("heads", "digits")), Lab(Path("x"), order=("a",))
    drawn = said(planned(preset_of("heads"), answer, Forecast(), lab, KEYS, 60, 6, BRAILLE))
    assert "ETA ?: this host has not measured it yet" in drawn
    assert "147,456 take part" in drawn
    assert "nobody starts them, F does" in drawn


def test_at_first_it_says_how_long_in_the_presets_own_words():
    answer = judge(Request("oneshot_random", "digits"))
    lab = Lab(Path("x"), read=True)
    drawn = said(planned(preset_of("oneshot_random"), answer, None, lab, KEYS, 200, 6, BRAILLE))
    assert drawn.startswith(
        "No runs yet: f5 starts the chosen preset; on digits 5 retrainings of about 10 s"
    )


def test_there_is_a_curve_where_there_is_room_and_a_table_where_there_is_more():
    def drawn(rows, glyphs=BRAILLE):
        lab = Lab(Path("x"))
        return said(planned(preset_of("dense"), judge(DIGITS), None, lab, KEYS, 60, rows, glyphs))

    assert "lr 0.003" in drawn(6)
    assert "learning rate" in drawn(14)
    assert "ROUND" not in drawn(14)
    assert "ROUND" in drawn(40)
    assert drawn(40, ASCII).isascii()


def test_of_a_wrong_request_the_problems_stand_where_the_plan_was():
    answer = judge(DIGITS.changed("train.epochs", "x"))
    drawn = planned(preset_of("dense"), answer, None, Lab(Path("x")), KEYS, 30, 6, ASCII)
    assert said(drawn).splitlines() == ["x train.epochs: 'x' is not a", "  whole number"]


def test_what_it_means_comes_before_the_comment():
    preset = preset_of("dense")
    answer = judge(Request("dense").changed("seed", "1"))
    drawn = said(meaning(preset, answer, 60, 9, ASCII)).splitlines()
    assert drawn[0] == "dense on cifar10  1 change"
    assert drawn[1].startswith("Trains the dense model for 200 epochs")
    assert drawn[2].startswith("Dense training only")


# What keys do.


async def test_a_value_is_changed_in_place_and_judged_as_it_is_typed(own):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await to(pilot, "train.epochs")
        await typed(pilot, "x")
        assert "'x' is not a whole number" in text(pilot.app)
        await pilot.press("backspace", "8")
        await pilot.pause()
        assert view.desk.answer.planned.steps.epochs == 8 + 2
        assert view.desk.request.changes == ()
        await pilot.press("enter")
        assert view.desk.request.overrides == ("train.epochs=8",)
        assert view.copied == "vitprune run small --set train.epochs=8"
        assert "was 3" in text(pilot.app)
        await pilot.press("backspace")
        assert view.desk.request.changes == ()


async def test_what_is_taken_back_or_is_so_anyway_is_no_change(own):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await to(pilot, "seed")
        await typed(pilot, "12")
        await pilot.press("escape")
        assert view.has_focus
        assert view.desk.request.changes == ()
        assert view.desk.value.text == "0"
        await typed(pilot, "0")
        await pilot.press("enter")
        assert view.desk.request.changes == ()  # it is so anyway


async def test_a_wrong_request_is_not_started(own):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await to(pilot, "train.epochs")
        await typed(pilot, "many")
        await pilot.press("tab", "tab", "enter")
        assert "1 problem to mend first: train.epochs: 'many' is not" in pilot.app.notice[0]
        assert view.starting is None
        assert "wrong" in text(pilot.app)


async def test_arrows_step_through_the_words_that_a_value_may_be(own):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await to(pilot, "prune.distribution")
        await pilot.press("enter", "down")
        await pilot.pause()
        assert "ranked inside each matrix" in view.desk.answer.sentence
        await pilot.press("left", "left")
        await pilot.pause()
        assert pilot.app.query_one(Field).value == "random"
        await pilot.press("enter")
        assert view.desk.request.overrides == ("prune.distribution=random",)
        await to(pilot, "train.epochs")  # which may be any number: there they go on
        await typed(pilot, "5")
        await pilot.press("down")
        await pilot.pause()
        assert view.desk.request.overrides[1:] == ("train.epochs=5",)
        assert view.desk.key == "train.batch_size"
        assert not pilot.app.query_one(Values).editing


async def test_the_footer_tells_the_keys_of_the_value_that_is_typed(own):
    async with the_bench(own(small=SMALL), (100, 24)) as (pilot, _):
        for value, others in (
            ("prune.distribution", "up down left right other choices"),
            ("train.epochs", "up down keep, and on to the next value"),
        ):
            told = f" enter keep  esc as it was  {others}"
            await to(pilot, value)
            await pilot.press("enter")
            await until(pilot, lambda told=told: footer(pilot) == told)
            await pilot.press("escape")
            await until(pilot, lambda: footer(pilot).startswith(" q leave  ? help  enter start"))


def footer(pilot) -> str:
    return text(pilot.app).splitlines()[-1]


async def test_the_field_lies_over_its_value_and_follows_it(own):
    async with the_bench(own(small=SMALL)) as (pilot, _):
        await to(pilot, "checkpoint.every")
        await pilot.press("enter")
        for size in ((80, 24), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            field = pilot.app.query_one(Field).region
            row = text(pilot.app).splitlines()[field.y]
            assert row[: field.x].endswith("  every: ")
            assert row[field.x :].strip() == "30"


async def test_changes_stay_with_their_preset(own):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await to(pilot, "seed")
        await typed(pilot, "2")
        await pilot.press("enter", "tab", "down")
        assert view.desk.request == Request("attention_only")
        await pilot.press("up")
        assert view.desk.request.overrides == ("seed=2",)


async def test_a_workload_once_chosen_stays(own):
    async with the_bench(own()) as (pilot, view):
        assert view.desk.answer.workload == "cifar10"
        await pilot.press("w", "w")
        assert view.desk.answer.workload == "digits"
        await pilot.press("down")
        assert view.copied == "vitprune run oneshot_layerwise --workload digits"
        view.choose("workloads/svhn")
        await pilot.pause()
        assert "Street View House Numbers" in text(pilot.app)
        assert "data: {name: svhn" in text(pilot.app)
        await pilot.press("enter")
        assert view.desk.workload == "svhn"
        assert view.starting is None


async def test_the_palette_knows_presets_and_puts_the_cursor_there(own):
    async with opened(own(small=SMALL)) as pilot:
        await pilot.app.choose("heads")  # maybe before the list has been read
        await until(pilot, lambda: pilot.app.presets)
        assert pilot.app.presets[:2] == ("small", "attention_only")
        assert pilot.app.view.desk.preset.name == "heads"
        await pilot.app.choose("no such")
        assert pilot.app.view.desk.answer is None


async def test_the_copied_command_names_the_folder_where_it_is_not_the_usual_one(own, tmp_path):
    own(small=SMALL)
    async with the_bench(tmp_path / "the lab") as (_, view):
        assert view.copied == f"vitprune run small --runs '{tmp_path}/the lab'"


async def test_a_changed_preset_is_saved_as_ones_own(own, tmp_path):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await pilot.press("w")
        await to(pilot, "prune.sparsities")
        await typed(pilot, "")
        pilot.app.query_one(Field).value = "[0.5, 0.7]"
        await pilot.press("enter")
        request = view.desk.request
        await save(pilot, "../mine")
        await until(pilot, lambda: "'../mine': a name is" in (pilot.app.notice or [""])[0])
        await save(pilot, "mine")
        await until(pilot, lambda: view.desk.chosen == "mine")
        path = tmp_path / "none" / "vitprune" / "presets" / "mine.yaml"
        assert "depth: 2" in path.read_text()
        head = f"# small, changed: workload={request.workload} prune.sparsities=[0.5, 0.7]\n"
        assert path.read_text().startswith(head)
        assert "lr" not in path.read_text()  # nothing but what differs
        again, same = (load("mine"), load("small", request.workload, request.overrides))
        assert again.config == same.config
        assert view.desk.preset.comment == (head[2:-1],)
        before = path.read_bytes()
        await to(pilot, "seed")
        await typed(pilot, "7")
        await pilot.press("enter")
        for answer in "ny":
            await save(pilot, "mine")
            await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
            assert path.read_bytes() == before
            await pilot.press(answer)
        await until(pilot, lambda: load("mine").config.seed == 7)


async def save(pilot, name: str) -> None:
    await pilot.press("s")
    await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
    pilot.app.screen.query_one("Input").value = name
    await pilot.press("enter")


async def test_the_folder_is_looked_through_once_when_typing_rests(own, monkeypatch):
    asked, at_once = [], []

    def slowly(folder, config):
        asked.append(config.train.epochs)
        at_once.append(now := len(asked) - len(over))
        time.sleep(0.5)
        over.append(now)
        return Forecast(1.0)

    over = []
    monkeypatch.setattr(judging, "foresee", slowly)
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await until(pilot, lambda: asked)
        await to(pilot, "prune.sparsities")
        await typed(pilot, "")
        for value in ("[0.5]", "[0.6]"):  # costs what it did
            pilot.app.query_one(Field).value = value
            await pilot.pause()
        await pilot.press("enter")
        await to(pilot, "train.epochs")
        await typed(pilot, "1234")
        await until(pilot, lambda: len(asked) == 2 and view.forecast)
        assert asked == [3, 1234]
        assert set(at_once) == {1}


async def test_a_click_chooses_and_a_second_one_starts_nothing(own):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await pilot.click("#presets", offset=(4, 3))
        assert view.desk.chosen == "attention_only"
        assert not view.on_values
        await pilot.click("#presets", offset=(4, 3), times=2)
        assert view.on_values
        assert view.starting is None


async def test_a_broken_preset_is_listed_and_explained(own):
    async with the_bench(own(broken=BROKEN)) as (pilot, view):
        screen = text(pilot.app)
        assert "× broken  wrong" in screen
        assert "4   granularity: weigth" in screen
        assert "× presets/broken.yaml:4:16: prune.granularity:" in screen
        await pilot.press("enter", "tab", "enter", "backspace", "down", "tab")
        assert view.starting is None
        await pilot.press("down")
        assert view.desk.answer.problems == ()


async def test_what_is_hostile_is_shown_clean(own):
    name = "a\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}[b]x"
    hostile = "# \x1b]0;title\x07 [red]markup[/] \N{RIGHT-TO-LEFT OVERRIDE}back\n" + SMALL
    async with the_bench(own(**{name: hostile, "comment": hostile})) as (pilot, _):
        for _ in range(2):
            screen = text(pilot.app)
            assert "a\N{REPLACEMENT CHARACTER}[b]x" in screen
            assert "[red]markup[/] \N{REPLACEMENT CHARACTER}back" in screen
            assert not {"\x1b", "\x07", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(screen)
            await pilot.press("down")


async def test_it_is_there_at_every_size(own):
    async with the_bench(own(broken=BROKEN, small=SMALL), (1, 1), ascii=True) as (pilot, _):
        for size in ((1, 1), (20, 5), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.press("down", "tab", "enter", "7", "z", "enter", "tab")
            await pilot.press("z")
            await pilot.pause()
            assert text(pilot.app).isascii()
            await pilot.press("z")


async def test_on_little_room_it_is_the_list_or_the_values(own):
    async with the_bench(own(small=SMALL), (60, 16)) as (pilot, _):
        assert "columns_random" in text(pilot.app)
        assert "seed: 0" not in text(pilot.app)
        assert "No runs yet: enter starts the chosen preset" in text(pilot.app)
        assert "dense 3 epochs, prune, retrain 1" in text(pilot.app)
        await pilot.press("tab")
        await pilot.pause()
        assert "seed: 0" in text(pilot.app)
        assert "columns_random" not in text(pilot.app)


async def test_coming_back_what_was_typed_is_kept(own):
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await to(pilot, "seed")
        await typed(pilot, "4")
        await pilot.app.switch("runs")
        await pilot.app.switch("bench")
        await until(pilot, lambda: view.desk.request.overrides == ("seed=4",))


# Runs.


async def test_enter_starts_a_run_once_and_shows_it(own, forked):
    folder = own(small=SMALL)
    async with the_bench(folder) as (pilot, view):
        await pilot.press("enter", "enter")
        assert pilot.app.notice == ("small is being started already", "warn")
        await until(pilot, lambda: pilot.app.view.room == "live")
        (name,) = pilot.app.state.lab.runs
        assert name.startswith("small-digits-s0-")
        assert pilot.app.state.shown == name
        assert view.starting is None
        run = await until(pilot, lambda: over(pilot.app.state.lab, name))
        assert run.state == "done"


def over(lab: Lab, name: str):
    brief = lab.runs[name]
    return brief if brief.state in ("done", "failed", "stopped", "lost") else None


async def test_a_queued_run_tells_its_place(own, monkeypatch):
    monkeypatch.setattr("vitprune_tui.doing.making.check", lambda loaded, told: told("looking"))
    folder = own(small=SMALL)
    made(folder, "other", started(epochs=1))
    (folder / queue.QUEUE).mkdir()
    claimed = claim(queue.lock(folder))  # somebody sees to the queue, so nothing is started
    async with the_bench(folder) as (pilot, view):
        await pilot.press("Q")
        await until(pilot, lambda: pilot.app.state.lab.order)
        (name,) = order(folder)
        await until(pilot, lambda: "number 1 in the queue" in (pilot.app.notice or [""])[0])
        assert pilot.app.view is view
        await until(pilot, lambda: "queue: 1 wait" in text(pilot.app))
        assert pilot.app.state.lab.runs[name].state == "queued"
    os.close(claimed)


async def test_a_run_that_cannot_be_is_told_and_another_can_be_started(own, monkeypatch):
    def refuse(loaded, told):
        raise OSError(28, "no space left", "images")

    monkeypatch.setattr("vitprune_tui.doing.making.check", refuse)
    async with the_bench(own(small=SMALL)) as (pilot, view):
        await pilot.press("enter")
        await until(pilot, lambda: "no space left" in (pilot.app.notice or [""])[0])
        assert view.starting is None
        assert pilot.app.view is view


async def test_who_went_elsewhere_is_not_called_away(own, monkeypatch):
    monkeypatch.setattr(
        "vitprune_tui.views.starts.make", lambda request, folder, queued, told: "small-1"
    )
    folder = own(small=SMALL)
    async with the_bench(folder) as (pilot, view):
        await pilot.press("enter")
        await until(pilot, lambda: view.opening)
        await pilot.app.switch("runs")
        await until(pilot, lambda: not view.opening)
        made(folder, "small-1", started())
        await until(pilot, lambda: "small-1" in pilot.app.state.lab.runs)
        await asyncio.sleep(0)
        await pilot.app.switch("bench")
        await pilot.pause()
        assert pilot.app.view is view


def test_judging_costs_no_second_reading_of_what_did_not_change(monkeypatch):
    judge(DIGITS)
    calls = []
    monkeypatch.setattr(judging, "load", lambda *asked: calls.append(asked) or load(*asked))
    judge(DIGITS.changed("seed", "5"))
    assert len(calls) == 1
    assert isinstance(judge(DIGITS), Answer)
