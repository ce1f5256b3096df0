"""psutil is asked about real processes of the test; NVML is a fake module: no GPU is here."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import psutil
import pytest

from vitprune_tui.doing.device import AGAIN, Device, Gpu, Load, _seconds, line
from vitprune_tui.draw import text
from vitprune_tui.draw.glyphs import ASCII, BRAILLE
from vitprune_tui.draw.lines import plain, width

MIB, GIB = 1024**2, 1024**3
LOAD = Load(
    cpu_percent=187.3,
    cores=2,
    memory=412 * MIB,
    host_used=int(3.1 * GIB),
    host_total=int(23.5 * GIB),
    disk_free=41 * GIB,
    load_average=(1.25, 1.0, 0.5),
)
H100 = Gpu("H100", 0.87, int(12.1 * GIB), 80 * GIB, 61, 310.4)


class Clock:
    """Stands still until it is told to go on."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def device(tmp_path, clock):
    return Device(tmp_path, clock)


class NVMLError(Exception):
    pass


@pytest.fixture
def nvml(monkeypatch):
    """A driver with one GPU, as far as `device` asks it."""
    fake = ModuleType("pynvml")
    fake.NVMLError = NVMLError
    fake.NVML_TEMPERATURE_GPU = 0
    fake.begun = []
    fake.nvmlInit = lambda: fake.begun.append("init")
    fake.nvmlDeviceGetCount = lambda: 1
    fake.nvmlDeviceGetHandleByIndex = lambda index: f"handle {index}"
    fake.nvmlDeviceGetName = lambda handle: "NVIDIA H100"
    fake.nvmlDeviceGetUtilizationRates = lambda handle: SimpleNamespace(gpu=87)
    fake.nvmlDeviceGetMemoryInfo = lambda handle: SimpleNamespace(used=12 * GIB, total=80 * GIB)
    fake.nvmlDeviceGetTemperature = lambda handle, sensor: 61
    fake.nvmlDeviceGetPowerUsage = lambda handle: 310_400
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


def raises(*_):
    raise NVMLError


@contextmanager
def waiting(code=""):
    """A process that has done its work and waits until its input ends."""
    words = [sys.executable, "-c", f"import sys, time\n{code}\nprint(flush=True)\nsys.stdin.read()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as process:
        process.stdout.readline()
        yield process


def test_a_sample_tells_of_the_process_and_of_the_host(device):
    load = device.sample(os.getpid(), "cpu")
    assert load.memory > MIB
    assert 0 < load.host_used < load.host_total
    assert load.disk_free > 0
    assert load.cores == os.cpu_count()
    assert len(load.load_average) == 3
    assert load.gpus == ()


def test_work_is_told_from_the_second_sample_on(device, clock):
    assert device.sample(os.getpid(), "cpu").cpu_percent is None
    clock.now = 2.0
    assert device.sample(os.getpid(), "cpu").cpu_percent >= 0


def test_a_core_at_work_is_a_hundred_per_cent(device, clock, monkeypatch):
    seconds = iter([10.0, 13.0, 12.0])
    monkeypatch.setattr("vitprune_tui.doing.device._seconds", lambda process: next(seconds))
    device.sample(os.getpid(), "cpu")
    clock.now = 2.0
    assert device.sample(os.getpid(), "cpu").cpu_percent == 150
    clock.now = 4.0
    assert device.sample(os.getpid(), "cpu").cpu_percent == 0


def test_another_process_begins_anew(device, clock):
    device.sample(os.getpid(), "cpu")
    clock.now = 2.0
    assert device.sample(os.getppid(), "cpu").cpu_percent is None


ROUNDING = 1e-6
"""Sums of the same seconds in another order."""


def test_a_child_that_works_counts_now_and_after_its_end():
    before = _seconds(psutil.Process())
    with waiting("while time.process_time() < 0.3: pass") as child:
        worked = sum(psutil.Process(child.pid).cpu_times()[:2])
        during = _seconds(psutil.Process())
        assert during >= before + worked - ROUNDING
    assert _seconds(psutil.Process()) >= during - ROUNDING


def test_a_process_that_is_gone_has_no_numbers(device):
    with waiting() as process:
        assert device.sample(process.pid, "cpu").memory > 0
    load = device.sample(process.pid, "cpu")
    assert (load.cpu_percent, load.memory) == (None, None)
    assert load.host_total > 0


@pytest.mark.parametrize("pid", [None, -1, 2**31, 2**70])
def test_without_a_process_the_host_is_told_of(device, pid):
    load = device.sample(pid, "cpu")
    assert (load.cpu_percent, load.memory) == (None, None)
    assert load.host_total > 0


def test_a_process_of_another_user_has_no_numbers(device, monkeypatch):
    def denied(self):
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "memory_info", denied)
    assert device.sample(os.getpid(), "cpu").memory is None


def test_a_folder_that_is_not_there_has_no_room(tmp_path, clock):
    assert Device(tmp_path / "none", clock).sample(None, "cpu").disk_free is None


def test_a_sample_is_taken_in_a_thread(device):
    loads = []
    thread = threading.Thread(target=lambda: loads.append(device.sample(os.getpid(), "cpu")))
    thread.start()
    thread.join()
    assert loads[0].memory > 0


def test_a_gpu_is_told_as_the_driver_tells_it(device, nvml):
    [gpu] = device.sample(None, "cuda").gpus
    assert gpu == Gpu("H100", 0.87, 12 * GIB, 80 * GIB, 61, 310.4)


def test_the_driver_is_begun_once(device, nvml):
    device.sample(None, "auto")
    device.sample(None, "auto")
    assert nvml.begun == ["init"]


def test_a_run_on_the_cpu_asks_no_driver(device, nvml):
    assert device.sample(None, "cpu").gpus == ()
    assert nvml.begun == []


def test_what_a_driver_does_not_tell_is_none(device, nvml):
    nvml.nvmlDeviceGetPowerUsage = nvml.nvmlDeviceGetMemoryInfo = raises
    nvml.nvmlDeviceGetUtilizationRates = lambda handle: SimpleNamespace(gpu=0)
    assert device.sample(None, "cuda").gpus == (Gpu("H100", 0.0, None, None, 61, None),)
    nvml.nvmlDeviceGetHandleByIndex = raises
    assert device.sample(None, "cuda").gpus == (Gpu("", None, None, None, None, None),)


def test_without_a_driver_it_is_asked_again_only_after_a_while(device, nvml, clock):
    asked = []
    nvml.nvmlInit = lambda: asked.append("init") or raises()
    for now in (0.0, 2.0, AGAIN - 1, AGAIN):
        clock.now = now
        assert device.sample(None, "cuda").gpus == ()
    assert len(asked) == 2


def test_a_driver_that_goes_away_is_begun_anew(device, nvml, clock):
    assert len(device.sample(None, "cuda").gpus) == 1
    count, nvml.nvmlDeviceGetCount = nvml.nvmlDeviceGetCount, raises
    assert device.sample(None, "cuda").gpus == ()
    nvml.nvmlDeviceGetCount = count
    clock.now = AGAIN
    assert len(device.sample(None, "cuda").gpus) == 1
    assert nvml.begun == ["init", "init"]


def test_the_real_nvml_never_raises(device):
    assert isinstance(device.sample(None, "cuda").gpus, tuple)


def said(load, columns=200, glyphs=BRAILLE):
    return plain(line(load, columns, glyphs)).rstrip()


def test_a_line_says_what_the_machine_does():
    assert said(LOAD) == (
        "CPU 187 % of 2 cores · worker 412 MiB · memory 3.1/23.5 GiB · disk 41 GiB free"
    )


def test_a_gpu_stands_before_the_rest():
    assert said(replace(LOAD, gpus=(H100,)), 60) == (
        "GPU 0 H100 87 % · 12.1/80 GiB · CPU 187 % of 2 cores"
    )
    assert said(replace(LOAD, gpus=(H100,))).startswith(
        "GPU 0 H100 87 % · 12.1/80 GiB · 61 C · 310 W · CPU 187 % of 2 cores · worker"
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (70, "CPU 187 % of 2 cores · worker 412 MiB · memory 3.1/23.5 GiB"),
        (40, "CPU 187 % of 2 cores · worker 412 MiB"),
        (25, "CPU 187 % of 2 cores"),
        (10, "CPU 187 %…"),
        (0, ""),
    ],
)
def test_what_matters_least_is_left_out_first(columns, expected):
    assert said(LOAD, columns) == expected


def test_other_gpus_are_left_out_before_the_host():
    load = replace(LOAD, gpus=(H100, H100))
    assert "GPU 1 H100 87 % · 12.1/80 GiB" in said(load)
    assert "GPU 1" not in said(load, 100)
    assert "GPU 0 H100 87 % · 12.1/80 GiB · CPU" in said(load, 100)


def test_without_a_worker_the_load_of_the_host_is_said():
    assert said(replace(LOAD, cpu_percent=None, memory=None, disk_free=None)) == (
        "load 1.2 on 2 cores · memory 3.1/23.5 GiB"
    )


def test_what_is_not_known_is_not_said():
    load = replace(LOAD, gpus=(Gpu("", None, None, None, None, None),))
    assert said(load).startswith("GPU 0 · CPU 187 %")


def test_ascii_says_the_same():
    assert said(LOAD, 40, ASCII) == "CPU 187 % of 2 cores | worker 412 MiB"
    assert said(LOAD, 10, ASCII) == "CPU 187 %~"


@pytest.mark.parametrize("columns", range(0, 130, 7))
def test_the_line_is_as_wide_as_the_room(columns):
    assert width(line(replace(LOAD, gpus=(H100,)), columns, BRAILLE)) == columns


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "-"),
        (0, "0 B"),
        (512, "512 B"),
        (1000, "1 KiB"),
        (1536, "1.5 KiB"),
        (412 * MIB, "412 MiB"),
        (23.54 * GIB, "23.5 GiB"),
        (3000 * 1024 * GIB, "3000 TiB"),
    ],
)
def test_bytes_are_told_in_the_unit_that_keeps_them_short(number, shown):
    assert text.size(number) == shown


def test_two_sizes_are_told_in_one_unit():
    assert text.size(512 * MIB, like=8 * GIB) == "0.5 GiB"
