"""Who may read and write what is made: by runs, the queue, exports, the bench and studies.

tests/trust/made/*.txt lists all of it with its mode where the umask takes nothing away;
`VITPRUNE_SCREENS=write pytest tests/trust/test_permissions.py` accepts what is made now.
"""

import os
import re
import socket
import stat
import tempfile
import time
from pathlib import Path

import pytest

from tests.conftest import TINY, called
from tests.terminals import Screen
from tests.workers import LONGER, until
from vitprune_core.store import control
from vitprune_core.store.lock import claim, holder, inscribe
from vitprune_core.store.rundir import RunDir

LISTS = Path(__file__).parent / "made"
NUMBERS = re.compile(r"[0-9a-f]{64}|[0-9a-f]{16}|[0-9a-f]{8}|\d{6,}|\d+\.\d+|\d+")
FOR_THE_OWNER = re.compile(r"(.*/)?(lock|edit|collect|[^/]*\.(lock|sweep)|#+-stop)")
STUDY = """
workload: digits
seeds: [100]
base:
  model: {patch: 4, width: 12, heads: 3, depth: 2, mlp: 8}
  train: {epochs: 2, batch_size: 256}
  device: cpu
  precision: fp32
  kernels: eager
arms: {global: {prune: {sparsities: [0, 0.5, 0.95]}}}
"""
UMASKS = {"takes nothing": 0o000, "is usual": 0o022, "takes all": 0o077}


@pytest.fixture(params=UMASKS.values(), ids=UMASKS)
def umask(request, forked, monkeypatch):
    """Of this process, and of the workers that it starts."""
    before = os.umask(request.param)
    forked.first = [("os:umask", request.param)]
    for where in ("vitprune_tui.commands.run", "vitprune_tui.doing.making"):
        monkeypatch.setattr(f"{where}.check", lambda *_: None)  # a process that makes nothing
    yield request.param
    forked.first = []
    os.umask(before)


@pytest.fixture
def vitprune(umask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        os.umask(umask)
        called(*words, "--runs", "runs")

    return call


def set_to(*overrides):
    return [word for override in overrides for word in ("--set", override)]


RUN = ["run", "oneshot_global", "--workload", "digits", *set_to(*TINY)]
REWOUND = set_to("retrain.policy=weight_rewind", "prune.sparsities=[0.5]")


@pytest.mark.campaign("permissions")
def test_runs_the_queue_exports_and_the_bench_are_the_owners(umask, vitprune, tmp_path, counted):
    runs = tmp_path / "runs"
    vitprune(*RUN, *REWOUND, "--name", "done")
    vitprune(*RUN, *set_to(*LONGER), "--name", "lost", "--detach")
    until(lambda: len(list(RunDir(runs / "lost").checkpoints.iterdir())) > 1)
    vitprune("kill", "lost")
    queued(RunDir(runs / "done"), vitprune)
    vitprune("export", "done", "-o", "done.md", "--csv", "done.csv")
    on_the_bench(tmp_path, umask)
    counted(same("runs", tmp_path, umask))


@pytest.mark.campaign("permissions")
def test_a_study_and_its_report_are_the_owners(umask, vitprune, tmp_path, home, counted, request):
    if umask and not request.config.getoption("torture"):
        pytest.skip("one umask will do, the one that takes nothing away: --torture has the others")
    asked = home / "small.yaml"
    asked.write_text(STUDY)
    vitprune("sweep", asked, "--jobs", "1")
    vitprune("report", "runs/small-digits", "-o", "report.md")
    counted(same("study", tmp_path, umask))


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
@pytest.mark.parametrize("age", [0, 60])
def test_somebody_else_sees_that_a_run_lives_and_cannot_hold_it_up(age):
    """A lock that may not be read is known by its touch, which a process that lives renews."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        lock = Path(folder) / "lock"
        file = claim(lock)
        os.utime(lock, times=(time.time() - age,) * 2)
        os.seteuid(65_534)
        try:
            assert (holder(lock) is not None) == (age == 0)
            with pytest.raises(PermissionError):
                claim(lock)
        finally:
            os.seteuid(0)
            os.close(file)


def queued(busy: RunDir, vitprune):
    """A run that waited in the queue and is in the trash, and another that was asked to stop."""
    lock = busy.path.parent / ".queue" / "lock"
    file = claim(busy.lock)
    inscribe(file, attempt=9)
    vitprune(*RUN, "--name", "waits", "--queue")
    until(lambda: holder(lock))
    control.ask(busy.control, "stop")
    vitprune("queue", "rm", "waits")
    os.close(file)
    until(lambda: holder(lock) is None)
    vitprune("rm", "waits")


def on_the_bench(folder: Path, umask: int):
    """A theme that is kept, a picture of the screen, a preset that is saved."""
    os.umask(umask)
    own = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE")}
    with Screen("--runs", "runs", cwd=folder, env=own) as screen:
        screen.until("q leave", "oneshot_global")
        for key, comes in (("t", "light"), ("S", "saved"), ("s", "_2")):
            screen.press(key)
            screen.until(comes)
        screen.press("enter")
        screen.comes(lambda _: list((folder / "config").rglob("*.yaml")), "the preset")
        screen.press("q")
        assert screen.ends() == 0


def same(name: str, folder: Path, umask: int) -> int:
    """Compare what lies in a folder with what was accepted; how many kinds of things that is."""
    found = dict(sorted(modes(folder).items()))
    assert not [kind for kind, mode in found.items() if mode & (0o022 | umask)]
    owners = {kind: mode for kind, mode in found.items() if FOR_THE_OWNER.fullmatch(kind)}
    assert set(owners.values()) == {stat.S_IFREG | 0o600}
    accepted = LISTS / f"{name}.txt"
    if not umask and os.environ.get("VITPRUNE_SCREENS") == "write":
        lines = (f"{stat.filemode(mode)}  {kind}\n" for kind, mode in found.items())
        accepted.write_text("".join(lines))
    known = [line.split("  ") for line in accepted.read_text().splitlines()]
    assert [[stat.filemode(mode), kind] for kind, mode in found.items()] == [
        [_without(mode, umask), kind] for mode, kind in known
    ]
    return len(found)


def modes(folder: Path) -> dict[str, int]:
    """Kind of file or folder, without numbers -> its mode, all of those alike together."""
    found: dict[str, int] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder)).replace(f"/{socket.gethostname()}-", "/HOST-")
        kind = NUMBERS.sub("#", name)
        found[kind] = found.get(kind, 0) | path.lstat().st_mode
    return found


def _without(mode: str, umask: int) -> str:
    """`-rw-r--r--` without what a umask takes away."""
    bits = zip(mode[1:], f"{umask:09b}", strict=True)
    return mode[0] + "".join("-" if taken == "1" else bit for bit, taken in bits)
