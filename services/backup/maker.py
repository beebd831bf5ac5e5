"""Making a backup, and looking whether one is whole. Everything here blocks: it runs in a thread."""

import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL

from services.backup import contents, postgres, sqlite_copy
from services.backup.age import WORK_FACTOR, AgeReader, AgeWriter
from services.backup.archive import ArchiveReader, StoredFile, write_end, write_file
from services.backup.manifest import (
    ABOUT,
    FILES,
    LONGEST_MANIFEST,
    MANIFEST,
    About,
    Manifest,
    read_about,
    read_manifest,
)
from services.backup.private import create_private, sync_folder
from services.errors import RefusedError, SecretaryError, StorageError
from services.storage.engine import is_sqlite

SPARE_BYTES = 64 << 20
"""What stays free of a disk after a backup or a restore."""

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1; what it raises ends the work."""


class StoppedError(SecretaryError):
    """The work was ended before it was done."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is backed up: DATA_DIR, the database and the product's version; `audit_head` of the chain now."""

    data_dir: Path
    url: URL
    version: str
    audit_head: str = ""

    @property
    def sqlite_file(self) -> Path | None:
        """The SQLite database, None where it is PostgreSQL."""
        return Path(str(self.url.database)) if is_sqlite(self.url) else None


def name_at(moment: datetime) -> str:
    """Return the name of a backup made at `moment` (UTC)."""
    return f"secretary-{moment:%Y%m%dT%H%M%SZ}.tar.age"


def make(
    origin: Origin,
    target: Path,
    passphrase: str,
    *,
    recordings: bool = True,
    progress: Progress = lambda _: None,
    work_factor: int = WORK_FACTOR,
) -> Manifest:
    """Write a backup to `target` (0600), which appears whole and verified or not at all. Raises StorageError."""
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        try:
            with tempfile.TemporaryDirectory(prefix=".work-", suffix=".tmp", dir=target.parent) as work:
                manifest = _write(origin, part, Path(work), passphrase, recordings, progress, work_factor)
            verify(part, passphrase, progress=lambda share: progress(0.6 + 0.4 * share))
            part.replace(target)
            sync_folder(target.parent)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"The backup {target} cannot be written ({error.strerror or error}).",
            "Check the disk and the folder; SECRETARY_BACKUP__FOLDER names another one.",
        ) from error
    return manifest


def verify(path: Path, passphrase: str, *, progress: Progress = lambda _: None) -> Manifest:
    """Read a backup to its end: passphrase, every hash, the database in it. Raises RefusedError, StorageError."""
    with tempfile.TemporaryDirectory(prefix=".check-", suffix=".tmp", dir=path.parent) as work:
        database = Path(work) / "database"

        def place(name: str, about: About) -> Path | None:
            return database if name == about.database_file else None

        manifest = read_through(path, passphrase, place, progress)
        expect_database(manifest.about, database)
    return manifest


def expect_database(about: About, path: Path) -> None:
    """Check the unpacked database of a backup. Raises RefusedError."""
    if about.database == "sqlite":
        sqlite_copy.expect_whole(path)
        found = sqlite_copy.revision(path)
    else:
        postgres.expect_whole(path)
        found = postgres.dumped_revision(path)
    if found != about.revision:
        raise RefusedError("The database in this backup is not the one that it tells of.")


def read_through(
    path: Path, passphrase: str, place: Callable[[str, About], Path | None], progress: Progress = lambda _: None
) -> Manifest:
    """Read every file; those that `place` gives a path are unpacked there (0600). Raises RefusedError, StorageError.

    What was unpacked counts only once this returns: the hashes are compared at the end.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _read(ArchiveReader(AgeReader(file, passphrase), size), place, lambda: progress(file.tell() / size))
    except OSError as error:
        raise StorageError(
            f"The backup {path} cannot be read ({error.strerror or error}).", "Check the disk."
        ) from error


def _read(reader: ArchiveReader, place: Callable[[str, About], Path | None], tell: Callable[[], None]) -> Manifest:
    about: About | None = None
    manifest: Manifest | None = None
    found: list[StoredFile] = []
    for name, size in reader.files():
        tell()
        if manifest is not None or (about is None) != (name == ABOUT):
            raise RefusedError("The files in this backup are not in their order.")
        if name in {ABOUT, MANIFEST}:
            text = _text(reader, name, size)
            if about is None:
                about = read_about(text)
            else:
                manifest = read_manifest(text)
            continue
        assert about is not None
        if name != about.database_file and not name.startswith(FILES):
            raise RefusedError(f"This backup holds {name!r}, which belongs to none.")
        found.append(_take(reader, name, size, place(name, about)))
    if about is None or manifest is None or manifest.about != about:
        raise RefusedError("This backup does not say what it holds.")
    torn = set(manifest.torn)
    if [file for file in found if file.name not in torn] != manifest.files:
        raise RefusedError("The files in this backup are not the ones that it lists.")
    if about.database_file not in {file.name for file in found}:
        raise RefusedError("This backup holds no database.")
    return manifest


def _text(reader: ArchiveReader, name: str, size: int) -> bytes:
    if size > LONGEST_MANIFEST:
        raise RefusedError("What this backup says of itself is too long.")
    pieces = io.BytesIO()
    reader.take(name, size, pieces.write)
    return pieces.getvalue()


def _take(reader: ArchiveReader, name: str, size: int, target: Path | None) -> StoredFile:
    if target is None:
        return reader.take(name, size, lambda _: None)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with create_private(target) as file:
        stored = reader.take(name, size, file.write)
        file.flush()
        os.fsync(file.fileno())
    return stored


def _write(
    origin: Origin,
    part: Path,
    work: Path,
    passphrase: str,
    recordings: bool,
    progress: Progress,
    work_factor: int,
) -> Manifest:
    database = origin.sqlite_file
    outside = part.parent
    known = list(contents.files(origin.data_dir, database, recordings=recordings, outside=outside))
    total = sum(_size(path) for path in known)
    copied = _size(database) if database is not None else 0
    expect_room(part.parent, total + 2 * copied)
    dumped = work / "database"
    if database is not None:
        sqlite_copy.copy(database, dumped, lambda share: progress(0.2 * share))
        sqlite_copy.expect_whole(dumped)
        revision = sqlite_copy.revision(dumped)
    else:
        postgres.dump(origin.url, dumped, lambda: progress(0.1))
        revision = postgres.dumped_revision(dumped)
    kind = "sqlite" if database is not None else "postgresql"
    expect_room(part.parent, total + 2 * _size(dumped))
    about = About(
        datetime.now(UTC).isoformat(timespec="seconds"), origin.version, kind, revision, recordings, origin.audit_head
    )
    manifest = Manifest(about)
    # Looked at again: files that were made meanwhile belong to rows of the copy.
    known = list(contents.files(origin.data_dir, database, recordings=recordings, outside=outside))
    part.unlink(missing_ok=True)
    with create_private(part, 1 << 20) as file:
        age = AgeWriter(file, passphrase, work_factor)
        _add_text(age, ABOUT, json.dumps(asdict(about)).encode())
        _add(age, manifest, about.database_file, dumped)
        done = 0
        for path in known:
            progress(0.2 + 0.4 * min(1.0, done / (total or 1)))
            done += _add(age, manifest, FILES + path.relative_to(origin.data_dir).as_posix(), path)
        _add_text(age, MANIFEST, manifest.dump())
        write_end(age)
        age.close()
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _add_text(age: AgeWriter, name: str, text: bytes) -> None:
    write_file(age, name, io.BytesIO(text), len(text))


def _add(age: AgeWriter, manifest: Manifest, name: str, path: Path) -> int:
    """Add a file as long as it is now; one that is gone by now is left out, one cut while it is read is noted."""
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
    except FileNotFoundError:
        return 0
    with file:
        size = os.fstat(file.fileno()).st_size
        stored = write_file(age, name, file, size)
    if stored.size == size:
        manifest.files.append(stored)
    else:
        manifest.torn.append(name)
    return size


def expect_room(folder: Path, wanted: int) -> None:
    """Raise StorageError unless `wanted` bytes can be written to `folder` with some to spare."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE_BYTES:
        raise StorageError(
            f"{folder} has {free >> 20} MB free, and {(wanted + SPARE_BYTES) >> 20} MB are needed.",
            "Free some space, or name another folder with SECRETARY_BACKUP__FOLDER.",
        )


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
