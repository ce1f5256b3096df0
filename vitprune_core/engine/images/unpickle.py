"""The one place that reads a pickle, for CIFAR is published as nothing else.

Only bytes whose hash is known come here, and even of them nothing is called but what an array of
numbers is made by.
"""

import io
import pickle  # noqa: TID251  CIFAR's batches are pickles: their hash is known, their names are few
from typing import Any

import numpy as np


def _dtype(name: object, align: object = False, copy: object = False) -> Any:
    """numpy's type of numbers: CIFAR has the flags as 0 and 1, which some versions warn of."""
    return np.dtype(name, align=bool(align), copy=bool(copy))  # type: ignore[call-overload]


_REBUILD = np.empty(0).__reduce__()[0]  # numpy's own, wherever this version keeps it
KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _REBUILD,
    ("numpy._core.multiarray", "_reconstruct"): _REBUILD,
}
BROKEN = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError),
    *(AttributeError, OverflowError, MemoryError),
)
"""What a pickle that is none can raise."""


class _Numbers(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return KNOWN[module, name]


def unpickle(data: bytes) -> object:
    """Numbers, texts, lists, dicts and arrays; texts of Python 2 are bytes. Raises `ValueError`."""
    try:
        return _Numbers(io.BytesIO(data), encoding="bytes").load()
    except BROKEN as error:
        raise ValueError(f"it is no pickle of numbers: {error}") from None
