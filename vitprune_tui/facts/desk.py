"""What lies on the bench: the presets, which one is chosen, what was changed of it, what it means.

The bench view is a picture of it. Every change is judged at once; `judge` is loaded when there is
a preset to judge, which is after a thread has read them.
"""

from collections.abc import Sequence

from vitprune_tui.facts.request import Answer, Preset, Request, Value

FIRST = "oneshot_global"
"""What is chosen at first, when there is no preset of one's own."""


class Desk:
    def __init__(self) -> None:
        self.presets: tuple[Preset, ...] | None = None
        """None: not read yet."""
        self.chosen: str | None = None
        """What is asked for, a preset or `workloads/digits`."""
        self.workload: str | None = None
        """Of all requests, once one was chosen."""
        self.changes: dict[str, tuple[tuple[str, str], ...]] = {}
        """Of each preset; they stay while others are looked at."""
        self.answer: Answer | None = None
        self.key, self.at = "", 0
        """The value under the cursor, and its line."""

    def lay(self, presets: Sequence[Preset]) -> None:
        """These are there from now on."""
        self.presets = tuple(presets)
        names = [p.asked for p in presets]
        if self.chosen not in names:
            own = [p for p in presets if p.origin != "shipped" and not p.kind]
            own.sort(key=lambda p: bool(p.problems))
            usual = [FIRST] if FIRST in names else []
            self.chosen = next(iter([*(p.asked for p in own), *usual, *names]), None)
        self.judge()

    @property
    def preset(self) -> Preset | None:
        return next((p for p in self.presets or () if p.asked == self.chosen), None)

    @property
    def request(self) -> Request:
        name = self.chosen or ""
        return Request(name, self.workload, self.changes.get(name, ()))

    @property
    def value(self) -> Value | None:
        """The one under the cursor."""
        return self.answer.value(self.key) if self.answer else None

    @property
    def values(self) -> Sequence[Value]:
        return self.answer.values if self.answer else ()

    def judge(self, request: Request | None = None) -> None:
        """What is asked for means, or this would if it were."""
        preset, self.answer = self.preset, None
        if preset and not preset.kind:
            from vitprune_tui.facts.judge import judge

            self.answer = judge(request or self.request)
        self._find()

    def _find(self) -> None:
        """The cursor stays on its value, or comes close to where it was."""
        keys = [value.key for value in self.values]
        if keys:
            near = [k for k in (self.key, self.key.partition(".")[0]) if k in keys]
            self.at = keys.index(near[0]) if near else min(self.at, len(keys) - 1)
            while self.values[self.at].heading:
                self.at += 1
            self.key = keys[self.at]

    def choose(self, name: str) -> None:
        if name != self.chosen:
            self.at = 0
        self.chosen = name
        self.judge()

    def go(self, at: int) -> None:
        """To another line."""
        self.at = at
        self.key = self.values[at].key if self.values else self.key

    def ask(self, request: Request) -> None:
        """Ask for this from now on."""
        self.workload, self.changes[request.preset] = request.workload, request.changes
        self.judge()

    def keep(self, text: str) -> None:
        """The value under the cursor is this, also when it is wrong: the next may mend it."""
        self.ask(self.would(text))

    def would(self, text: str) -> Request:
        """What would be asked for if the value under the cursor were this; it is judged."""
        request = self.request.changed(self.key, text)
        self.judge(request)
        if self.value and not self.value.wrong and not self.value.was:  # as it is anyway
            request = request.as_it_was(self.key)
            self.judge(request)
        return request

    def next_workload(self, now: str | None = None) -> str | None:
        """For this request and all that follow, the one after that of the request; its name.

        `now` is that of what is no request.
        """
        names = [p.name for p in self.presets or () if p.kind == "workloads"]
        now = self.answer.workload if self.answer else now or self.workload
        at = names.index(now) + 1 if now in names else 0
        return self.put_on(names[at % len(names)]) if names else None

    def put_on(self, workload: str) -> str:
        self.workload = workload
        self.judge()
        return workload

    def is_changed(self, preset: Preset) -> bool:
        """A preset with changes, or the workload that was chosen."""
        if preset.kind == "workloads":
            return preset.name == self.workload
        return bool(self.changes.get(preset.asked))
