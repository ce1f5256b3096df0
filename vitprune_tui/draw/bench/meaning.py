"""What the chosen preset is and what the request means, in plain sentences."""

from rich.cells import cell_len

from vitprune_core.store.clean import clean
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line
from vitprune_tui.draw.text import several
from vitprune_tui.facts.request import Answer, Preset


def meaning(
    preset: Preset | None, answer: Answer | None, columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """A title, the sentence, and of the preset's comment what there is room for."""
    if preset is None:
        return [line(("no preset is chosen", "dim"))]
    told = [_title(preset, answer)]
    if answer and answer.sentence:
        told += [line(text) for text in wrapped(clean(answer.sentence), columns)]
    comment = " ".join(map(clean, preset.comment))
    return told + [line((text, "dim")) for text in wrapped(comment, columns)]


def _title(preset: Preset, answer: Answer | None) -> Line:
    name, own = clean(preset.asked, 64), preset.origin != "shipped"
    where = (f"  in {clean(preset.origin)}", "dim") if own else ""
    if answer is None:
        return line((name, "strong"), where)
    workload, changes = clean(answer.workload, 64), len(answer.request.changes)
    changed = (f"  {several(changes, 'change')}", "mark") if changes else ""
    wrong = ("  wrong", "bad") if answer.problems else ""
    on = (f" on {workload}", "strong") if workload else ""
    return line((name, "strong"), on, changed, wrong, where)


def wrapped(text: str, columns: int) -> list[str]:
    """Words on lines of at most so many cells; a longer word is left to be cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
