"""The chain of the audit log: each entry's hash covers its own fields and the hash of the entry before.

What was changed (`detail`) is covered by a salted digest only: it can be erased, salt and all, and the chain still
verifies; without the salt nobody can try out what an erased value may have been. Whoever may write the database and
knows this file can forge the whole chain anew: what shows it is a head noted elsewhere (a log, a backup, an export).
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

FIRST = "0" * 64
"""What stands for the hash before the first entry."""

LONGEST_NAME = 200
LONGEST_VALUE = 4000


@dataclass(frozen=True, slots=True)
class Link:
    """The fields of an entry that its hash covers, in this order."""

    seq: int
    at: datetime
    company_id: str
    actor_kind: str
    actor_id: str
    actor_name: str
    address: str
    request_id: str
    action: str
    resource: str
    resource_id: str
    digest: str
    previous: str


def hash_of(link: Link) -> str:
    """Return the SHA-256 (hexadecimal) of an entry: of its fields as a JSON list, the time in UTC with microseconds."""
    values = [getattr(link, name) for name in Link.__dataclass_fields__]
    values[1] = link.at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(values, separators=(",", ":")).encode("ascii")).hexdigest()


def seal(detail: Mapping[str, Any]) -> tuple[str | None, str | None, str]:
    """Return what to store of `detail`: its canonical JSON, a fresh salt and the digest; of an empty one nothing."""
    if not detail:
        return None, None, ""
    text, salt = canonical(detail), secrets.token_hex(16)
    return text, salt, digest_of(text, salt)


def digest_of(detail: str, salt: str) -> str:
    """Return the salted SHA-256 (hexadecimal) of a stored detail."""
    return hashlib.sha256(f"{salt}{detail}".encode("ascii", "replace")).hexdigest()


def canonical(detail: Mapping[str, Any]) -> str:
    """Return `detail` as JSON in ASCII, keys sorted: the same bytes in every database."""
    return json.dumps(detail, sort_keys=True, separators=(",", ":"), default=_plain, ensure_ascii=True)


def clean(value: str, longest: int = LONGEST_NAME) -> str:
    """Return a text as every database stores and gives it back: no half characters, no zero bytes, not too long."""
    return value[:longest].replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def shown(value: Any) -> Any:
    """Return a column's value as a detail shows it; a long text is cut, with its length told."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}… ({len(value)} characters)"
    return value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)
