"""Where presets and workloads are found: by name here, in the user's folder, among the shipped."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import vitprune_core
from vitprune_core.spec.source import NOWHERE, Problem, SpecError
from vitprune_core.spec.words import wrong_word

KINDS = ("workloads/", "studies/")
"""Folders of presets that are not runs by themselves."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAMED = "letters, digits, '.', '_' or '-' of ASCII, the first a letter or digit, at most"


@dataclass(frozen=True)
class Found:
    """A preset file among those that can be asked for by name."""

    name: str
    path: Path
    origin: str
    """`shipped` or the folder an own preset lies in."""


def find(name: str, kind: str = "") -> Path:
    """The file of a preset given as a path or a name; `workloads/digits` or `kind` for others."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    if not kind and name.startswith(KINDS):
        kind = name.partition("/")[0]
    if kind:
        name = name.removeprefix(f"{kind}/")
    if "/" in name:
        return Path(name)
    choices = {found.name: found.path for found in reversed(list(listed(kind)))}
    if name not in choices:
        what = {"": "preset", "workloads": "workload", "studies": "study"}[kind]
        raise SpecError([Problem(NOWHERE, f"{what}: {wrong_word(name, sorted(choices))}")])
    return choices[name]


def listed(kind: str = "") -> Iterator[Found]:
    """All presets (or workloads) by name, own ones before those that ship."""
    for folder, origin in folders():
        for path in sorted(p for p in (folder / kind).glob("*.yaml") if p.is_file()):
            yield Found(path.stem, path, origin)


def every() -> Iterator[tuple[str, Found]]:
    """Kind and file of all that can be asked for by name: of one name the file that is found."""
    for kind in ("", *(folder.rstrip("/") for folder in KINDS)):
        seen: set[str] = set()
        for found in listed(kind):
            if found.name not in seen:
                seen.add(found.name)
                yield kind, found


def folders() -> Iterator[tuple[Path, str]]:
    """Where presets are looked for, first wins: here, the user's own, shipped."""
    seen = shipped().resolve()
    for folder in (Path("presets"), own()):
        if folder.is_dir() and folder.resolve() != seen:
            yield folder, str(folder)
    yield shipped(), "shipped"


def own() -> Path:
    """The user's folder, whether it is there or not."""
    settings = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(settings) / "vitprune" / "presets"


def shipped() -> Path:
    """Inside the package when it was installed from a wheel, beside it in a clone."""
    package = Path(vitprune_core.__file__).parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def comment(path: Path) -> str:
    """The lines above a preset's first key: what it is, its paper, what to expect."""
    lines = []
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(4_096)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    for line in head.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return "\n".join(lines)
