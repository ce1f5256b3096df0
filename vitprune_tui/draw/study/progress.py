"""How far a study is in words: three lines, of which the first matter most."""

from collections.abc import Iterator, Mapping

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.clock import FAR, clock
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, line
from vitprune_tui.facts.filling import Filling

LONGEST = 60
"""Of the bar."""
Keys = Mapping[str, str]
"""Action -> its key."""


def draw(f: Filling | None, keys: Keys, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    if f is None:
        return []
    told = [_bar(f, columns, glyphs), line(*_who(f, keys))]
    if f.problem:
        told.append(line((clean(f.problem), "bad")))
    elif f.seeds:
        told.append(line((_declared(f), "dim")))
    return told


def _bar(f: Filling, columns: int, glyphs: Glyphs) -> Line:
    done, planned = f.counts.done, f.counts.planned
    share = done / planned if planned else 0.0
    after = f"  {done:,}/{planned:,} runs {text.percent(share)}{_left(f)}"
    room = min(columns - len(after), LONGEST)
    if room < 8:
        return line(after.strip())
    filled = int(room * min(share, 1.0))
    bar = (glyphs.full * filled, "good"), (glyphs.empty * (room - filled), "axis")
    return line(*bar, after)


def _left(f: Filling) -> str:
    """By the clock, which does not tick."""
    if f.left is None or f.until is None or f.counts.is_over:
        return ""
    ends = clock(f.until + f.left, f.left > FAR)
    return f"  ends about {ends}, left {text.duration(_rounded(f.left))}"


def _rounded(seconds: float) -> float:
    """An estimate that says no more than it knows, and seldom changes."""
    step = 60 if seconds > 600 else 10 if seconds > 60 else 5
    return max(round(seconds / step), 1) * step


def _who(f: Filling, keys: Keys) -> Iterator[Piece]:
    if f.counts.is_over:
        yield "done", "good"
    elif f.hands:
        hosts = ", ".join(clean(host, 40) for host in dict.fromkeys(f.hands))
        yield text.several(f.counts.working, "run") + " at work", "good"
        yield f", {text.several(len(f.hands), 'process', 'processes')} on {hosts}", ""
    elif f.counts.working:
        yield text.several(f.counts.working, "run") + " at work", "good"
    else:
        yield "nobody works on it", "warn"
        yield f": {keys['run.resume']} goes on", ""
    for state, number in f.ended.items():
        yield f"  {number:,} {state}", "warn" if state == "stopped" else "bad"


def _declared(f: Filling) -> str:
    arms = text.several(len(f.arms), "arm")
    seeds = text.several(len(f.seeds), "seed")
    looks = f"verdicts after {' and '.join(map(str, f.looks))}" if f.looks else "no verdicts"
    return f"{arms} x {seeds} on {clean(f.workload)}, {looks}"
