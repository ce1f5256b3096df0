"""The bench as a whole, by keys and by what is on the screen then."""

import asyncio
import errno
import json
import shutil
import signal
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.style import Style
from textual.command import CommandList
from textual.widgets import LoadingIndicator
from typer.testing import CliRunner

from tests.tui import bench as b
from tests.tui.bench import opened, until
from tests.tui.screens import text
from vitprune_core.store import events as e
from vitprune_core.store import queue
from vitprune_core.store.lock import Held, Holder, hold, inscribe
from vitprune_core.store.log import Log
from vitprune_tui import cli, remembered, tui
from vitprune_tui.actions import ACTIONS, VIEWS, of_view, shown
from vitprune_tui.draw.glyphs import EVERY
from vitprune_tui.draw.lines import HEAT, SERIES, STYLES, line
from vitprune_tui.messages import Done
from vitprune_tui.palette import Palette
from vitprune_tui.themes import THEMES
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.dialogs import Confirm, Pages, Prompt
from vitprune_tui.wrong import Unable, Wrong

NAMES = ("1 Bench", "2 Live", "3 Curves", "4 Masks", "5 Runs")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with a run of every kind; nobody works there."""
    folder = tmp_path_factory.mktemp("lab")
    b.made(folder, "a-done", *b.finished(0.5, 0.9))
    b.made(
        folder, "b-stopped", e.Starting(host="x", pid=1), b.started(), e.Stopped(reason="asked to")
    )
    b.made(folder, "c-failed", e.Starting(host="x", pid=1), e.Failed(reason="\x1b[31m[red]no disk"))
    b.made(folder, "d-new", preset="[red]x[/]")
    b.made(folder / "study", "e-done", *b.finished(0.5))
    return folder


@contextmanager
def living(folder, name, *told):
    """A run that somebody works on: its log, to go on with."""
    run = b.made(folder, name, e.Starting(host="bench", pid=1), b.started(), *told)
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        yield Log(run.log)


def first(app):
    return text(app).splitlines()[0]


def last(app):
    return text(app).splitlines()[-1]


async def test_without_a_living_run_it_opens_on_the_bench(tmp_path):
    async with opened(tmp_path / "none") as pilot:
        assert pilot.app.view.room == "bench"
        assert first(pilot.app).startswith(" 1 Bench")


async def test_with_a_living_run_it_opens_on_that(tmp_path):
    b.made(tmp_path, "a", *b.finished(0.5))
    with living(tmp_path, "b", b.epoch(0)):
        async with opened(tmp_path) as pilot:
            assert pilot.app.view.room == "live"
            assert pilot.app.state.shown == "b"
            await until(pilot, lambda: pilot.app.state.run)


async def test_keys_show_views_and_a_view_is_made_when_it_is_first_looked_at(lab):
    async with opened(lab) as pilot:
        for number in (5, 3, 2, 4, 1):
            name = VIEWS[number - 1]
            assert bool(pilot.app.query(f"#{name}")) == (name == "bench")
            await pilot.press(str(number))
            await pilot.pause()
            assert pilot.app.view.room == name
            assert pilot.app.focused is pilot.app.view
        made = list(pilot.app.query("#views > View"))
        await pilot.press("5", "1")
        assert list(pilot.app.query("#views > View")) == made


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 60)])
async def test_the_header_names_the_five_views_in_each_of_them(lab, size):
    async with opened(lab, size=size) as pilot:
        for number in range(1, 6):
            await pilot.press(str(number))
            await pilot.pause()
            assert all(name in first(pilot.app) for name in NAMES)


async def test_the_footer_tells_the_keys_of_the_view_and_a_notice_for_a_while(lab, monkeypatch):
    monkeypatch.setattr("vitprune_tui.tells.NOTICE", 0.01)
    async with opened(lab, size=(160, 30)) as pilot:
        for number in range(1, 6):
            await pilot.press(str(number))
            await pilot.pause()
            action = next(a for a in of_view(pilot.app.view.room) if a.footer)
            assert last(pilot.app).startswith(" q leave  ? help ")
            assert f" {shown(action.keys[0])} {action.what} " in last(pilot.app)
        pilot.app.say("told \x1b[31mred\x1b[0m [b]x", stays=True)
        await pilot.pause()
        assert last(pilot.app) == " told red [b]x"
        pilot.app.say("another")
        await until(pilot, lambda: last(pilot.app).startswith(" q leave"))


async def test_a_later_notice_outlives_the_time_of_the_one_before(lab, monkeypatch):
    async with opened(lab) as pilot:
        monkeypatch.setattr("vitprune_tui.tells.NOTICE", 0.01)
        pilot.app.say("first")
        pilot.app.say("second", stays=True)
        await pilot.pause(0.05)
        assert last(pilot.app) == " second"


async def test_what_a_key_was_answered_with_goes_when_another_one_does_something(lab):
    async with opened(lab) as pilot:
        await pilot.press("5", "n", "d")
        await until(pilot, lambda: "two runs are needed" in last(pilot.app))
        await pilot.press("f12")
        assert "two runs are needed" in last(pilot.app), "that key does nothing"
        await pilot.press("down")
        await until(pilot, lambda: last(pilot.app).startswith(" q leave"))
        pilot.app.say("done in the background")
        await pilot.press("up")
        assert last_notice(pilot.app) == "done in the background"
        await pilot.press("t", "d")
        await until(pilot, lambda: "two runs are needed" in last(pilot.app))


async def test_what_comes_when_the_bench_is_closed_is_let_be(lab):
    async with opened(lab) as pilot:
        app = pilot.app
        app.say("a notice")
    came = []
    app.on_done(Done(lambda: came.append("done")))
    app.watcher.lab = replace(app.state.lab, problem="gone")
    app.on_seen()
    app._unsay(app.notice)
    assert came == []
    assert app.state.lab.problem is None


async def test_what_is_at_work_is_told_whatever_keys_do(lab):
    async with opened(lab) as pilot:
        going_on = threading.Event()
        work = partial(pilot.app.in_background, "waiting", going_on.wait, lambda result: None)
        pilot.app.action_picture = work
        await pilot.press("S", "5", "down")
        assert last_notice(pilot.app) == "waiting"
        going_on.set()
        await until(pilot, lambda: last(pilot.app).startswith(" q leave"))


async def test_help_tells_every_key_and_closes(lab):
    async with opened(lab, size=(120, 30)) as pilot:
        await pilot.press("4", "question_mark")
        await pilot.pause()
        told = text(pilot.app)
        assert "4 Masks" in told
        while "more lines below" in text(pilot.app):
            await pilot.press("pagedown")
            await pilot.pause()
            told += text(pilot.app)
        assert all(action.help in told for action in ACTIONS)
        for close in ("q", "escape", "enter", "question_mark"):
            await pilot.press("home", "down", "k", close)
            await pilot.pause()
            assert not isinstance(pilot.app.screen, Pages)
            assert pilot.app.view.room == "masks"
            await pilot.press("question_mark")


async def test_only_y_confirms(lab):
    async with opened(lab) as pilot:
        for key, done in (("n", []), ("enter", []), ("q", []), ("y", ["done"])):
            told = []
            pilot.app.confirm("Kill a-done?", "kill", partial(told.append, "done"))
            await pilot.pause()
            assert isinstance(pilot.app.screen, Confirm)
            below = text(pilot.app).splitlines()[-2:]
            assert below == [" Kill a-done?", " y kill  any other key leave it"]
            await pilot.press(key)
            await pilot.pause()
            assert told == done
            assert not isinstance(pilot.app.screen, Confirm)
        assert pilot.app.is_running


async def test_a_line_is_typed_with_what_it_means_below(lab):
    async with opened(lab) as pilot:
        told = []
        hint = lambda typed: line((f"means {typed.upper()}", "dim"))  # noqa: E731
        pilot.app.ask_line("Name", "ab", hint, told.append)
        await pilot.pause()
        assert text(pilot.app).splitlines()[-1] == " means AB"
        assert text(pilot.app).splitlines()[-3].startswith(" Name ")
        await pilot.press("c", "q", "1")
        await pilot.pause()
        assert text(pilot.app).splitlines()[-2:] == [" abcq1", " means ABCQ1"]
        await pilot.press("enter")
        await pilot.pause()
        assert told == ["abcq1"]
        assert pilot.app.view.room == "bench"


async def test_a_line_may_be_given_up_and_so_may_the_palette(lab):
    async with opened(lab) as pilot:
        told = []
        for key in ("escape", "ctrl+g"):
            pilot.app.ask_line("Name", "ab", lambda typed: (), told.append)
            await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
            await pilot.press(key)
            await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
            await pilot.press("colon")
            await until(pilot, lambda: isinstance(pilot.app.screen, Palette))
            await pilot.press(key)
            await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert told == []


async def found(pilot, query, entry):
    """Type into the palette until it offers something."""
    await pilot.press("colon")
    await pilot.press(*query)
    await until(pilot, lambda: entry in text(pilot.app))


async def test_the_palette_finds_an_action_and_does_it(lab):
    async with opened(lab) as pilot:
        await found(pilot, "theme", "theme (t)")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == "light")


async def test_the_palette_does_what_only_the_view_can_do(lab):
    async with opened(lab) as pilot:
        await pilot.press("5")
        await found(pilot, "mark", "mark (space)")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.state.marked)


async def test_the_palette_finds_a_run_and_shows_it(lab):
    async with opened(lab) as pilot:
        await found(pilot, "stopped", "run b-stopped")
        assert "oneshot_global on digits, stopped" in text(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.view.room == "live")
        assert pilot.app.state.shown == "b-stopped"


async def test_the_palette_finds_a_preset_and_lays_it_on_the_bench(lab):
    async with opened(lab) as pilot:
        await until(pilot, lambda: "heads" in pilot.app.presets)
        await pilot.press("5")
        await found(pilot, "heads", "preset heads")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.view.room == "bench")
        await until(pilot, lambda: pilot.app.view.desk.chosen == "heads")


async def test_the_palette_knows_presets_before_the_bench_was_looked_at(tmp_path):
    with living(tmp_path, "a"):
        async with opened(tmp_path) as pilot:
            assert not pilot.app.query("#bench")
            await until(pilot, lambda: "heads" in pilot.app.presets)


async def test_a_click_shows_the_view_and_presses_the_key_that_it_hits(lab):
    async with opened(lab) as pilot:
        await pilot.click("#header", offset=(first(pilot.app).index("5 Runs"), 0))
        await until(pilot, lambda: pilot.app.view.room == "runs")
        await pilot.click("#header", offset=(70, 0))  # where nothing is
        for word in ("space", "mark"):
            await pilot.click("#footer", offset=(last(pilot.app).index(word), 0))
        await until(pilot, lambda: len(pilot.app.state.marked) == 2)
        await pilot.click("#footer", offset=(last(pilot.app).index("enter"), 0))
        await until(pilot, lambda: pilot.app.view.room == "live")
        await pilot.click("#footer", offset=(last(pilot.app).index("help"), 0))
        await until(pilot, lambda: isinstance(pilot.app.screen, Pages))


async def test_a_question_names_as_many_as_there_is_room_for(lab):
    async with opened(lab) as pilot:
        pilot.app.confirm("Stop: 99 runs?", "stop", lambda: None, [f"run{i}" for i in range(99)])
        await pilot.pause()
        shown = text(pilot.app).splitlines()
        assert (shown[0], shown[1], shown[21]) == (" Stop: 99 runs?", "   run0", "   run20")
        assert shown[22:] == ["   and 78 more", " y stop  any other key leave it"]


async def test_the_palette_offers_all_actions_of_the_view_before_anything_is_typed(lab):
    async with opened(lab) as pilot:
        for number, view in enumerate(VIEWS, 1):
            await pilot.press(str(number), "ctrl+p")
            names = [f"{a.what} ({' '.join(map(shown, a.keys))})" for a in of_view(view)]
            await until(pilot, lambda: offered(pilot.app))
            assert offered(pilot.app) == names
            await pilot.press("escape")
            await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


def offered(app):
    if isinstance(app.screen, Palette):
        return [entry.hit.text for entry in app.screen.query_one(CommandList).options]
    return []


async def test_markup_in_names_is_text_and_breaks_nothing(lab):
    async with opened(lab) as pilot:
        pilot.app.presets = ("[red]x", "[/]", "[@click=app.leave]x[/]", "\x1b[31m[")
        for query, entry in (("red", "preset [red]x"), ("[/", "preset [/]"), ("click", "[@click=")):
            await found(pilot, query, entry)
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(pilot.app.screen, Palette))
        await found(pilot, "d-new", "[red]x[/] on digits")
        assert "\x1b" not in text(pilot.app)


async def test_nothing_in_the_palette_moves(lab, monkeypatch):
    drawn = []
    monkeypatch.setattr(LoadingIndicator, "render", lambda self: drawn.append(self) or "")
    async with opened(lab) as pilot:
        await found(pilot, "no such thing", "No matches found")
        pilot.app.screen._show_busy = True
        await pilot.pause(0.2)
        assert drawn == []


async def test_the_theme_goes_round_and_every_style_has_its_colours_in_each(lab):
    async with opened(lab) as pilot:
        seen = []
        for _ in THEMES:
            seen.append(pilot.app.theme)
            canvas = pilot.app.query_one("#header", Canvas)
            styles = {name: canvas._style(name) for name in STYLES}
            assert all(style.color for style in styles.values())
            for family in (SERIES, HEAT):
                assert len({styles[name].color for name in family}) == len(family)
            assert styles["chosen"].reverse
            assert styles["bad"].color != styles["good"].color != styles["warn"].color
            await pilot.press("t")
            await pilot.pause()
            assert last(pilot.app) == f" theme {pilot.app.theme}"
        assert sorted(seen) == sorted(theme.name for theme in THEMES)
        assert pilot.app.theme == seen[0] == "dark"


async def test_the_characters_go_round_and_are_drawn_at_once(lab):
    async with opened(lab) as pilot:
        await pilot.press("5")
        await pilot.pause()
        seen = []
        for glyphs in EVERY:
            assert pilot.app.glyphs is glyphs
            seen.append(text(pilot.app))
            await pilot.press("u")
            await pilot.pause()
        assert seen[0] != seen[2]
        assert seen[2].isascii()
        assert pilot.app.glyphs is EVERY[0]


async def test_the_main_picture_takes_the_view_and_gives_it_back(lab):
    async with opened(lab) as pilot:
        for number in range(1, 6):
            await pilot.press(str(number))
            await until(pilot, lambda: "ETA ..." not in text(pilot.app))
            before = text(pilot.app)
            await pilot.press("z")
            await pilot.pause()
            main = [c for c in pilot.app.view.query(".main") if c.display]
            assert main
            assert sum(canvas.size.area for canvas in main) >= pilot.app.view.size.area * 0.8
            await pilot.press("z")
            await pilot.pause()
            assert text(pilot.app) == before


async def test_what_is_chosen_is_copied_through_the_terminal(lab, monkeypatch):
    async with opened(lab) as pilot:
        await pilot.press("2")
        await pilot.pause()
        written = []
        monkeypatch.setattr(pilot.app._driver, "write", written.append)
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app._clipboard == pilot.app.view.copied
        assert pilot.app._clipboard
        assert any(data.startswith("\x1b]52;c;") for data in written)
        assert last(pilot.app) == f" to the terminal's clipboard: {pilot.app.view.copied}"


async def test_the_screen_is_saved_as_a_picture_beside_the_runs(tmp_path):
    folder = tmp_path / "not yet there"
    async with opened(folder) as pilot:
        await pilot.press("S")
        await until(pilot, lambda: last(pilot.app).startswith(" saved "))
        (path,) = folder.glob("bench-*.svg")
        assert "<svg" in path.read_text()
        await pilot.press("S")  # within the same second, maybe
        await until(pilot, lambda: len(list(folder.glob("bench-*.svg"))) == 2)
        assert pilot.app.state.lab.foreign == 0


async def test_a_full_disk_is_told_where_the_keys_are(lab, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("vitprune_tui.doing.screenshots.write", full)
    async with opened(lab, size=(160, 30)) as pilot:
        await pilot.press("S")
        await until(pilot, lambda: "No space left on device" in last(pilot.app))
        assert pilot.app.is_running


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_leaving_ends_with_0(lab, key):
    async with opened(lab) as pilot:
        await pilot.press(key)
    assert pilot.app.return_value == 0


@pytest.mark.parametrize(
    ("what", "key"),
    [("help", "ctrl+c"), ("palette", "ctrl+q"), ("confirm", "ctrl+c"), ("prompt", "ctrl+c")],
)
async def test_ctrl_c_and_ctrl_q_leave_from_every_dialog(lab, what, key):
    async with opened(lab) as pilot:
        dialog = {
            "help": pilot.app.action_help,
            "palette": pilot.app.action_palette,
            "confirm": partial(pilot.app.confirm, "Sure?", "do", lambda: None),
            "prompt": partial(pilot.app.ask_line, "Name", "", lambda typed: (), len),
        }[what]
        dialog()
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press(key)
    assert pilot.app.return_value == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_leaves_like_a_key(lab, number):
    async with opened(lab) as pilot:
        assert asyncio.get_running_loop().remove_signal_handler(number)
        asyncio.get_running_loop().add_signal_handler(number, pilot.app.action_leave)
        signal.raise_signal(number)
        await until(pilot, lambda: pilot.app.return_value is not None)
    assert pilot.app.return_value == 0


@pytest.mark.parametrize(
    "ending", [e.Finished(weights_sha256="f" * 64), e.Stopped(reason="asked"), None]
)
async def test_a_run_that_is_watched_is_shown_until_it_is_over(tmp_path, ending):
    b.made(tmp_path, "another", *b.finished(0.5))
    working = living(tmp_path, "a", b.epoch(0))
    with working as log:
        async with opened(tmp_path, watch="a") as pilot:
            assert pilot.app.view.room == "live"
            assert pilot.app.state.shown == "a"
            assert pilot.app.return_value is None
            if ending:
                log.append(ending)
            else:
                working.__exit__(None, None, None)  # its process is gone
            await until(pilot, lambda: pilot.app.return_value is not None)
    assert pilot.app.return_value == 0


async def test_a_run_that_is_watched_may_be_left(tmp_path):
    with living(tmp_path, "a"):
        async with opened(tmp_path, watch="a") as pilot:
            await pilot.press("q")
        assert pilot.app.return_value == 130


async def test_a_run_that_waits_for_its_turn_may_be_watched(tmp_path):
    b.made(tmp_path, "a")
    queue.add(tmp_path, "a")
    async with opened(tmp_path, watch="a") as pilot:
        await pilot.pause(0.1)
        assert pilot.app.return_value is None
        queue.remove(tmp_path, "a")
        pilot.app.watcher.nudge()
        await until(pilot, lambda: pilot.app.return_value is not None)
    assert pilot.app.return_value == 0


async def test_watching_a_run_that_is_over_leaves_at_once(lab):
    async with opened(lab, watch="study/e-done") as pilot:
        await until(pilot, lambda: pilot.app.return_value is not None)
    assert pilot.app.return_value == 0


async def test_what_has_several_lines_gets_a_page(lab):
    async with opened(lab) as pilot:
        pilot.app.say("one\n\ntwo \x1b[2J")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Pages)
        assert text(pilot.app).splitlines()[:3] == [" one", " two", ""]
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.is_running
        assert not isinstance(pilot.app.screen, Pages)


WRONG = (
    (Wrong("no such thing"), "no such thing"),
    (Unable("it ended with 1"), "it ended with 1"),
    (Held(Holder("there", 7, 1)), "the run is held by process 7 on there"),
    (ValueError("not a number"), "not a number"),
    (FileNotFoundError(2, "No such file or directory", "x.md"), "x.md: No such file"),
    (OSError(5, "Input/output error"), "output: Input/output error"),
)


async def test_what_goes_wrong_in_the_background_is_told_and_the_bench_goes_on(lab):
    def work(error):
        raise error

    async with opened(lab) as pilot:
        for error, told in WRONG:
            pilot.app.in_background("trying", partial(work, error), lambda result: None)
            assert last_notice(pilot.app) == "trying"
            await until(pilot, lambda told=told: told in last(pilot.app))
            assert pilot.app.at_work == set()
        await pilot.press("5")
        assert pilot.app.view.room == "runs"


def last_notice(app):
    return app.notice and app.notice[0]


async def test_a_mistake_of_ours_in_the_background_is_told_in_full(lab):
    def work():
        return {}["missing"]

    async with opened(lab, size=(120, 40)) as pilot:
        pilot.app.in_background("trying", work, lambda result: None)
        await until(pilot, lambda: "A mistake in vitprune" in text(pilot.app))
        assert "KeyError: 'missing'" in text(pilot.app)
        assert last_notice(pilot.app) is None
        await pilot.press("q", "5")
        assert pilot.app.view.room == "runs"


async def test_a_mistake_in_what_is_only_read_is_told_and_the_bench_goes_on(lab, monkeypatch):
    monkeypatch.setattr("vitprune_core.spec.presets.every", lambda: [1 / 0])
    async with opened(lab, size=(120, 40)) as pilot:  # the bench reads presets
        await until(pilot, lambda: "ZeroDivisionError" in text(pilot.app))
        await pilot.press("q", "5")
        assert pilot.app.view.room == "runs"


async def test_what_was_done_in_the_background_is_told_or_the_keys_come_back(lab):
    async with opened(lab) as pilot:
        results = []
        pilot.app.in_background("trying", lambda: 7, results.append)
        await until(pilot, lambda: results == [7])
        assert last_notice(pilot.app) is None
        pilot.app.in_background("trying", lambda: 8, lambda n: pilot.app.say(f"made {n}"))
        await until(pilot, lambda: last(pilot.app) == " made 8")


async def test_a_watcher_that_fails_unforeseen_ends_the_bench_loudly(lab):
    async def go_on():
        async with opened(lab) as pilot:
            pilot.app._tell(ZeroDivisionError("a mistake"))
            await until(pilot, lambda: pilot.app.return_code == 1)

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        await go_on()


async def test_runs_that_come_are_counted_in_the_header(tmp_path):
    async with opened(tmp_path) as pilot:
        assert first(pilot.app).endswith("0 runs")
        b.made(tmp_path, "a", *b.finished(0.5))
        await until(pilot, lambda: first(pilot.app).endswith("1 run"))
        with living(tmp_path, "b"):
            await until(pilot, lambda: "1 alive" in first(pilot.app))


async def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    async with opened(tmp_path / "file") as pilot:
        for number in range(1, 6):
            await pilot.press(str(number))
            await pilot.pause()
            assert "folder unreadable" in first(pilot.app)


def paints(app):
    """Every style on the screen."""
    strips = app.screen._compositor.render_strips()
    return {segment.style or Style() for strip in strips for segment in strip}


async def everywhere(pilot, look):
    """Look at every view and at every dialog."""
    app = pilot.app
    for number in range(1, 6):
        await pilot.press(str(number))
        await until(pilot, lambda: app.view.room != "bench" or app.presets)
        await pilot.pause()
        look(f"view {number}")
        await pilot.press("z")
        await pilot.pause()
        look(f"view {number}, maximised")
        await pilot.press("z")
    await pilot.press("question_mark")
    await pilot.pause()
    look("help")
    await pilot.press("q")
    await found(pilot, "a", "run a-done")
    look("palette")
    await pilot.press("escape")
    await until(pilot, lambda: len(app.screen_stack) == 1)
    app.confirm("Sure?", "do", lambda: None)
    await pilot.pause()
    look("confirm")
    await pilot.press("n")
    app.ask_line(
        "A rather long label, so that it needs all the room",
        "x",
        lambda t: line(("h", "warn")),
        len,
    )
    await pilot.pause()
    look("prompt")
    await pilot.press("ctrl+g")


async def test_without_colour_no_cell_has_one(lab):
    async with opened(lab, plain=True) as pilot:
        assert pilot.app.no_color

        def look(where):
            assert not [s for s in paints(pilot.app) if s.color or s.bgcolor], where

        await everywhere(pilot, look)
        await pilot.press("t")
        await pilot.pause()
        look("another theme")


async def test_with_colour_there_is_some(lab):
    async with opened(lab) as pilot:
        assert any(style.color for style in paints(pilot.app))


async def test_in_ascii_every_character_is(lab):
    async with opened(lab, ascii=True) as pilot:

        def look(where):
            odd = {c for c in text(pilot.app) if not c.isascii()}
            assert not odd, (where, odd, text(pilot.app))

        await everywhere(pilot, look)


@pytest.mark.parametrize("size", [(1, 1), (80, 24)])
async def test_at_no_size_does_anything_break(lab, size):
    async with opened(lab, size=size) as pilot:
        for number in range(1, 6):
            await pilot.press(str(number))
            for changed in ((20, 5), (45, 3), (10, 40), (300, 4), size):
                await pilot.resize_terminal(*changed)
        await pilot.press("question_mark", "down", "pagedown", "end")
        await pilot.resize_terminal(20, 5)
        await pilot.resize_terminal(*size)
        await pilot.press("q", "colon", "a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Palette))
        await pilot.resize_terminal(20, 5)
        await pilot.press("escape")
        pilot.app.ask_line("Name", "", lambda typed: line("x"), len)
        await pilot.pause()
        await pilot.press("a", "enter")
        pilot.app.say("one\ntwo")
        await pilot.pause()
        assert pilot.app.is_running


def keys_file(home, words):
    path = home / "config" / "vitprune" / "keys.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(words)


async def test_keys_of_ones_own_work_and_are_told(lab, home):
    keys_file(home, 'app.help: H\napp.palette: [f2, ";"]\nruns.sort: T\n')
    async with opened(lab, size=(160, 60)) as pilot:
        assert " H help " in last(pilot.app)
        await pilot.press("5")
        await pilot.pause()
        assert " T sort " in last(pilot.app)
        await pilot.press("question_mark", "ctrl+p", "colon")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1
        await pilot.press("H")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Pages)
        assert f"{home}/config/vitprune/keys.yaml changes them." in text(pilot.app)
        while "f2, ;" not in text(pilot.app):
            assert "more lines below" in text(pilot.app)
            await pilot.press("pagedown")
            await pilot.pause()
        await pilot.press("q", "semicolon")
        await until(pilot, lambda: isinstance(pilot.app.screen, Palette))


@pytest.mark.parametrize(
    "words", ["app.help: [unclosed", "app.nothing: x", "app.help: \x00", "app.help: q"]
)
async def test_a_broken_keys_file_is_told_and_the_keys_stay(lab, home, words):
    keys_file(home, words)
    async with opened(lab, size=(160, 30)) as pilot:
        assert "keys.yaml" in last(pilot.app)
        assert pilot.app.notice[1] == "warn"
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Pages)
        assert text(pilot.app).count("keys.yaml") >= 2


async def test_what_a_log_says_cannot_command_the_terminal(lab):
    async with opened(lab, size=(160, 50)) as pilot:
        pilot.app.become(shown="c-failed")
        for number in range(1, 6):
            await pilot.press(str(number))
            await pilot.pause()
            assert not [c for c in text(pilot.app) if ord(c) < 32 and c != "\n"]
            assert not any("click" in (style.meta or {}) for style in paints(pilot.app))
        await pilot.press("2")
        await until(pilot, lambda: "[red]no disk" in text(pilot.app))


def nonsense(folder, name, number):
    """A run whose numbers are numbers, and no more than that."""
    odd = {"density": number, "heads": (number,) * 3, "dead_rows": 10**18, "dead_columns": -1}
    level = b.level(0.5, number, matrices=dict.fromkeys(b.matrices(), e.Matrix(**odd)))
    told = [b.started(epochs=10**18), b.epoch(-5, sparsity=number, accuracy=number, loss=number)]
    told += [b.dense(number), b.pruned(0.5), level]
    told.append(replace(b.level(0.9), sparsity=number, sparsity_asked=number, compression=number))
    b.made(folder, name, *told, seed=10**18)


async def test_numbers_that_mean_nothing_break_no_view(tmp_path):
    nonsense(tmp_path, "a", 1e308)
    nonsense(tmp_path, "b", -1e308)
    async with opened(tmp_path, size=(200, 60)) as pilot:
        pilot.app.become(marked=("a", "b"), shown="a")
        for keys in ("2L]zz", "3aaavvLzz", "4.,dzz", "5sssdqzz"):
            for key in keys:
                await pilot.press(SIGNS.get(key, key))
                await pilot.pause()
        assert pilot.app.is_running


SIGNS = {".": "full_stop", ",": "comma", "]": "right_square_bracket"}


async def test_theme_and_characters_are_there_again_at_the_next_start(lab, home):
    async with opened(lab) as pilot:
        await pilot.press("t", "u", "q")
    kept = json.loads((home / "state" / "vitprune" / "bench.json").read_text())
    assert kept == {"theme": "light", "glyphs": "blocks"}
    async with opened(lab) as pilot:
        assert (pilot.app.theme, pilot.app.glyphs.name) == ("light", "blocks")
        await pilot.press("u", "q")
    async with opened(lab) as pilot:
        assert (pilot.app.theme, pilot.app.glyphs.name) == ("light", "ASCII")
    async with opened(lab, theme="dark", plain=False) as pilot:
        assert pilot.app.theme == "dark"


async def test_what_is_asked_for_on_the_command_line_is_not_remembered(lab, home):
    async with opened(lab, ascii=True, theme="light") as pilot:
        await pilot.press("q")
    assert not (home / "state").exists()
    remembered.write({"glyphs": "blocks"})
    async with opened(lab, ascii=True) as pilot:
        assert pilot.app.glyphs.name == "ASCII"
        await pilot.press("t", "q")
    assert json.loads(remembered.path().read_text()) == {"theme": "light", "glyphs": "blocks"}


KNOWN = ({"dark", "light"}, {"ASCII"})


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"theme": 5, "glyphs": null}',
        b"[" * 9_000,
        b'{"theme": "pink"}',
        b" " * 20_000 + b'{"theme": "light"}',
    ],
)
def test_what_cannot_be_read_was_never_chosen(kept):
    remembered.path().parent.mkdir(parents=True)
    remembered.path().write_bytes(kept)
    assert remembered.read(*KNOWN) == {}


def test_only_what_is_known_is_remembered():
    assert remembered.read(*KNOWN) == {}
    remembered.write({"theme": "light", "glyphs": "ASCII", "window": "large"})
    assert remembered.read(*KNOWN) == {"theme": "light", "glyphs": "ASCII"}
    remembered.path().unlink()
    remembered.path().mkdir()
    assert remembered.read(*KNOWN) == {}
    remembered.write({"theme": "dark"})  # which fails, and nobody minds
    assert remembered.path().is_dir()


@pytest.mark.parametrize("folder", ["", "not/absolute"])
def test_without_a_state_folder_it_is_below_the_home(monkeypatch, folder):
    monkeypatch.setenv("XDG_STATE_HOME", folder)
    monkeypatch.setenv("HOME", "/home/someone")
    assert remembered.path() == Path("/home/someone/.local/state/vitprune/bench.json")


def test_without_a_terminal_it_says_what_to_do_instead(capsys, lab):
    assert tui.opened(lab) == 2
    assert "needs a terminal" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[tui, []], [cli, ["watch", "a-done"]]], ids=["tui", "watch"])
def test_an_unknown_theme_is_told_with_the_choices(capsys, lab, monkeypatch, command):
    program, words = command
    for module in (tui, cli):
        monkeypatch.setattr(module, "has_terminal", lambda: True)
    monkeypatch.setattr("sys.argv", ["it", *words, "--runs", str(lab), "--theme", "pink"])
    with pytest.raises(SystemExit) as left:
        program.main()
    assert left.value.code == 2
    told = capsys.readouterr()
    assert told.err == "--theme pink: choices are dark, light, colour-blind, terminal\n"
    assert told.out == ""


def test_a_run_is_watched_with_the_characters_and_the_theme_asked_for(lab, monkeypatch):
    asked = {}
    monkeypatch.setattr(cli, "has_terminal", lambda: True)
    monkeypatch.setattr("vitprune_tui.commands.watch.opened", lambda _, **how: asked.update(how))
    words = ["watch", "a-done", "--runs", str(lab), "--ascii", "--theme", "light"]
    CliRunner().invoke(cli.app, words)
    assert asked == {"watch": "a-done", "ascii": True, "theme": "light"}


def test_what_was_begun_is_finished_though_the_bench_is_left(capsys, monkeypatch):
    monkeypatch.setattr(tui, "SOON", 0.0)
    work = Work()
    tui._finish({work})
    assert work.waited
    assert capsys.readouterr().err == "starting a run: ctrl+c leaves it undone\n"


class Work:
    name, waited = "starting a run", False

    def join(self, timeout=None):
        self.waited = timeout is None

    def is_alive(self):
        return not self.waited


async def test_leaving_does_not_wait_for_the_background_with_the_screen_still_there(lab):
    going_on = threading.Event()
    async with opened(lab) as pilot:
        pilot.app.in_background("waiting", going_on.wait, lambda result: pilot.app.say("late"))
        await pilot.press("q")
    assert pilot.app.return_value == 0
    (thread,) = pilot.app.at_work
    going_on.set()
    thread.join(20)
    assert not thread.is_alive()


async def test_live_and_masks_show_the_run_under_the_cursor_of_runs(tmp_path):
    for name in ("a", "b"):
        b.made(tmp_path, name, *b.finished(0.5))
    async with opened(tmp_path) as pilot:
        app = pilot.app
        app.become(shown="a")
        await pilot.press("5", "4")
        assert app.state.shown == "a", "nobody has moved the cursor"
        await pilot.press("5")
        other = "down" if app.view.at == 0 else "up"
        await pilot.press(other, "2")
        assert app.state.shown == "b"


async def test_a_run_that_goes_is_not_taken_for_another_without_a_word(tmp_path):
    for name in ("a", "b"):
        b.made(tmp_path, name, *b.finished(0.5))
    async with opened(tmp_path) as pilot:
        pilot.app.become(shown="a")
        shutil.rmtree(tmp_path / "a")
        await until(pilot, lambda: "a has gone from the folder" in text(pilot.app))
        assert pilot.app.state.shown == "b"


async def test_a_question_leaves_in_sight_what_it_is_about(tmp_path):
    b.made(tmp_path, "a-run", *b.finished(0.5))
    async with opened(tmp_path) as pilot:
        await pilot.press("5", "D")
        await until(pilot, lambda: "Move to .trash: a-run?" in text(pilot.app))
        await until(pilot, lambda: "done" in text(pilot.app))
