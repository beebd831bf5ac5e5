"""Legal texts: each company's privacy notice, terms, notice of recording and consent to processing, in versions.

The words of a version never change, because consents name them. What is current is the newest version that was
published; a draft shows nobody anything until it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import ConflictError, NotFoundError
from services.storage.content.legal_tables import ConsentRow, LegalTextRow
from services.storage.database import Database
from services.storage.pages import cut, page_of

LegalKind = Literal["privacy", "terms", "recording_notice", "consent_processing"]


@dataclass(frozen=True, slots=True)
class LegalText:
    """A version of a text; `published_at` is None while it is a draft. Versions count from 1 for each language."""

    id: str
    company_id: str
    kind: LegalKind
    language: str
    version: int
    text: str
    published_at: datetime | None
    created_at: datetime


class LegalTexts:
    """The legal texts of each company. Methods raise StorageError; an unknown id is NotFoundError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def add(self, company_id: str, kind: LegalKind, language: str, text: str) -> LegalText:
        """Store a new version, a draft."""
        last = select(func.max(LegalTextRow.version)).where(
            LegalTextRow.company_id == company_id, LegalTextRow.kind == kind, LegalTextRow.language == language
        )
        async with self._database.write() as session:
            row = LegalTextRow(
                company_id=company_id,
                kind=kind,
                language=language,
                version=(await session.scalar(last) or 0) + 1,
                text=text,
                created_at=self._clock.now(),
            )
            session.add(row)
            await session.flush()
            return _record(row)

    async def list(
        self,
        company_id: str,
        limit: int = 50,
        cursor: str | None = None,
        *,
        kind: str | None = None,
        language: str | None = None,
    ) -> tuple[tuple[LegalText, ...], str | None]:
        """Return (versions, next cursor), newest first."""
        query = _of(company_id)
        if kind:
            query = query.where(LegalTextRow.kind == kind)
        if language:
            query = query.where(LegalTextRow.language == language)
        query = page_of(query, LegalTextRow.created_at, LegalTextRow.id, limit, cursor)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        return cut(rows, limit, _record, lambda row: (row.created_at, row.id))

    async def get(self, company_id: str, text_id: str) -> LegalText:
        """Return a version."""
        async with self._database.read() as session:
            return _record(await _require(session, company_id, text_id))

    async def current(self, company_id: str, kind: str, language: str) -> LegalText | None:
        """Return the newest published version in `language`, None when there is none."""
        query = _of(company_id).where(
            LegalTextRow.kind == kind, LegalTextRow.language == language, LegalTextRow.published_at.is_not(None)
        )
        async with self._database.read() as session:
            row = await session.scalar(query.order_by(LegalTextRow.version.desc()).limit(1))
            return None if row is None else _record(row)

    async def languages(self, company_id: str, kind: str) -> tuple[str, ...]:
        """Return the languages in which a text of this kind was published, sorted."""
        query = select(LegalTextRow.language).where(
            LegalTextRow.company_id == company_id, LegalTextRow.kind == kind, LegalTextRow.published_at.is_not(None)
        )
        async with self._database.read() as session:
            return tuple(sorted(set(await session.scalars(query))))

    async def publish(self, company_id: str, text_id: str) -> LegalText:
        """Publish a version; one that was published already stays as it is."""
        async with self._database.write() as session:
            row = await _require(session, company_id, text_id)
            if row.published_at is None:
                row.published_at = self._clock.now()
            return _record(row)

    async def remove(self, company_id: str, text_id: str) -> None:
        """Delete a draft. Raises ConflictError for what was published, or agreed to: it stays as evidence."""
        async with self._database.write() as session:
            row = await _require(session, company_id, text_id)
            agreed = select(ConsentRow.id).where(ConsentRow.company_id == company_id, ConsentRow.text_id == text_id)
            if row.published_at is not None or await session.scalar(agreed.limit(1)) is not None:
                raise ConflictError(
                    "A text that people have been shown stays.", "Publish a newer version: it takes its place."
                )
            await session.delete(row)


def _of(company_id: str) -> Select[LegalTextRow]:
    return select(LegalTextRow).where(LegalTextRow.company_id == company_id)


async def _require(session: AsyncSession, company_id: str, text_id: str) -> LegalTextRow:
    row: LegalTextRow | None = await session.scalar(_of(company_id).where(LegalTextRow.id == text_id))
    if row is None:
        raise NotFoundError("There is no such text.")
    return row


def _record(row: LegalTextRow) -> LegalText:
    return LegalText(
        id=row.id,
        company_id=row.company_id,
        kind=row.kind,  # type: ignore[arg-type]  # only what `add` let in
        language=row.language,
        version=row.version,
        text=row.text,
        published_at=row.published_at,
        created_at=row.created_at,
    )
