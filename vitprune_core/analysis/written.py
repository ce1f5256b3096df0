"""A report on the disk: Markdown, figures, the study, every number as CSV, Parquet and JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from vitprune_core.analysis.gather import Gathered, findings
from vitprune_core.analysis.illustrations import drafts, draw
from vitprune_core.analysis.report import file_of, markdown
from vitprune_core.analysis.summaries import MEASURED, LevelSummary, Spread
from vitprune_core.analysis.tables import Row
from vitprune_core.store.clean import field
from vitprune_core.store.rundir import write

SPREAD = ("mean", "sd", "low", "high")
ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


@dataclass(frozen=True)
class Files:
    """Where everything goes."""

    report: Path
    findings: Path

    @property
    def folder(self) -> Path:
        return self.report.parent

    @property
    def figures(self) -> Path:
        return self.folder / "figures"

    @property
    def csv(self) -> Path:
        return self.folder / "results.csv"

    @property
    def levels(self) -> Path:
        return self.folder / "levels.csv"

    @property
    def parquet(self) -> Path:
        return self.folder / "results.parquet"


def save(gathered: Sequence[Gathered], files: Files, note: str = "") -> list[Path]:
    """Write everything, the report last: what it shows is there. Raises ValueError
    before anything is written, and OSError.

    A study's own results.csv, when the report goes into its folder, is left as it is: runs that are
    at work write to it.
    """
    planned = {g.study.folder: drafts(g) for g in gathered}  # what is wrong is so before a file is
    files.figures.mkdir(exist_ok=True)
    pictures = {folder: draw(of, files.figures) for folder, of in planned.items()}
    written = [
        files.figures / f"{picture.file}.{kind}"
        for of in pictures.values()
        for picture in of
        for kind in ("svg", "png")
    ]
    if not any(_same(folder.path, files.folder) for g in gathered for folder in g.folders):
        write(files.csv, as_csv(gathered).encode())
        written.append(files.csv)
    for g in gathered:
        path = files.folder / file_of(g, gathered)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, g.study.dump().encode())
        written.append(path)
    write(files.levels, levels_as_csv(gathered).encode())
    write(files.parquet, as_parquet(gathered))
    write(files.findings, (json.dumps(findings(gathered), indent=2) + "\n").encode())
    write(files.report, markdown(gathered, pictures, note).encode())
    return [*written, files.levels, files.parquet, files.findings, files.report]


def _same(a: Path, b: Path) -> bool:
    return a.resolve() == b.resolve()


def _records(gathered: Sequence[Gathered]) -> Iterator[dict[str, Any]]:
    """A row a level, of every study."""
    for g in gathered:
        for row in g.rows:
            yield {"study": g.study.name, **{f.name: getattr(row, f.name) for f in fields(Row)}}


def as_csv(gathered: Sequence[Gathered]) -> str:
    """A row a level of a seed."""
    head = ["study", *(f.name for f in fields(Row))]
    return _csv(head, (record.values() for record in _records(gathered)))


def _csv(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """No text of it is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(map(_field, row) for row in rows)
    return text.getvalue()


def levels_as_csv(gathered: Sequence[Gathered]) -> str:
    """A row an arm and sparsity: what its seeds say together. Shares, and losses in nats."""
    spreads = [f"{name}_{of}" for name in ("accuracy", "before", "loss") for of in SPREAD]
    head = ["study", "workload", "arm", "asked", "seeds", *spreads, *MEASURED]
    levels = ((g, level) for g in gathered for of in g.levels.values() for level in of)
    return _csv(head, (_level(g, level) for g, level in levels))


def _level(g: Gathered, level: LevelSummary) -> list[object]:
    who = [g.study.name, g.study.workload, level.arm, level.asked, level.accuracy.n]
    seen = [_spread(of) for of in (level.accuracy, level.before, level.loss)]
    return [*who, *chain.from_iterable(seen), *(level.means[name] for name in MEASURED)]


def _spread(spread: Spread | None) -> list[float | None]:
    return [None if spread is None else getattr(spread, name) for name in SPREAD]


def _field(value: object) -> object:
    if isinstance(value, str):
        return field(value)
    return "" if value is None else value


def as_parquet(gathered: Sequence[Gathered]) -> bytes:
    """The same with its types: what is unknown is null."""
    hints = get_type_hints(Row)
    columns = [pa.field("study", pa.string())]
    columns += [
        pa.field(f.name, ARROW[(get_args(hints[f.name]) or (hints[f.name],))[0]])
        for f in fields(Row)
    ]
    table = pa.Table.from_pylist(list(_records(gathered)), schema=pa.schema(columns))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
