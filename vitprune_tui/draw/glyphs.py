"""The characters that pictures are made of, in three sets: for what a terminal cannot show.

`u` steps through them. Every set says the same: shades, points and marks differ by shape, not by
colour.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Glyphs:
    name: str
    dots: tuple[int, int]
    """Columns and rows of the points that one character of a curve can show."""
    shades: str
    """Of a heatmap, from nothing kept to everything, five of them; neither a line nor a sign."""
    points: str
    """One for each curve, so that they differ without colour."""
    vertical: str
    horizontal: str
    corner: str
    """Where two axes meet."""
    dash: str
    """A horizontal line that is no axis."""
    full: str
    """The part of a bar that is there, and the part that is not."""
    empty: str
    cursor: str
    """Before the row that is chosen."""
    mark: str
    """Before a row that is marked."""
    dead: str
    """Beside a row, column or head of which nothing is left."""
    now: str
    """Of a phase that is at work, of one that is over, of one that is to come."""
    over: str
    ahead: str
    more: str
    """At the end of what was cut."""
    rising: str
    """Beside the column that rows are sorted by: the least first, or the most first."""
    falling: str
    folded: str
    """Before a row that stands for several, and before one below which they are told."""
    unfolded: str


BRAILLE = Glyphs(
    name="Braille",
    dots=(2, 4),
    shades="·░▒▓█",
    points="●▲■◆○△□◇★✚",
    vertical="│",
    horizontal="─",
    corner="└",
    dash="╌",
    full="█",
    empty="░",
    cursor="❯",
    mark="●",
    dead="×",
    now="▶",
    over="✔",
    ahead="·",
    more="…",
    rising="↑",
    falling="↓",
    folded="▸",
    unfolded="▾",
)
BLOCKS = Glyphs(**{**vars(BRAILLE), "name": "blocks", "dots": (2, 2)})
ASCII = Glyphs(
    name="ASCII",
    dots=(1, 1),
    shades=".:=*#",
    points="ox*+@%&$=^",
    vertical="|",
    horizontal="-",
    corner="+",
    dash="-",
    full="#",
    empty=".",
    cursor=">",
    mark="*",
    dead="x",
    now=">",
    over="+",
    ahead=".",
    more="~",
    rising="^",
    falling="v",
    folded="+",
    unfolded="-",
)
EVERY = (BRAILLE, BLOCKS, ASCII)
