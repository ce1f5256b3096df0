"""Levels, plans and presets as text for people."""

import shlex
from collections.abc import Iterable

from vitprune_core.store import events as e
from vitprune_core.store.brief import ALIVE
from vitprune_core.store.clean import clean
from vitprune_core.store.log import Entry
from vitprune_core.store.summary import Summary
from vitprune_tui.draw import clock, text


def levels(s: Summary, width: int | None) -> str:
    """The table of a finished or growing run; accuracies on the test set."""
    rows = [
        (
            text.sparsity(r.level.sparsity_asked),
            text.percent(r.level.test_before.accuracy),
            text.percent(r.level.test.accuracy),
            text.points(r.level.test.accuracy - s.dense.test.accuracy if s.dense else None),
            text.percent(r.level.validation.accuracy),
            text.times(r.level.compression),
            text.times(r.level.speedup),
            r.level.epochs,
            text.duration(r.seconds),
            f"{100 * r.level.sparsity:.3f} %",
            ", ".join(_remarks(r.level)),
        )
        for r in s.levels
    ]
    head = ("SPARSITY", "BEFORE", "TEST", "+-", "VAL", "SMALLER", "FEWER OPS", "EPOCHS", "TOOK")
    return text.table((*head, "EXACTLY", ""), rows, "rrrrrrrrrr", width)


def _remarks(level: e.Level) -> Iterable[str]:
    if level.collapsed:
        yield text.several(len(level.collapsed), "empty matrix", "empty matrices")
    if level.silent_heads:
        yield text.several(len(level.silent_heads), "silent head")
    if level.key_blind_heads:
        yield text.several(len(level.key_blind_heads), "key-blind head")
    if level.dead_neurons:
        yield text.several(sum(level.dead_neurons.values()), "dead neuron")


def run(name: str, s: Summary, width: int | None) -> str:
    lines = [f"{clean(name)}: {s.state}" + (f" ({clean(s.reason)})" if s.reason else "")]
    asked = f"{s.preset} on {s.config.get('workload')}, seed {s.config.get('seed')}"
    again = f": vitprune run {shlex.join(s.request)}" if s.request else ""
    lines.append(clean(f"{asked}{again}"))
    if s.state != "done" and s.epochs_planned:
        left = f", left {text.duration(s.seconds_left)}" if s.state in ALIVE else ""
        lines.append(f"{s.epochs_done}/{s.epochs_planned} epochs, {phase(s)}{left}")
    if s.state in ("stopped", "lost"):
        lines.append(f"go on with: vitprune resume {clean(name)}")
    if s.dense:
        d = s.dense
        origin = "shared" if d.reused else "trained here"
        if given := s.section("dense"):
            origin = f"given as {clean(given.get('file'))}, fresh moments"
        accuracy = (
            f"test {text.percent(d.test.accuracy)}, val {text.percent(d.validation.accuracy)}"
        )
        took = f"{d.epochs} epochs in {text.duration(d.seconds)}, " if d.epochs else ""
        took += f"{origin} ({clean(d.hash)})"
        lines.append(f"dense: {accuracy}, {took}")
        sizes = (s.parameters, s.prunable, s.taking_part)
        names = ("parameters", "prunable", "taking part")
        lines.append(", ".join(f"{text.count(n)} {w}" for n, w in zip(sizes, names, strict=True)))
    if not s.exact:
        lines.append(f"not exact: another {clean(', '.join(s.differs))} since it was begun")
    if s.damaged:
        lines.append(f"{s.damaged} damaged record(s) in the log were skipped")
    if s.unknown:
        lines.append(f"{s.unknown} record(s) of a newer version were not understood")
    if s.levels:
        lines += ["", levels(s, width), "", NOTE]
    if s.diverged and s.diverged.level is not None:
        lines.append(f"{text.sparsity(s.diverged.level)}: diverged, counts as chance")
    return "\n".join(lines)


NOTE = (
    "before: pruned, not yet retrained; +-: points against dense;\n"
    "smaller: parameters; fewer ops: multiply-adds (the speed-up in theory)"
)


def phase(s: Summary) -> str:
    """Where a run is: `dense`, `dense again, epoch 12 of 45`, `90 % round 11`."""
    if s.retracing:
        return f"dense again, epoch {s.retraced} of {s.retracing}"
    if s.round == 0 or s.epoch is None:
        return "dense"
    return f"{text.sparsity(s.sparsity)} round {s.round}"


def record(entry: Entry) -> str:
    """One line of the log for people."""
    event = entry.event
    if isinstance(event, e.Damaged):
        return f"{'':>6}  {'':19}  Damaged       {event.bytes} bytes"
    facts = ", ".join(f"{k} {clean(v, 40)}" for k, v in _facts(event))
    when = clock.fully(entry.time)
    return f"{entry.seq:>6}  {when:<19}  {type(event).__name__:<12}  {facts}"


def _facts(event: e.Found) -> Iterable[tuple[str, object]]:
    for key, value in vars(event).items():
        if isinstance(value, e.Score):
            yield key, f"{text.percent(value.accuracy)} (loss {value.loss:.3f})"
        elif isinstance(value, float):
            yield key, f"{value:.5g}"
        elif isinstance(value, int | str):
            yield key, value
        elif isinstance(event, e.Resumed) and value:
            yield key, " ".join(value)
