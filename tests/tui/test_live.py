"""Live on a screen: a run is followed as its log grows, in every state and at every size."""

from dataclasses import replace

from textual import events

from tests.tui.bench import (
    dense,
    epoch,
    finished,
    level,
    made,
    opened,
    pruned,
    started,
    until,
)
from tests.tui.screens import text as screen
from tests.tui.test_live_parts import EVIL, LOAD, told
from vitprune_core.store import control, queue
from vitprune_core.store import events as e
from vitprune_core.store.lock import hold, inscribe
from vitprune_core.store.log import Log
from vitprune_tui.state import Lab


async def live(pilot, *, has=None):
    """The view, once it shows the run (and this text)."""
    await pilot.press("2")
    app = pilot.app
    await until(pilot, lambda: app.state.run is not None)
    if has:
        await until(pilot, lambda: has in screen(app))
    return app.view


async def test_an_empty_folder_says_what_to_do(tmp_path):
    async with opened(tmp_path) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "No runs yet in" in screen(pilot.app))
        assert "1      shows what can be run" in screen(pilot.app)


async def test_a_run_is_followed_as_its_log_grows(tmp_path):
    run = made(tmp_path, "one", started(), epoch(0, loss=2.0))
    log = Log(run.log)
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        async with opened(tmp_path) as pilot:
            await live(pilot, has="running  one")
            assert " 1/12" in screen(pilot.app)
            log.append(epoch(1, loss=1.23456))
            await until(pilot, lambda: "1.2346" in screen(pilot.app))
            assert " 2/12" in screen(pilot.app)
            log.append(dense())
            log.append(pruned(0.5))
            await until(pilot, lambda: "kept at 50 %" in screen(pilot.app))
            log.append(level(0.5, 0.91))
            await until(pilot, lambda: "91.0 %" in screen(pilot.app))
            log.append(e.Failed(reason=EVIL))
            await until(pilot, lambda: "! failed: " in screen(pilot.app))
            assert "\x1b" not in screen(pilot.app)
            assert "\u202e" not in screen(pilot.app)


async def test_what_is_asked_is_shown_until_it_is_acknowledged(tmp_path):
    run = made(tmp_path, "one", started(), epoch(0))
    with hold(run.lock) as lock:
        inscribe(lock, attempt=1)
        async with opened(tmp_path) as pilot:
            view = await live(pilot, has="running  one")
            control.ask(run.control, "pause")
            await until(pilot, lambda: "running · pause asked  one" in screen(pilot.app))
            control.clear(run.control)
            Log(run.log).append(e.Acknowledged(request="pause"))
            await until(pilot, lambda: view.about == "pausing  one")


async def test_the_plan_is_read_from_the_config(tmp_path):
    from vitprune_core.spec.config import dump
    from vitprune_core.spec.request import load

    run = made(tmp_path, "one", started(epochs=135), epoch(0))
    run.config.write_text(dump(load("oneshot_global", "digits").config))
    async with opened(tmp_path) as pilot:
        await live(pilot, has="1/60  · 50 %  · 80 %  · 90 %  · 95 %  · 98 %")


async def test_keys_scroll_scale_and_smooth(tmp_path):
    made(tmp_path, "one", *finished(0.5, 0.8, 0.9))
    async with opened(tmp_path) as pilot:
        view = await live(pilot, has="loss  ●")
        await pilot.press("up", "up")
        assert "… 2 later" in screen(pilot.app)
        await pilot.press("down", "down")
        assert "later" not in screen(pilot.app)
        await pilot.press("L", "plus")
        assert "log loss, smooth 0.5" in screen(pilot.app)
        await pilot.press("L", "minus", "minus")
        assert "loss  ●" in screen(pilot.app)
        assert view.smoothing == 0


async def test_scrolled_to_its_beginning_the_log_fills_its_room(tmp_path):
    made(tmp_path, "one", *finished(0.5, 0.8, 0.9))
    async with opened(tmp_path) as pilot:
        await live(pilot, has="loss  ●")
        await pilot.press(*["up"] * 20)
        made_, began, later = screen(pilot.app).splitlines()[-4:-1]
        assert "made: vitprune run" in made_
        assert "228,394 parameters" in began
        assert later == "… 8 later"
        await pilot.press("down")
        assert "… 7 later" in screen(pilot.app), "none of the keys was in vain"


async def test_the_wheel_scrolls_the_log_and_pages(tmp_path):
    made(tmp_path, "one", *finished(0.5))
    async with opened(tmp_path) as pilot:
        await live(pilot, has="loss  ●")
        wheel(pilot.app, events.MouseScrollUp)
        await until(pilot, lambda: "… 1 later" in screen(pilot.app))
        wheel(pilot.app, events.MouseScrollDown)
        await until(pilot, lambda: "later" not in screen(pilot.app))
        await pilot.press("question_mark")
        wheel(pilot.app, events.MouseScrollDown)
        await until(pilot, lambda: pilot.app.screen.top == 3)
        wheel(pilot.app, events.MouseScrollUp)
        await until(pilot, lambda: pilot.app.screen.top == 0)


def wheel(app, kind):
    """Over the log, from the terminal."""
    at, nowhere, no_keys = (5, 22), (0, 0, 0), (False, False, False)
    app.post_message(kind(None, *at, *nowhere, *no_keys, *at))


async def test_the_axis_of_the_loss_stays_when_a_run_goes_back_to_lower_ones(tmp_path):
    run = made(tmp_path, "one", started(), epoch(0, loss=1.0), epoch(1, loss=9.0))
    async with opened(tmp_path) as pilot:
        await live(pilot, has="10│")
        resumed = {"step": 1, "worked": 0.0, "exact": True, "differs": (), "corrupt": ()}
        Log(run.log).append(e.Resumed(after=3, **resumed))
        await until(pilot, lambda: pilot.app.state.run.rows == 1)
        await pilot.pause()
        assert "10│" in screen(pilot.app)


async def test_a_scrolled_log_stays_where_it_is(tmp_path):
    run = made(tmp_path, "one", *finished(0.5, 0.8)[:-1])
    async with opened(tmp_path) as pilot:
        await live(pilot, has="loss")
        await pilot.press("up")
        Log(run.log).append(e.Finished(weights_sha256="f" * 64))
        await until(pilot, lambda: "… 2 later" in screen(pilot.app))


async def test_brackets_go_from_run_to_run(tmp_path):
    made(tmp_path, "one", *finished(0.5))
    made(tmp_path, "two", *finished(0.8))
    async with opened(tmp_path) as pilot:
        view = await live(pilot)
        assert pilot.app.state.shown == "two"
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: view.about == "done  one" and "done  one" in screen(pilot.app))
        await pilot.press("left_square_bracket")
        assert pilot.app.state.shown == "one"
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: view.about == "done  two")


async def test_a_long_name_is_told_in_full_where_the_header_has_no_room(tmp_path):
    name = "iterative_random-digits-s100-" + "x" * 25
    made(tmp_path, name, *finished(0.5))
    async with opened(tmp_path) as pilot:
        await live(pilot, has=f"done  {name}")


async def test_a_queued_run_says_its_place(tmp_path):
    made(tmp_path, "one")
    queue.add(tmp_path, "one")
    async with opened(tmp_path) as pilot:
        await live(pilot, has="queued  number 1 of 1 in the queue")


async def test_maximised_there_is_the_loss_and_how_far_it_is(tmp_path):
    made(tmp_path, "one", *finished(0.5))
    async with opened(tmp_path) as pilot:
        await live(pilot, has="loss")
        await pilot.press("z")
        await until(pilot, lambda: "kept at" not in screen(pilot.app))
        assert "loss  ●" in screen(pilot.app)
        assert "done  1 level" in screen(pilot.app)


ENDS = {
    "queued": [],
    "starting": [e.Starting(host=EVIL, pid=1)],
    "waiting": [e.Starting(host="h", pid=1), e.DenseAwaited(hash="abc", by=EVIL)],
    "running": [started(), epoch(0)],
    "retracing": [started(), epoch(0), e.Retracing(hash="abc", epochs=45)],
    "pausing": [started(), e.Acknowledged(request="pause")],
    "paused": [started(), epoch(0), e.Paused(reason=EVIL)],
    "stopping": [started(), e.Acknowledged(request="stop")],
    "stopped": [started(), epoch(0), e.Stopped(reason=EVIL)],
    "failed": [started(), e.Failed(reason=EVIL)],
    "diverged": [
        started(),
        epoch(0),
        dense(),
        pruned(0.5),
        e.Diverged(
            round=1, sparsity_asked=0.5, level=0.5, step=1, epoch=3, lr=1.0, gradient_norm=None
        ),
    ],
    "done": finished(0.5, 0.99, 1.0),
    "dense only": [started(), epoch(0), dense(), e.Finished(weights_sha256="f" * 64)],
}


async def test_every_state_has_a_screen_of_every_size(tmp_path):
    every = {name: told(tmp_path / "runs" / name, *events) for name, events in ENDS.items()}
    gone = every["running"]
    every["lost"] = replace(gone, summary=replace(gone.summary, state="lost", reason=EVIL))
    lab = Lab(tmp_path, {n: r.summary.brief for n, r in every.items()}, every, read=True)
    lab = replace(lab, order=("queued",), load=LOAD)
    async with opened(tmp_path) as pilot:
        await pilot.press("2")
        pilot.app.watcher.stop()
        for size in ((20, 5), (50, 14), (80, 24), (200, 60), (1, 1), (40, 8)):
            await pilot.resize_terminal(*size)
            for name, run in every.items():
                pilot.app.become(lab=lab, shown=name)
                await pilot.pause()
                assert "\x1b" not in screen(pilot.app)
                assert "\u202e" not in screen(pilot.app)
                if size >= (50, 14):
                    assert f"{run.summary.state}  " in screen(pilot.app)


async def test_ascii_draws_no_other_characters(tmp_path):
    made(tmp_path, "one", *finished(0.5, 0.9), e.Failed(reason="why"))
    async with opened(tmp_path, (200, 60), ascii=True) as pilot:
        await live(pilot, has="kept at")
        assert screen(pilot.app).isascii()


async def test_a_screen_that_stands_still_is_told_once_and_then_shows_the_latest(
    tmp_path, monkeypatch
):
    """As a terminal that reads no more: what is told would otherwise pile up."""
    made(tmp_path, "one", started(), epoch(0))
    async with opened(tmp_path) as pilot:
        await live(pilot)
        app, posted = pilot.app, []
        app.watcher.stop()
        with monkeypatch.context() as patch:
            patch.setattr(app, "post_message", posted.append)
            for number in range(3):
                app.watcher.lab = replace(app.watcher.lab, foreign=number)
                app._tell(app.watcher.lab)
        assert len(posted) == 1
        app.on_seen()
        assert app.state.lab.foreign == 2
        app._tell(app.watcher.lab)
        await until(pilot, lambda: not app.unheard.is_set())
