"""A person's data as a ZIP: what GDPR (articles 15 and 20) and 152-FZ (article 14) let everybody ask for."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from services.clock import Clock
from services.errors import NotFoundError
from services.retention.contacts import spelled
from services.retention.sounds import SoundFiles
from services.storage.people.companies import Companies
from services.storage.privacy.person import PersonBook, PersonRecords, Within

CHUNK = 256 * 1024


class Exporter:
    """Collects what is kept of a person and packs it piece by piece: no more than a piece of a sound is in memory."""

    def __init__(self, book: PersonBook, companies: Companies, sounds: SoundFiles, clock: Clock) -> None:
        self._book = book
        self._companies = companies
        self._sounds = sounds
        self._clock = clock

    async def of_contact(self, company_id: str, number: str) -> AsyncIterator[bytes]:
        """Return the ZIP of a number in any spelling, in pieces. Raises NotFoundError when nothing is kept of it."""
        numbers = await spelled(self._companies, company_id, number)
        records = await self._book.of_contact(company_id, numbers)
        if not records:
            raise NotFoundError("Nothing is kept of this number.")
        return self._packed(records, {"number": numbers[0], "company": company_id})

    async def of_user(self, company_id: str, user_id: str, within: Within = None) -> AsyncIterator[bytes]:
        """Return the ZIP of a user, in pieces. Raises NotFoundError, ForbiddenError for a role not `within`."""
        records = await self._book.of_user(company_id, user_id, within)
        return self._packed(records, {"user": user_id, "company": company_id})

    async def _packed(self, records: PersonRecords, about: dict[str, str]) -> AsyncIterator[bytes]:
        now = self._clock.now()
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            about = {**about, "exported_at": now.isoformat()}
            for name, content in {"about": about, **records.rows}.items():
                written = await asyncio.to_thread(_json, content)
                await asyncio.to_thread(archive.writestr, _entry(f"{name}.json", now), written)
                yield sink.take()
            for path in dict.fromkeys(records.files):
                located = self._sounds.locate(path)
                if located is not None and await asyncio.to_thread(located.is_file):
                    async for piece in _sound(archive, located, now, sink):
                        yield piece
        yield sink.take()


async def _sound(archive: zipfile.ZipFile, path: Path, now: datetime, sink: "_Sink") -> AsyncIterator[bytes]:
    """Put a sound into the archive as it is: it is compressed already."""
    entry = _entry(f"recordings/{path.name}", now, zipfile.ZIP_STORED)
    with path.open("rb") as file, archive.open(entry, "w", force_zip64=True) as packed:
        while piece := await asyncio.to_thread(file.read, CHUNK):
            packed.write(piece)
            yield sink.take()


def _entry(name: str, now: datetime, how: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, now.timetuple()[:6])
    entry.compress_type = how
    entry.external_attr = 0o600 << 16
    return entry


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


class _Sink(io.RawIOBase):
    """What the archive writes into: pieces that wait to be taken; it cannot be turned back, so nothing is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # any buffer
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since this was asked last."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
