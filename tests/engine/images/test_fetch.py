"""What is fetched, from a server on this machine, and every way in which that can go wrong."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from tests.conftest import called
from tests.engine.images import published
from tests.engine.images.published import pin, put
from vitprune_core.engine import check
from vitprune_core.engine.images import download, fetch, progress, sources
from vitprune_core.engine.images.wrong import DataError
from vitprune_core.spec.config import Config

ARCHIVE = "cifar-10-python.tar.gz"
DENSE = ("dense", "--workload", "cifar10", "--set", "data.validation=20")
"""Of the few images that these tests know of."""


class Server(ThreadingHTTPServer):
    """Answers with the bytes or the error code in `files`, or does what it finds there."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.asked, self.free = {}, [], Event()
        self.begun = Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        answer = self.server.files.get(self.path[1:], 404)
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            self.give(answer)

    def give(self, data, length=None, then=lambda: None):
        self.send_response(200)
        self.send_header("Content-Length", str(length or len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
        then()

    def wait(self):
        """Say nothing until the test is over."""
        self.server.begun.set()
        self.server.free.wait(30)

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.free.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def few(tmp_path, monkeypatch):
    published.few_images(monkeypatch, tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    monkeypatch.setattr(download, "PATIENCE", 5.0)


@pytest.fixture
def archive(server, monkeypatch):
    """CIFAR-10 as the server has it, where torchvision says it is."""
    from torchvision import datasets

    data = published.FILES["cifar10"]()[ARCHIVE]
    pin(monkeypatch, ARCHIVE, data)
    monkeypatch.setattr(datasets.CIFAR10, "url", server.url + ARCHIVE)
    server.files[ARCHIVE] = data
    return data


def refused(name="cifar10"):
    with pytest.raises(DataError) as error:
        fetch.obtain(name)
    left = [path.name for path in sources.cache().rglob("*") if path.is_file()]
    assert left in ([], [".lock"])
    assert sources.advice(name) in str(error.value)
    return str(error.value)


def test_what_is_nowhere_is_fetched_into_the_cache_and_told(server, archive, capsys):
    fetch.obtain("cifar10")
    assert (sources.cache() / ARCHIVE).read_bytes() == archive
    said = capsys.readouterr()
    assert f"cifar10: {ARCHIVE} (171 MB) is not on this machine and is fetched" in said.err
    assert f"from {server.url}{ARCHIVE} to {sources.cache()}" in said.err
    assert said.out == ""


def test_what_is_here_is_not_fetched(server, archive, tmp_path, monkeypatch):
    fetch.obtain("cifar10")
    fetch.obtain("cifar10")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    monkeypatch.setenv("VITPRUNE_DATA", str(put(tmp_path / "own", {ARCHIVE: archive})))
    fetch.obtain("cifar10")
    fetch.obtain("digits")
    fetch.obtain("synthetic")
    assert server.asked == [f"/{ARCHIVE}"]
    assert not sources.cache().exists()


def test_the_files_of_svhn_are_fetched_from_where_torchvision_says(server, monkeypatch):
    from torchvision import datasets

    server.files = published.FILES["svhn"]()
    for path, data in server.files.items():
        pin(monkeypatch, path, data)
    split = {
        path[:4].strip("_"): [server.url + path, path, "md5"]
        for path in (*server.files, "extra_32x32.mat")
    }
    monkeypatch.setattr(datasets.SVHN, "split_list", split)
    fetch.obtain("svhn")
    assert sources.locate("svhn") == str(sources.cache())
    assert sorted(server.asked) == ["/test_32x32.mat", "/train_32x32.mat"]


def test_where_one_mirror_fails_the_next_is_asked(server, monkeypatch):
    from torchvision import datasets

    files = published.fashion()
    for path, data in files.items():
        pin(monkeypatch, path, data)
    server.files = {f"good/{path}": data for path, data in files.items()}
    server.files |= {f"wrong/{path}": b"another" for path in files}
    server.files |= {f"broken/{path}": 500 for path in files}
    mirrors = [f"{server.url}{mirror}/" for mirror in ("broken", "wrong", "good")]
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", mirrors)
    fetch.obtain("fashion")
    assert sources.locate("fashion") == str(sources.cache() / "FashionMNIST" / "raw")
    assert len(server.asked) == 12


WRONG = {
    "another file": (b"x" * 999, "gave a file that has the hash sha256:"),
    "nothing": (b"", "gave a file that has the hash sha256:"),
    "not there": (404, "answered 404 Not Found"),
    "broken": (500, "answered 500 Internal Server Error"),
    "cut": (lambda a: a.give(b"x" * 999, length=5000), "ended after 999 of 5,000 bytes"),
    "silent": (lambda a: a.wait(), "silent for 0.3 s"),
    "stalls": (lambda a: a.give(b"x" * 999, 5000, then=a.wait), "silent for 0.3 s"),
    "no web server": (lambda a: a.wfile.write(b"hello\r\n\r\n"), "hello"),
    "elsewhere": (lambda a: a.send_error(301), "answered 301"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_server_that_does_not_give_the_file(how, server, archive):
    answer, why = WRONG[how]
    server.files[ARCHIVE] = answer
    said = refused()
    assert f"{ARCHIVE} cannot be fetched: {server.url}{ARCHIVE}: " in said
    assert why in said
    assert f"looked in {sources.cache()}; put {ARCHIVE} into a folder" in said


def test_a_server_that_gives_without_end(server, archive, monkeypatch):
    known = sources.PINS[ARCHIVE]
    monkeypatch.setitem(sources.PINS, ARCHIVE, known._replace(mb=1))
    server.files[ARCHIVE] = bytes(1_200_000)
    assert "gave more than the 1,000,000 bytes expected" in refused()


def test_a_server_that_is_not_there(server, archive, monkeypatch):
    from torchvision import datasets

    monkeypatch.setattr(datasets.CIFAR10, "url", "http://127.0.0.1:9/gone.tar.gz")
    assert "http://127.0.0.1:9/gone.tar.gz: Connection refused" in refused()


def test_a_name_that_is_looked_up_for_ever(server, archive, monkeypatch):
    monkeypatch.setattr(download, "urlopen", lambda *args, **kwargs: server.free.wait(30))
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    assert "no answer in 0.2 s" in refused()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_cannot_hold_it(error, server, archive, monkeypatch):
    def full(file):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(download.os, "fsync", full)
    said = refused()
    assert f"{sources.cache()}: {os.strerror(error)}; cifar10 needs 171 MB there" in said
    assert ("make room" in said) == (error != errno.EIO)


def test_a_cache_that_cannot_be_made(archive, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "set XDG_CACHE_HOME to another folder" in refused()


@pytest.mark.parametrize("damaged", [b"", b"x" * 99])
def test_a_damaged_file_in_the_cache_is_kept_aside_and_fetched_again(damaged, server, archive):
    put(sources.cache(), {ARCHIVE: damaged})
    fetch.obtain("cifar10")
    assert (sources.cache() / ARCHIVE).read_bytes() == archive
    assert (sources.cache() / f"{ARCHIVE}.damaged").read_bytes() == damaged


def test_of_several_files_only_the_damaged_one_is_fetched_again(server, monkeypatch):
    from torchvision import datasets

    files = published.fashion()
    raw = put(sources.cache() / "FashionMNIST" / "raw", files, monkeypatch)
    server.files, name = files, "t10k-images-idx3-ubyte.gz"
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [server.url])
    (raw / name).write_bytes(files[name][:-9])
    fetch.obtain("fashion")
    assert server.asked == [f"/{name}"]
    assert (raw / name).read_bytes() == files[name]


def test_a_damaged_file_of_the_users_is_left_alone(server, archive, tmp_path, monkeypatch):
    own = put(tmp_path / "own", {ARCHIVE: b"mine"})
    monkeypatch.setenv("VITPRUNE_DATA", str(own))
    with pytest.raises(DataError, match="has the hash sha256:"):
        fetch.obtain("cifar10")
    assert [path.name for path in own.iterdir()] == [ARCHIVE]
    assert (own / ARCHIVE).read_bytes() == b"mine"
    assert server.asked == []


def test_in_a_pipe_progress_is_a_few_lines(capsys):
    tell = progress.teller(10_000_000)
    for got in range(1000, 10_000_001, 1000):
        tell(got)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["2.5", "5.0", "7.5", "10.0"]
    assert "10.0 of 10.0 MB" in lines[-1]
    assert "left 0 s" in lines[-1]


def test_on_a_terminal_progress_is_one_line_that_changes(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    clock = iter(range(0, 1000, 60))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    tell = progress.teller(4_000_000)
    for got in (1_000_000, 2_000_000, 4_000_000):
        tell(got)
    *parts, end = terminal.getvalue().split("\r")
    assert len(parts) == 2
    assert "1.0 of 4.0 MB, 0.0 MB/s, left 3 min 0 s" in parts[0]
    assert end.count("\n") == 1


def test_nobody_who_listens_is_no_reason_to_stop(server, archive, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    fetch.obtain("cifar10")
    assert (sources.cache() / ARCHIVE).read_bytes() == archive


SCRIPT = """
import sys
from vitprune_core.engine import check
from vitprune_core.engine.images import fetch, sources
url, digest = sys.argv[1:]
name = url.rpartition("/")[2]
fetch.urls = lambda dataset: {name: [url]}
sources.PINS[name] = sources.PINS[name]._replace(digest=digest)
sys.exit(check.main())
"""


@pytest.fixture
def process(server, archive, tmp_path):
    """`process()`: one that checks the workload cifar10 and so fetches its archive."""
    asked = tmp_path / "config.json"
    asked.write_text(json.dumps({"workload": "cifar10", "prune": None, "device": "cpu"}))
    digest = sources.PINS[ARCHIVE].digest
    command = [sys.executable, "-c", SCRIPT, server.url + ARCHIVE, digest]
    started = []

    def start():
        with asked.open() as file:
            pipes = {"stdin": file, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            started.append(subprocess.Popen(command, text=True, **pipes))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def slowly(data, server):
    """Half of it, and the rest when the test says so."""

    def answer(handler):
        handler.give(data[:1000], len(data), then=server.begun.set)
        server.free.wait(30)
        handler.wfile.write(data[1000:])

    return answer


def test_of_two_processes_one_fetches_and_the_other_waits_for_it(server, archive, process):
    server.files[ARCHIVE] = slowly(archive, server)
    first = process()
    assert server.begun.wait(30)
    second = process()
    assert "another process fetches into" in second.stderr.readline()
    server.free.set()
    assert [first.wait(30), second.wait(30)] == [0, 0]
    assert server.asked == [f"/{ARCHIVE}"]
    assert (sources.cache() / ARCHIVE).read_bytes() == archive
    assert not list(sources.cache().glob("*.part"))


def test_ctrl_c_leaves_no_half_file(server, archive, process):
    server.files[ARCHIVE] = slowly(archive, server)
    started = process()
    assert server.begun.wait(30)
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=30)
    assert (started.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert [path.name for path in sources.cache().iterdir()] == [".lock"]


def test_what_a_killed_process_left_is_no_hindrance(server, archive, process):
    server.files[ARCHIVE] = slowly(archive, server)
    started = process()
    assert server.begun.wait(30)
    started.kill()
    started.wait(30)
    server.files[ARCHIVE] = archive
    fetch.obtain("cifar10")
    assert sorted(path.name for path in sources.cache().iterdir()) == [".lock", ARCHIVE]


def test_the_reason_is_on_stdout_and_progress_on_stderr(server, archive, process):
    server.files[ARCHIVE] = 404
    out, err = process().communicate(timeout=30)
    assert out.startswith(f"cifar10: {ARCHIVE} cannot be fetched: ")
    assert err.splitlines()[0].endswith("is not on this machine and is fetched")


def test_a_device_that_is_not_there_is_told_before_anything_is_fetched(server, archive):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    config = Config(workload="cifar10", prune=None, device="cuda")
    with pytest.raises(RuntimeError, match="device cuda"):
        check.check(config)
    assert server.asked == []


def test_without_network_run_says_what_was_tried_and_makes_no_run(
    checked_here, tmp_path, monkeypatch
):
    for proxy in ("https_proxy", "http_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    monkeypatch.setattr("urllib.request._opener", None)  # it knows the proxies of an earlier test
    done = called("run", *DENSE, "--runs", tmp_path / "runs", code=1)
    told, *_, reason = done.stderr.splitlines()
    assert told.endswith("is not on this machine and is fetched")
    assert reason.startswith(f"cifar10: {ARCHIVE} cannot be fetched: https://")
    assert "Connection refused" in reason
    assert done.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_plan_fetches_nothing(tmp_path):
    called("plan", *DENSE, "--runs", tmp_path / "runs")
    assert not sources.cache().exists()
