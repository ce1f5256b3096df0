"""The lab bench: five views of one runs folder.

It reads what is on the disk and leaves requests there; whatever works, works in processes of its
own, so that this one may come and go. What the screen shows is a picture of one `State`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import ContentSwitcher

from vitprune_core.store.clean import clean
from vitprune_tui import keymap
from vitprune_tui.actions import DEFAULTS, ROOMS, VIEWS, bindings, of_view
from vitprune_tui.draw import frame, help, lines
from vitprune_tui.draw.glyphs import ASCII, BRAILLE, EVERY
from vitprune_tui.messages import Seen
from vitprune_tui.palette import Everything
from vitprune_tui.state import State
from vitprune_tui.themes import THEMES
from vitprune_tui.views.view import View
from vitprune_tui.watcher import Watcher
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.dialogs import Confirm, Hint, Pages, Prompt
from vitprune_tui.wrong import Wrong

CLASSES = {name: f"{name.capitalize()}View" for name in VIEWS}
NOTICE = 8.0
"""Seconds that a notice stays where the keys are told."""


class VitPrune(App[int]):
    CSS_PATH = "theme.tcss"
    COMMANDS = {Everything}
    BINDINGS = [
        *bindings("app"),
        Binding("ctrl+q,ctrl+c", "leave", "leave", show=False, priority=True),
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
        self.watched, self.glyphs = watch, ASCII if ascii else BRAILLE
        self.notice: tuple[str, str] | None = None
        self.presets: tuple[str, ...] = ()
        self.keys, self.wrong_keys = keymap.read(keymap.path(), DEFAULTS, ROOMS)
        self.set_keymap({id: ",".join(keys) for id, keys in self.keys.items()})
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme or ("terminal" if plain else "dark")
        self.watcher = Watcher(folder)
        self.state = State(self.watcher.look())
        self.state = replace(self.state, shown=watch or self.state.lab.newest)
        self.first = "live" if watch or self.state.lab.alive else "bench"

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
        self.watcher.start(lambda lab: self.post_message(Seen(lab)) and None)

    def on_unmount(self) -> None:
        self.watcher.stop()

    def _made(self, name: str) -> View:
        """A view; loaded when it is first looked at."""
        module = import_module(f"vitprune_tui.views.{name}")
        return getattr(module, CLASSES[name])(self.state)  # type: ignore[no-any-return]

    @property
    def view(self) -> View:
        shown = self.screen_stack[0].query_one("#views", ContentSwitcher).visible_content
        assert isinstance(shown, View)
        return shown

    async def switch(self, name: str) -> None:
        """Show one of the five views."""
        views = self.screen_stack[0].query_one("#views", ContentSwitcher)
        if not views.query(f"#{name}"):
            await views.add_content(self._made(name))
        views.current = name
        self.view.focus()
        self.become()

    def become(self, **changes: Any) -> None:
        """Another state: the screen and what the watcher reads follow it."""
        self.state = replace(self.state, **changes)
        lab = self.state.lab
        if self.state.shown not in lab.runs and not self.watched:
            self.state = replace(self.state, shown=lab.newest)
        marked = tuple(name for name in self.state.marked if name in lab.runs)
        self.state = replace(self.state, marked=marked)
        loading = self.state.shown if self.view.room == "live" else None
        if (self.state.wanted, loading) != (self.watcher.wanted, self.watcher.loading):
            self.watcher.wanted, self.watcher.loading = self.state.wanted, loading
            self.watcher.nudge()
        self.paint()

    def paint(self) -> None:
        view = self.view
        view.show(self.state)
        frames = self.screen_stack[0]
        about = clean(view.about, 80)
        frames.query_one("#header", Canvas).show(view.room, self.state.lab, about)
        self._paint_footer()

    def _paint_footer(self) -> None:
        keys = frame.keys_of(of_view(self.view.room), self.keys)
        self.screen_stack[0].query_one("#footer", Canvas).show(tuple(keys), self.notice)

    def on_seen(self, message: Seen) -> None:
        self.become(lab=message.lab)
        if self.watched and self._is_over(self.watched):
            self.exit(0)

    def _is_over(self, name: str) -> bool:
        brief = self.state.lab.runs.get(name)
        return brief is None or brief.state in ("done", "failed", "stopped", "lost")

    def say(self, what: str, style: str = "good", stays: bool = False) -> None:
        """Tell something where the keys are told; what has several lines gets a page."""
        told = [clean(text) for text in what.splitlines() if text.strip()]
        if len(told) > 1:
            self.push_screen(Pages([lines.line((f" {text}", style)) for text in told]))
            return
        self.notice = (told[0], style) if told else None
        self._paint_footer()
        if self.notice and not stays:
            self.set_timer(NOTICE, partial(self._unsay, self.notice))

    def _unsay(self, notice: tuple[str, str]) -> None:
        if self.notice is notice:
            self.notice = None
            self._paint_footer()

    def in_background(
        self, doing: str, work: Callable[[], Any], done: Callable[[Any], None]
    ) -> None:
        """Do something that takes a moment, in a thread; what goes wrong is told."""

        def run() -> None:
            from vitprune_core.store.lock import Held
            from vitprune_tui.wrong import Unable

            try:
                result = work()
            except (Wrong, Unable, Held, ValueError, OSError) as error:
                self.call_from_thread(self.say, _sentence(error), "bad")
            else:
                self.call_from_thread(done, result)
            self.watcher.nudge()

        self.say(doing, "dim", stays=True)
        self.run_worker(run, thread=True)

    def ask_line(self, label: str, value: str, hint: Hint, then: Callable[[str], None]) -> None:
        """Have one line typed; nothing happens when it is given up."""

        def typed(text: str | None) -> None:
            if text is not None:
                then(text)

        self.push_screen(Prompt(label, value, hint), typed)

    def confirm(self, question: str, doing: str, then: Callable[[], None]) -> None:
        """Ask before what cannot be taken back."""

        def answered(yes: bool | None) -> None:
            if yes:
                then()

        self.push_screen(Confirm(question, doing), answered)

    async def open(self, name: str) -> None:
        """Show a run in Live."""
        self.become(shown=name)
        await self.switch("live")

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
        told = [f"{keymap.path()} changes them.", *self.wrong_keys]
        self.push_screen(Pages(help.lines(self.keys, self.view.room, [clean(t) for t in told])))

    def action_palette(self) -> None:
        self.action_command_palette()

    def action_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.say(f"theme {self.theme}", "dim")

    def action_glyphs(self) -> None:
        self.glyphs = EVERY[(EVERY.index(self.glyphs) + 1) % len(EVERY)]
        for canvas in self.screen_stack[0].query(Canvas):
            canvas.repaint()
        self.paint()
        self.say(f"characters: {self.glyphs.name}", "dim")

    def action_maximise(self) -> None:
        self.view.toggle_class("-maximised")

    def action_copy(self) -> None:
        if text := self.view.copied:
            self.copy_to_clipboard(text)
            self.say(f"copied: {text}", "dim")

    def action_picture(self) -> None:
        from vitprune_tui.screenshots import save

        self.in_background(
            "saving the screen",
            partial(save, self.export_screenshot(), self.state.lab.folder, self.view.room),
            lambda path: self.say(f"saved {path}"),
        )

    def action_leave(self) -> None:
        self.exit(130 if self.watched else 0)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    return str(error)
