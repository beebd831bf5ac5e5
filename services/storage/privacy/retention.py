"""What has been kept long enough, of every company, and which files nobody knows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.events import CallEvent, CallEventType
from services.storage.calls.calls import append_event
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.privacy.removal import remove_calls, remove_old_texts
from services.storage.tables import CallEventRow, CallRow, CompanyRow, MessageRow

_OF_ALL = every_company("what is kept too long is looked for in the whole installation")


@dataclass(frozen=True, slots=True)
class OldCall:
    """A call that ended long ago; `recording_path` is relative to DATA_DIR, "" without a recording."""

    company_id: str
    call_id: str
    recording_path: str
    ended_at: datetime


class RetentionBook:
    """Asked by services.retention only; it is about the installation, so no company is named. Raises StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def ended_before(
        self, moment: datetime, limit: int, *, recorded: bool, after: OldCall | None = None
    ) -> list[OldCall]:
        """Return some calls that ended before `moment`, oldest first, only those `after` one where one is given.

        With `recorded` those with a recording only.
        """
        query = select(CallRow.company_id, CallRow.id, CallRow.recording_path, CallRow.ended_at)
        query = query.where(CallRow.ended_at < moment)
        if recorded:
            query = query.where(CallRow.recording_path != "")
        if after is not None:
            query = query.where(tuple_(CallRow.ended_at, CallRow.id) > tuple_(after.ended_at, after.call_id))
        async with self._database.read() as session:
            rows = await session.execute(
                query.order_by(CallRow.ended_at, CallRow.id).limit(limit), execution_options=_OF_ALL
            )
            return [OldCall(company, call, path, at) for company, call, path, at in rows if at is not None]

    async def forget_recordings(self, calls: Sequence[OldCall]) -> None:
        """Take the paths back, with an event in each call."""
        now = self._clock.now()

        def forget(session: Session) -> None:
            for call in calls:
                _forget_recording(session, call, now)

        await self._database.write_together(forget, what="that old recordings were deleted")

    async def remove_calls(self, calls: Sequence[OldCall]) -> int:
        """Delete calls with their events and turns, return how many; the messages that were left in them stay."""
        total = 0
        async with self._database.write() as session:
            for company_id in {call.company_id for call in calls}:
                ids = [call.call_id for call in calls if call.company_id == company_id]
                removed = await remove_calls(session, company_id, CallRow.id.in_(ids), with_messages=False)
                total += removed.calls
        return total

    async def remove_texts(self, before: datetime, limit: int) -> int:
        """Delete some text messages from before then, return how many; those that wait to go out stay."""
        async with self._database.write() as session:
            return await remove_old_texts(session, before, limit)

    async def known_files(self, paths: Collection[str]) -> set[str]:
        """Return those of the paths that a call or a message names."""
        found: set[str] = set()
        async with self._database.read() as session:
            for column in (CallRow.recording_path, MessageRow.audio_path):
                query = select(column).where(column.in_(paths))
                found.update(await session.scalars(query, execution_options=_OF_ALL))
        return found

    async def going_on(self, call_ids: Collection[str]) -> set[str]:
        """Return those of the ids whose call has not ended."""
        query = select(CallRow.id).where(CallRow.id.in_(call_ids), CallRow.ended_at.is_(None))
        async with self._database.read() as session:
            return set(await session.scalars(query, execution_options=_OF_ALL))

    async def born(self) -> datetime | None:
        """Return when this database was begun: of what is older it knows nothing. None while it is empty."""
        async with self._database.read() as session:
            at: datetime | None = await session.scalar(select(func.min(CompanyRow.created_at)))
            return at


def _forget_recording(session: Session, old: OldCall, now: datetime) -> None:
    of_call = (CallRow.company_id == old.company_id, CallRow.id == old.call_id)
    call = session.scalar(select(CallRow).where(*of_call, CallRow.recording_path == old.recording_path))
    if call is None:  # somebody else was faster
        return
    last = select(func.max(CallEventRow.sequence), func.max(CallEventRow.at_ms)).where(
        CallEventRow.company_id == old.company_id, CallEventRow.call_id == old.call_id
    )
    sequence, at_ms = session.execute(last).one()
    # Its time within the call is that of the last event: the call is over; `recorded_at` tells when it happened.
    event = CallEvent(
        old.company_id, old.call_id, (sequence or 0) + 1, at_ms or 0, CallEventType.RECORDED, {"path": ""}
    )
    append_event(session, event, now)
