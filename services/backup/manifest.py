"""What a backup says of itself: `about.json`, its first file, and `manifest.json`, its last."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from services.backup.archive import StoredFile
from services.errors import RefusedError

ABOUT = "about.json"
MANIFEST = "manifest.json"
FILES = "files/"
SQLITE = "database/secretary.db"
POSTGRES = "database/secretary.pgdump"
FORMAT = 1
LONGEST_MANIFEST = 512 << 20


@dataclass(frozen=True, slots=True)
class About:
    """What is known before the first file: the product's version, the database's kind and revision, when.

    `audit_head` is the last link of the audit chain, "" when there is none.
    """

    created: str
    version: str
    database: str
    revision: str
    recordings: bool
    audit_head: str = ""
    format: int = FORMAT

    @property
    def database_file(self) -> str:
        """The name of the database inside."""
        return SQLITE if self.database == "sqlite" else POSTGRES


@dataclass(slots=True)
class Manifest:
    """Every file with its size and hash; `torn` names those that changed while they were read, which are left out."""

    about: About
    files: list[StoredFile] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def dump(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()


def read_about(text: bytes) -> About:
    """Read `about.json`. Raises RefusedError."""
    return _about(_json(text))


def read_manifest(text: bytes) -> Manifest:
    """Read `manifest.json`. Raises RefusedError."""
    data = _json(text)
    try:
        files = [StoredFile(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in data["files"]]
        return Manifest(_about(data["about"]), files, [str(name) for name in data["torn"]])
    except (KeyError, TypeError, ValueError):
        raise RefusedError("The list of files in this backup cannot be read.") from None


def _about(data: Any) -> About:
    if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
        raise RefusedError("This backup was made by a newer version.", "Install that version to restore it.")
    try:
        about = About(**data)
        datetime.fromisoformat(about.created)
    except (TypeError, ValueError):
        raise RefusedError("This backup does not say what it is.") from None
    if about.database not in {"sqlite", "postgresql"} or not isinstance(about.revision, str):
        raise RefusedError("This backup does not say what it is.")
    return about


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RefusedError("What this backup says of itself cannot be read.") from None
