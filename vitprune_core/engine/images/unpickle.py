"""The one place that reads a pickle, for CIFAR is published as nothing else.

Only bytes whose hash is known come here, and even of them nothing of numpy's is called: what an
array is pickled with is taken down, and the array is made of it by us.
"""

import io
import pickle  # noqa: TID251  CIFAR's batches are pickles: their hash is known, their names are few
from typing import Any

import numpy as np


class _Array:
    """An array of bytes while it is read: `numpy.ndarray`, then its shape and what it holds."""

    array: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_column, data = state
        if not isinstance(kind, _Kind) or not isinstance(data, bytes):
            raise pickle.UnpicklingError("it has an array of something else than bytes")
        self.array = np.frombuffer(data, np.uint8).reshape(shape, order="F" if by_column else "C")


class _Kind:
    """numpy's type of a byte."""

    def __setstate__(self, state: Any) -> None:
        """Order and alignment, of which a byte has none."""


class _Dtype:
    """`numpy.dtype`. No plain function: a pickle could give that other attributes (BUILD)."""

    __slots__ = ()

    def __call__(self, name: object, *flags: object) -> _Kind:
        if name not in ("u1", b"u1"):
            raise pickle.UnpicklingError(f"it has an array of {name!r} instead of bytes")
        return _Kind()


class _Reconstruct:
    """`numpy.core.multiarray._reconstruct`."""

    __slots__ = ()

    def __call__(self, kind: object, shape: object, code: object) -> _Array:
        return _Array()


KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): object(),
    ("numpy", "dtype"): _Dtype(),
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct(),
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct(),
}
BROKEN = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError),
    *(AttributeError, OverflowError, MemoryError, RecursionError),
)
"""What a pickle that is none can raise."""


class _Known(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return KNOWN[module, name]


def unpickle(data: bytes) -> dict[Any, Any]:
    """A dict of numbers, texts, lists and arrays of bytes; texts of Python 2 are bytes.

    Raises `ValueError`.
    """
    try:
        found = _Known(io.BytesIO(data), encoding="bytes").load()
        if type(found) is not dict:
            raise pickle.UnpicklingError("it holds no dict")
        return {k: v.array if isinstance(v, _Array) else v for k, v in found.items()}
    except BROKEN as error:
        raise ValueError(f"it is no pickle of numbers: {error}") from None
