"""Two nodes of Ray on this machine, for tests: `python -m tests.nodes`.

Says the cluster's address; a line on stdin kills the second node, the end of stdin ends the rest.
Each node has a CPU, and no dashboard. What is set for Ray in the environment counts.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from vitprune_core.on_ray import OWN


@dataclass(frozen=True)
class Nodes:
    process: subprocess.Popen[str]
    address: str
    environ: dict[str, str]
    """With which one may use them."""

    def processes(self) -> set[psutil.Process]:
        return set(psutil.Process(self.process.pid).children(recursive=True))

    def kill_the_second(self) -> None:
        print(file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "killed\n"


@contextmanager
def two_nodes() -> Iterator[Nodes]:
    with TemporaryDirectory(prefix="vpray-", dir="/tmp") as folder:  # paths of sockets are short
        mine = {"RAY_TMPDIR": folder, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "of-a-test"}
        environ = {**os.environ, **OWN, **mine}
        with (
            (Path(folder) / "log").open("w") as log,
            subprocess.Popen(
                [sys.executable, "-m", "tests.nodes"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environ,
            ) as process,
        ):
            address = process.stdout.readline().strip()
            assert address, (Path(folder) / "log").read_text()
            yield Nodes(process, address, environ)
            process.stdin.close()


def main() -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    one = {"node_ip_address": "127.0.0.1", "num_cpus": 1, "object_store_memory": 80 << 20}
    cluster.add_node(**one, include_dashboard=False)
    second = cluster.add_node(**one)
    print(cluster.address, flush=True)
    if sys.stdin.readline():
        cluster.remove_node(second, allow_graceful=False)
        print("killed", flush=True)
        sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
