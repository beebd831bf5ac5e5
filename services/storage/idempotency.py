"""Idempotency keys: what was asked for once is done once, however often it is asked for again.

A request claims its key by a row that there can be only one of, does its work, and stores its answer in the row. Of one
that ended without an answer (a crash, a kill) nobody knows whether it had its effect, so its key stays taken, and
whoever asks again is told so: a call is rather not placed than placed twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, delete, select, update

from services.clock import Clock, LoopClock
from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.idempotency_tables import IdempotencyRow
from services.storage.isolation import every_company

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""How long a request without an answer is taken for one that goes on."""

LARGEST_BODY = 1_000_000

_ALL = every_company("the clean-up is of the installation")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered; `location` is "" without that header."""

    status: int
    media_type: str
    location: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of the wish to be the first: `state` tells.

    first: this request is to do it (`token` is for the answer). answered: it was done, `answer` tells how. another: the
    key stands for another request. going_on: it is being done. unknown: it was begun and nobody knows how it ended.
    """

    state: Literal["first", "answered", "another", "going_on", "unknown"]
    company_id: str
    key_id: str
    token: str = ""
    answer: StoredAnswer | None = None


class IdempotencyKeys:
    """The keys of the last 24 hours. All methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def claim(self, company_id: str, key_id: str, fingerprint: str) -> Claim:
        """Claim a key. `key_id` is a hash of who asks and the key, `fingerprint` of what is asked for."""
        now = self._clock.now()
        async with self._database.write() as session:
            query = select(IdempotencyRow).where(IdempotencyRow.company_id == company_id, IdempotencyRow.id == key_id)
            row = await session.scalar(query)
            if row is not None and row.created_at + KEPT > now:
                return _found(row, fingerprint, now)
            if row is None:
                row = IdempotencyRow(id=key_id, company_id=company_id)
                session.add(row)
            row.fingerprint, row.claim = fingerprint, new_id()
            row.created_at, row.leased_until, row.status = now, now + LEASE, None
            row.media_type, row.location, row.body = "", "", b""
            return Claim("first", company_id, key_id, row.claim)

    async def answer(self, claim: Claim, answer: StoredAnswer) -> None:
        """Store what was answered. A body of more than 1 MB is left out."""
        body = answer.body if len(answer.body) <= LARGEST_BODY else b""
        stored = {
            "status": answer.status,
            "media_type": answer.media_type,
            "location": answer.location,
            "body": body,
        }
        async with self._database.write() as session:
            await session.execute(update(IdempotencyRow).where(*_of(claim)).values(stored))

    async def release(self, claim: Claim) -> None:
        """Give the key back: nothing was done."""
        async with self._database.write() as session:
            await session.execute(delete(IdempotencyRow).where(*_of(claim)))

    async def clean_up(self, limit: int) -> int:
        """Remove some keys that were kept long enough, return how many."""
        old = select(IdempotencyRow.id).where(IdempotencyRow.created_at <= self._clock.now() - KEPT).limit(limit)
        async with self._database.write() as session:
            ids = (await session.scalars(old, execution_options=_ALL)).all()
            await session.execute(delete(IdempotencyRow).where(IdempotencyRow.id.in_(ids)), execution_options=_ALL)
            return len(ids)


def _of(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        IdempotencyRow.company_id == claim.company_id,
        IdempotencyRow.id == claim.key_id,
        IdempotencyRow.claim == claim.token,
    )


def _found(row: IdempotencyRow, fingerprint: str, now: datetime) -> Claim:
    if row.fingerprint != fingerprint:
        return Claim("another", row.company_id, row.id)
    if row.status is not None:
        answer = StoredAnswer(row.status, row.media_type, row.location, row.body)
        return Claim("answered", row.company_id, row.id, answer=answer)
    return Claim("going_on" if row.leased_until > now else "unknown", row.company_id, row.id)
