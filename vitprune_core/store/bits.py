"""The masks of a level, bit by bit: what screens compare, readable without numpy.

A matrix is one long integer, row by row with the first weight in front: to count is `bit_count`, to
compare is `&`. Files are those of `numpy.savez`: a zip with `<matrix>.npy` (the packed bits) and
`<matrix>:shape.npy`. Nothing in them is believed before it is checked, and nothing is evaluated.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

LARGEST = 1 << 27
"""Bytes of all matrices that are read together: a billion weights."""
SIDE = 1 << 17
"""Rows or columns of a matrix."""
HEAD = 128
"""Bytes that numpy writes before an array of one axis."""
NPY = re.compile(
    rb"\x93NUMPY\x01\x00v\x00\{'descr': '(?P<kind>[^']{3})', 'fortran_order': False,"
    rb" 'shape': \((?P<count>[0-9]{1,10}),\), \} *\n"
)
"""`v` is what is left of `HEAD` after ten bytes: 118."""
WRONG = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OverflowError)
"""What `zipfile` raises besides OSError and ValueError."""


@dataclass(frozen=True)
class Bits:
    """Which weights of a matrix are kept."""

    shape: tuple[int, int]
    """Rows and columns."""
    bits: int
    """The lowest bit is the last column of the last row."""

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1]

    @property
    def kept(self) -> int:
        return self.bits.bit_count()

    @property
    def density(self) -> float:
        return self.kept / self.size

    @property
    def rows(self) -> Iterator[int]:
        """Each row as an integer; its highest bit is column 0."""
        height, width = self.shape
        packed = (self.bits << -self.size % 8).to_bytes((self.size + 7) // 8, "big")
        only = (1 << width) - 1
        for end in range(width, height * width + 1, width):
            around = packed[(end - width) // 8 : (end + 7) // 8]
            yield int.from_bytes(around, "big") >> -end % 8 & only

    @property
    def dead_rows(self) -> tuple[int, ...]:
        """Those of which nothing is kept."""
        return tuple(at for at, row in enumerate(self.rows) if not row)

    @property
    def dead_columns(self) -> tuple[int, ...]:
        living = f"{reduce(or_, self.rows):0{self.shape[1]}b}"
        return tuple(at for at, bit in enumerate(living) if bit == "0")

    def pooled(self, rows: int, columns: int) -> list[list[float]]:
        """The density of each cell of a grid of at most `rows` x `columns`."""
        return [self._pooled_row(a, b, columns) for a, b in spans(self.shape[0], rows)]

    def _pooled_row(self, start: int, stop: int, columns: int) -> list[float]:
        """Cells over rows `start` to `stop`: a mask for the top row's bits, repeated downwards."""
        height, width = self.shape
        band = self.bits >> (height - stop) * width & (1 << (stop - start) * width) - 1
        in_each_row = sum(1 << row * width for row in range(stop - start))
        return [
            (band & in_each_row * (((1 << b - a) - 1) << width - b)).bit_count()
            / ((b - a) * (stop - start))
            for a, b in spans(width, columns)
        ]

    def minus(self, other: "Bits") -> tuple["Bits", "Bits"]:
        """Kept only here and kept only there; ValueError for another shape."""
        if self.shape != other.shape:
            (a, b), (c, d) = self.shape, other.shape
            raise ValueError(f"matrices of {a} x {b} and {c} x {d} cannot be compared")
        here, there = self.bits & ~other.bits, other.bits & ~self.bits
        return Bits(self.shape, here), Bits(self.shape, there)


def spans(n: int, to: int) -> Iterator[tuple[int, int]]:
    """At most `to` runs that make up `n`: what each cell covers when so many are pooled."""
    to = min(to, n)
    return pairwise(i * n // to for i in range(to + 1))


def load(path: Path, names: Iterable[str] | None = None) -> dict[str, Bits]:
    """The matrices of these names, of all by default; no other is read.

    Raises OSError or ValueError, which says what is wrong with the file.
    """
    try:
        with ZipFile(path) as archive:
            wanted = _names(archive) if names is None else list(names)
            _check_sizes(archive, wanted)
            return {name: _matrix(archive, name) for name in wanted}
    except WRONG as error:
        raise ValueError(f"{path.name} is no file of masks: {error}") from error


def _names(archive: ZipFile) -> list[str]:
    members = [name for name in archive.namelist() if not name.endswith(":shape.npy")]
    if not members:
        raise ValueError("it has no matrices")
    return [name.removesuffix(".npy") for name in members]


def _check_sizes(archive: ZipFile, names: list[str]) -> None:
    """Looked at before anything is unpacked."""
    total = 0
    for member in (m for name in names for m in (f"{name}.npy", f"{name}:shape.npy")):
        if member not in archive.NameToInfo:
            raise ValueError(f"it has no {member}")
        info = archive.NameToInfo[member]
        if info.flag_bits & 1 or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ValueError(f"{member} is encrypted or packed in another way than numpy's")
        total += info.file_size
    if total > LARGEST:
        raise ValueError(f"its matrices take {total} bytes, more than {LARGEST}")


def _matrix(archive: ZipFile, name: str) -> Bits:
    height, width = struct.unpack("<qq", _array(archive, f"{name}:shape.npy", "<i8", 2))
    if not (0 < height <= SIDE and 0 < width <= SIDE):
        raise ValueError(f"{name}: a matrix is not {height} x {width}")
    size = height * width
    packed = _array(archive, f"{name}.npy", "|u1", (size + 7) // 8)
    return Bits((height, width), int.from_bytes(packed, "big") >> -size % 8)


def _array(archive: ZipFile, member: str, kind: str, count: int) -> bytes:
    """The numbers of a member that has as many of this kind; nothing beyond them is unpacked."""
    info, size = archive.NameToInfo[member], count * int(kind[-1])
    if info.file_size != HEAD + size:
        raise ValueError(f"{member} has {info.file_size} bytes, not {HEAD + size}")
    with archive.open(info) as file:
        data = file.read(info.file_size)  # without a number, a bomb would be unpacked first
    head = NPY.match(data)
    if not head or head.end() != HEAD or len(data) != HEAD + size:
        raise ValueError(f"{member} does not begin like an array of one axis")
    if (head["kind"], int(head["count"])) != (kind.encode(), count):
        raise ValueError(f"{member} is not {count} numbers of the kind {kind}")
    return data[HEAD:]
