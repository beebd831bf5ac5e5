"""Consents: who has agreed to what, when, on which channel, to which words, and whether it still holds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import NotFoundError, RefusedError
from services.storage.content.legal_tables import ConsentRow, LegalTextRow
from services.storage.database import Database
from services.storage.pages import cut, page_of

ContactKind = Literal["number", "email", "user"]


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent, from `given_at` until `withdrawn_at` (None: it holds).

    `contact` is a number in E.164, an e-mail address in small letters or a user's id; `kind` is what was agreed to
    ("recording", "processing", "voice_cloning"); `text_id` names the version of the legal text that was shown, None
    without one; `evidence` is where it can be looked up, such as the id of a call.
    """

    id: str
    company_id: str
    contact_kind: ContactKind
    contact: str
    kind: str
    text_id: str | None
    channel: str
    evidence: str
    given_at: datetime
    withdrawn_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A consent on its way into the database; fields as in Consent."""

    contact_kind: ContactKind
    contact: str
    kind: str
    channel: str
    text_id: str | None = None
    evidence: str = ""
    given_at: datetime | None = None


class Consents:
    """The consents of each company. Methods raise StorageError; an unknown id is NotFoundError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def record(self, company_id: str, new: NewConsent) -> Consent:
        """Store a consent; without a time it is given now. Raises RefusedError when the company has no such text."""
        now = self._clock.now()
        row = ConsentRow(
            company_id=company_id,
            contact_kind=new.contact_kind,
            contact=new.contact,
            kind=new.kind,
            text_id=new.text_id,
            channel=new.channel,
            evidence=new.evidence,
            given_at=new.given_at or now,
            created_at=now,
        )
        async with self._database.write() as session:
            if new.text_id is not None:
                text = LegalTextRow.company_id == company_id, LegalTextRow.id == new.text_id
                if await session.scalar(select(LegalTextRow.id).where(*text)) is None:
                    raise RefusedError("There is no such legal text.", "GET /admin/legal lists them.")
            session.add(row)
            await session.flush()
            return _record(row)

    async def list(
        self,
        company_id: str,
        limit: int = 50,
        cursor: str | None = None,
        *,
        contacts: Collection[str] | None = None,
        kind: str | None = None,
    ) -> tuple[tuple[Consent, ...], str | None]:
        """Return (consents, next cursor), newest first; with `contacts` of those only (the spellings of one)."""
        query = _of(company_id)
        if contacts is not None:
            query = query.where(ConsentRow.contact.in_(contacts))
        if kind:
            query = query.where(ConsentRow.kind == kind)
        query = page_of(query, ConsentRow.given_at, ConsentRow.id, limit, cursor)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        return cut(rows, limit, _record, lambda row: (row.given_at, row.id))

    async def get(self, company_id: str, consent_id: str) -> Consent:
        """Return a consent."""
        async with self._database.read() as session:
            return _record(await _require(session, company_id, consent_id))

    async def holds(self, company_id: str, contacts: Collection[str], kind: str) -> bool:
        """Tell whether somebody (in any spelling) has agreed to `kind` and not taken it back."""
        query = _of(company_id).where(
            ConsentRow.contact.in_(contacts), ConsentRow.kind == kind, ConsentRow.withdrawn_at.is_(None)
        )
        async with self._database.read() as session:
            return await session.scalar(query.limit(1)) is not None

    async def withdraw(self, company_id: str, consent_id: str) -> Consent:
        """Take a consent back, from now on; one that was taken back already stays as it is."""
        async with self._database.write() as session:
            row = await _require(session, company_id, consent_id)
            if row.withdrawn_at is None:
                row.withdrawn_at = max(self._clock.now(), row.given_at)
            return _record(row)


def _of(company_id: str) -> Select[ConsentRow]:
    return select(ConsentRow).where(ConsentRow.company_id == company_id)


async def _require(session: AsyncSession, company_id: str, consent_id: str) -> ConsentRow:
    row: ConsentRow | None = await session.scalar(_of(company_id).where(ConsentRow.id == consent_id))
    if row is None:
        raise NotFoundError("There is no such consent.")
    return row


def _record(row: ConsentRow) -> Consent:
    return Consent(
        id=row.id,
        company_id=row.company_id,
        contact_kind=row.contact_kind,  # type: ignore[arg-type]  # only what `record` let in
        contact=row.contact,
        kind=row.kind,
        text_id=row.text_id,
        channel=row.channel,
        evidence=row.evidence,
        given_at=row.given_at,
        withdrawn_at=row.withdrawn_at,
        created_at=row.created_at,
    )
