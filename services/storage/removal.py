"""Taking calls out of the database again, with everything that hangs on them."""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.tables import CallEventRow, CallRow, ConversationRow, MessageRow, TurnRow


@dataclass(frozen=True, slots=True)
class Removed:
    """How many calls went, and the sound files that belonged to them, relative to DATA_DIR (still on the disk)."""

    calls: int
    files: tuple[str, ...]


async def remove_calls_of_line(session: AsyncSession, company_id: str, line: str) -> Removed:
    """Delete a line's calls, their events, turns and messages, and the conversations that this leaves empty."""
    of_line = select(CallRow).where(CallRow.company_id == company_id, CallRow.line == line)
    calls = list(await session.scalars(of_line))
    ids = [call.id for call in calls]
    sounds = await session.scalars(select(MessageRow.audio_path).where(MessageRow.call_id.in_(ids)))
    files = [*(call.recording_path for call in calls), *sounds]
    threads = {call.conversation_id for call in calls if call.conversation_id}
    for table in (TurnRow, CallEventRow, MessageRow):
        await session.execute(delete(table).where(table.call_id.in_(ids)))
    await session.execute(delete(CallRow).where(CallRow.id.in_(ids)))
    for column in (TurnRow.conversation_id, CallRow.conversation_id):
        threads -= set(await session.scalars(select(column).where(column.in_(threads))))
    await session.execute(delete(ConversationRow).where(ConversationRow.id.in_(threads)))
    return Removed(len(ids), tuple(name for name in files if name))
