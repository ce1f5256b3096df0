"""Files as they should not be: bytes that were lost, and contents that fit their form and nothing
else. Each draw spoils one file in one way.
"""

import io
import json
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np

ELSEWHERE = (
    None,
    True,
    -1,
    0,
    2.5,
    1e12,
    1e140,
    2**60,
    "",
    "0.5",
    "\x1b[31m",
    [],
    [1],
    {},
    {"a": 1},
)
"""What may stand where something else should."""
NAMES = (
    "x",
    "",
    "blocks.0.attn.q",
    "blocks.9.attn.k",
    "a.b.c.d.e",
    "global/s0/0.95",
    "\x1b]0;t\x07",
)
CELLS = ("", "x", "-1", "0", "1", "1.5", "1e12", "nan", "inf", "True", "control", "10000000")


def spoiled(name: str, data: bytes, draw: Random) -> bytes:
    """A file of that name with other bytes: most of the time they are what its ending promises."""
    kinds = {
        ".json": of_json,
        ".jsonl": of_log,
        ".csv": of_csv,
        ".npz": of_arrays,
        ".safetensors": of_tensors,
    }
    ending = name[name.rindex(".") :]
    change = kinds[ending] if ending in kinds and draw.random() < 0.8 else of_bytes
    while (found := change(data, draw)) == data:
        pass
    return found


def of_bytes(data: bytes, draw: Random) -> bytes:
    changed, at = bytearray(data), draw.randrange(len(data))
    match draw.choice(("flip", "cut", "zeros", "more", "less", "other")):
        case "flip":
            changed[at] ^= 1 << draw.randrange(8)
        case "cut":
            del changed[at:]
        case "zeros":
            changed[at : at + 512] = bytes(len(changed[at : at + 512]))
        case "more":
            noise = (
                b"NaN",
                b"1e999",
                b"null",
                b'"',
                b"\n",
                b"\xff",
                b"[" * 5000,
                draw.randbytes(64),
            )
            changed[at:at] = draw.choice(noise)
        case "less":
            del changed[at : at + draw.choice((1, 8, 64))]
        case "other":
            changed[:] = draw.choice((b"", b"[]", b"{}", b"PK\x03\x04", b"\x93NUMPY", b"0\n"))
    return bytes(changed)


def of_json(data: bytes, draw: Random) -> bytes:
    return json.dumps(of_value(json.loads(data), draw)).encode()


def of_value(value: Any, draw: Random) -> Any:
    """One thing in it is gone, has another name, or is something else."""
    *before, last = draw.choice([place for place in _places(value) if place])
    inside = value
    for key in before:
        inside = inside[key]
    match draw.choice(("gone", "renamed", "else", "else")):
        case "gone":
            del inside[last]
        case "renamed" if isinstance(inside, dict):
            inside[draw.choice(NAMES)] = inside.pop(last)
        case _:
            inside[last] = draw.choice(ELSEWHERE)
    return value


def _places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _places(value[key], (*here, key))


def of_tensors(data: bytes, draw: Random) -> bytes:
    """What is told of the tensors is something else, or one of them has another format."""
    length = 8 + int.from_bytes(data[:8], "little")
    told = json.loads(data[8:length])
    if draw.random() < 0.3:
        told[draw.choice(sorted(told))]["dtype"] = draw.choice(("BF16", "F16", "I32", "F4", "BOOL"))
    else:
        told = of_value(told, draw)
    header = json.dumps(told).encode()
    return len(header).to_bytes(8, "little") + header + data[length:]


def of_log(data: bytes, draw: Random) -> bytes:
    """A record tells something else, under a checksum that fits."""
    lines = data.splitlines(keepends=True)
    at = draw.randrange(len(lines))
    record = json.loads(lines[at])
    del record["crc"]
    body = json.dumps(of_value(record, draw), separators=(",", ":"))[:-1].encode()
    lines[at] = body + b',"crc":%d}\n' % zlib.crc32(body)
    return b"".join(lines)


def of_csv(data: bytes, draw: Random) -> bytes:
    rows = [line.split(",") for line in data.decode().splitlines()]
    at = draw.randrange(len(rows))
    match draw.choice(("cell", "cell", "less", "gone", "twice")):
        case "cell":
            rows[at][draw.randrange(len(rows[at]))] = draw.choice(CELLS)
        case "less":
            rows[at].pop()
        case "gone":
            del rows[at]
        case "twice":
            rows.append(rows[at])
    return "".join(",".join(row) + "\n" for row in rows).encode()


def of_arrays(data: bytes, draw: Random) -> bytes:
    with np.load(io.BytesIO(data)) as found:
        arrays = dict(found)
    name = draw.choice(sorted(arrays))
    array = arrays[name]
    match draw.choice(("gone", "shorter", "kind", "axes", "renamed", "nan", "none", "one", "size")):
        case "gone":
            del arrays[name]
        case "shorter":
            arrays[name] = array[:-1]
        case "kind":
            arrays[name] = array.astype(draw.choice(("f8", "i4", "u1", "?", "U5")))
        case "axes":
            arrays[name] = array.reshape(1, -1)
        case "renamed":
            arrays[draw.choice(("x", "a/b/c", "global/s9/0.5"))] = arrays.pop(name)
        case "nan":
            arrays[name] = np.full(len(array), np.nan)
        case "none":
            arrays[name] = array[:0]
        case "one":
            arrays[name] = np.array(3.0)
        case "size":
            arrays[name] = np.resize(array, draw.choice((1, 7, 10_000)))
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()
