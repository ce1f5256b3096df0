"""How far a run is, when it will be through, and in words what it does or waits for.

Two lines, or one where there is no more room. Only digits change from epoch to epoch, in places of
fixed width.
"""

from dataclasses import dataclass

from vitprune_core.store.clean import clean
from vitprune_core.store.lock import Holder
from vitprune_core.store.summary import Summary
from vitprune_tui.draw import text
from vitprune_tui.draw.clock import FAR, clock, lasting
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, Piece, line

STYLES = {
    "running": "good",
    "done": "good",
    "failed": "bad",
    "lost": "bad",
    "paused": "warn",
    "pausing": "warn",
    "stopping": "warn",
    "stopped": "warn",
}
"""States that stand out."""
SHORTEST, LONGEST = 8, 60
"""Of the bar."""


@dataclass(frozen=True)
class Progress:
    name: str | None
    """Of the run, where the header has no room for it."""
    summary: Summary
    words: str
    """What it works at."""
    asked: str | None
    """Of it, and not acknowledged yet."""
    holder: Holder | None
    place: int | None = None
    """In the queue, from 1."""
    queued: int = 0
    dispatcher: bool = False
    """Somebody sees to the queue."""
    pause: str = "p"
    """The key."""
    resume: str = "r"


def draw(p: Progress, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    s = p.summary
    state = (clean(s.state), STYLES.get(s.state, "strong"))
    if rows < 2:
        short = f"  {text.percent(_share(s))}  {_left(s)}" if s.epochs_planned else ""
        more = [f"  {clean(p.name)}"] if p.name else []
        return [line(state, short, *more, f"  {_does(p)}")]
    asked: Piece = (f"  {p.asked} asked", "warn") if p.asked else ("", "")
    name: Piece = (f"  {clean(p.name)}", "strong") if p.name else ("", "")
    return [_bar(s, columns, glyphs), line(state, asked, name, f"  {_does(p)}")]


def _bar(s: Summary, columns: int, glyphs: Glyphs) -> Line:
    if not s.epochs_planned:
        return line(("no epochs planned yet", "dim"))
    planned = f"{s.epochs_planned}"
    counts = f"{s.epochs_done:>{len(planned)}}/{planned}"
    share = f"{text.percent(_share(s)):>7}"
    long, short = f"{counts} {share}  {_left(s):<32}", f"{counts} {share}  {_left(s, False):<17}"
    after = next((t for t in (long, short) if columns - len(t) - 2 >= SHORTEST), "")
    if not after:
        return line(f"{counts} {share}  {_left(s, False)}")
    room = min(columns - len(after) - 2, LONGEST)
    filled = int(room * min(max(_share(s), 0.0), 1.0))
    bar = (glyphs.full * filled, "good"), (glyphs.empty * (room - filled), "axis")
    return line(*bar, f"  {after.rstrip()}")


def _share(s: Summary) -> float:
    return s.epochs_done / s.epochs_planned


def _left(s: Summary, ends: bool = True) -> str:
    """`ends 14:05, left 52 s` while it works; what it took once it is over."""
    if s.state == "done":
        return f"took {lasting(_elapsed(s))}"
    if s.seconds_left is None or s.updated is None:
        return "left ?"
    left = f"left {lasting(s.seconds_left)}"
    if s.state not in ("running", "pausing") or not ends:
        return left
    return f"ends {clock(s.updated + s.seconds_left, s.seconds_left > FAR)}, {left}"


def _elapsed(s: Summary) -> float | None:
    return None if s.begun is None or s.updated is None else s.updated - s.begun


def _minutes(seconds: float | None) -> str:
    """Whole ones, so that it does not change with every epoch."""
    told = lasting(seconds and seconds // 60 * 60)
    return f", for {told.removesuffix(' 0 s')}" if seconds and seconds >= 60 else ""


def _does(p: Progress) -> str:
    """What there is to say of the state, and what to do about it."""
    s = p.summary
    reason = clean(s.reason) if s.reason else ""
    match s.state:
        case "queued" if p.place is not None:
            who = "it starts when the runs before it are through"
            who = who if p.dispatcher else f"nobody sees to the queue: {p.resume} starts it"
            return f"number {p.place} of {p.queued} in the queue; {who}"
        case "queued":
            return "about to start"
        case "starting":
            where = f"process {p.holder.pid} on {clean(p.holder.host)}" if p.holder else "it"
            return reason or f"{where} loads torch and the images"
        case "running" | "pausing" | "stopping" if s.retracing:
            what = f"dense again, epoch {s.retraced} of {s.retracing}"
            return f"{what}, for the weights to rewind to"
        case "running":
            return f"{p.words}  since {clock(s.begun)}{_minutes(_elapsed(s))}"
        case "pausing" | "stopping":
            return f"{p.words}; it ends with a checkpoint"
        case "done":
            return f"{text.several(len(s.levels), 'level')}, {clock(s.begun)} to {clock(s.updated)}"
        case "failed" if s.diverged:
            return f"{reason}; another learning rate may help"
        case "paused":
            return f"{reason}; {p.pause} goes on"
        case "stopped" | "lost":
            return f"{reason}; {p.resume} goes on from its last checkpoint"
    return reason
