"""The masks of a level as its files have them: small grids always, single weights if they can.

What is damaged or missing becomes a sentence, never an error: the screen shows what is left.
"""

from collections.abc import Mapping
from pathlib import Path

from vitprune_core.store import bits as b
from vitprune_core.store import grids as g
from vitprune_core.store.clean import clean
from vitprune_core.store.rundir import RunDir, stamp
from vitprune_core.store.values import WRONG, from_json, loads
from vitprune_tui.facts.matrices import Changes, Masks, Matrix, Structure, change


def read(run: RunDir, level: str, before: Masks | None = None) -> Masks:
    """The very same value as `before` when the files have not changed."""
    now = tuple(stamp(of(level)) for of in (run.grid, run.mask, run.structure))
    if before and before.stamp == now:
        return before
    grids = _grids(run.grid(level))
    if isinstance(grids, str):
        return Masks(problem=grids, stamp=now)
    bits, found = _bits(run.mask(level), grids), _structure(run.structure(level))
    if isinstance(bits, str):
        coarse = {n: Matrix(n, grid, None, found.get(n)) for n, grid in grids.items()}
        return Masks(coarse, f"{bits}; only small grids are shown", now)
    matrices = {n: Matrix(n, grid, bits[n], found.get(n)) for n, grid in grids.items()}
    return Masks(matrices, stamp=now)


def compare(here: Masks, there: Masks, what: str) -> Changes:
    """Every matrix that is in both and of one shape; `what` names the other."""
    if there.problem:
        return Changes(problem=f"{what}: {there.problem}")
    changes, strange = {}, []
    for name, matrix in here.matrices.items():
        other = there.matrices.get(name)
        if matrix.bits is None:
            return Changes(problem=here.problem)
        if other is None or other.bits is None:
            strange.append(f"{what} has no {name}")
        elif other.grid.shape != matrix.grid.shape:
            sizes = " and ".join("x".join(map(str, m.grid.shape)) for m in (matrix, other))
            strange.append(f"{what} is of another shape: {name} is {sizes}")
        else:
            changes[name] = change(matrix.bits, other.bits)
    return Changes(changes, strange[0] if strange else None)


def _grids(path: Path) -> Mapping[str, g.Grid] | str:
    """By name, or why not."""
    try:
        return g.load(path).matrices
    except FileNotFoundError:
        return f"{_short(path)} is gone"
    except (OSError, *WRONG) as error:
        return f"{_short(path)} cannot be read: {_why(error)}"


def _bits(path: Path, grids: Mapping[str, g.Grid]) -> Mapping[str, b.Bits] | str:
    try:
        bits = b.load(path, list(grids))
    except FileNotFoundError:
        return f"{_short(path)} is gone"
    except (OSError, ValueError) as error:
        return f"{_short(path)} cannot be read: {_why(error)}"
    for name, grid in grids.items():
        if bits[name].shape != grid.shape:
            return f"{_short(path)} and the grid beside it differ in the shape of {name}"
    return bits


def _structure(path: Path) -> Mapping[str, Structure]:
    """By name; nothing where the file is not there, which is as good as damaged: it only adds."""
    try:
        found = loads(path.read_bytes())
        return {name: from_json(Structure, of["structure"]) for name, of in found.items()}
    except (OSError, *WRONG):
        return {}


def _short(path: Path) -> str:
    """`masks/0.9.npz`."""
    return f"masks/{path.name}"


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return clean(error, 100)
