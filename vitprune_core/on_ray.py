"""Have a study worked off by Ray: one task a run, wherever a cluster has room. No torch here.

Ray Core places the tasks and starts one again, elsewhere, when its node is lost. It is given no
code and no data: a task is told a folder, a run's id and since when, calls a function by its name
in the node's own installation and takes the run's lock like anybody else who works on the study.
So a task may come twice or die at any moment: what is done stays, and nothing is done twice.

A run is handed out only when nobody has it and its dense model is there, or is for this run to
train: no place of the cluster is taken up by waiting.
"""

import logging
import os
import re
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from math import ceil
from pathlib import Path
from typing import Any

from vitprune_core.spec.config import Config
from vitprune_core.spec.identity import dense_hash
from vitprune_core.spec.study import Planned, Study
from vitprune_core.store.brief import Brief
from vitprune_core.store.clean import clean
from vitprune_core.store.dense import DenseDir
from vitprune_core.store.studydir import StudyDir
from vitprune_core.sweep import Progress, is_left

TASK = "vitprune_core.task"
INSTALL = "pip install 'vitprune[ray]'"
SINCE = (2, 52)
"""The first version of Ray that knows tokens; those before would take one for nothing."""
TRIES = 3
"""How often Ray starts a task again whose process or node was lost."""
PATIENCE = 10.0
"""Seconds until a cluster has to answer."""
STORE = 80 << 20
"""Bytes for objects that tasks exchange: these exchange none, and Ray takes no less."""
ADDRESS = re.compile(r"([^\s:/]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
TOKEN, TOKEN_FILE, MODE = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
"""Nothing is reported to Ray's makers; and `uv run` would have it ship the working directory."""
OWN = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}
"""Of a cluster on this machine. The first, despite its name, is what makes Ray listen on the
loopback interface only, on any system; the second has its workers treated like any process.
"""


class NoRay(Exception):
    """What is asked for cannot be had: no Ray, no token, no such cluster, no room in it."""


@dataclass
class Tasks:
    """The runs of a study that Ray was given, and those that it is still to be given."""

    folder: StudyDir
    study: Study
    seeds: Sequence[int]
    jobs: int | None
    """Runs at a time; None: as many as the cluster has room for."""
    since: float = field(default_factory=time.time)
    given: dict[Any, Planned] = field(default_factory=dict)
    """Ray's reference to a task -> its run."""
    through: set[str] = field(default_factory=set)
    """Runs that need not be looked at again."""

    @property
    def config(self) -> Config:
        return next(iter(self.study.arms.values()))

    @property
    def room(self) -> int:
        """Runs that the cluster has room for now, beside what others do there."""
        return sum(places(node, self.config) for node in _nodes())

    def at_work(self) -> bool:
        """Whether Ray has something to do, once what it is through with was taken back."""
        import ray

        if self.given:
            done, _ = ray.wait([*self.given], num_returns=len(self.given), timeout=0)
            for task in done:
                self._take_back(self.given.pop(task), task)
        return bool(self.given)

    def _take_back(self, planned: Planned, task: Any) -> None:
        """A run that somebody else held comes again, once he is through."""
        import ray

        try:
            if ray.get(task):
                self.through.add(planned.id)
        except ray.exceptions.RayError as error:  # it was stopped, or Ray has tried it often enough
            self.through.add(planned.id)
            if not isinstance(error, ray.exceptions.TaskCancelledError):
                last = str(error).strip().rpartition("\n")[2]
                print(clean(f"{planned.id}: {last}"), file=sys.stderr)

    def go_on(self, now: Progress) -> bool:
        """Give Ray what there is room for; False when nothing is left and nobody is at work."""
        given = {planned.id for planned in self.given.values()}
        others = [p for p, told in now.working if p.id not in given and told.state != "paused"]
        left = [p for p, told in now.runs.items() if p.id not in given and self._is_left(p, told)]
        trained = {dense_hash(p.config) for p in (*self.given.values(), *others)}
        free = (self.jobs or self.room) - len(given)
        for planned in left:
            if free <= 0:
                break
            hash = dense_hash(planned.config)
            if hash not in trained or DenseDir.of(self.folder.path, hash).exists:
                self._give(planned)
                trained.add(hash)
                free -= 1
        return bool(left or others or self.given)

    def _is_left(self, planned: Planned, told: Brief | None) -> bool:
        return planned.id not in self.through and is_left(self.folder, planned, told, self.since)

    def _give(self, planned: Planned) -> None:
        import ray

        task = ray.remote(carry_out).options(
            num_cpus=self.config.threads,
            num_gpus=gpu_share(self.config, self.jobs, _nodes()),
            max_retries=TRIES,
            name=planned.id,
        )
        folder = str(self.folder.path.absolute())
        self.given[task.remote(folder, planned.seed, planned.id, self.since)] = planned

    def stop(self) -> None:
        """What has not begun never will; in a task at work this becomes an interrupt."""
        import ray

        for task in self.given:
            ray.cancel(task)


def carry_out(folder: str, seed: int, id: str, since: float) -> bool:
    """What Ray calls on the node; whether the run is over."""
    done: bool = import_module(TASK).carry_out(folder, seed, id, since)
    return done


def make_ready(address: str | None) -> None:
    """See to it that Ray can be loaded and asked; raises `NoRay`.

    A cluster of our own has a token of its own, and nobody else's is ever used without one unless
    it is this machine's.
    """
    if _installed() < SINCE:
        raise NoRay(f"--engine ray needs Ray {SINCE[0]}.{SINCE[1]} or newer: {INSTALL}")
    os.environ.update(QUIET)  # Ray reads them as it is loaded
    if address is None:
        os.environ.update({**OWN, MODE: "token", TOKEN: secrets.token_hex(32)})
        return
    found = ADDRESS.fullmatch(address)
    if not found or int(found[2]) > 65535:
        raise NoRay(f"--address {address} is not HOST:PORT of a cluster that this machine is in")
    if _has_token():
        os.environ.setdefault(MODE, "token")
    if not _is_loopback(found[1]) and not (os.environ.get(MODE) == "token" and _has_token()):
        why = "whoever reaches a cluster without one can have it run anything"
        how = "`ray get-auth-token --generate` writes ~/.ray/auth_token, the same for every node"
        raise NoRay(f"--address {address} needs {MODE}=token and a token ({why}): {how}")


def _installed() -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version("ray").split(".")[:2])
    except PackageNotFoundError:
        return ()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name: where it leads is not ours to guess
        return False


def _has_token() -> bool:
    if os.environ.get(TOKEN):
        return True
    path = os.environ.get(TOKEN_FILE) or Path.home() / ".ray" / "auth_token"
    try:
        return bool(Path(path).read_text().strip())
    except OSError:
        return False


def knock(address: str | None) -> None:
    """Raises OSError when nobody answers there: Ray itself would go on trying for minutes."""
    if address:
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()


@contextmanager
def cluster(address: str | None, config: Config, jobs: int | None) -> Iterator[None]:
    """Ray while the block runs: the cluster at `address`, or one for us alone on this machine.

    Afterwards nothing of ours is at work or left on the disk. Raises `NoRay` when no node could
    ever take a run.
    """
    import ray

    with ExitStack() as afterwards:
        how: dict[str, Any] = {"address": address or "local"}
        if address is None:
            # Sockets lie in it, whose paths must be short.
            own = tempfile.TemporaryDirectory(
                prefix="vpray-", dir="/tmp", ignore_cleanup_errors=True
            )
            how |= {
                "num_cpus": max(len(os.sched_getaffinity(0)), (jobs or 1) * config.threads),
                "num_gpus": None if config.device == "cuda" else 0,
                "object_store_memory": STORE,
                "include_dashboard": False,
                "_temp_dir": afterwards.enter_context(own),
            }
        afterwards.callback(ray.shutdown)
        ray.init(**how, log_to_driver=False, logging_level=logging.ERROR)
        if not any(places(node, config) for node in _nodes()):
            raise NoRay(f"no node of the cluster has {_needed(config)}, which a run takes")
        yield


def _nodes() -> list[Mapping[str, float]]:
    """What each node that is alive has, by kind."""
    import ray

    nodes: list[Mapping[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def _needed(config: Config) -> str:
    cpus = f"{config.threads} CPU{'s' if config.threads > 1 else ''}"
    return f"{cpus} and a GPU" if config.device == "cuda" else cpus


def places(node: Mapping[str, float], config: Config) -> int:
    """So many runs at a time fit on a node with this much of each kind."""
    by_cpu = int(node.get("CPU", 0)) // config.threads
    return min(by_cpu, int(node.get("GPU", 0))) if config.device == "cuda" else by_cpu


def gpu_share(config: Config, jobs: int | None, nodes: Sequence[Mapping[str, float]]) -> float:
    """Of a GPU for each run: all of it, or a part where more runs are asked for than GPUs."""
    if config.device != "cuda":
        return 0
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    return 1 / max(ceil((jobs or 1) / max(gpus, 1)), 1)
