"""What the chosen preset is and what the request means, in plain sentences."""

from vitprune_core.store.clean import clean
from vitprune_tui.draw.bench import studied
from vitprune_tui.draw.bench.wrapping import wrapped
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.text import several
from vitprune_tui.facts.request import Answer, Preset, Sweep


def meaning(
    preset: Preset | None, answer: Answer | Sweep | None, columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """A title, the sentence, and of the preset's comment what there is room for."""
    if preset is None:
        return [line(("no preset is chosen", "dim"))]
    told = [_title(preset, answer)]
    if isinstance(answer, Sweep):
        sentence = studied.sentence(answer) if answer.arms else ""
    else:
        sentence = answer.sentence if answer else ""
    told += [line(text) for text in wrapped(clean(sentence), columns)]
    comment = " ".join(map(clean, preset.comment))
    return told + [line((text, "dim")) for text in wrapped(comment, columns)]


def _title(preset: Preset, answer: Answer | Sweep | None) -> Line:
    name, own = clean(preset.asked, 64), preset.origin != "shipped"
    where = (f"  in {clean(preset.origin)}", "dim") if own else ""
    if answer is None:
        return line((name, "strong"), where)
    workload = clean(answer.workload, 64)
    changes = len(answer.request.changes) if isinstance(answer, Answer) else 0
    changed = (f"  {several(changes, 'change')}", "mark") if changes else ""
    wrong = ("  wrong", "bad") if answer.problems else ""
    on = (f" on {workload}", "strong") if workload else ""
    return line((name, "strong"), on, changed, wrong, where)
