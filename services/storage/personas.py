"""Personas: who the secretary is, per company."""

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import select

from services.clock import Clock, LoopClock
from services.domain import Persona
from services.storage.database import Database
from services.storage.tables import PersonaRow

_FIELDS = tuple(each.name for each in fields(Persona))


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
        now = self._clock.now()
        async with self._database.write() as session:
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
                row = PersonaRow(
                    **asdict(persona), company_id=company_id, is_default=first, created_at=now, updated_at=now
                )
                session.add(row)
                known[persona.slug] = row
                served.add(persona.language)

    async def get(self, company_id: str, slug: str) -> Persona | None:
        """Return one persona, None when the company has none of this slug."""
        query = select(PersonaRow).where(PersonaRow.company_id == company_id, PersonaRow.slug == slug)
        async with self._database.read() as session:
            row = await session.scalar(query)
            return None if row is None else _persona(row)

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        """Return the persona that answers in `language` (ISO 639-1), None when the company has none."""
        query = (
            select(PersonaRow)
            .where(PersonaRow.company_id == company_id, PersonaRow.language == language)
            .order_by(PersonaRow.is_default.desc(), PersonaRow.created_at, PersonaRow.slug)
            .limit(1)
        )
        async with self._database.read() as session:
            row = await session.scalar(query)
            return None if row is None else _persona(row)

    async def all(self, company_id: str) -> list[Persona]:
        """Return every persona of the company, by slug."""
        query = select(PersonaRow).where(PersonaRow.company_id == company_id).order_by(PersonaRow.slug)
        async with self._database.read() as session:
            return [_persona(row) for row in await session.scalars(query)]


def _persona(row: PersonaRow) -> Persona:
    return Persona(**{**{name: getattr(row, name) for name in _FIELDS}, "fillers": tuple(row.fillers)})
