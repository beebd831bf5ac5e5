"""The database: whole, reachable, of this version."""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from shlex import quote

from sqlalchemy import text

from services.doctor.shapes import Examined, Finding
from services.errors import StorageError
from services.parts import State
from services.storage.engine import is_sqlite, parse_url, place, sqlite_url

OLDEST_POSTGRESQL = 13


async def check(house: Examined) -> Iterable[Finding]:
    """Look whether it opens; SQLite page by page, PostgreSQL's version."""
    try:
        url = parse_url(house.settings.database_url or sqlite_url(house.settings.data_dir))
    except StorageError as error:
        return [Finding("database", State.DOWN, error.message, error.remedy, required=True)]
    if is_sqlite(url):
        fault = await asyncio.to_thread(_fault_in, Path(str(url.database)))
        if fault:
            return [_damaged(house, place(url), fault)]
    if house.platform is None:
        trouble = house.trouble or StorageError("The database was not opened.")
        return [Finding("database", State.DOWN, trouble.message, trouble.remedy, required=True)]
    async with house.platform.database.read() as session:
        found = await session.scalar(text("SELECT version_num FROM alembic_version"))
        told = "" if is_sqlite(url) else str(await session.scalar(text("SHOW server_version_num")))
    if told and int(told) // 10_000 < OLDEST_POSTGRESQL:
        old = f"PostgreSQL {int(told) // 10_000} is older than {OLDEST_POSTGRESQL}."
        return [Finding("database", State.DEGRADED, old, "Upgrade the server.")]
    return [Finding("database", State.READY, f"The database {place(url)} is whole (revision {found}).", required=True)]


def _fault_in(file: Path) -> str:
    """Return what quick_check says of a SQLite file, "" for a whole one and for none."""
    if not file.is_file() or not file.stat().st_size:
        return ""
    try:
        with closing(sqlite3.connect(f"file:{quote_uri(file)}?mode=ro", uri=True, timeout=10)) as database:
            said = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        said = str(error)
    return "" if said == "ok" else said


def quote_uri(file: Path) -> str:
    """Return a path as SQLite's URIs write it."""
    from urllib.parse import quote as escaped

    return escaped(str(file.absolute()))


def _damaged(house: Examined, where: str, fault: str) -> Finding:
    folder = house.settings.backup.folder or house.settings.data_dir / "backups"
    newest = max(folder.glob("secretary-*.tar.age"), default=None)
    return Finding(
        "database",
        State.DOWN,
        f"The database {where} is damaged ({fault[:120]}).",
        "Stop the secretary and restore the newest backup; the damaged state is kept beside."
        if newest
        else "There is no backup: keep a copy of the file, then try `sqlite3 FILE .recover`.",
        f"secretary restore --yes {quote(str(newest))}" if newest else "",
        required=True,
    )
