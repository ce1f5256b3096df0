"""The tables of a study: all that its findings and its report are made from.

Each is a mapping from where a value belongs to what was seen there, so that tables of runs made at
different times or places are merged by merging mappings. Written sorted and without seconds (but
for the costs), equal runs give equal bytes.
"""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

import numpy as np

from vitprune_core.spec.config import level_name
from vitprune_core.store import grids
from vitprune_core.store.rundir import write
from vitprune_core.store.studydir import StudyDir
from vitprune_core.store.values import MOST, WRONG, from_json, loads

R = TypeVar("R", bound="Row | Cost")
NO_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
"""What is raised, beside `WRONG`, when bytes are no archive of arrays."""


class Damaged(ValueError):
    """A file is not what was written there; it says which, and what to do."""


class Where(NamedTuple):
    """A level of an arm with a seed. `alone` in place of a level: see `Tables.structure`."""

    arm: str
    seed: int
    level: str

    def __str__(self) -> str:
        return f"{self.arm}/s{self.seed}/{self.level}"

    @classmethod
    def parse(cls, text: str) -> "Where":
        """Raises ValueError for anything else."""
        arm, seed, level = text.split("/")
        return cls(arm, int(seed.removeprefix("s")), level)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A level as it was measured; accuracies and sparsities are shares, losses nats.

    A diverged level has no scores.
    """

    workload: str
    arm: str
    seed: int
    run: str
    granularity: str
    distribution: str
    random_of: str
    layers: str
    schedule: str
    policy: str
    optimizer: str
    fraction: float
    cycles: int
    round: int
    sparsity_asked: float
    sparsity: float | None
    """Of the weights that take part."""
    sparsity_prunable: float | None
    sparsity_parameters: float | None
    nonzero_parameters: int | None
    compression: float | None
    speedup: float | None
    effective_sparsity: float | None
    removable: float | None
    epochs: int | None
    """Retraining epochs from the dense model to here."""
    images: int | None
    """In the test set."""
    classes: int
    dense_test_accuracy: float
    dense_test_loss: float
    val_accuracy_before: float | None
    val_accuracy: float | None
    test_accuracy_before: float | None
    test_loss_before: float | None
    test_accuracy: float | None
    test_loss: float | None
    diverged: bool
    collapsed: int | None
    """Matrices of which nothing is left."""
    silent_heads: int | None
    key_blind_heads: int | None
    dead_neurons: int | None
    weights_sha256: str

    @property
    def where(self) -> Where:
        return Where(self.arm, self.seed, level_name(self.sparsity_asked))

    @property
    def chance(self) -> float:
        return 1 / self.classes

    @property
    def accuracy(self) -> float:
        """On the test images; chance where training diverged."""
        return self.chance if self.test_accuracy is None else self.test_accuracy

    @property
    def loss(self) -> float:
        """Of the test images; of a uniform guess where training diverged."""
        return float(np.log(self.classes)) if self.test_loss is None else self.test_loss


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run took, and where; never part of what must be equal."""

    workload: str
    arm: str
    seed: int
    run: str
    host: str
    device: str
    threads: int
    python: str
    torch: str
    vitprune: str
    attempts: int
    exact: bool
    """Its bytes are those of a run that was never interrupted."""
    dense_seconds: float
    """Of the seed's dense training, whoever did it."""
    dense_reused: bool
    epochs_here: int
    """Trained by this run itself."""
    seconds_here: float
    seconds: float
    """From the first record of its log to the last."""

    @property
    def where(self) -> Where:
        return Where(self.arm, self.seed, "")


class Images(NamedTuple):
    """What every test image got, in the order of the seed's test set."""

    correct: np.ndarray
    """Booleans, shape (images,)."""
    nll: np.ndarray
    """Nats, float16, shape (images,)."""


@dataclass(frozen=True)
class Tables:
    rows: Mapping[Where, Row] = field(default_factory=dict)
    images: Mapping[Where, Images] = field(default_factory=dict)
    structure: Mapping[Where, Any] = field(default_factory=dict)
    """Matrix -> JSON, see `structure`; of level `alone` what each matrix costs alone."""
    grids: Mapping[Where, Any] = field(default_factory=dict)
    costs: Mapping[Where, Cost] = field(default_factory=dict)

    def merged(self, other: "Tables") -> "Tables":
        """With everything of `other`, which counts more where both know something."""
        return Tables(
            {**self.rows, **other.rows},
            {**self.images, **other.images},
            {**self.structure, **other.structure},
            {**self.grids, **other.grids},
            {**self.costs, **other.costs},
        )

    @property
    def seeds(self) -> list[int]:
        return sorted({where.seed for where in self.rows})


def read(folder: StudyDir) -> Tables:
    """What was collected so far; what is not there yet is empty.

    Raises `Damaged` when one of them is not what it should be.
    """
    return Tables(
        _read_rows(folder.results),
        _read_images(folder.images),
        _read_json(folder.structure, check_matrices),
        _read_json(folder.grids, grids.read),
        {cost.where: cost for cost in _read_csv(folder.costs, Cost)},
    )


def _read_rows(path: Path) -> dict[Where, Row]:
    rows = _read_csv(path, Row)
    try:
        for row in rows:
            check_row(row)
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    return {row.where: row for row in rows}


def check_row(row: Row) -> None:
    """Only what diverged has no scores; scores are shares. Raises ValueError."""
    known = row.test_accuracy is not None and row.test_loss is not None
    if row.diverged == known or not 0 <= row.accuracy <= 1:
        told = f"diverged is {row.diverged}, accuracy {row.accuracy:g}"
        raise ValueError(f"{row.where}: {told}")


def save(folder: StudyDir, tables: Tables) -> None:
    """Replace the files, the results last: who sees a row finds its images."""
    _write_images(folder.images, tables.images)
    _write_json(folder.structure, tables.structure)
    _write_json(folder.grids, tables.grids)
    write(folder.costs, as_csv(Cost, _sorted(tables.costs)).encode())
    write(folder.results, as_csv(Row, _sorted(tables.rows)).encode())


def as_csv(kind: type[R], rows: Iterable[R]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f.name for f in fields(kind)])
    writer.writerows([["" if v is None else v for v in astuple(row)] for row in rows])
    return text.getvalue()


def _sorted(values: Mapping[Where, Any]) -> list[Any]:
    return [values[where] for where in sorted(values, key=_order)]


def _order(where: Where) -> tuple[str, int, float, str]:
    try:
        level = float(where.level)
    except ValueError:
        level = -1.0
    return where.arm, where.seed, level, where.level


def _read_csv(path: Path, kind: type[R]) -> list[R]:
    hints = get_type_hints(kind)
    try:
        text = path.read_bytes().decode()
        if not text.endswith("\n"):
            raise ValueError("its last line has no end")
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if missing := [name for name in hints if name not in (rows.fieldnames or ())]:
            raise ValueError(f"it has no column {missing[0]}")
        return [kind(**{n: _value(hint, row[n]) for n, hint in hints.items()}) for row in rows]
    except FileNotFoundError:
        return []
    except (*WRONG, csv.Error) as error:
        what = f"is no table of {kind.__name__.lower()}s: {type(error).__name__}: {error}"
        raise _damaged(path, what) from None


def _value(hint: Any, text: str | None) -> Any:
    kinds = get_args(hint) or (hint,)
    if text is None:
        raise ValueError("a line is too short")
    if text == "" and type(None) in kinds:
        return None
    if bool in kinds:
        return {"True": True, "False": False}[text]
    value = kinds[0](text)
    if isinstance(value, float) and not abs(value) < MOST:
        raise ValueError(f"{text} is no number to calculate with")
    return value


def _read_images(path: Path) -> dict[Where, Images]:
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            names = [name for name in arrays.files if not name.endswith(":correct")]
            return {
                Where.parse(name): unpacked(arrays[f"{name}:correct"], arrays[name])
                for name in names
            }
    except (*WRONG, *NO_ZIP) as error:
        raise _damaged(path, f"cannot be read: {type(error).__name__}: {error}") from None


def unpacked(correct: np.ndarray, nll: np.ndarray) -> Images:
    """From packed bits and nats, as files have them; raises ValueError for anything else."""
    if nll.ndim != 1 or nll.dtype.kind != "f" or np.isnan(nll).any():
        raise ValueError("what test images cost is not a list of numbers")
    if correct.dtype != np.uint8 or correct.shape != (-(-len(nll) // 8),):
        raise ValueError(f"there is not a bit for each of {len(nll)} images")
    return Images(np.unpackbits(correct, count=len(nll)) == 1, nll.astype(np.float16))


def _write_images(path: Path, images: Mapping[Where, Images]) -> None:
    buffer = io.BytesIO()
    arrays = {}
    for where in sorted(images, key=_order):
        arrays[str(where)] = images[where].nll
        arrays[f"{where}:correct"] = np.packbits(images[where].correct)
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write(path, buffer.getvalue())


def _read_json(path: Path, check: Callable[[Any], object]) -> dict[Where, Any]:
    """A value a level; what `check` says of one is raised as `Damaged` too."""
    try:
        found = {Where.parse(key): value for key, value in loads(path.read_bytes()).items()}
        for value in found.values():
            check(value)
        return found
    except FileNotFoundError:
        return {}
    except WRONG as error:
        raise _damaged(path, f"cannot be read: {type(error).__name__}: {error}") from None


def _named(of: Any) -> None:
    if not isinstance(of, dict):
        raise ValueError(f"{json.dumps(of)[:40]} where values with names should be")


@dataclass(frozen=True, kw_only=True)
class _Ratio:
    ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Initial:
    heads: float | None = None
    rows: float | None = None
    columns: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Dead:
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Structure:
    heads: _Ratio | None = None
    rows: _Ratio | None = None
    columns: _Ratio | None = None
    initial: _Initial | None = None
    dead_heads: _Dead | None = None


@dataclass(frozen=True, kw_only=True)
class _Matrix:
    """What findings and figures ask of a matrix; its JSON may have more."""

    density: float | None = None
    accuracy: float | None = None
    structure: _Structure | None = None


def check_matrices(of: Any) -> None:
    """Whether what is known of a level's matrices can be calculated with; raises one of `WRONG`."""
    _named(of)
    for name, matrix in of.items():
        _named(matrix)
        _numbers(matrix)
        _named(matrix.get("structure") or {})
        _check_matrix(name, from_json(_Matrix, matrix))


def _check_matrix(name: str, matrix: _Matrix) -> None:
    for share in (matrix.density, matrix.accuracy):
        if share is not None and not 0 <= share <= 1:
            raise ValueError(f"{name}: {share:g} is no share")
    dead = matrix.structure and matrix.structure.dead_heads
    if dead and (dead.count is None or dead.count < 0 or matrix.density is None):
        raise ValueError(f"{name}: dead heads have no count, or the matrix no density")


def _numbers(of: Any) -> None:
    """At the end of every branch: a number, or nothing where there is none."""
    if isinstance(of, str | bool):
        raise ValueError(f"{json.dumps(of)} where a number should be")
    for part in of.values() if isinstance(of, dict) else of if isinstance(of, list) else ():
        _numbers(part)


def _write_json(path: Path, values: Mapping[Where, Any]) -> None:
    """A line a level, so that a difference can be read."""
    lines = [
        f"{json.dumps(str(where))}: {json.dumps(values[where], separators=(',', ':'))}"
        for where in sorted(values, key=_order)
    ]
    write(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def _damaged(path: Path, what: str) -> Damaged:
    again = "`vitprune sweep` collects it again from the runs that are there"
    return Damaged(f"{path}: {what}; move it away, and {again}")
