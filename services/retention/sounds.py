"""The sound files under DATA_DIR: recordings of calls and what callers left."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.errors import StorageError

FOLDER = "recordings"


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A file: its path relative to DATA_DIR, and when it was last written (seconds since 1970)."""

    path: str
    written_at: float

    @property
    def call_id(self) -> str:
        """The call it belongs to: the first part of its name."""
        return Path(self.path).name.partition(".")[0]


class SoundFiles:
    """Finds and deletes sound files, in a thread; paths are relative to DATA_DIR, with "/"."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def locate(self, path: str) -> Path | None:
        """Return where a stored path lies on the disk, None when that is outside the folder of recordings."""
        folder = (self._data_dir / FOLDER).resolve()
        located = (self._data_dir / path).resolve()
        return located if folder in located.parents else None

    async def delete(self, paths: Iterable[str]) -> None:
        """Delete files; those that are gone already are no trouble. Raises StorageError for the first that stays."""
        stayed = await self.delete_all(paths)
        for path, why in stayed.items():
            raise StorageError(
                f"The sound {path} cannot be deleted ({why}).",
                "Check who owns the folder of recordings in DATA_DIR, and the disk.",
            )

    async def delete_all(self, paths: Iterable[str]) -> dict[str, str]:
        """Delete files; return those that could not be deleted, and why."""
        return await asyncio.to_thread(self._delete_all, list(paths))

    async def older_than(self, moment: float) -> list[SoundFile]:
        """Return all files that were last written before `moment` (seconds since 1970)."""
        return await asyncio.to_thread(lambda: [file for file in self._walk() if file.written_at < moment])

    def _delete_all(self, paths: list[str]) -> dict[str, str]:
        stayed: dict[str, str] = {}
        for path in paths:
            try:
                if located := self.locate(path):
                    located.unlink(missing_ok=True)
            except OSError as error:
                stayed[path] = error.strerror or str(error)
        return stayed

    def _walk(self) -> Iterator[SoundFile]:
        for folder, _, names in os.walk(self._data_dir / FOLDER):
            for name in names:
                path = Path(folder) / name
                try:
                    written_at = path.lstat().st_mtime
                except FileNotFoundError:
                    continue
                yield SoundFile(path.relative_to(self._data_dir).as_posix(), written_at)
