"""`vitprune masks`: which weights stayed, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from vitprune_core.spec.config import level_name
from vitprune_core.spec.shape import LAYERS
from vitprune_core.store import grids as g
from vitprune_core.store.rundir import RunDir
from vitprune_core.store.values import WRONG, to_json
from vitprune_tui.draw import text
from vitprune_tui.draw.glyphs import ASCII, BLOCKS
from vitprune_tui.draw.heat import caption, heatmap, legend, overview, pooled, top_of
from vitprune_tui.draw.lines import beside, line, plain
from vitprune_tui.draw.plots import Look
from vitprune_tui.wrong import Wrong

KINDS = [kind.partition(".")[2] for kind in LAYERS["all"]]
SMALL, GAP, LARGEST = (22, 12), 3, 60
"""Columns and rows of a heatmap among others, columns between two; rows of one alone."""
Matrices = Mapping[str, g.Grid]


def masks(
    run: RunDir, level: str | None, layer: int | None, matrix: str | None, look: Look
) -> tuple[dict[str, Any], str]:
    """The grids of one level, and their picture: all blocks, one block, or one matrix large."""
    name, grids = _level(run, level)
    chosen = {n: grid for n, grid in grids.matrices.items() if _wanted(n, layer, matrix)}
    if not chosen:
        blocks = max(int(_block(n)) for n in grids.matrices)
        asked = [f"--layer {layer}"] * (layer is not None) + [f"--matrix {matrix}"] * bool(matrix)
        choices = f"blocks are 0 to {blocks}, matrices {' '.join(KINDS)}"
        raise Wrong(f"{' '.join(asked)}: {choices}")
    shown = to_json(g.Grids(grids.sparsity, chosen))
    return {"id": run.id, "level": name, **shown}, _picture(run, name, grids, chosen, look)


def thumbnails(run: RunDir, level: str, look: Look) -> str:
    """Every matrix of a level, small."""
    return _small(_level(run, level)[1].matrices, look)


def _picture(run: RunDir, name: str, grids: g.Grids, chosen: Matrices, look: Look) -> str:
    head = f"{run.id} at sparsity {name}"
    if len(chosen) == 1:
        return f"{head}\n{_large(*next(iter(chosen.items())), look)}"
    columns, rows = overview(grids.matrices)
    table = text.table(columns, rows, "r" * len(columns))
    return "\n".join([head, "", "percent kept", table, "", _small(chosen, look)])


def _large(name: str, grid: g.Grid, look: Look) -> str:
    """One matrix as large as its grid and the terminal's width allow."""
    glyphs = ASCII if look.ascii else BLOCKS
    cells = pooled(grid, look.columns, LARGEST)
    top = top_of([cells])
    lines = [
        plain(legend(top, glyphs)),
        "",
        caption(name, grid),
        *heatmap(cells, grid, top, glyphs),
    ]
    return "\n".join(lines)


def _small(matrices: Matrices, look: Look) -> str:
    """Block by block, as many matrices side by side as the width takes."""
    glyphs = ASCII if look.ascii else BLOCKS
    cells = {name: pooled(grid, *SMALL) for name, grid in matrices.items()}
    top = top_of(cells.values())
    across = max((look.columns + GAP) // (SMALL[0] + GAP), 1)
    lines = [plain(legend(top, glyphs))]
    for block in dict.fromkeys(map(_block, matrices)):
        drawn = [
            [*_title(name, grid), *heatmap(cells[name], grid, top, glyphs)]
            for name, grid in matrices.items()
            if _block(name) == block
        ]
        lines += ["", f"block {block}"]
        for at in range(0, len(drawn), across):
            lines += ["", *_row(drawn[at : at + across])]
    return "\n".join(lines)


def _row(drawings: Sequence[list[str]]) -> list[str]:
    """Side by side, each as wide as its widest line."""
    blocks = [([line(text) for text in each], max(map(len, each))) for each in drawings]
    return [plain(each).rstrip() for each in beside(blocks, GAP)]


def _title(name: str, grid: g.Grid) -> list[str]:
    """Two lines as wide as the picture: density, and what is dead where something is."""
    dead = f"dead {grid.dead_rows} r, {grid.dead_columns} c"
    return [
        f"{name.rpartition('.')[2]:<4}{100 * grid.density:>6.1f} % kept",
        dead if grid.dead_rows or grid.dead_columns else "",
    ]


def _block(name: str) -> str:
    return name.split(".")[1]


def _wanted(name: str, layer: int | None, matrix: str | None) -> bool:
    _, block, part, kind = name.split(".")
    names = (None, kind, f"{part}.{kind}", name)
    return (layer is None or block == str(layer)) and matrix in names


def _level(run: RunDir, asked: str | None) -> tuple[str, g.Grids]:
    """The grids of a level by its name or its number; the last level when none is asked for."""
    names = run.levels
    if not names:
        raise Wrong(f"{run.id} has no masks: no level was pruned, or their files are gone")
    name = names[-1] if asked is None else _normal(asked)
    if name not in names:
        raise Wrong(f"--level {asked}: levels of {run.id} are {', '.join(names)}")
    try:
        return name, g.load(run.grid(name))
    except (OSError, *WRONG) as error:
        raise Wrong(f"{run.grid(name)} cannot be read: {error}") from None


def _normal(asked: str) -> str:
    """0.90 is the level 0.9."""
    try:
        return level_name(float(asked))
    except ValueError:
        return asked
