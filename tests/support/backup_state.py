"""A data folder with something in it, its backup, and what tells one state from another."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from services.backup import maker
from services.backup.manifest import Manifest
from services.storage import migrate
from services.storage.engine import parse_url, sqlite_url

PASSPHRASE = "correct horse battery"
QUICK = 2


def sqlite_state(data_dir: Path, mark: str, url: URL | None = None) -> URL:
    """Make a data folder whose database, key and recording all hold `mark`; return the database's URL."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = url or parse_url(sqlite_url(data_dir))
    migrate.upgrade(url)
    with closing(sqlite3.connect(str(url.database))) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS trial (mark TEXT)")
        database.execute("DELETE FROM trial")
        database.executemany("INSERT INTO trial VALUES (?)", [(mark,)] * 500)
    write_files(data_dir, mark)
    return url


def write_files(data_dir: Path, mark: str) -> None:
    (data_dir / "secret.key").write_text(mark)
    (data_dir / "recordings" / mark).mkdir(parents=True, exist_ok=True)
    (data_dir / "recordings" / mark / "call.ogg").write_text(mark * 1000)
    (data_dir / "speech-cache").mkdir(exist_ok=True)
    (data_dir / "speech-cache" / "made.again").write_text("x")


def state_of(data_dir: Path, url: URL | None = None) -> set[str]:
    """Return every mark that the state holds: one for a whole state, more for a mixed one."""
    file = str((url or parse_url(sqlite_url(data_dir))).database)
    with closing(sqlite3.connect(file)) as database:
        marks = {row[0] for row in database.execute("SELECT DISTINCT mark FROM trial")}
    return marks | files_of(data_dir)


def files_of(data_dir: Path) -> set[str]:
    marks = {(data_dir / "secret.key").read_text()}
    marks |= {path.name for path in (data_dir / "recordings").iterdir()}
    return marks | {path.read_text()[: len(path.parent.name)] for path in (data_dir / "recordings").glob("*/call.ogg")}


def back_up(data_dir: Path, url: URL, to: Path, **options: bool) -> Manifest:
    return maker.make(maker.Origin(data_dir, url, "1.0"), to, PASSPHRASE, work_factor=QUICK, **options)  # type: ignore[arg-type]


async def in_thread(url: URL) -> None:
    await asyncio.to_thread(migrate.upgrade, url)
