"""What is deleted because somebody asked for it: a call, or all that is kept of a contact."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import LineError
from services.storage.audit.hook import note_in
from services.storage.database import Database
from services.storage.delivery.announcing import announce_erasure
from services.storage.privacy.removal import Removed, files_of_contact, remove_calls, remove_contact
from services.storage.tables import CallRow, MessageRow


class Erasures:
    """Deletes rows and names the files that belonged to them. All methods raise StorageError.

    What belongs to a call that goes on is not deleted: LineError.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def files_of_call(self, company_id: str, call_id: str) -> tuple[str, ...] | None:
        """Return the recording and the message sounds of a call, None when the company has no such call."""
        of_call = (MessageRow.company_id == company_id, MessageRow.call_id == call_id)
        async with self._database.read() as session:
            call = await session.scalar(select(CallRow).where(CallRow.company_id == company_id, CallRow.id == call_id))
            if call is None:
                return None
            _expect_ended(call)
            sounds = await session.scalars(select(MessageRow.audio_path).where(*of_call))
            return tuple(name for name in (call.recording_path, *sounds) if name)

    async def remove_call(self, company_id: str, call_id: str) -> Removed:
        """Delete a call with its events, turns and messages."""
        async with self._database.write() as session:
            await _expect_none_goes_on(session, company_id, CallRow.id == call_id)
            return await remove_calls(session, company_id, CallRow.id == call_id, with_messages=True)

    async def files_of_contact(self, company_id: str, numbers: Sequence[str]) -> tuple[str, ...]:
        """Return the recordings and message sounds of a contact, whose number is given in every spelling."""
        async with self._database.read() as session:
            await _expect_none_goes_on(session, company_id, CallRow.number.in_(numbers))
            return await files_of_contact(session, company_id, numbers)

    async def remove_contact(self, company_id: str, numbers: Sequence[str]) -> Removed:
        """Delete all that is kept of a number, given in every spelling, the usual one first."""
        async with self._database.write() as session:
            await _expect_none_goes_on(session, company_id, CallRow.number.in_(numbers))
            removed = await remove_contact(session, company_id, numbers)
            if removed != Removed():
                await session.run_sync(announce_erasure, company_id, numbers[0], self._clock.now())
                counts = {name: count for name, count in asdict(removed).items() if name != "files"}
                note_in(session.sync_session, "erase", "contacts", detail=counts, company_id=company_id)
            return removed


async def _expect_none_goes_on(session: AsyncSession, company_id: str, which: ColumnElement[bool]) -> None:
    query = select(CallRow).where(CallRow.company_id == company_id, which, CallRow.ended_at.is_(None)).limit(1)
    call = await session.scalar(query)
    if call is not None:
        _expect_ended(call)


def _expect_ended(call: CallRow) -> None:
    if call.ended_at is None:
        raise LineError(f"The call {call.id} goes on.", f"End it first: POST /admin/calls/{call.id}/end.")
