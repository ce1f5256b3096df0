"""What a run would go through and cost, and when its turn would come; or why it cannot be."""

import re
from collections.abc import Sequence

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.bench import studied
from vitprune_tui.draw.bench.wrapping import flow, wrapped
from vitprune_tui.draw.chart import Curve, chart
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, beside, line
from vitprune_tui.draw.scale import Axis
from vitprune_tui.facts.request import Answer, Forecast, Planned, Preset, Sweep
from vitprune_tui.state import Lab

MEASURED = re.compile(r"Measured on (\w+).*?; ([^;]*)\.(?= [A-Z]|$)")
"""What presets say of their time: `Measured on digits, ...; 5 retrainings of about 10 s.`"""
TABLE, CURVE = 8, 8
"""Rows from which on there is a table of phases, and that the curve beside it needs."""
MOST_PHASES = 40
MEANT = {
    "workloads": "{start}: runs are made on this workload from now on",
}


def planned(
    preset: Preset | None,
    answer: Answer | Sweep | None,
    forecast: Forecast | None,
    lab: Lab,
    keys: tuple[str, str],
    columns: int,
    rows: int,
    glyphs: Glyphs,
) -> list[Line]:
    """`keys` are those that start and queue."""
    start, queue = keys
    problems = answer.problems if answer else preset.problems if preset else ()
    if problems:
        return _problems(problems, columns, glyphs)
    if preset is None:
        return []
    if preset.kind == "studies" or isinstance(answer, Sweep):
        sweep = answer if isinstance(answer, Sweep) else None
        return studied.costs(preset, sweep, lab, start, columns, glyphs)
    if answer is None or answer.planned is None:
        meant = MEANT.get(preset.kind, "").format(start=start, asked=clean(preset.asked))
        return [*(line((row, "dim")) for row in wrapped(meant, columns)), *_queue(lab, queue)]
    plan = answer.planned
    told = _first(preset, start, columns) if lab.read and not lab.runs else []
    told += [line(row) for row in _costs(plan, forecast, columns)]
    told += _queue(lab, queue)
    return told + _pictures(plan, columns, rows - len(told), glyphs)


def _problems(problems: Sequence[str], columns: int, glyphs: Glyphs) -> list[Line]:
    """Each one whole: in it stand the choices and what was probably meant."""
    lines = []
    for problem in problems:
        for i, row in enumerate(wrapped(clean(problem), columns - 2)):
            lines.append(line((f"{' ' if i else glyphs.dead} {row}", "bad")))
    return lines


def _costs(plan: Planned, forecast: Forecast | None, columns: int) -> list[str]:
    from vitprune_tui.draw.steps import summary

    sizes, millions = plan.sizes, f"{plan.multiply_adds / 1e6:,.1f}"
    prunable, part = sizes["prunable"], sizes["taking_part"]
    cost = [
        f"{sizes['parameters']:,} parameters",
        f"{prunable:,} prunable",
        "all take part" if part == prunable else f"{part:,} take part",
        f"{millions} M multiply-adds",
    ]
    time = [f"{text.several(plan.steps.epochs, 'epoch')}", *_time(plan, forecast)]
    return [
        *flow([summary(plan.steps)], columns),
        *flow(time, columns),
        *flow(cost, columns),
    ]


def _time(plan: Planned, forecast: Forecast | None) -> list[str]:
    """ETA; the dense model is trained once and shared."""
    dense, told = plan.steps.dense.epochs, []
    if forecast and forecast.dense and dense:
        told = [f"{dense} of them are there already"]
    if forecast is None:
        return ["ETA ..."]
    if forecast.seconds is None:
        return ["ETA ?: this host has not measured it yet", *told]
    left = plan.steps.epochs - (dense if forecast.dense else 0)
    return [f"ETA {text.duration(left * forecast.seconds)}", *told]


def _queue(lab: Lab, key: str) -> list[Line]:
    """What waits, and whether somebody sees to it."""
    if not lab.order:
        return []
    seen_to = "one after the other" if lab.dispatcher else f"nobody starts them, {key} does"
    what = f"queue: {len(lab.order)} wait, {seen_to}: {', '.join(map(clean, lab.order[:20]))}"
    return [line((what, "" if lab.dispatcher else "warn"))]


def _first(preset: Preset, key: str, columns: int) -> list[Line]:
    """Of an empty folder; times are the preset's own words."""
    comment = " ".join(map(clean, preset.comment))
    found = MEASURED.search(comment)
    time = f"; on {found[1]} {found[2]}" if found else ""
    told = f"No runs yet: {key} starts the chosen preset{time}"
    return [line((row, "good")) for row in wrapped(told, columns)]


def _pictures(plan: Planned, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """The learning rate, and above it a table of the phases where there is room for both."""
    told: list[Line] = []
    if rows >= TABLE + CURVE + 2:
        told = [(), *_table(plan, rows // 2), ()]
        rows -= len(told)
    if rows < 2 or not plan.rates[0]:
        return told
    curve = Curve("learning rate", *plan.rates)
    # It is as wide as the plan is long, whatever round number comes next.
    epochs = Axis("epochs of all phases", low=0, high=max(plan.rates[0]))
    if rows >= CURVE:
        rate = Axis("learning rate", low=0)
        return told + chart([curve], columns, rows, glyphs, epochs, rate)
    name = f"lr {max(plan.rates[1]):.3g} "
    small = chart([curve], max(columns - len(name), 1), min(rows, 4), glyphs, epochs, Axis(low=0))
    return told + beside([([line((name, "axis"))], len(name)), (small, columns - len(name))], 0)


def _table(plan: Planned, most: int) -> list[Line]:
    """As many phases as fit; what is left out is said."""
    from vitprune_tui.draw.steps import table

    head, *every = table(plan.steps, MOST_PHASES).splitlines()
    shown, left = every[: most - 2], len(plan.steps.phases) - len(every[: most - 2])
    more = [line((f"and {left} more", "dim"))] if left else []
    return [line((head, "axis")), *map(line, shown), *more]
