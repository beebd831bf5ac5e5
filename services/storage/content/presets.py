"""Presets: named ways to use the language model ("llm") and the voices ("tts"), one active of a kind and company."""

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import ConflictError, NotFoundError
from services.storage import cursor as cursors
from services.storage.content.preset_tables import PresetRow
from services.storage.database import Database
from services.storage.editing import expect_version, set_changed

PresetKind = Literal["llm", "tts"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset; what `values` may hold is checked above this floor. `is_default`: it is the active one of its kind."""

    id: str
    company_id: str
    kind: str
    slug: str
    name: str
    values: Mapping[str, Any]
    is_default: bool
    version: int
    created_at: datetime
    updated_at: datetime


class Presets:
    """The presets of each company."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def list(
        self, company_id: str, kind: PresetKind, limit: int = 50, cursor: str | None = None
    ) -> tuple[builtins.list[Preset], str | None]:
        """Return a page of presets, newest first, and the cursor of the next."""
        query = select(PresetRow).where(PresetRow.company_id == company_id, PresetRow.kind == kind)
        if cursor:
            query = query.where(tuple_(PresetRow.created_at, PresetRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(PresetRow.created_at.desc(), PresetRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        following = cursors.encode(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
        return [_record(row) for row in rows[:limit]], following

    async def get(self, company_id: str, kind: PresetKind, preset_id: str) -> Preset:
        """Return one preset. Raises NotFoundError."""
        async with self._database.read() as session:
            return _record(await _require(session, company_id, kind, preset_id))

    async def active(self, company_id: str, kind: PresetKind) -> Preset | None:
        """Return the active preset of a kind, None when there is none."""
        async with self._database.read() as session:
            row = await _active(session, company_id, kind)
            return None if row is None else _record(row)

    async def add(self, company_id: str, kind: PresetKind, slug: str, name: str, values: Mapping[str, Any]) -> Preset:
        """Add a preset, which is not active yet. Raises ConflictError when the slug is taken."""
        now = self._clock.now()
        async with self._database.write() as session:
            await _expect_free(session, company_id, kind, slug)
            row = PresetRow(
                company_id=company_id,
                kind=kind,
                slug=slug,
                name=name,
                values=dict(values),
                is_default=False,
                version=1,
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            await session.flush()
            return _record(row)

    async def edit(
        self,
        company_id: str,
        kind: PresetKind,
        preset_id: str,
        changes: Mapping[str, Any],
        expected: int | None = None,
    ) -> Preset:
        """Change the named fields (slug, name, values). Raises NotFoundError, StaleError, ConflictError."""
        async with self._database.write() as session:
            row = await _require(session, company_id, kind, preset_id)
            expect_version(row.version, expected)
            if changes.get("slug", row.slug) != row.slug:
                await _expect_free(session, company_id, kind, changes["slug"])
            if set_changed(row, changes):
                row.version, row.updated_at = row.version + 1, self._clock.now()
            return _record(row)

    async def activate(self, company_id: str, kind: PresetKind, preset_id: str) -> Preset:
        """Make it the active one of its kind, in the place of whichever was. Raises NotFoundError."""
        now = self._clock.now()
        async with self._database.write() as session:
            row = await _require(session, company_id, kind, preset_id)
            before = await _active(session, company_id, kind)
            if before is not row:
                if before is not None:
                    before.is_default, before.version, before.updated_at = False, before.version + 1, now
                row.is_default, row.version, row.updated_at = True, row.version + 1, now
            return _record(row)

    async def remove(self, company_id: str, kind: PresetKind, preset_id: str, expected: int | None = None) -> None:
        """Delete a preset. Raises NotFoundError, StaleError."""
        async with self._database.write() as session:
            row = await _require(session, company_id, kind, preset_id)
            expect_version(row.version, expected)
            await session.delete(row)


async def _require(session: AsyncSession, company_id: str, kind: PresetKind, preset_id: str) -> PresetRow:
    query = select(PresetRow).where(PresetRow.company_id == company_id, PresetRow.kind == kind)
    row: PresetRow | None = await session.scalar(query.where(PresetRow.id == preset_id))
    if row is None:
        raise NotFoundError("There is no such preset.")
    return row


async def _active(session: AsyncSession, company_id: str, kind: PresetKind) -> PresetRow | None:
    query = select(PresetRow).where(PresetRow.company_id == company_id, PresetRow.kind == kind, PresetRow.is_default)
    row: PresetRow | None = await session.scalar(query)
    return row


async def _expect_free(session: AsyncSession, company_id: str, kind: PresetKind, slug: str) -> None:
    query = select(PresetRow.id).where(PresetRow.company_id == company_id, PresetRow.kind == kind)
    if await session.scalar(query.where(PresetRow.slug == slug)) is not None:
        raise ConflictError(f"There is a preset {slug!r} already.", "Choose another slug.")


def _record(row: PresetRow) -> Preset:
    return Preset(**{name: getattr(row, name) for name in Preset.__slots__})
