"""Presets, workloads and studies that something happened to: to bytes, tokens or structure.

A number makes the same file on every machine.
"""

import re
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

from vitprune_core.spec.presets import shipped

BASES = {
    kind: [path.read_bytes() for path in sorted((shipped() / folder).glob("*.yaml"))]
    for kind, folder in {"preset": "", "workload": "workloads", "study": "studies"}.items()
}
SMALL_STUDY = b"""
workload: digits
seeds: [100, 101, 102, 103, 104, 105, 106, 107]
looks: {digits: [8]}
thresholds: {margin: 0.03}
base: {retrain: {optimizer: keep}}
arms:
  control: {prune: {sparsities: [0]}}
  global: {prune: {sparsities: [0.5, 0.9]}}
grid: {prune.layers: [qk, vo], prune.sparsities: [[0.5]]}
findings:
  F6:
    claim: Magnitude beats random.
    parts:
      - {test: superior, arm: global, over: [qk_0.5], at: [0.5]}
"""
KINDS = (*["preset"] * 7, *["workload"] * 2, "study")
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
NASTY = (
    *("[", "]", "{", "}", ":", ",", "?", "-", "- ", "#", "&a ", "*a", "!", "!!int ", "<<: "),
    *("|", ">", "---\n", "...\n", "%YAML 1.1\n", "'", '"', '"\\e[31m"', "\t", "\r", "\n", "\n\n"),
    *("~", "null", "yes", "true", ".nan", "-.inf", "1e999", "0x1f", "1_0", "9" * 40, "1:30", "-0"),
    *("\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "\ud7ff", "é", "\U0001f600"),
    *(
        "!!python/object/apply:os.system ",
        "[" * 30,
        "{a: " * 30,
        "- " * 30,
        "x" * 3_000,
        "a: 1, " * 700,
    ),
    *("workload", "prune", "sparsities", "seeds", "arms", "grid", "findings", "dense: {file: /}"),
)
VALUES = (
    *(
        None,
        True,
        -1,
        0,
        1,
        7,
        10**40,
        0.5,
        -0.1,
        1e300,
        float("nan"),
        float("inf"),
        "",
        "x",
        "2:4",
    ),
    *("global", "../x", "/", "\x1b[31m", "\u202e", [], {}, [[]], [0.5, 0.5], {"a": {"b": []}}),
)


def fuzzed(number: int) -> tuple[str, bytes]:
    """What kind of file it is meant to be, and its bytes."""
    random = Random(number)
    kind = random.choice(KINDS)
    bases = [*BASES[kind], *[SMALL_STUDY] * 40] if kind == "study" else BASES[kind]
    data = random.choice(bases)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        data = random.choice(HAPPENS)(data, random)
    return kind, data


def to_bytes(data: bytes, random: Random) -> bytes:
    """A bit flipped, bytes lost, doubled, put in, or all from somewhere on lost."""
    at, number = random.randrange(len(data) + 1), random.choice((1, 1, 2, 5, 40))
    before, hit, after = data[:at], data[at : at + number], data[at + number :]
    return random.choice(
        (
            before + bytes(byte ^ 1 << random.randrange(8) for byte in hit) + after,
            before + after,
            before + hit * 2 + after,
            before + random.randbytes(number) + hit + after,
            before,
            before + b"\n" * number + hit + after,
        )
    )


def to_tokens(data: bytes, random: Random) -> bytes:
    """A token replaced, dropped, doubled, or swapped with another."""
    tokens = TOKEN.findall(data.decode("utf-8", "replace")) or [""]
    a, b = random.randrange(len(tokens)), random.randrange(len(tokens))
    happens = random.randrange(5)
    if happens == 0:
        tokens[a], tokens[b] = tokens[b], tokens[a]
    else:
        new = random.choice(NASTY)
        tokens[a] = ("", tokens[a] * 2, new, new + tokens[a])[happens - 1]
    return "".join(tokens).encode()


def to_structure(data: bytes, random: Random) -> bytes:
    """A value of another kind, a key lost or renamed, a level more or less."""
    try:
        tree = yaml.load(data, Loader=yaml.CSafeLoader)
    except Exception:  # PyYAML has many, an IndexError for `!!int ''` among them
        return to_bytes(data, random)
    changed = _changed(tree, random, random.randrange(1, 5))
    style = random.choice((None, True, False))
    return yaml.dump(changed, Dumper=yaml.CSafeDumper, default_flow_style=style).encode()


def _changed(tree: Any, random: Random, depth: int) -> Any:
    inside = (
        list(tree)
        if isinstance(tree, dict)
        else list(range(len(tree)))
        if isinstance(tree, list)
        else []
    )
    if depth == 0 or not inside:
        return random.choice((random.choice(VALUES), [tree], {"x": tree}, [tree, tree]))
    at = random.choice(inside)
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    happens = random.randrange(8)
    if happens == 0:
        del copy[at]
    elif happens == 1 and isinstance(copy, dict):
        copy[random.choice((f"{at}s", str(at)[:-1], "x y", "\x1b[31m", "a.b", 3, None))] = copy.pop(
            at
        )
    else:
        copy[at] = _changed(copy[at], random, depth - 1)
    return copy


HAPPENS: tuple[Callable[[bytes, Random], bytes], ...] = (to_bytes, to_tokens, to_structure)
