"""The lab bench: five views of one runs folder.

It reads what is on the disk and leaves requests there; whatever works, works in processes of its
own, so that this one may come and go. What the screen shows is a picture of one `State`.
"""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.widgets import ContentSwitcher

from vitprune_core.store.brief import ALIVE
from vitprune_core.store.clean import clean
from vitprune_tui import keymap, remembered
from vitprune_tui.actions import DEFAULTS, ROOMS, VIEWS, Action, bindings, of_view, shown
from vitprune_tui.doing.watcher import Watcher
from vitprune_tui.draw import frame, help
from vitprune_tui.draw.glyphs import ASCII, BRAILLE, EVERY
from vitprune_tui.messages import Seen, Unforeseen
from vitprune_tui.palette import Palette
from vitprune_tui.state import READING, Lab, State, study_of
from vitprune_tui.tells import Tells
from vitprune_tui.themes import THEMES, Colourless
from vitprune_tui.views.view import View
from vitprune_tui.widgets.canvas import PAINTS, Canvas
from vitprune_tui.widgets.dialogs import ANSWERS, Pages
from vitprune_tui.widgets.spans import SpanScreen

CLASSES = {name: f"{name.capitalize()}View" for name in VIEWS}
SETS = {glyphs.name: glyphs for glyphs in EVERY}


def without_leaving(keys: keymap.Keys) -> dict[str, tuple[str, ...]]:
    """Without those that leave from everywhere: a keymap would take them away from dialogs."""
    left = {id: tuple(k for k in some if k not in keymap.LEAVES) for id, some in keys.items()}
    return {id: some for id, some in left.items() if some}


def _presets() -> tuple[str, ...]:
    """Their names, for the palette."""
    from vitprune_core.spec.presets import every

    return tuple(found.name for kind, found in every() if not kind)


class VitPrune(Tells):
    CSS_PATH = "theme.tcss"
    COMPONENT_CLASSES = PAINTS
    ENABLE_COMMAND_PALETTE = False  # ours is opened by a key of the registry
    BINDINGS = [
        *bindings("app", keys=without_leaving(DEFAULTS)),
        Binding(",".join(keymap.LEAVES), "leave", "leave", show=False, priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide"), (160, "-vast")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-short"), (30, "-tall"), (50, "-high")]

    def __init__(
        self,
        folder: Path,
        *,
        ascii: bool = False,
        theme: str | None = None,
        watch: str | None = None,
        plain: bool = False,
    ):
        """`watch`: show this run, and leave when it is over; `plain`: no colour codes at all."""
        super().__init__(ansi_color=True if plain else None)
        self.animation_level = "none"
        self.no_color = plain
        self.remembered = remembered.read({known.name for known in THEMES}, set(SETS))
        self.chosen: dict[str, str] = {}
        """By keys: what the next start begins with."""
        self.watched = watch
        self.glyphs = ASCII if ascii else SETS[self.remembered.get("glyphs", BRAILLE.name)]
        self.presets: tuple[str, ...] = ()
        self.keys, self.wrong_keys = keymap.read(keymap.path(), DEFAULTS, ROOMS)
        changed = {id: keys for id, keys in self.keys.items() if keys != DEFAULTS[id]}
        self.set_keymap({id: ",".join(keys) for id, keys in without_leaving(changed).items()})
        for known in THEMES:
            self.register_theme(known)
        usual = "terminal" if plain else self.remembered.get("theme", "dark")
        self.theme = theme or usual
        self.watcher, self.unheard = Watcher(folder), Event()
        self.state = State(self.watcher.look())
        self.state = replace(self.state, shown=watch or self.state.lab.newest)
        if not watch and self.state.lab.alive:
            self.state = replace(self.state, study=self._study_of(self.state.shown))
        self.first = "live" if watch or self.state.lab.alive else "bench"

    def get_default_screen(self) -> SpanScreen:
        return SpanScreen()

    def compose(self) -> ComposeResult:
        yield Canvas(frame.header, id="header")
        with ContentSwitcher(initial=self.first, id="views"):
            yield self._made(self.first)
        yield Canvas(frame.footer, id="footer")

    def on_mount(self) -> None:
        self.view.focus()
        self.become()
        for problem in self.wrong_keys[:1]:
            self.say(problem, "warn")
        self.watcher.start(self._tell)
        for number in (signal.SIGINT, signal.SIGTERM):  # or the terminal would stay as it is now
            asyncio.get_running_loop().add_signal_handler(number, self.action_leave)
        self._leave_when_over()
        if self.first != "bench":  # which reads them itself
            self.call_after_refresh(self.read, _presets, partial(setattr, self, "presets"))

    def on_resize(self) -> None:
        """A terminal that was smaller for a moment has lost what stood there."""
        self.screen.refresh()

    def on_unmount(self) -> None:
        self.watcher.stop()
        if self.chosen:
            remembered.write({**self.remembered, **self.chosen})

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [Colourless()] if self.no_color else super().get_line_filters()

    def _tell(self, news: Lab | Exception) -> None:
        """From the watcher's thread; a screen that stands still is told once."""
        if isinstance(news, Exception):
            self.post_message(Unforeseen(news))
        elif not self.unheard.is_set():
            self.unheard.set()
            self.post_message(Seen())

    def _made(self, name: str) -> View:
        """A view; loaded when it is first looked at."""
        module = import_module(f"vitprune_tui.views.{name}")
        return getattr(module, CLASSES[name])(self.state)  # type: ignore[no-any-return]

    @property
    def view(self) -> View:
        shown = self.screen_stack[0].query_one("#views", ContentSwitcher).visible_content
        assert isinstance(shown, View)
        return shown

    async def switch(self, name: str, follow: bool = True) -> None:
        """Show one of the five views; it shall `follow` the cursor of the one before."""
        views = self.screen_stack[0].query_one("#views", ContentSwitcher)
        if not views.query(f"#{name}"):
            await views.add_content(self._made(name))
        chosen = self.view.points_at if follow else None
        if chosen and name in ("live", "masks"):
            is_study = chosen in self.state.lab.studies
            meant = {"study": chosen} if is_study else {"shown": chosen, "study": None}
            self.state = replace(self.state, **meant)
        views.current = name
        self.view.arrive()
        self.view.focus()
        self.become()

    def become(self, **changes: Any) -> None:
        """Another state: the screen and what the watcher reads follow it."""
        before = self.state
        self.state = replace(before, **changes)
        lab = self.state.lab
        if self.state.shown not in lab.runs and not self.watched:
            self.state = replace(self.state, shown=lab.newest)
            if before.shown in before.lab.runs:
                self.say(f"{before.shown} has gone from the folder", "warn")
        if self.state.study not in lab.studies:
            self.state = replace(self.state, study=None)
        marked = tuple(name for name in self.state.marked if name in lab.runs)
        baseline = self.state.baseline if self.state.baseline in lab.runs else None
        self.state = replace(self.state, marked=marked, baseline=baseline)
        live = self.view.room == "live"
        watcher, study = self.watcher, self.state.study if live else None
        loading = self.state.shown if live and not study else None
        asked = self.state.wanted, loading, study
        if asked != (watcher.wanted, watcher.loading, watcher.study):
            watcher.wanted, watcher.loading, watcher.study = asked
            watcher.nudge()
        self.paint()

    def paint(self) -> None:
        view = self.view
        view.show(self.state)
        frames = self.screen_stack[0]
        about = clean(view.about, 80)
        frames.query_one("#header", Canvas).show(view.room, self.state.lab, about)
        self.paint_footer()

    def look_again(self) -> None:
        self.watcher.nudge()

    def paint_footer(self) -> None:
        self.screen_stack[0].query_one("#footer", Canvas).show(self.view.footer, self.notice)

    def on_descendant_focus(self) -> None:
        """Keys go somewhere else, and may do something else there."""
        self.paint_footer()

    def on_seen(self) -> None:
        self.unheard.clear()
        if self.is_running:  # of what is being closed parts are gone
            self.become(lab=self.watcher.lab)
            self._leave_when_over()

    def on_unforeseen(self, message: Unforeseen) -> None:
        raise message.error

    def _leave_when_over(self) -> None:
        """The run that is watched, if one is."""
        brief = self.state.lab.runs.get(self.watched or "")
        if self.watched and not (brief and brief.state in (*ALIVE, "queued", READING)):
            self.exit(0)

    async def on_click(self, event: events.Click) -> None:
        """A view named by the header, a key told by the footer."""
        canvas = event.widget
        if isinstance(canvas, Canvas) and canvas.id in ("header", "footer") and canvas.lines:
            at = frame.under(canvas.lines[0], event.x)
            if canvas.id == "header" and (name := at.partition(" ")[2].lower()) in VIEWS:
                await self.switch(name)
            for action in of_view(self.view.room) if canvas.id == "footer" else ():
                if (keys := self.keys.get(action.id)) and shown(keys[0]) == at:
                    await self.run_action(action.name, self.does(action))

    def does(self, action: Action) -> DOMNode:
        """Who has the method of an action."""
        return self if action.room == "app" else self.view

    def _study_of(self, run: str | None) -> str | None:
        """The study that a run is part of, if it is."""
        folder = study_of(run or "")
        return folder if folder in self.state.lab.studies else None

    async def open(self, name: str) -> None:
        """Show a run in Live."""
        self.become(shown=name, study=None)
        await self.switch("live", follow=False)

    async def open_study(self, name: str) -> None:
        """Show in Live how a study fills up."""
        self.become(study=name)
        await self.switch("live", follow=False)

    async def choose(self, preset: str) -> None:
        """Show a preset on the bench."""
        await self.switch("bench")
        self.view.choose(preset)  # type: ignore[attr-defined]

    async def action_bench(self) -> None:
        await self.switch("bench")

    async def action_live(self) -> None:
        await self.switch("live")

    async def action_curves(self) -> None:
        await self.switch("curves")

    async def action_masks(self) -> None:
        await self.switch("masks")

    async def action_runs(self) -> None:
        await self.switch("runs")

    def action_help(self) -> None:
        told = [clean(t) for t in (f"{keymap.path()} changes them.", *self.wrong_keys)]
        self.push_screen(Pages(help.lines(self.keys, self.view.room, told, ANSWERS)))

    def action_palette(self) -> None:
        self.push_screen(Palette())

    def action_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        self.theme = self.chosen["theme"] = names[(names.index(self.theme) + 1) % len(names)]
        self.say(f"theme {self.theme}", "dim")

    def action_glyphs(self) -> None:
        self.glyphs = EVERY[(EVERY.index(self.glyphs) + 1) % len(EVERY)]
        self.chosen["glyphs"] = self.glyphs.name
        for canvas in self.screen_stack[0].query(Canvas):
            canvas.repaint()
        self.paint()
        self.say(f"characters: {self.glyphs.name}", "dim")

    def action_maximise(self) -> None:
        self.view.toggle_class("-maximised")

    def action_copy(self) -> None:
        if text := self.view.copied:
            self.copy_to_clipboard(text)
            self.say(f"to the terminal's clipboard: {text}", "dim")

    def action_picture(self) -> None:
        from vitprune_tui.doing.screenshots import save

        self.in_background(
            "saving the screen",
            partial(save, self.export_screenshot(), self.state.lab.folder, self.view.room),
            lambda path: self.say(f"saved {path}"),
        )

    def action_leave(self) -> None:
        self.exit(130 if self.watched else 0)
