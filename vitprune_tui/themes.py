"""The colours of the bench, by theme; `theme.tcss` says what wears them.

`series0` to `series7` are curves, `heat0` to `heat4` the steps of a heatmap. The colour-blind theme
takes the palette of Okabe and Ito (2008), which stays apart for every kind of colour vision; the
terminal's own takes its sixteen colours and its background.
"""

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import BUILTIN_THEMES, Theme

Colours = tuple[str, ...]

DARK_SERIES = (
    "#7aa2f7",
    "#ff9e64",
    "#9ece6a",
    "#f7768e",
    "#bb9af7",
    "#2ac3de",
    "#e0af68",
    "#c0caf5",
)
LIGHT_SERIES = (
    "#2456c9",
    "#b45309",
    "#3f7d20",
    "#c02942",
    "#7a3fb5",
    "#0e7490",
    "#8a6d00",
    "#444b6a",
)
OKABE_ITO = (
    "#56b4e9",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#0072b2",
    "#f0e442",
    "#dddddd",
)
ANSI = ("blue", "yellow", "green", "red", "magenta", "cyan", "bright_blue", "white")


def _variables(series: Colours, heat: Colours, dim: str, axis: str) -> dict[str, str]:
    names = {f"series{i}": colour for i, colour in enumerate(series)}
    return {**names, **{f"heat{i}": c for i, c in enumerate(heat)}, "dim": dim, "axis": axis}


DARK = Theme(
    name="dark",
    primary="#7aa2f7",
    accent="#7aa2f7",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    foreground="#c8d0e8",
    background="#11131a",
    surface="#171a23",
    panel="#1f2330",
    dark=True,
    variables=_variables(
        DARK_SERIES,
        ("#3a4055", "#4a5a8c", "#7a6fb8", "#c07fa8", "#f2b880"),
        dim="#7f88a5",
        axis="#5b637d",
    ),
)
LIGHT = Theme(
    name="light",
    primary="#2456c9",
    accent="#2456c9",
    success="#2f6b14",
    warning="#945200",
    error="#b3202f",
    foreground="#1c2030",
    background="#fbfbf8",
    surface="#f2f2ee",
    panel="#e6e6e0",
    dark=False,
    variables=_variables(
        LIGHT_SERIES,
        ("#c9c9c4", "#a9b8dc", "#7d86c4", "#8a4f9e", "#7a1f4b"),
        dim="#666c80",
        axis="#9a9fae",
    ),
)
COLOUR_BLIND = Theme(
    name="colour-blind",
    primary="#56b4e9",
    accent="#56b4e9",
    success="#56b4e9",
    warning="#e69f00",
    error="#d55e00",
    foreground="#dddddd",
    background="#101010",
    surface="#181818",
    panel="#242424",
    dark=True,
    variables=_variables(
        OKABE_ITO,
        ("#404040", "#00517f", "#0072b2", "#56b4e9", "#f0e442"),
        dim="#8c8c8c",
        axis="#606060",
    ),
)
TERMINAL = Theme(
    name="terminal",
    ansi=True,
    primary="ansi_blue",
    accent="ansi_blue",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    dark=True,
    variables=BUILTIN_THEMES["ansi-dark"].variables  # what Textual's own widgets ask for
    | _variables(
        tuple(f"ansi_{colour}" for colour in ANSI),
        ("ansi_bright_black", "ansi_blue", "ansi_cyan", "ansi_yellow", "ansi_bright_white"),
        dim="ansi_bright_black",
        axis="ansi_bright_black",
    ),
)
THEMES = (DARK, LIGHT, COLOUR_BLIND, TERMINAL)


class Colourless(LineFilter):
    """No colour code at all; bold, reversed and the like stay.

    Textual's own filter says "the default colour", by codes of its own.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, _colourless(style or Style()), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def _colourless(style: Style) -> Style:
    return style.without_color
