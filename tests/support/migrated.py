"""A database of SQLite's that is migrated already: a copy of one that is made once."""

import atexit
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from services.storage import migrate
from services.storage.engine import DATABASE_FILE, parse_url, sqlite_url


def migrated_file(data_dir: Path) -> str:
    """Lay an empty, migrated database into a new data folder, as a new house has it; return its DATABASE_URL."""
    made = _made_once()
    data_dir.mkdir(mode=0o700, parents=True)
    shutil.copy(made, data_dir)
    return sqlite_url(data_dir)


@cache
def _made_once() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="test-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # Alembic runs an event loop of its own, and whoever asks may be within one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(migrate.upgrade, parse_url(sqlite_url(folder))).result()
    return folder / DATABASE_FILE
