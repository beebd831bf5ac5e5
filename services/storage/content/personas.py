"""Personas: who the secretary is, per company."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.domain import Persona
from services.errors import ConflictError, NotFoundError
from services.storage import cursor as cursors
from services.storage.database import Database
from services.storage.editing import expect_version, set_changed
from services.storage.tables import PersonaRow

_FIELDS = tuple(each.name for each in fields(Persona))


@dataclass(frozen=True, slots=True)
class PersonaRecord:
    """A persona as it is stored; `is_default`: it answers in its language."""

    persona: Persona
    is_default: bool
    created_at: datetime
    updated_at: datetime


class Personas:
    """The personas of each company, by slug and by language."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def seed(self, company_id: str, personas: Sequence[Persona]) -> None:
        """Add the personas whose slug the company does not have; what the owner edited stays as it is.

        The first persona of a language becomes the one that answers in it. One that was seeded before personas had
        fillers, and that nobody has edited since, is given them.
        """
        async with self._database.write() as session:
            await seed_personas(session, company_id, personas, self._clock.now())

    async def get(self, company_id: str, slug: str) -> Persona | None:
        """Return one persona, None when the company has none of this slug."""
        query = select(PersonaRow).where(PersonaRow.company_id == company_id, PersonaRow.slug == slug)
        row = await self._database.look(lambda session: session.scalar(query), single=True)
        return None if row is None else persona_of(row)

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        """Return the persona that answers in `language` (ISO 639-1), None when the company has none."""
        query = (
            select(PersonaRow)
            .where(PersonaRow.company_id == company_id, PersonaRow.language == language)
            .order_by(PersonaRow.is_default.desc(), PersonaRow.created_at, PersonaRow.slug)
            .limit(1)
        )
        row = await self._database.look(lambda session: session.scalar(query), single=True)
        return None if row is None else persona_of(row)

    async def all(self, company_id: str) -> builtins.list[Persona]:
        """Return every persona of the company, by slug."""
        query = select(PersonaRow).where(PersonaRow.company_id == company_id).order_by(PersonaRow.slug)
        async with self._database.read() as session:
            return [persona_of(row) for row in await session.scalars(query)]

    async def list(
        self, company_id: str, limit: int = 50, cursor: str | None = None, *, language: str = ""
    ) -> tuple[builtins.list[PersonaRecord], str | None]:
        """Return a page of personas, newest first, and the cursor of the next."""
        query = select(PersonaRow).where(PersonaRow.company_id == company_id)
        if language:
            query = query.where(PersonaRow.language == language)
        if cursor:
            query = query.where(tuple_(PersonaRow.created_at, PersonaRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(PersonaRow.created_at.desc(), PersonaRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        following = cursors.encode(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
        return [_record(row) for row in rows[:limit]], following

    async def record(self, company_id: str, slug: str) -> PersonaRecord:
        """Return one persona as it is stored. Raises NotFoundError."""
        async with self._database.read() as session:
            return _record(await _require(session, company_id, slug))

    async def add(self, company_id: str, persona: Persona) -> PersonaRecord:
        """Add a persona; the first of its language answers in it. Raises ConflictError when the slug is taken."""
        now = self._clock.now()
        async with self._database.write() as session:
            if await _find(session, company_id, persona.slug) is not None:
                raise ConflictError(f"There is a persona {persona.slug!r} already.", "Choose another slug.")
            others = await _of_language(session, company_id, persona.language)
            values = {**asdict(persona), "fillers": list(persona.fillers), "version": 1}
            row = PersonaRow(**values, company_id=company_id, is_default=not others, created_at=now, updated_at=now)
            session.add(row)
            await session.flush()
            return _record(row)

    async def edit(
        self, company_id: str, slug: str, changes: Mapping[str, Any], expected: int | None = None
    ) -> PersonaRecord:
        """Change the named fields; calls that go on keep what they began with.

        `is_default` True makes it the one that answers in its language, in the place of whichever did. The language is
        changed only while another is left of the one before. Raises NotFoundError, StaleError, ConflictError.
        """
        async with self._database.write() as session:
            row = await _require(session, company_id, slug)
            expect_version(row.version, expected)
            changes = dict(changes)
            if changes.get("language", row.language) != row.language:
                await self._leave(session, row)
                newcomers = await _of_language(session, company_id, changes["language"])
                row.is_default = not any(each.is_default for each in newcomers)
            if changes.get("is_default") is False and row.is_default:
                raise ConflictError("Somebody has to answer in a language.", "Make another persona the default one.")
            changed = set_changed(row, {name: value for name, value in changes.items() if name != "is_default"})
            if changes.get("is_default") and not row.is_default:
                await self._put_in_front(session, row)
                changed = True
            if changed:
                row.version, row.updated_at = row.version + 1, self._clock.now()
            return _record(row)

    async def remove(self, company_id: str, slug: str, expected: int | None = None) -> None:
        """Delete a persona. Raises NotFoundError, StaleError, ConflictError when it is the only one of its language."""
        async with self._database.write() as session:
            row = await _require(session, company_id, slug)
            expect_version(row.version, expected)
            await self._leave(session, row)
            await session.delete(row)

    async def _leave(self, session: AsyncSession, row: PersonaRow) -> None:
        """Let another persona answer in the language of `row`. Raises ConflictError when there is none."""
        others = [each for each in await _of_language(session, row.company_id, row.language) if each is not row]
        if not others:
            raise ConflictError(
                f"{row.slug} is the only persona that speaks {row.language!r}.",
                "Add another one of it first.",
            )
        if row.is_default:
            self._stand(others[0])

    async def _put_in_front(self, session: AsyncSession, row: PersonaRow) -> None:
        for each in await _of_language(session, row.company_id, row.language):
            if each is not row and each.is_default:
                each.is_default, each.version, each.updated_at = False, each.version + 1, self._clock.now()
        row.is_default = True

    def _stand(self, row: PersonaRow) -> None:
        row.is_default, row.version, row.updated_at = True, row.version + 1, self._clock.now()


async def seed_personas(session: AsyncSession, company_id: str, personas: Sequence[Persona], now: datetime) -> None:
    """Do what Personas.seed does, within a transaction."""
    rows = (await session.scalars(select(PersonaRow).where(PersonaRow.company_id == company_id))).all()
    known = {row.slug: row for row in rows}
    served = {row.language for row in rows if row.is_default}
    for persona in personas:
        row = known.get(persona.slug)
        if row is not None:
            if not row.fillers and row.updated_at == row.created_at:
                row.fillers = list(persona.fillers)
            continue
        first = persona.language not in served
        row = PersonaRow(**asdict(persona), company_id=company_id, is_default=first, created_at=now, updated_at=now)
        session.add(row)
        known[persona.slug] = row
        served.add(persona.language)


async def _find(session: AsyncSession, company_id: str, slug: str) -> PersonaRow | None:
    query = select(PersonaRow).where(PersonaRow.company_id == company_id, PersonaRow.slug == slug)
    row: PersonaRow | None = await session.scalar(query)
    return row


async def _require(session: AsyncSession, company_id: str, slug: str) -> PersonaRow:
    row = await _find(session, company_id, slug)
    if row is None:
        raise NotFoundError("There is no such persona.")
    return row


async def _of_language(session: AsyncSession, company_id: str, language: str) -> Sequence[PersonaRow]:
    """Return the personas of a language, oldest first."""
    query = select(PersonaRow).where(PersonaRow.company_id == company_id, PersonaRow.language == language)
    return (await session.scalars(query.order_by(PersonaRow.created_at, PersonaRow.slug))).all()


def _record(row: PersonaRow) -> PersonaRecord:
    return PersonaRecord(persona_of(row), row.is_default, row.created_at, row.updated_at)


def persona_of(row: PersonaRow) -> Persona:
    """Return the persona of a stored row."""
    return Persona(**{**{name: getattr(row, name) for name in _FIELDS}, "fillers": tuple(row.fillers)})
