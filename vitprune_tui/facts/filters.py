"""Which runs the table shows and in which order: `acc>0.9 preset~rand !failed`.

Words that all must hold, over the `Brief` that the table has anyway, so that 500 runs are filtered
at every key without reading a file.

- `acc>0.9`, `acc>=90%`, `levels>=3`, `seed=3`: numbers with `>` `>=` `<` `<=` `=` `!=`
- `preset~rand`, `workload=digits`, `state!=done`: text contains, is, is not; capitals do not matter
- `failed`, `alive`: a state, or any that promises a process
- `rand`: the name, preset or workload contains it; `"failed"` in quotes is never a state
- `!` before a word turns it around; quotes hold what has spaces or signs: `name~"a b"`

Numbers are compared as the table shows them, or to as many digits as were written if these are
more: 94.9987 % stands there as 95 % and satisfies `sparsity=0.95`. A run without the value is
neither above nor below: it satisfies no comparison and no negation of one.
"""

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from vitprune_core.store.brief import ALIVE, Brief
from vitprune_core.store.clean import clean
from vitprune_tui.state import READING
from vitprune_tui.wrong import Wrong

Row = tuple[str, Brief]
"""A run as the table knows it: its name and what is shown of it."""
Test = Callable[[str, Brief], bool | None]
"""None: the run has no such value, which is no answer."""

STATES = (READING, "queued", *ALIVE, "stopped", "done", "failed", "lost", "unreadable")
"""In the order of a run's life."""


@dataclass(frozen=True)
class Filter:
    text: str
    tests: tuple[Test, ...]

    def __call__(self, name: str, brief: Brief) -> bool:
        return all(test(name, brief) for test in self.tests)


def parse(text: str) -> Filter:
    """What `text` asks for; nothing asks for everything. Raises `Wrong`, and nothing else."""
    if text.count('"') % 2:
        _wrong(text.rindex('"'), '"', "begins a quote that does not end")
    return Filter(text, tuple(_test(m.start(), m.group()) for m in WORD.finditer(text)))


WORD = re.compile(r'(?:"[^"]*"|[^\s"])+')
TERM = re.compile(r'([^\s"<>=~!]*)(>=|<=|!=|==?|>|<|~)(.*)', re.DOTALL)
COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
MATCH: Mapping[str, Callable[[str, str], bool]] = {
    "~": operator.contains,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Number:
    of: Callable[[Brief], float | None]
    shown: int = 0
    """Digits after the point that the table shows."""
    share: bool = False
    """Between 0 and 1, and may be written as a percentage."""


ACCURACY = Number(lambda b: b.accuracy, shown=3, share=True)
NUMBERS = {
    "acc": ACCURACY,
    "accuracy": ACCURACY,
    "dense": Number(lambda b: b.dense, shown=3, share=True),
    "sparsity": Number(lambda b: b.sparsity, shown=4, share=True),
    "levels": Number(lambda b: b.levels),
    "epochs": Number(lambda b: b.epochs_done),
    "seed": Number(lambda b: b.seed),
    "damaged": Number(lambda b: b.damaged),
}
TEXTS: Mapping[str, Callable[[str, Brief], str]] = {
    "preset": lambda name, b: b.preset,
    "workload": lambda name, b: b.workload,
    "state": lambda name, b: b.state,
    "name": lambda name, b: name,
    "id": lambda name, b: name,
}
KEYS = (*NUMBERS, *TEXTS)


def _test(at: int, word: str) -> Test:
    rest = word.lstrip("!")
    marks = len(word) - len(rest)
    if not rest:
        _wrong(at, word, "has nothing after it to turn around")
    asked = _asked(at + marks, rest)
    return _negated(asked) if marks % 2 else asked


def _negated(test: Test) -> Test:
    def turned(name: str, brief: Brief) -> bool | None:
        answer = test(name, brief)
        return None if answer is None else not answer

    return turned


def _asked(at: int, word: str) -> Test:
    term = TERM.fullmatch(word)
    if term is None:
        return _bare(word)
    key, sign, value = term[1].lower(), term[2], term[3]
    if not key:
        _wrong(at, word, f"has no key before {sign} (keys: {', '.join(KEYS)})")
    if not value:
        _wrong(at, word, f"has no value after {sign}")
    if key in NUMBERS:
        return _number(at, key, sign, value)
    if key in TEXTS:
        return _text(at, key, sign, value)
    _wrong(at, term[1], f"is not a key{_meant(key, KEYS)} (keys: {', '.join(KEYS)})")


def _bare(word: str) -> Test:
    wanted = _unquoted(word)
    if word.lower() in (*STATES, "alive"):
        return _in_state(wanted)
    return lambda name, b: any(wanted in s.lower() for s in (name, b.preset, b.workload))


def _in_state(wanted: str) -> Test:
    states = ALIVE if wanted == "alive" else (wanted,)
    return lambda name, b: b.state in states


def _text(at: int, key: str, sign: str, value: str) -> Test:
    if sign not in MATCH:
        _wrong(at, key, f"is text: it takes ~ = !=, not {sign}")
    wanted, of, match = _unquoted(value), TEXTS[key], MATCH[sign]
    if key == "state" and sign != "~":
        choices = (*STATES, "alive")
        if wanted not in choices:
            at += len(key) + len(sign)
            _wrong(at, value, f"is not one of {', '.join(choices)}{_meant(wanted, choices)}")
        return _negated(_in_state(wanted)) if sign == "!=" else _in_state(wanted)
    return lambda name, b: match(of(name, b).lower(), wanted)


def _unquoted(word: str) -> str:
    return word.replace('"', "").lower()


NUMBER = re.compile(r"-?(?:[0-9]{1,15})?(?:\.([0-9]{1,15}))?(%?)", re.ASCII)


def _number(at: int, key: str, sign: str, value: str) -> Test:
    if sign not in COMPARE:
        _wrong(at, key, f"is a number: it takes > >= < <= = !=, not {sign}")
    asked, compare = NUMBERS[key], COMPARE[sign]
    number, written = _read(at + len(key) + len(sign), key, value)
    digits = max(asked.shown, written)
    wanted = round(number, digits)  # 96.7 / 100 is not quite 0.967

    def test(name: str, brief: Brief) -> bool | None:
        there = asked.of(brief)
        return None if _missing(there) else compare(round(there or 0, digits), wanted)

    return test


def _read(at: int, key: str, value: str) -> tuple[float, int]:
    """The number, a percentage as a share, and its digits after the point."""
    share, found = NUMBERS[key].share, NUMBER.fullmatch(value)
    example = "like 0.9 or 90%" if share else "like 3"
    if found is None or not any(c.isdigit() for c in value):
        _wrong(at, value, f"is not a number; {key} takes one {example}")
    if found[2] and not share:
        _wrong(at, value, f"is a percentage; {key} takes a number {example}")
    number = float(value.rstrip("%")) / (100 if found[2] else 1)
    if share and not 0 <= number <= 1:
        _wrong(at, value, f"is no share; {key} is from 0 to 1, {example}")
    return number, len(found[1] or "") + (2 if found[2] else 0)


def _missing(value: object) -> bool:
    """None, or a number that is not one."""
    return value is None or value != value


def _wrong(at: int, word: str, what: str) -> NoReturn:
    """Places count from 1."""
    raise Wrong(f"character {at + 1}: '{clean(word, 60)}' {what}")


def _meant(word: str, choices: Iterable[str]) -> str:
    near = difflib.get_close_matches(word[:60], list(choices), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


SORTS: Mapping[str, Callable[[str, Brief], float | str | tuple[float, str] | None]] = {
    "updated": lambda name, b: b.updated,
    "started": lambda name, b: (b.started, name) if b.started else None,
    "name": lambda name, b: name.lower(),
    "state": lambda name, b: STATES.index(b.state) if b.state in STATES else None,
    "preset": lambda name, b: b.preset.lower() or None,
    "workload": lambda name, b: b.workload.lower() or None,
    "seed": lambda name, b: b.seed,
    "sparsity": lambda name, b: b.sparsity,
    "accuracy": lambda name, b: b.accuracy,
    "dense": lambda name, b: b.dense,
}
"""What the table can be sorted by, in the order that `s` steps through; states as a run lives."""


def ordered(rows: Sequence[Row], key: str, reverse: bool = False) -> list[Row]:
    """Equal ones stay as they stood, those without the value come last: in both directions."""
    valued = [(SORTS[key](*row), row) for row in rows]
    there = [pair for pair in valued if not _missing(pair[0])]
    there.sort(key=lambda pair: pair[0], reverse=reverse)  # type: ignore[arg-type,return-value]
    return [row for _, row in there] + [row for value, row in valued if _missing(value)]
