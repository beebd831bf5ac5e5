"""What a process holds: the measure of a leak."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.storage.database import Database
from services.storage.engine import READERS


@dataclass(frozen=True, slots=True)
class OpenThings:
    """Counts of this process, and the resident memory of it and its workers in MiB.

    Threads of asyncio's own pool are not counted: they are made as needed, up to its bound, and stay. Descriptors of
    the database's file neither: SQLite keeps that of a closed connection for the next one, as long as another
    connection holds a lock; the connections themselves are counted by their threads.
    """

    tasks: int
    files: int
    workers: int
    threads: int
    memory: float

    @classmethod
    def now(cls) -> "OpenThings":
        """Count."""
        process = psutil.Process()
        workers = process.children(recursive=True)
        return cls(
            tasks=len(asyncio.all_tasks()),
            files=sum(not each.endswith("secretary.db") for each in open_files()),
            workers=len(workers),
            threads=sum(not each.name.startswith("asyncio_") for each in threading.enumerate()),
            memory=sum(each.memory_info().rss for each in (process, *workers)) / 2**20,
        )

    def exceeds(self, other: "OpenThings") -> bool:
        """Tell whether anything but memory is more than in `other`."""
        return (
            self.tasks > other.tasks
            or self.files > other.files
            or self.workers > other.workers
            or self.threads > other.threads
        )


async def settled(before: OpenThings, seconds: float = 5.0) -> OpenThings:
    """Give what ends by itself a moment; return what is open now. Raises AssertionError when it is more."""
    now = OpenThings.now()
    for _ in range(round(seconds / 0.05)):
        if not now.exceeds(before):
            return now
        await asyncio.sleep(0.05)
        now = OpenThings.now()
    what = (asyncio.all_tasks(), threading.enumerate(), open_files(), memory())
    raise AssertionError(f"{before} became {now}: {what}")


def open_files() -> list[str]:
    """Name what the file descriptors of this process point to."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            found.append(str(each.readlink()))
    return sorted(found)


def memory() -> dict[str, int]:
    """Return the resident memory in MiB of this process and its workers, by what they run."""
    process = psutil.Process()
    every = (process, *process.children(recursive=True))
    return {f"{each.pid} {' '.join(each.cmdline())[-60:]}": round(each.memory_info().rss / 2**20) for each in every}


async def open_readers(database: Database) -> None:
    """Let every reader of the database open its connection: they come with the first work and stay."""
    together = threading.Barrier(READERS)

    def read(session: Session) -> None:
        session.execute(text("SELECT 1"))
        together.wait(10.0)

    await asyncio.gather(*(database.look(read) for _ in range(READERS)))
