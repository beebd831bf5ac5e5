"""How the machine is: processor, memory, disk, graphics card. It blocks for a moment: call it in a thread."""

import importlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """Of memory or a disk, in bytes."""

    total: int
    used: int
    free: int


@dataclass(frozen=True, slots=True)
class HouseProcess:
    """A process of the house: itself or one of its workers; `cpu_percent` of one processor."""

    pid: int
    name: str
    memory: int
    cpu_percent: float


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card; memory in bytes, the rest None where the card does not tell."""

    name: str
    memory_total: int
    memory_used: int
    load_percent: int | None
    celsius: int | None


@dataclass(frozen=True, slots=True)
class MachineState:
    """One look. `cpu_percent` is of all processors together, since the look before; `load` over 1, 5 and 15 minutes."""

    cpu_percent: float
    processors: int
    load: tuple[float, float, float]
    memory: Usage
    disk: Usage
    processes: list[HouseProcess]
    gpus: list[Gpu]


class Machine:
    """Looks at the machine; keep one, as shares of time are measured from one look to the next."""

    def __init__(self, folder: Path) -> None:
        """`folder` lies on the disk that is looked at."""
        self._folder = folder
        self._known: dict[int, psutil.Process] = {}
        self._cards: list[Any] | None = None
        psutil.cpu_percent()

    def look(self) -> MachineState:
        """Return how the machine is now."""
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(self._folder))
        return MachineState(
            cpu_percent=psutil.cpu_percent(),
            processors=psutil.cpu_count() or 1,
            load=os.getloadavg(),
            memory=Usage(memory.total, memory.total - memory.available, memory.available),
            disk=Usage(disk.total, disk.used, disk.free),
            processes=list(self._processes()),
            gpus=list(self._gpus()),
        )

    def _processes(self) -> Iterator[HouseProcess]:
        own = self._known.get(os.getpid()) or psutil.Process()
        found = {own.pid: own}
        with suppress(psutil.Error):
            found |= {child.pid: self._known.get(child.pid, child) for child in own.children(recursive=True)}
        self._known = found
        for process in found.values():
            with suppress(psutil.Error):  # it has ended meanwhile
                share = process.cpu_percent()
                yield HouseProcess(process.pid, process.name(), process.memory_info().rss, share)

    def _gpus(self) -> Iterator[Gpu]:
        """Ask NVIDIA's driver; a machine without one has no cards."""
        if self._cards == []:
            return
        try:
            pynvml = importlib.import_module("pynvml")

            if self._cards is None:
                pynvml.nvmlInit()
                self._cards = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
            for card in self._cards:
                memory, name = pynvml.nvmlDeviceGetMemoryInfo(card), pynvml.nvmlDeviceGetName(card)
                yield Gpu(
                    name=name if isinstance(name, str) else name.decode(),
                    memory_total=int(memory.total),
                    memory_used=int(memory.used),
                    load_percent=_told(lambda card=card: pynvml.nvmlDeviceGetUtilizationRates(card).gpu),
                    celsius=_told(lambda card=card: pynvml.nvmlDeviceGetTemperature(card, 0)),
                )
        except Exception:  # whatever the driver says: the monitor shows the rest
            self._cards = []


def _told(ask: Any) -> int | None:
    try:
        return int(ask())
    except Exception:  # not every card tells everything
        return None
