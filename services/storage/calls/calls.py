"""Calls: events appended as they happen, and the calls and turns they amount to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Integer, and_, bindparam, false, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.domain import Turn
from services.errors import StorageError
from services.events import CallEvent, CallEventType
from services.storage import cursor as cursors
from services.storage.calls.projections import moment, project, start_call
from services.storage.calls.records import CallRecord, call_record, turn_record
from services.storage.database import KEEP_SECONDS, Database
from services.storage.delivery.announcing import announce_end
from services.storage.isolation import every_company
from services.storage.privacy.removal import Removed, remove_calls_of_line
from services.storage.tables import CallEventRow, CallRow, TurnRow

PAGE_LIMIT = 200
ABANDONED = timedelta(hours=1)

# Everything that storing an event asks for, in one statement that is built once: its call, whether the event is there
# already, and the turn that it tells of.
_PLACE = (
    select(CallRow, CallEventRow.id, TurnRow)
    .outerjoin(
        CallEventRow,
        and_(
            CallEventRow.company_id == CallRow.company_id,
            CallEventRow.call_id == CallRow.id,
            CallEventRow.sequence == bindparam("sequence", type_=Integer),
        ),
    )
    .outerjoin(
        TurnRow,
        and_(
            TurnRow.company_id == CallRow.company_id,
            TurnRow.call_id == CallRow.id,
            TurnRow.index == bindparam("index", type_=Integer),
        ),
    )
    .where(CallRow.company_id == bindparam("company"), CallRow.id == bindparam("call"))
)
_NEVER_STORED = frozenset({CallEventType.INTERIM, CallEventType.SAYING})


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are asked for; "" is any. The outcome "ongoing" is of those that have not ended."""

    line: str = ""
    direction: str = ""
    outcome: str = ""
    number: str = ""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Return what a row must fulfil."""
        if self.line:
            yield CallRow.line == self.line
        if self.direction:
            yield CallRow.direction == self.direction
        if self.number:
            yield CallRow.number == self.number
        if self.outcome:
            yield CallRow.ended_at.is_(None) if self.outcome == "ongoing" else CallRow.outcome == self.outcome


class CallStore:
    """The calls of each company."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def append(self, event: CallEvent) -> None:
        """Store an event and what it changes in its call, in one transaction; on the disk when this returns.

        The same (call_id, sequence) again changes nothing, so a caller may repeat an append whose fate it does not
        know. INTERIM and SAYING are never stored. While the database cannot be written the event waits, for a day, and
        so does whoever appends it. Raises StorageError, also for an event of a call that never started.
        """
        if event.type in _NEVER_STORED:
            return
        await self._database.write_together(
            partial(append_event, event=event, now=self._clock.now()),
            what=f"{event.type.value} of call {event.call_id}",
            keep=KEEP_SECONDS,
            topic=event.call_id,
        )

    async def close_open_calls(self, *lines: str) -> int:
        """Mark the calls that a crash left open as "cut", at the time of their last event; return how many.

        For the start of the process that owns `lines` (none: every line), of every company at once. On lines of others,
        which may be having a call right now, only calls without an event for an hour are closed.
        """
        return await self._close(CallRow.line.in_(lines) if lines else true())

    async def close_abandoned_calls(self) -> int:
        """Do the same on lines of others only."""
        return await self._close(false())

    async def _close(self, own: ColumnElement[bool]) -> int:
        now = self._clock.now()
        of_call = (CallEventRow.company_id == CallRow.company_id, CallEventRow.call_id == CallRow.id)
        last_event = select(func.max(CallEventRow.recorded_at)).where(*of_call).scalar_subquery()
        query = (
            select(CallRow)
            .where(CallRow.ended_at.is_(None), or_(own, last_event < now - ABANDONED))
            .execution_options(**every_company("a crash leaves the calls of all of them open"))
        )

        def close_all(session: Session) -> int:
            open_calls = session.scalars(query).all()
            for call in open_calls:
                append_event(session, _cut(session, call), now)
            return len(open_calls)

        return await self._database.write_together(close_all, what="the end of calls that a crash left open")

    async def get(self, company_id: str, call_id: str) -> CallRecord | None:
        """Return one call, None when the company has none of this id."""
        async with self._database.read() as session:
            row = await _find(session, company_id, call_id)
            return None if row is None else call_record(row)

    async def turns(self, company_id: str, call_id: str) -> tuple[Turn, ...]:
        """Return the turns of a call in their order."""
        query = (
            select(TurnRow).where(TurnRow.company_id == company_id, TurnRow.call_id == call_id).order_by(TurnRow.index)
        )
        async with self._database.read() as session:
            return tuple(turn_record(row) for row in await session.scalars(query))

    async def last_call(self, company_id: str, number: str) -> CallRecord | None:
        """Return the newest call with a number, None when there is none or the number is withheld ("")."""
        query = (
            select(CallRow)
            .where(CallRow.company_id == company_id, CallRow.number == number, CallRow.number != "")
            .order_by(CallRow.started_at.desc(), CallRow.id.desc())
            .limit(1)
        )
        async with self._database.read() as session:
            row = await session.scalar(query)
            return None if row is None else call_record(row)

    async def list(
        self, company_id: str, limit: int = 50, cursor: str | None = None, *, only: CallFilter | None = None
    ) -> tuple[tuple[CallRecord, ...], str | None]:
        """Return (calls, next cursor), newest first; `limit` is held to 1..200, the cursor is None on the last page.

        Raises StorageError for a cursor that this list did not give.
        """
        limit = min(max(limit, 1), PAGE_LIMIT)
        query = select(CallRow).where(CallRow.company_id == company_id, *(only or CallFilter()).conditions())
        if cursor:
            query = query.where(tuple_(CallRow.started_at, CallRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(CallRow.started_at.desc(), CallRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            calls = tuple(call_record(row) for row in await session.scalars(query))
        if len(calls) <= limit:
            return calls, None
        last = calls[limit - 1]
        return calls[:limit], cursors.encode(last.started_at, last.id)

    async def remove_line(self, company_id: str, line: str) -> Removed:
        """Delete all calls of a line with what hangs on them, and tell which files are free to go."""
        async with self._database.write() as session:
            return await remove_calls_of_line(session, company_id, line)


def append_event(session: Session, event: CallEvent, now: datetime) -> None:
    """Add an event, happened by `now`, and what it changes in its call; nothing when it is there already."""
    values = {"company": event.company_id, "call": event.call_id, "sequence": event.sequence}
    values["index"] = event.data.get("index") if event.type is CallEventType.TURN else None
    # Rows that wait for the flush are not asked for: those of a whole group are then inserted at once, and an event
    # that comes twice in a group is found out by the database.
    with session.no_autoflush:
        found = session.execute(_PLACE, values).one_or_none()
    if found is None and event.type is not CallEventType.STARTED:
        raise StorageError(f"The call {event.call_id} was never started, so its event cannot be stored.")
    call, stored, turn = (start_call(session, event, now), None, None) if found is None else found
    if stored is not None:
        return
    session.add(
        CallEventRow(
            company_id=event.company_id,
            call_id=event.call_id,
            sequence=event.sequence,
            at_ms=event.at_ms,
            type=event.type.value,
            data=dict(event.data),
            recorded_at=now,
        )
    )
    project(session, call, turn, event)
    if event.type is CallEventType.ENDED:
        announce_end(session, call, now)


async def _find(session: AsyncSession, company_id: str, call_id: str) -> CallRow | None:
    query = select(CallRow).where(CallRow.company_id == company_id, CallRow.id == call_id)
    row: CallRow | None = await session.scalar(query)
    return row


def _cut(session: Session, call: CallRow) -> CallEvent:
    query = select(func.max(CallEventRow.sequence), func.max(CallEventRow.at_ms)).where(
        CallEventRow.company_id == call.company_id, CallEventRow.call_id == call.id
    )
    sequence, at_ms = session.execute(query).one()
    ended_at_ms = at_ms or 0
    seconds = (moment(call, ended_at_ms) - call.answered_at).total_seconds() if call.answered_at else 0.0
    return CallEvent(
        call.company_id,
        call.id,
        (sequence or 0) + 1,
        ended_at_ms,
        CallEventType.ENDED,
        {"outcome": "cut", "reason": "crash", "seconds": max(seconds, 0.0), "stats": {}},
    )
