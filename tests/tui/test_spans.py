"""What goes to the terminal: only cells that changed, wherever in a line they are."""

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from vitprune_tui.widgets.spans import Spans


def sent(line: list[str], *spans: tuple[int, int]) -> str:
    """Of a line made of these widgets, what is sent when these stretches changed."""
    ends = [sum(map(cell_len, line[: i + 1])) for i in range(len(line))]
    places = [0, *ends[:-1]]
    chops = {x: Strip([Segment(text)]) for x, text in zip(places, line, strict=True)}
    changed = [(0, first, stop) for first, stop in spans]
    return Spans([chops], changed, [ends]).render_segments(Console(color_system=None))


def test_a_digit_that_changed_is_sent_alone():
    assert sent(["epoch  7/60"], (7, 8)) == "\x1b[1;8H7"


def test_a_stretch_over_two_widgets_is_sent_in_two_pieces():
    assert sent(["left", "right"], (3, 6)) == "\x1b[1;4Ht\x1b[1;5Hri"


def test_what_lies_between_two_stretches_is_not_sent():
    assert sent(["abcdefgh"], (0, 1), (6, 8)) == "\x1b[1;1Ha\x1b[1;7Hgh"


def test_a_wide_character_is_sent_whole():
    assert sent(["a永b"], (1, 4)) == "\x1b[1;2H永b"
