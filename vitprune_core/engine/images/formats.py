"""The formats that images are published in: bytes in, arrays out. Legend: C channels, H, W pixels.

The bytes are the right ones already. What they say of themselves is checked all the same: a wrong
shape is told here, by the file's name, and not by a model that does not learn.
"""

import io
import math
import struct
import zlib
from typing import Any

import numpy as np

from vitprune_core.engine.images.unpickle import unpickle
from vitprune_core.engine.images.wrong import Damaged

Array = np.ndarray[Any, Any]


def idx(data: bytes, dims: int, where: object) -> Array:
    """Yann LeCun's format: 0, 0, 8 (bytes), the number of dims, each as four bytes, the values."""
    head = 4 + 4 * dims
    if data[:4] != bytes((0, 0, 8, dims)):
        begin = data[:4].hex() or "nothing"
        raise Damaged(where, f"begins with {begin} instead of 000008{dims:02x}")
    if len(data) < head:
        raise Damaged(where, "ends inside its header")
    shape = struct.unpack(f">{dims}I", data[4:head])
    if len(data) - head != math.prod(shape):
        sides = " x ".join(map(str, shape))
        what = f"says {sides} and holds {len(data) - head:,} values"
        raise Damaged(where, f"{what} instead of {math.prod(shape):,}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def cifar(data: bytes, labels: bytes, side: int, where: object) -> tuple[Array, Array]:
    """A batch of CIFAR: images (n, 3, side, side), and labels (n,), which are kept as `labels`."""
    try:
        batch = unpickle(data)
    except ValueError as error:
        raise Damaged(where, f"cannot be read: {error}") from None
    rows, numbers = batch.get(b"data"), batch.get(labels)
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2:
        raise Damaged(where, "has no rows of bytes as 'data'")
    if rows.shape[1] != 3 * side * side:
        what = f"images of {rows.shape[1]:,} bytes instead of {3 * side * side:,}"
        raise Damaged(where, f"has {what}")
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        raise Damaged(where, f"has no list of numbers as {labels.decode()!r}")
    return rows.reshape(-1, 3, side, side), _numbers(numbers, where)


def _numbers(labels: list[int], where: object) -> Array:
    try:
        return np.array(labels, np.int64)
    except OverflowError:
        raise Damaged(where, "has a label of more than 64 bits") from None


def svhn(data: bytes, where: object) -> tuple[Array, Array]:
    """MATLAB's X (H, W, C, n) and y (n, 1), where 10 is the digit 0: as (n, C, H, W) and (n,)."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    broken = (MatReadError, ValueError, TypeError, KeyError, OSError, MemoryError, zlib.error)
    try:
        mat = loadmat(io.BytesIO(data), variable_names=("X", "y"))
        x_HWCn, y = mat["X"], mat["y"]
    except broken as error:
        raise Damaged(where, f"cannot be read: {error}") from None
    if x_HWCn.ndim != 4 or x_HWCn.dtype != np.uint8:
        raise Damaged(where, f"has as X {_said(x_HWCn)} instead of bytes in 4 dims")
    if y.dtype.kind not in "iuf" or y.ndim != 2 or y.shape[1] != 1:
        raise Damaged(where, f"has as y {_said(y)} instead of a column of numbers")
    if not y.size or y.min() < 1 or y.max() > 10:
        raise Damaged(where, "has labels in y that are not 1 to 10")
    images = np.ascontiguousarray(x_HWCn.transpose(3, 2, 0, 1))
    return images, y.ravel().astype(np.int64) % 10


def _said(array: Array) -> str:
    return f"{array.dtype} {array.shape}"
