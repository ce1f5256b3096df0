"""The folder of runs: list them, find one by a prefix, make one, put one into the trash."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vitprune_core.store.rundir import ID, LOG, TRASH, RunDir


class UnknownRun(ValueError):
    """No run, or more than one, has such a name; says which there are."""


def runs(folder: Path) -> Iterator[RunDir]:
    """Every run by name; one level below, the runs of studies."""
    return (RunDir(path) for path, is_run in places(folder) if is_run)


def places(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Every folder that may be a run, also inside those that are none, and whether it is one."""
    for path in _folders(folder):
        is_run = _is_run(path)
        yield path, is_run
        if not is_run:
            with suppress(PermissionError):  # somebody else's
                yield from ((inside, _is_run(inside)) for inside in _folders(path))


def name_of(folder: Path, run: RunDir) -> str:
    """`<id>`, or `<study>/<id>` inside a study."""
    return str(run.path.relative_to(folder))


def find(folder: Path, name: str) -> RunDir:
    """The run of that name or unique prefix; raises `UnknownRun` with the candidates."""
    known = {name_of(folder, run): run for run in runs(folder)}
    if name in known:
        return known[name]
    close = [known[n] for n in known if n.startswith(name) or known[n].id.startswith(name)]
    if len(close) == 1 and name:
        return close[0]
    candidates = ", ".join([name_of(folder, run) for run in close or known.values()][:12]) or "none"
    what = f"{name!r} is short for several runs" if close else f"no run is called {name!r}"
    raise UnknownRun(f"{what} in {folder}; candidates: {candidates}")


def create(folder: Path, preset: str, workload: str, seed: int, name: str | None = None) -> RunDir:
    """A new run's folder, `<preset>-<workload>-s<seed>-<4 hex>` unless it is given a name.

    Raises ValueError when the name is not allowed, FileExistsError when it is taken.
    """
    if name is not None:
        return RunDir(folder / allowed(name)).create()
    while True:
        id = allowed(f"{preset}-{workload}-s{seed}-{os.urandom(2).hex()}")
        try:
            return RunDir(folder / id).create()
        except FileExistsError:
            continue


def allowed(name: str) -> str:
    if not ID.fullmatch(name):
        what = (
            "a run's name is letters, digits, '.', '_' or '-' of ASCII, the first a letter or digit"
        )
        raise ValueError(f"{name[:80]!r}: {what}, at most 64")
    return name


def trash(folder: Path, run: RunDir) -> Path:
    """Move a run to `runs/.trash/`, from where it can be taken back by hand."""
    target = folder / TRASH / run.id
    target.parent.mkdir(mode=0o755, exist_ok=True)
    copy = 1
    while target.exists():
        copy += 1
        target = target.with_name(f"{run.id}.{copy}")
    return run.path.rename(target)


def _folders(folder: Path) -> list[Path]:
    """Folders with a name that a run may have; anything else is not ours."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if ID.fullmatch(p.name) and os.path.isdir(p))


def _is_run(path: Path) -> bool:
    return os.path.isfile(path / LOG)  # Path.is_file raises where one may not look
