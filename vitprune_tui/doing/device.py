"""What the machine is doing: the worker's share of it, memory, disk and GPUs.

A thread of the bench asks every two seconds; asking never raises. What cannot be known, since the
process is gone or another user's or the driver does not tell, is None. psutil and NVML are loaded
by the first sample, off the way to the first frame.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.draw.glyphs import ASCII, Glyphs
from vitprune_tui.draw.lines import Line, fit

if TYPE_CHECKING:
    import psutil

AGAIN = 60.0
"""Seconds after which NVML is tried once more: a driver may come back."""


@dataclass(frozen=True)
class Gpu:
    """One GPU of the host, in the order of `nvidia-smi`."""

    name: str
    utilisation: float | None
    """A share of the time."""
    memory_used: int | None
    memory_total: int | None
    """Bytes, like those in use."""
    temperature: float | None
    """Celsius."""
    power: float | None
    """Watts."""


@dataclass(frozen=True)
class Load:
    """The machine at one moment; memory and disk in bytes."""

    cpu_percent: float | None
    """Of the worker and its children since the sample before: 100 is one core at work."""
    cores: int
    memory: int | None
    """Resident, of the worker itself."""
    host_used: int
    """What nobody else could have: caches are not in it."""
    host_total: int
    disk_free: int | None
    """Where the runs are."""
    load_average: tuple[float, float, float] | None
    gpus: tuple[Gpu, ...] = ()


class Device:
    """Asked from one thread: it remembers the sample before and whether there is a driver."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic):
        self.folder = folder
        self.clock = clock
        self._process: psutil.Process | None = None
        self._before: tuple[float, float] | None = None
        self._begun = False
        self._not_until = -AGAIN

    def sample(self, pid: int | None, device: str) -> Load:
        """The load now; `device` is that of the run, and a run on the CPU asks no GPU."""
        import psutil

        cpu, memory = self._worker(pid)
        host = psutil.virtual_memory()
        return Load(
            cpu_percent=cpu,
            cores=os.cpu_count() or 1,
            memory=memory,
            host_used=host.total - host.available,
            host_total=host.total,
            disk_free=_disk_free(self.folder),
            load_average=_load_average(),
            gpus=() if device == "cpu" else self._gpus(),
        )

    def _worker(self, pid: int | None) -> tuple[float | None, int | None]:
        """Per cent of a core since the sample before, and resident bytes."""
        import psutil

        try:
            process = None if pid is None else psutil.Process(pid)
            if process != self._process:  # another, though its number may be the same
                self._process, self._before = process, None
            if process is None:
                return None, None
            return self._percent(_seconds(process)), process.memory_info().rss
        except (psutil.Error, ValueError):  # gone, foreign, or no number of a process
            self._process = self._before = None
            return None, None

    def _percent(self, seconds: float) -> float | None:
        before, self._before = self._before, (self.clock(), seconds)
        if before is None or self._before[0] <= before[0]:
            return None
        return max(100 * (seconds - before[1]) / (self._before[0] - before[0]), 0.0)

    def _gpus(self) -> tuple[Gpu, ...]:
        """None without a driver; then it is not asked again for a while."""
        if self.clock() < self._not_until:
            return ()
        import pynvml  # type: ignore[import-untyped]

        try:
            if not self._begun:
                pynvml.nvmlInit()
                self._begun = True
            return tuple(_gpu(pynvml, i) for i in range(pynvml.nvmlDeviceGetCount()))
        except pynvml.NVMLError:
            self._begun, self._not_until = False, self.clock() + AGAIN
            return ()


def _seconds(process: "psutil.Process") -> float:
    """Of work in the whole tree; those of a child that ended are its parent's by then."""
    import psutil

    seconds = sum(process.cpu_times()[:4])  # user, system, and both of ended children
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            seconds += sum(child.cpu_times()[:4])
    return seconds


def _disk_free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _load_average() -> tuple[float, float, float] | None:
    try:
        return os.getloadavg()
    except OSError:
        return None


def _gpu(nvml: Any, index: int) -> Gpu:
    """What the driver does not tell of a GPU, of a part of one or of a small one, is None."""

    def told(name: str, *more: object) -> Any:
        try:
            return getattr(nvml, name)(nvml.nvmlDeviceGetHandleByIndex(index), *more)
        except nvml.NVMLError:
            return None

    utilisation, memory = told("nvmlDeviceGetUtilizationRates"), told("nvmlDeviceGetMemoryInfo")
    milliwatts = told("nvmlDeviceGetPowerUsage")
    return Gpu(
        name=(told("nvmlDeviceGetName") or "").removeprefix("NVIDIA "),
        utilisation=utilisation and utilisation.gpu / 100,
        memory_used=memory and memory.used,
        memory_total=memory and memory.total,
        temperature=told("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
        power=None if milliwatts is None else milliwatts / 1000,
    )


Part = tuple[int, str]
"""How soon it is left out, the greatest first, and what it says."""


def line(load: Load, columns: int, glyphs: Glyphs) -> Line:
    """The load in exactly `columns` cells: what matters least is left out first."""
    parts = [*_gpu_parts(load.gpus), *_host_parts(load)]
    between = " | " if glyphs == ASCII else " · "
    while len(parts) > 1 and len(between.join(said for _, said in parts)) > columns:
        parts.remove(max(parts, key=lambda part: part[0]))
    return fit(((between.join(said for _, said in parts), ""),), columns, glyphs.more)


def _host_parts(load: Load) -> Iterable[Part]:
    cores = text.several(load.cores, "core")
    if load.cpu_percent is not None:
        yield 1, f"CPU {load.cpu_percent:.0f} % of {cores}"
    elif load.load_average is not None:
        yield 1, f"load {load.load_average[0]:.1f} on {cores}"
    if load.memory is not None:
        yield 3, f"worker {text.size(load.memory)}"
    yield 4, f"memory {_part_of(load.host_used, load.host_total)}"
    if load.disk_free is not None:
        yield 5, f"disk {text.size(load.disk_free)} free"


def _gpu_parts(gpus: Sequence[Gpu]) -> Iterable[Part]:
    """The first GPU before the CPU, the others after all: they are seldom this run's."""
    for i, gpu in enumerate(gpus):
        soon = 0 if i == 0 else 10 * i
        yield soon, " ".join(filter(None, (f"GPU {i}", clean(gpu.name, 24), _share(gpu))))
        if gpu.memory_used is not None and gpu.memory_total is not None:
            yield soon + 2, _part_of(gpu.memory_used, gpu.memory_total)
        if gpu.temperature is not None:
            yield soon + 6, f"{gpu.temperature:.0f} C"
        if gpu.power is not None:
            yield soon + 7, f"{gpu.power:.0f} W"


def _share(gpu: Gpu) -> str:
    return "" if gpu.utilisation is None else text.percent(gpu.utilisation, digits=0)


def _part_of(used: int, total: int) -> str:
    """3.1/23.5 GiB, both in one unit."""
    return f"{text.size(used, like=total).split()[0]}/{text.size(total)}"
