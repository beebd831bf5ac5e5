"""What a database's error means to a person."""

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.errors import StorageError


class NotConnectedError(Exception):
    """A database server refused the connection; `sqlstate` is its code, "" when it gave none."""

    def __init__(self, words: str, sqlstate: str = "") -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


DatabaseFailure = (SQLAlchemyError, sqlite3.Error, OSError, NotConnectedError)
"""What a database can raise; asyncpg passes the operating system's refusal of a connection on as it is."""

_FULL = ("The disk is full: the database {place} cannot grow.", "Free some space; everything stored before is safe.")
_LOCKED = (
    "Another program keeps the database {place} locked.",
    "Close the program that has it open, then try again.",
)
_READ_ONLY = (
    "The database {place} cannot be opened for writing.",
    "Check that the file and its folder belong to the user who runs the secretary.",
)
_OTHER_VERSION = (
    "The database {place} is not of this version.",
    "Start `secretary serve` once: it brings the tables up to date.",
)

# Words of SQLite's own messages (https://www.sqlite.org/rescode.html), the sentence and the remedy.
_MEANINGS: tuple[tuple[tuple[str, ...], tuple[str, str]], ...] = (
    (
        ("file is not a database", "malformed"),
        (
            "The database {place} is damaged or is no database.",
            "Nothing in it was changed. Put a backup in its place, or move the file away to begin with an empty one.",
        ),
    ),
    (("disk is full",), _FULL),
    (("locked", "busy"), _LOCKED),
    (("readonly", "unable to open"), _READ_ONLY),
    (
        ("disk i/o error",),
        (
            "The disk failed while the database {place} was read or written.",
            "Check the disk (dmesg, smartctl) before going on; keep a copy of the file.",
        ),
    ),
    (("no such table", "no such column"), _OTHER_VERSION),
)

# SQLSTATEs of PostgreSQL, or the two digits of their class (PostgreSQL documentation, appendix A).
_CODES: dict[str, tuple[str, str]] = {
    "28": (
        "The database server does not let the user of {place} in.",
        "Check the user and the password in DATABASE_URL, and the server's pg_hba.conf.",
    ),
    "3D": (
        "The server has no database of the name in {place}.",
        "Create it (createdb), or correct DATABASE_URL.",
    ),
    "42501": (
        "The user of the database {place} may not do this there.",
        "Make him the owner of the database: ALTER DATABASE ... OWNER TO ...",
    ),
    "42P01": _OTHER_VERSION,
    "42703": _OTHER_VERSION,
    "25006": (
        "The database {place} cannot be opened for writing: the server only lets it be read.",
        "Point DATABASE_URL at the primary server, not at its standby.",
    ),
    "53100": _FULL,
    "53200": ("The database server of {place} is out of memory.", "Give it more, or lower its shared_buffers."),
    "53300": (
        "The database server of {place} has too many connections.",
        "Close other programs that use it, or raise its max_connections.",
    ),
    "55P03": _LOCKED,
    "40": ("Two programs wrote the same in the database {place} at once.", "Try again."),
    "57014": ("The database {place} took too long.", "Check the server's load and disk."),
    "57P03": ("The database server of {place} is starting or stopping.", "Wait a moment; it is tried again."),
    "57P": ("The database server of {place} ended the connection.", "Check that it runs; it is tried again."),
    "25P": ("The database server of {place} ended a write that paused for too long.", "Try again."),
    "58": ("The disk failed while the database {place} was read or written.", "Check the disk of the server."),
    "XX": (
        "The database {place} is damaged, or its server has a fault.",
        "See the server's log; put a backup in its place if it says that data is corrupted.",
    ),
    "08": ("The database {place} cannot be reached (the connection broke).", "Check that it runs, and its address."),
}
_OUTAGES = ("08", "25006", "25P", "28", "3D", "40", "53", "55P03", "57", "58", "XX")
_ABSENCES = ("08", "28", "3D", "53300", "55P03", "57P")


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
    meaning = _meaning(error, words)
    if meaning is not None:
        sentence, remedy = meaning
        return StorageError(sentence.format(place=place), remedy)
    return StorageError(f"The database {place} refused: {words[:200]}.")


def is_outage(error: BaseException) -> bool:
    """Tell a database that cannot work now from a record that it rightly refused."""
    if isinstance(error, NotConnectedError) or _broken_off(error):
        return True
    if code := sqlstate(error):
        return code.startswith(_OUTAGES)
    if isinstance(error, IntegrityError | DataError | InterfaceError | ProgrammingError):
        return False
    return isinstance(error, DBAPIError | PoolTimeoutError | sqlite3.Error | OSError)


def tells_outage(error: BaseException) -> bool:
    """Tell whether an error of Database.write means that the database cannot be written now, whatever the record."""
    return is_outage(error) or (error.__cause__ is not None and is_outage(error.__cause__))


def tells_absence(error: BaseException) -> bool:
    """Tell whether an error of Database.write means that trying again at once would only cost another long wait."""
    cause = error.__cause__
    if cause is None:
        return False
    if isinstance(cause, NotConnectedError | PoolTimeoutError | OSError) or _broken_off(cause) or is_locked(cause):
        return True
    return sqlstate(cause).startswith(_ABSENCES)


def is_locked(error: BaseException) -> bool:
    """Tell whether somebody else held the database, so that trying again may work."""
    return isinstance(error, DatabaseFailure) and "database is locked" in str(error).lower()


def sqlstate(error: BaseException) -> str:
    """Return the code that a PostgreSQL server gave, "" when there is none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")


def _broken_off(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _meaning(error: BaseException, words: str) -> tuple[str, str] | None:
    code = sqlstate(error) or ("08" if _broken_off(error) else "")
    if code:
        return next((_CODES[code[:length]] for length in (5, 3, 2) if code[:length] in _CODES), None)
    return next((meaning for marks, meaning in _MEANINGS if any(mark in words.lower() for mark in marks)), None)
