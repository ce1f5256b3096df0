"""Frozen dataclasses to JSON values and back, by their annotations.

Fields that a newer version added are ignored, so that old readers live with new logs. Numbers that
no engine writes are refused where they come in: whoever calculates meets none that is infinite.
"""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

T = TypeVar("T")
WRONG = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What is raised when a text is no JSON, or its values are not those that are looked for."""
WHOLE, MOST = 2**53, 1e150
"""Numbers are below these: doubles hold such whole ones exactly, and sums of others are finite."""


def to_json(value: Any) -> Any:
    """Dicts, lists and scalars."""
    if is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    return value


def loads(text: str | bytes) -> Any:
    """JSON with numbers that can be calculated with; raises ValueError or RecursionError."""
    return STRICT.decode(text if isinstance(text, str) else text.decode())


def _whole(digits: str) -> int:
    if abs(number := int(digits)) >= WHOLE:
        raise ValueError(f"{digits} is too much")
    return number


def _real(digits: str) -> float:
    if abs(number := float(digits)) >= MOST:
        raise ValueError(f"{digits} is too much")
    return number


def _no_number(word: str) -> None:
    """JSON has no NaN and no Infinity."""
    raise ValueError(f"{word} is not a number")


STRICT = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_no_number)


def from_json(kind: type[T], data: Any) -> T:
    """The value of `kind`; raises one of `WRONG` when `data` is another."""
    return _build(kind, data)  # type: ignore[no-any-return]


def _build(kind: Any, data: Any) -> Any:
    if kind is Any:
        return data
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        if not isinstance(data, dict):
            raise TypeError(f"{data!r} is not a mapping")
        return kind(**{k: _build(hints[k], v) for k, v in data.items() if k in hints})
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if data is None else _build(next(a for a in args if a is not type(None)), data)
    if origin is tuple:
        return tuple(_build(args[0], v) for v in data)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(data, dict):
            raise TypeError(f"{data!r} is not a mapping")
        return {k: _build(args[1], v) for k, v in data.items()}
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and not isinstance(data, kind):
        raise TypeError(f"{data!r} is not {kind.__name__}")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
