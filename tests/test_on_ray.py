"""Studies worked off by Ray: a real cluster of two nodes, one of which is killed in the middle."""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Collection
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from unittest.mock import patch

import psutil
import pytest
import yaml

from tests.nodes import Nodes, two_nodes
from tests.test_sweep import bytes_of, home_of, logs, nobody, study_file, sweep, swept, told
from tests.workers import trains, until
from vitprune_core.on_ray import (
    MODE,
    TOKEN,
    TOKEN_FILE,
    NoRay,
    gpu_share,
    make_ready,
    places,
)
from vitprune_core.spec.request import load
from vitprune_core.store import events as e
from vitprune_core.store.lock import holder
from vitprune_core.store.summary import summarize

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs vitprune[ray]")


def by_ray(study: Path, runs: Path, nodes: Nodes | None = None) -> subprocess.Popen[str]:
    """A sweep on these nodes, or on a cluster of its own."""
    where = ("--address", nodes.address) if nodes else ()
    return sweep(study, runs, "--engine", "ray", *where, env=nodes.environ if nodes else None)


def alive(processes: Collection[psutil.Process]) -> list[psutil.Process]:
    """Those that still do something."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def heard_at(processes: Collection[psutil.Process]) -> set[str]:
    """The addresses at which they listen."""
    sockets = [s for p in alive(processes) for s in p.net_connections("tcp")]
    return {s.laddr.ip.removeprefix("::ffff:") for s in sockets if s.status == "LISTEN"}


def longer(folder: Path) -> Path:
    """A study of two arms whose runs take long enough to be met at work."""
    study = study_file(folder)
    asked = yaml.safe_load(study.read_text())
    asked["base"]["train"] = {"epochs": 8, "batch_size": 256}
    del asked["arms"]["random"]
    study.write_text(yaml.safe_dump(asked))
    return study


@needs_ray
def test_a_node_killed_in_the_middle_changes_no_byte_and_nothing_is_done_twice(zygote, tmp_path):
    study, mine = longer(tmp_path), home_of(tmp_path / "runs")
    with two_nodes() as nodes:
        with by_ray(study, tmp_path / "runs", nodes) as process:
            until(lambda: sum(trains(run) for run in logs(mine)) == 2)
            seen = nodes.processes()
            assert all(ip_address(ip).is_loopback for ip in heard_at(seen))
            nodes.kill_the_second()
            _, err = process.communicate()
        assert process.returncode == 0, err
        seen |= nodes.processes()
    until(lambda: not alive(seen))
    assert nobody(mine)
    assert [told(run, e.Finished) for run in logs(mine)] == [1] * 4
    assert sum(told(run, e.Starting) for run in logs(mine)) > 4
    assert not any(told(run, e.DenseAwaited) for run in logs(mine))  # no CPU did nothing but wait
    code, _, err = swept(study, tmp_path / "here", "--jobs", "1", zygote=zygote)
    assert code == 0, err
    assert bytes_of(mine) == bytes_of(home_of(tmp_path / "here"))


@needs_ray
@pytest.mark.slow
def test_ctrl_c_stops_after_checkpoints_and_hands_go_on_with_what_ray_left(tmp_path):
    study, mine = study_file(tmp_path), home_of(tmp_path / "runs")
    with by_ray(study, tmp_path / "runs") as process:
        until(lambda: any(told(run, e.Epoch) for run in logs(mine)))
        seen = psutil.Process(process.pid).children(recursive=True)
        assert all(ip_address(ip).is_loopback for ip in heard_at(seen))
        folder = session(seen)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130, err
    assert "stopping after checkpoints" in err
    assert {summarize(run).state for run in logs(mine)} <= {"stopped", "done"}
    assert not folder.exists()
    until(lambda: not alive(seen))
    for runs in ("runs", "here"):
        code, _, err = swept(study, tmp_path / runs)
        assert code == 0, err
    assert bytes_of(mine) == bytes_of(home_of(tmp_path / "here"))


def session(processes: Collection[psutil.Process]) -> Path:
    """The folder of a cluster with these processes."""
    words = " ".join(word for p in processes for word in p.cmdline())
    return Path(re.search(r"/tmp/vpray-\w+", words)[0])


@needs_ray
@pytest.mark.slow
def test_a_killed_sweep_takes_its_cluster_with_it(tmp_path):
    study, mine = study_file(tmp_path), home_of(tmp_path / "runs")
    with by_ray(study, tmp_path / "runs") as process:
        until(lambda: any(told(run, e.Epoch) for run in logs(mine)))
        seen = psutil.Process(process.pid).children(recursive=True)
        folder = session(seen)
        process.kill()
    until(lambda: nobody(mine), patience=20)
    until(lambda: not alive(seen))  # two of Ray's own look after their parent once a minute
    shutil.rmtree(folder)  # nobody was left to do it


@needs_ray
@pytest.mark.slow
def test_hands_and_two_sweeps_on_one_cluster_do_every_run_once(tmp_path):
    study, mine = study_file(tmp_path), home_of(tmp_path / "runs")
    with two_nodes() as nodes:
        some = [by_ray(study, tmp_path / "runs", nodes) for _ in range(2)]
        some += [sweep(study, tmp_path / "runs", "--join", "--jobs", "1")]
        ends = [(process.communicate()[1], process.returncode) for process in some]
    assert [code for _, code in ends] == [0, 0, 0], ends
    assert [told(run, e.Finished) for run in logs(mine)] == [1] * 6


@needs_ray
@pytest.mark.slow
def test_a_task_that_is_terminated_is_begun_again_from_its_checkpoint(tmp_path):
    study, mine = study_file(tmp_path), home_of(tmp_path / "runs")
    with two_nodes() as nodes, by_ray(study, tmp_path / "runs", nodes) as process:
        until(lambda: any(trains(run) for run in logs(mine)))
        (first, *_) = [run for run in logs(mine) if trains(run)]
        psutil.Process(holder(first.lock).pid).terminate()
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert [told(run, e.Finished) for run in logs(mine)] == [1] * 6
    assert told(first, e.Starting) == 2


def asked(*overrides: str):
    return load("oneshot_global", "digits", list(overrides)).config


def test_a_run_takes_its_threads_and_on_cuda_a_gpu():
    node = {"CPU": 8.0, "GPU": 2.0, "memory": 1e9}
    assert places(node, asked("device=cpu", "threads=3")) == 2
    assert places(node, asked("device=cuda", "threads=3")) == 2
    assert places(node, asked("device=cuda", "threads=5")) == 1
    assert places({"CPU": 2.0}, asked("device=cuda", "threads=1")) == 0
    assert places({}, asked("device=cpu", "threads=1")) == 0


@pytest.mark.parametrize(("jobs", "share"), [(None, 1), (1, 1), (3, 1), (4, 1 / 2), (8, 1 / 3)])
def test_runs_share_gpus_only_when_more_are_asked_for_at_a_time(jobs, share):
    nodes = [{"CPU": 8.0, "GPU": 2.0}, {"CPU": 8.0}, {"GPU": 1.0}]
    assert gpu_share(asked("device=cuda"), jobs, nodes) == share
    assert gpu_share(asked("device=cpu"), jobs, nodes) == 0


@pytest.fixture
def no_token(tmp_path, monkeypatch):
    """An environment in which nobody has set up Ray; what is set in it is gone afterwards."""
    with patch.dict(os.environ, {"HOME": str(tmp_path)}):
        for name in (MODE, TOKEN, TOKEN_FILE):
            os.environ.pop(name, None)
        yield monkeypatch


@needs_ray
@pytest.mark.parametrize("address", ["192.0.2.7:6379", "head.example.org:6379", "[2001:db8::7]:1"])
def test_another_machine_is_asked_only_with_a_token(no_token, tmp_path, address):
    with pytest.raises(NoRay, match="needs RAY_AUTH_MODE=token and a token"):
        make_ready(address)
    no_token.setenv(MODE, "token")
    no_token.setenv(TOKEN_FILE, str(tmp_path / "not-there"))
    with pytest.raises(NoRay, match="ray get-auth-token --generate"):
        make_ready(address)
    (tmp_path / "not-there").write_text("0123\n")
    make_ready(address)
    no_token.setenv(MODE, "disabled")
    with pytest.raises(NoRay, match="needs RAY_AUTH_MODE=token"):
        make_ready(address)


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:6379", "localhost:6379", "[::1]:6379"])
def test_this_machine_is_asked_without(no_token, address):
    make_ready(address)


@needs_ray
@pytest.mark.parametrize(
    "address", ["auto", "ray://head:10001", "head", ":6379", "a b:1", "a:65536"]
)
def test_an_address_is_a_host_and_a_port(no_token, address):
    with pytest.raises(NoRay, match="is not HOST:PORT"):
        make_ready(address)


@needs_ray
def test_a_cluster_that_does_not_answer_is_said_at_once(tmp_path):
    with socket.socket() as nobody:  # has the port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        options = ("--engine", "ray", "--address", address)
        code, out, err = swept(study_file(tmp_path), tmp_path / "runs", *options)
    assert (code, out, err) == (1, "", "no Ray: [Errno 111] Connection refused\n")


@needs_ray
@pytest.mark.slow
def test_a_run_that_fits_no_node_is_not_waited_for(tmp_path):
    study = study_file(tmp_path)
    study.write_text(study.read_text().replace("base:", "base:\n  threads: 3"))
    with two_nodes() as nodes, by_ray(study, tmp_path / "runs", nodes) as process:
        _, err = process.communicate()
    assert process.returncode == 1
    assert "no node of the cluster has 3 CPUs, which a run takes" in err


def test_without_ray_one_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setattr("vitprune_core.on_ray.SINCE", (999, 0))
    with pytest.raises(NoRay, match=r"pip install 'vitprune\[ray\]'"):
        make_ready(None)
