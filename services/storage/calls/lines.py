"""Lines: the modems and accounts of each company, under names that last, with their policies.

What a policy says is checked above this floor; here it is what was last stored, with a version for who edits it.
"""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import StorageError
from services.storage.calls.line_tables import LineRow
from services.storage.database import Database

Kind = Literal["gsm", "sip"]


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A line as it is stored.

    `identity` tells the modem (IMEI) or the account behind it, "" while it is unknown; `version` grows by one with each
    change of the policy.
    """

    id: str
    company_id: str
    name: str
    kind: str
    identity: str
    version: int
    created_at: datetime
    updated_at: datetime
    policy: Mapping[str, Any] = field(default_factory=dict)


class Lines:
    """The lines of each company. All methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def list(self, company_id: str) -> builtins.list[LineRecord]:
        """Return the company's lines, by name."""
        query = select(LineRow).where(LineRow.company_id == company_id).order_by(LineRow.name)
        async with self._database.read() as session:
            return [_record(row) for row in await session.scalars(query)]

    async def get(self, company_id: str, name: str) -> LineRecord | None:
        """Return one line, None when the company has none of this name."""
        async with self._database.read() as session:
            row = await _named(session, company_id, name)
            return None if row is None else _record(row)

    async def policy(self, company_id: str, name: str) -> Mapping[str, Any] | None:
        """Return the policy of a line as it was last stored, None when there is no such line."""
        query = select(LineRow.policy).where(LineRow.company_id == company_id, LineRow.name == name)
        async with self._database.read() as session:
            policy: Mapping[str, Any] | None = await session.scalar(query)
            return policy

    async def find(self, company_id: str, kind: Kind, identity: str) -> LineRecord | None:
        """Return the line of a modem or account, None when it has none yet or `identity` is ""."""
        if not identity:
            return None
        query = select(LineRow).where(
            LineRow.company_id == company_id, LineRow.kind == kind, LineRow.identity == identity
        )
        async with self._database.read() as session:
            row = await session.scalar(query)
            return None if row is None else _record(row)

    async def ensure(self, company_id: str, name: str, kind: Kind, identity: str = "") -> LineRecord:
        """Return the line `name`, made with an empty policy where it is missing; a missing identity is filled in.

        A line that has another kind or identity already keeps both.
        """
        async with self._database.write() as session:
            row = await _named(session, company_id, name)
            if row is None:
                row = self._add(session, company_id, name, kind, identity)
            elif row.kind == kind and row.identity is None and identity:
                row.identity, row.updated_at = identity, self._clock.now()
            await session.flush()
            return _record(row)

    async def name_for(self, company_id: str, kind: Kind, identity: str) -> str:
        """Return the name of the line of a modem or account, which is made where it is missing.

        The same identity has the same name for ever. A new one takes a line over that has none yet, else it gets the
        next free name: "gsm", "gsm-2", "gsm-3". A modem that does not tell who it is ("") has the line without an
        identity, or the only one there is of its kind.
        """
        async with self._database.write() as session:
            query = select(LineRow).where(LineRow.company_id == company_id)
            rows = (await session.scalars(query.order_by(LineRow.created_at, LineRow.name))).all()
            alike = [row for row in rows if row.kind == kind]
            row = _belongs(alike, identity)
            if row is None:
                name = _free_name(kind, {row.name for row in rows})
                row = self._add(session, company_id, name, kind, identity)
            elif identity and row.identity is None:
                row.identity, row.updated_at = identity, self._clock.now()
            return row.name

    async def set_policy(
        self, company_id: str, name: str, policy: Mapping[str, Any], version: int | None = None
    ) -> LineRecord | None:
        """Replace the policy of a line; it counts from the next call on. Return the line as it is now.

        With `version` the policy is replaced only while the line still has that version: None says that somebody else
        was faster, and nothing was changed. Raises StorageError when there is no such line.
        """
        async with self._database.write() as session:
            row = await _named(session, company_id, name)
            if row is None:
                raise StorageError(f"There is no line {name!r}.")
            if version is not None and row.version != version:
                return None
            row.policy, row.version, row.updated_at = dict(policy), row.version + 1, self._clock.now()
            return _record(row)

    def _add(self, session: AsyncSession, company_id: str, name: str, kind: Kind, identity: str) -> LineRow:
        now = self._clock.now()
        row = LineRow(
            company_id=company_id, name=name, kind=kind, identity=identity or None, created_at=now, updated_at=now
        )
        session.add(row)
        return row


async def _named(session: AsyncSession, company_id: str, name: str) -> LineRow | None:
    query = select(LineRow).where(LineRow.company_id == company_id, LineRow.name == name)
    row: LineRow | None = await session.scalar(query)
    return row


def _belongs(rows: Sequence[LineRow], identity: str) -> LineRow | None:
    """Return the line of one kind that is this identity's, or that it may take over."""
    if identity and (own := next((row for row in rows if row.identity == identity), None)):
        return own
    nameless = next((row for row in rows if row.identity is None), None)
    if nameless is None and not identity and len(rows) == 1:
        return rows[0]
    return nameless


def _free_name(kind: str, taken: set[str]) -> str:
    number = 1
    while (name := kind if number == 1 else f"{kind}-{number}") in taken:
        number += 1
    return name


def _record(row: LineRow) -> LineRecord:
    return LineRecord(
        id=row.id,
        company_id=row.company_id,
        name=row.name,
        kind=row.kind,
        identity=row.identity or "",
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        policy=row.policy,
    )
