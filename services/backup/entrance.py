"""Entering the data folder: what a restore has left is settled first, and nobody replaces it from then on."""

from pathlib import Path

from sqlalchemy import URL

from services.backup.hold import Hold
from services.backup.restore import settle


def enter(data_dir: Path, url: URL) -> Hold:
    """Return a hold on DATA_DIR beside others; close it at the end. Blocks. Raises StorageError, ConflictError."""
    hold = Hold(data_dir)
    try:
        settle(data_dir, url, hold)
        hold.together()
    except BaseException:
        hold.close()
        raise
    return hold
