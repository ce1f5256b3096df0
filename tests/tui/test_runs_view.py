"""The view of all runs: what its keys do, to the screen and to the folder."""

import re
from functools import partial

import pytest

from tests import workers
from tests.tui.bench import created, dense, finished, level, made, opened, started, until
from tests.tui.screens import text
from vitprune_core import launch
from vitprune_core.store import control, queue
from vitprune_core.store.lock import hold, inscribe
from vitprune_core.store.log import encode
from vitprune_core.store.rundir import RunDir
from vitprune_tui.widgets.dialogs import Confirm, Pages, Prompt

runs_of = partial(opened, first="runs")
"""The bench, opened at its table of runs."""


def view(pilot):
    return pilot.app.view


def names(pilot) -> list[str]:
    return [name for name, _ in view(pilot).table.runs]


def said(pilot) -> str:
    return (pilot.app.notice or ("", ""))[0]


@pytest.fixture
def lab(tmp_path):
    """Three runs that are over, `a` the first and `c` the newest."""
    made(tmp_path, "a", *finished(0.5, 0.9), preset="oneshot_global")
    other = started(config=created(seed=1).config)
    made(tmp_path, "b", other, *finished(0.5)[1:], preset="oneshot_random", seed=1)
    made(tmp_path, "c", started(), dense(0.8), level(0.7, 0.6), preset="heads")
    return tmp_path


async def typed(pilot, key, words):
    """Press a key that asks for a line, and answer."""
    await pilot.press(key)
    prompt = await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.screen)
    prompt.query_one("Input").value = words
    await pilot.pause()
    return prompt


async def page(pilot) -> str:
    await until(pilot, lambda: isinstance(pilot.app.screen, Pages))
    await pilot.pause()
    return text(pilot.app)


async def test_the_newest_comes_first_and_the_cursor_stays_in_the_table(lab):
    async with runs_of(lab) as pilot:
        assert names(pilot) == ["c", "b", "a"]
        assert view(pilot).chosen == "c"
        assert "by started" in text(pilot.app)
        for key, chosen in [
            ("j", "b"), ("end", "a"), ("down", "a"), ("k", "b"), ("g", "c"), ("pagedown", "a"),
            ("pageup", "c"), ("G", "a"), ("home", "c"), ("up", "c"),
        ]:  # fmt: skip
            await pilot.press(key)
            assert view(pilot).chosen == chosen, key
        await pilot.press("y")
        assert pilot.app.clipboard == "c"


async def test_a_click_chooses_and_enter_or_a_second_click_opens(lab):
    async with runs_of(lab) as pilot:
        await pilot.click("#table", offset=(5, 2))
        assert view(pilot).chosen == "b"
        assert pilot.app.state.shown == "c"
        await pilot.click("#table", offset=(5, 2), times=2)
        await until(pilot, lambda: pilot.app.view.room == "live")
        assert pilot.app.state.shown == "b"
        await pilot.app.switch("runs")
        await pilot.press("end", "enter")
        await until(pilot, lambda: pilot.app.view.room == "live")
        assert pilot.app.state.shown == "a"


async def test_space_marks_and_goes_on_and_n_takes_all_marks_away(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("space", "space")
        assert pilot.app.state.marked == ("c", "b")
        assert view(pilot).chosen == "a"
        assert "2 marked" in text(pilot.app)
        await pilot.press("up", "space")
        assert pilot.app.state.marked == ("c",)
        await pilot.press("n")
        assert pilot.app.state.marked == ()


async def test_sorting_keeps_the_chosen_run_and_outlasts_another_view(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("s")
        assert names(pilot) == ["a", "b", "c"]
        assert "name↑" in text(pilot.app)
        assert view(pilot).chosen == "c"
        await pilot.press("R")
        assert names(pilot) == ["c", "b", "a"]
        await pilot.app.switch("live")
        await pilot.app.switch("runs")
        assert names(pilot) == ["c", "b", "a"]
        assert "name↓" in text(pilot.app)


async def test_a_filter_tells_how_many_it_leaves_while_it_is_typed(lab):
    async with runs_of(lab) as pilot:
        await typed(pilot, "slash", "acc>0.7")
        await until(pilot, lambda: "2 of 3 runs" in text(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: names(pilot) == ["b", "a"])
        assert "2 of 3 runs  acc>0.7" in text(pilot.app)
        assert "filtered" in text(pilot.app)


async def test_a_wrong_filter_is_there_to_be_mended_and_the_old_one_stays(lab):
    async with runs_of(lab) as pilot:
        await typed(pilot, "slash", "heads")
        await pilot.press("enter")
        await until(pilot, lambda: names(pilot) == ["c"])
        await typed(pilot, "slash", "heads acc>x")
        assert "character 11: 'x' is not a number" in text(pilot.app)
        prompt = pilot.app.screen
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        await until(pilot, lambda: pilot.app.screen is not prompt)
        await until(pilot, lambda: "character 11: 'x' is not a number" in text(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Prompt))
        assert names(pilot) == ["c"]
        assert view(pilot).filter.text == "heads"


async def test_a_filter_that_leaves_none_says_so_and_an_empty_one_takes_it_away(lab):
    async with runs_of(lab) as pilot:
        await typed(pilot, "slash", "nothing-like-it")
        await pilot.press("enter")
        await until(pilot, lambda: names(pilot) == [])
        assert "none is left by this one" in text(pilot.app)
        await pilot.press("enter", "space", "d", "greater_than_sign")
        await typed(pilot, "slash", " ")
        await pilot.press("enter")
        await until(pilot, lambda: len(names(pilot)) == 3)
        assert "filtered" not in text(pilot.app)


async def test_the_configs_of_marked_runs_are_compared(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("d")
        assert "two runs are needed: space marks one, b makes one the baseline" in said(pilot)
        await pilot.press("end", "space", "up", "space", "d")
        shown = await page(pilot)
        assert re.search(r"^\s+a\s+b$", shown, re.MULTILINE)
        assert re.search(r"^ seed\s+0\s+1$", shown, re.MULTILINE)
        await pilot.press("escape")
        assert said(pilot) == ""


async def test_one_run_is_compared_with_the_baseline(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("b")
        assert pilot.app.state.baseline == "c"
        assert "★ baseline c" in text(pilot.app)
        await pilot.press("down", "d")
        assert re.search(r"^\s+c\s+b$", await page(pilot), re.MULTILINE)
        await pilot.press("escape", "up", "b")
        assert pilot.app.state.baseline is None


async def test_runs_are_moved_to_the_trash_after_a_yes_only(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm))
        assert (lab / "c").is_dir()
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: names(pilot) == ["b", "a"])
        assert (lab / ".trash" / "c").is_dir()
        assert view(pilot).chosen == "b"


async def test_a_run_that_is_held_does_not_keep_the_others_from_the_trash(lab):
    with hold(RunDir(lab / "b").lock) as file:
        inscribe(file, attempt=1)
        async with runs_of(lab) as pilot:
            await pilot.press("space", "space", "space", "D")
            await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
            asked = text(pilot.app).splitlines()[-5:-1]
            assert asked == [" Move to .trash: 3 runs?", "   c", "   b", "   a"]
            await pilot.press("y")
            told = await page(pilot)
            assert "b: the run is held by process" in told
            assert "c is now" in told
            assert "a is now" in told
            await pilot.press("escape")
            await until(pilot, lambda: names(pilot) == ["b"])
            assert pilot.app.state.marked == ("b",)


async def test_a_question_is_about_the_runs_that_were_meant(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        pilot.app.become(marked=("a", "b"))
        await pilot.press("y")
        await until(pilot, lambda: not (lab / "c").exists())
        assert (lab / "a").is_dir()
        assert (lab / "b").is_dir()


@pytest.fixture
def queued(tmp_path):
    for name in ("first", "second"):
        made(tmp_path, name)
        queue.add(tmp_path, name)
    return tmp_path


async def test_a_queued_run_is_moved_in_the_queue(queued):
    async with runs_of(queued) as pilot:
        assert "queued #1" in text(pilot.app)
        assert "queued #2" in text(pilot.app)
        assert view(pilot).chosen == "second"
        await pilot.press("less_than_sign")
        await until(pilot, lambda: pilot.app.state.lab.order == ("second", "first"))
        assert queue.order(queued) == ["second", "first"]
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: pilot.app.state.lab.order == ("first", "second"))
        await until(pilot, lambda: said(pilot) == "second: #2 of 2")


async def test_a_run_that_does_not_wait_has_no_place_in_the_queue(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("end", "greater_than_sign")
        assert said(pilot) == "a is done: it is not in the queue"


async def test_a_queue_that_nobody_serves_is_told_and_taken_up_by_resuming(queued, monkeypatch):
    began = []
    monkeypatch.setattr(launch, "start_dispatcher", lambda runs: began.append(runs) or True)
    async with runs_of(queued) as pilot:
        assert "2 runs wait and nobody starts them: r on one of them does" in text(pilot.app)
        await pilot.press("r")
        await until(pilot, lambda: "the queue goes on, first is the first" in said(pilot))
        assert began == [queued]
        assert queue.order(queued) == ["first", "second"]


async def test_a_run_whose_turn_comes_is_not_started_before(queued):
    with hold(queue.lock(queued)) as file:
        inscribe(file, attempt=0)
        async with runs_of(queued) as pilot:
            assert "nobody starts them" not in text(pilot.app)
            await pilot.press("r")
            await until(pilot, lambda: "second: #2 of the queue" in said(pilot))


async def test_a_run_is_paused_continued_killed_brought_back_and_stopped(forked, tmp_path):
    run = workers.tiny(tmp_path, "run", "oneshot_random", "prune.sparsities=[0.5]")
    launch.start(run)
    async with runs_of(tmp_path) as pilot:

        async def shows(state):
            await until(pilot, lambda: f" {state} " in text(pilot.app).splitlines()[2])

        await until(pilot, lambda: workers.trains(run))
        for keys, state in (("p", "paused"), ("p", "running"), ("X", None), ("r", "running")):
            await pilot.press(keys)
            if state:
                await shows(state)
                continue
            await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
            await pilot.press("y")
            await until(pilot, lambda: "it counts as lost until resumed" in said(pilot))
            await shows("lost")
            assert workers.gone(run)
        await until(pilot, lambda: workers.trains(run))
        await pilot.press("x")
        await shows("stopped")
        await until(pilot, lambda: workers.gone(run))


async def test_what_is_about_several_runs_is_asked_first(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("space", "space")
        for key, question in (("p", "Pause or let go on"), ("x", "Stop"), ("r", "Resume")):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
            asked = text(pilot.app).splitlines()[-4:-1]
            assert asked == [f" {question}: 2 runs?", "   c", "   b"]
            await pilot.press("n")
            await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm))
        assert not pilot.app.at_work
        assert said(pilot) == ""


async def test_what_was_asked_of_a_run_is_shown_until_it_is_acknowledged(tmp_path):
    run = made(tmp_path, "alive", started())
    with hold(run.lock) as file:
        inscribe(file, attempt=1)
        async with runs_of(tmp_path) as pilot:
            assert "▶ running" in text(pilot.app)
            await pilot.press("p")
            await until(pilot, lambda: "▶ pause asked" in text(pilot.app))
            control.clear(run.control)
            await until(pilot, lambda: "pause asked" not in text(pilot.app))


async def test_a_run_is_exported_as_markdown_and_csv(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("end", "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        await pilot.pause()
        assert "writes summary.md and summary.csv" in text(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: said(pilot).startswith("wrote"))
        assert "# vitprune: a" in (lab / "a" / "summary.md").read_text()
        assert (lab / "a" / "summary.csv").read_text().count("\n") == 3


async def test_marked_runs_are_exported_together_and_nothing_else_is_replaced_unasked(lab):
    notes = lab / "notes.md"
    notes.write_text("mine")
    async with runs_of(lab) as pilot:
        await pilot.press("space", "space")
        await typed(pilot, "e", str(notes))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "Replace notes.md?" in text(pilot.app)
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm))
        assert notes.read_text() == "mine"
        await typed(pilot, "e", str(lab / "both.md"))
        await pilot.press("enter")
        await until(pilot, lambda: said(pilot).startswith("wrote"))
        assert "# vitprune: 2 runs" in (lab / "both.md").read_text()


@pytest.mark.parametrize(
    ("path", "why"),
    [("events.jsonl", "must end in .md"), ("nowhere/x.md", "there is no folder")],
)
async def test_an_export_that_cannot_be_written_is_told(lab, path, why):
    before = (lab / "c" / "events.jsonl").read_bytes()
    async with runs_of(lab, size=(200, 24)) as pilot:
        await typed(pilot, "e", str(lab / "c" / path))
        await pilot.press("enter")
        await until(pilot, lambda: why in said(pilot))
    assert (lab / "c" / "events.jsonl").read_bytes() == before


async def test_an_empty_folder_says_what_to_do(tmp_path):
    async with runs_of(tmp_path) as pilot:
        shown = text(pilot.app)
        assert "No runs yet" in shown
        assert "1 goes to the bench, where enter starts one." in shown
        for key in ("d", "end", "up", "enter", "space", "b", "greater_than_sign", "e", "x", "D"):
            await pilot.press(key)
        assert said(pilot) == "no run is chosen"


async def test_a_folder_that_is_none_and_folders_that_are_no_runs_are_told(tmp_path):
    made(tmp_path, "run")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with runs_of(tmp_path) as pilot:
        assert "2 folders are no runs" in text(pilot.app)
    file = tmp_path / "file"
    file.write_text("")
    async with runs_of(file, size=(200, 24)) as pilot:
        assert f"{file}: Not a directory" in text(pilot.app)


async def test_hostile_words_are_shown_as_they_stand(tmp_path):
    made(tmp_path, "bad", preset="\x1b[31mred\u202e[b]x", workload="\x1b]0;title\x07[/]w\u2066")
    made(tmp_path, "types", seed=[1])
    torn = made(tmp_path, "torn")
    with torn.log.open("ab") as log:
        log.write(b"\x1b[2J not a record\n")
    stamped = made(tmp_path, "stamps")
    with stamped.log.open("ab") as log:
        log.write(encode("9", 1, "never", 0.1, started()))
    hostile = tmp_path / "\x1b[31mevil"
    hostile.mkdir()
    (hostile / "events.jsonl").write_text("{}\n")
    async with runs_of(tmp_path, size=(200, 60)) as pilot:
        for _ in range(10):
            await pilot.press("s", "down")
        shown = text(pilot.app)
        assert "red�[b]x" in shown
        assert "[/]w�" in shown
        assert "2 logs with damaged records" in shown
        assert "evil" not in shown
        assert not {"\x1b", "\u202e", "\u2066"} & set(shown)


async def test_every_size_is_drawn_and_ascii_where_that_is_asked_for(lab):
    async with runs_of(lab) as pilot:
        await pilot.press("down", "space", "b", "u", "u", "s")
        for size in [(1, 1), (20, 5), (60, 16), (120, 40), (200, 60)]:
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: pilot.app.view.size.width == size[0])
            assert text(pilot.app).isascii()
        assert "-- a -" in text(pilot.app)
