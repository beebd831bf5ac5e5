"""What a database's error means to a person."""

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.errors import StorageError

DatabaseFailure = (SQLAlchemyError, sqlite3.Error, OSError)
"""What a database can raise; asyncpg passes the operating system's refusal of a connection on as it is."""

# Words of SQLite's own messages (https://www.sqlite.org/rescode.html), the sentence and the remedy.
_MEANINGS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("file is not a database", "malformed"),
        "The database {place} is damaged or is no database.",
        "Nothing in it was changed. Put a backup in its place, or move the file away to begin with an empty one.",
    ),
    (
        ("disk is full",),
        "The disk is full: the database {place} cannot grow.",
        "Free some space; everything stored before is safe.",
    ),
    (
        ("locked", "busy"),
        "Another program keeps the database {place} locked.",
        "Close the program that has it open, then try again.",
    ),
    (
        ("readonly", "unable to open"),
        "The database {place} cannot be opened for writing.",
        "Check that the file and its folder belong to the user who runs the secretary.",
    ),
    (
        ("disk i/o error",),
        "The disk failed while the database {place} was read or written.",
        "Check the disk (dmesg, smartctl) before going on; keep a copy of the file.",
    ),
    (
        ("no such table", "no such column"),
        "The database {place} is not of this version.",
        "Start `secretary serve` once: it brings the tables up to date.",
    ),
)


def explain(error: BaseException, place: str) -> StorageError:
    """Turn a failure of the database at `place` into a sentence and a remedy."""
    if isinstance(error, PoolTimeoutError):
        return StorageError(f"All connections to the database {place} stayed busy.", "Try again in a moment.")
    if isinstance(error, OSError):
        why = error.strerror or "no answer in time"
        return StorageError(f"The database {place} cannot be reached ({why}).", "Check that it runs, and its address.")
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    words = " ".join(str(cause).split())
    if isinstance(error, IntegrityError):
        return StorageError(f"The record contradicts what is already stored ({words}).")
    for marks, sentence, remedy in _MEANINGS:
        if any(mark in words.lower() for mark in marks):
            return StorageError(sentence.format(place=place), remedy)
    return StorageError(f"The database {place} refused: {words[:200]}.")


def is_outage(error: BaseException) -> bool:
    """Tell a database that cannot work now from a record that it rightly refused."""
    if isinstance(error, IntegrityError | DataError | InterfaceError | ProgrammingError):
        return False
    return isinstance(error, DBAPIError | PoolTimeoutError | sqlite3.Error | OSError)


def tells_outage(error: BaseException) -> bool:
    """Tell whether an error of Database.write means that the database cannot be written now, whatever the record."""
    return is_outage(error) or (error.__cause__ is not None and is_outage(error.__cause__))


def tells_absence(error: BaseException) -> bool:
    """Tell whether an error of Database.write means that trying again at once would only cost another long wait."""
    cause = error.__cause__
    return cause is not None and (is_locked(cause) or isinstance(cause, PoolTimeoutError | OSError))


def is_locked(error: BaseException) -> bool:
    """Tell whether somebody else held the database, so that trying again may work."""
    return isinstance(error, DatabaseFailure) and "database is locked" in str(error).lower()
