"""Taking calls and contacts out of the database again, with everything that hangs on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.isolation import every_company
from services.storage.privacy.personal import remove_rows_of_contact
from services.storage.tables import CallEventRow, CallRow, ConversationRow, MessageRow, TurnRow
from services.storage.texts.tables import TextMessageRow, TextPartRow

_TOGETHER = 500  # ids in one statement; SQLite takes 32 766


@dataclass(frozen=True, slots=True)
class Removed:
    """How much went, and the sound files that belonged to it, relative to DATA_DIR (still on the disk)."""

    calls: int = 0
    messages: int = 0
    text_messages: int = 0
    consents: int = 0
    deliveries: int = 0
    files: tuple[str, ...] = ()


async def remove_calls_of_line(session: AsyncSession, company_id: str, line: str) -> Removed:
    """Delete a line's calls, their events, turns and messages, and the conversations that this leaves empty."""
    return await remove_calls(session, company_id, CallRow.line == line, with_messages=True)


async def remove_calls(
    session: AsyncSession, company_id: str, which: ColumnElement[bool], *, with_messages: bool
) -> Removed:
    """Delete the company's calls that `which` tells of, their events and turns, and conversations left empty.

    Without `with_messages` what was left for the owner stays, with its sound.
    """
    calls = list(await session.scalars(select(CallRow).where(CallRow.company_id == company_id, which)))
    files = [call.recording_path for call in calls]
    messages = 0
    for ids in _batches([call.id for call in calls]):
        if with_messages:
            sounds = await _remove_messages(session, company_id, MessageRow.call_id.in_(ids))
            messages += len(sounds)
            files += sounds
        for table in (TurnRow, CallEventRow):
            await session.execute(delete(table).where(table.company_id == company_id, table.call_id.in_(ids)))
        await session.execute(delete(CallRow).where(CallRow.company_id == company_id, CallRow.id.in_(ids)))
    await _remove_empty(session, company_id, {call.conversation_id for call in calls if call.conversation_id})
    return Removed(len(calls), messages, files=_named(files))


async def remove_contact(session: AsyncSession, company_id: str, numbers: Sequence[str]) -> Removed:
    """Delete all that is kept of a number, given in every spelling that may be stored.

    Calls, conversations on every channel, messages, text messages, consents, what waits to be told to other programs.
    """
    of_contact = select(ConversationRow.id).where(
        ConversationRow.company_id == company_id, ConversationRow.contact_number.in_(numbers)
    )
    theirs = or_(CallRow.number.in_(numbers), CallRow.conversation_id.in_(of_contact))
    removed = await remove_calls(session, company_id, theirs, with_messages=True)
    left = or_(MessageRow.number.in_(numbers), MessageRow.conversation_id.in_(of_contact))
    sounds = await _remove_messages(session, company_id, left)
    texts = await _remove_texts(session, company_id, numbers)
    turns = delete(TurnRow).where(TurnRow.company_id == company_id, TurnRow.conversation_id.in_(of_contact))
    await session.execute(turns)
    threads = delete(ConversationRow).where(
        ConversationRow.company_id == company_id, ConversationRow.contact_number.in_(numbers)
    )
    await session.execute(threads)
    others = await remove_rows_of_contact(session, company_id, numbers)
    return Removed(
        calls=removed.calls,
        messages=removed.messages + len(sounds),
        text_messages=texts,
        consents=others["consents"],
        deliveries=others["outbox"] + others["webhook_arrivals"],
        files=(*removed.files, *_named(sounds)),
    )


async def files_of_contact(session: AsyncSession, company_id: str, numbers: Sequence[str]) -> tuple[str, ...]:
    """Return the sound files that `remove_contact` would leave without an owner."""
    of_contact = select(ConversationRow.id).where(
        ConversationRow.company_id == company_id, ConversationRow.contact_number.in_(numbers)
    )
    theirs = or_(CallRow.number.in_(numbers), CallRow.conversation_id.in_(of_contact))
    calls = select(CallRow.id).where(CallRow.company_id == company_id, theirs)
    in_their_threads = MessageRow.conversation_id.in_(of_contact)
    left = or_(MessageRow.number.in_(numbers), in_their_threads, MessageRow.call_id.in_(calls))
    recordings = await session.scalars(select(CallRow.recording_path).where(CallRow.company_id == company_id, theirs))
    sounds = await session.scalars(select(MessageRow.audio_path).where(MessageRow.company_id == company_id, left))
    return _named([*recordings, *sounds])


async def remove_old_texts(session: AsyncSession, before: datetime, limit: int) -> int:
    """Delete up to `limit` text messages from before then that no longer wait to go out; return how many went.

    What was said in them stands a second time in the turns of their conversations, and goes too.
    """
    old = select(TextMessageRow.id, TextMessageRow.company_id, TextMessageRow.conversation_id).where(
        TextMessageRow.created_at < before, TextMessageRow.status.not_in(("queued", "sending"))
    )
    of_all = every_company("text messages of all of them grow old")
    rows = (await session.execute(old.order_by(TextMessageRow.created_at).limit(limit), execution_options=of_all)).all()
    for ids in _batches([row.id for row in rows]):
        await session.execute(delete(TextPartRow).where(TextPartRow.message_id.in_(ids)), execution_options=of_all)
        await session.execute(delete(TextMessageRow).where(TextMessageRow.id.in_(ids)), execution_options=of_all)
    threads = {(row.company_id, row.conversation_id) for row in rows if row.conversation_id}
    for company_id in {company for company, _ in threads}:
        mine = {thread for company, thread in threads if company == company_id}
        for ids in _batches(sorted(mine)):
            written = delete(TurnRow).where(
                TurnRow.company_id == company_id,
                TurnRow.conversation_id.in_(ids),
                TurnRow.call_id.is_(None),
                TurnRow.created_at < before,
            )
            await session.execute(written)
        await _remove_empty(session, company_id, mine)
    return len(rows)


async def _remove_messages(session: AsyncSession, company_id: str, which: ColumnElement[bool]) -> list[str]:
    """Delete messages; return the path of the sound of each, "" where there was none."""
    query = delete(MessageRow).where(MessageRow.company_id == company_id, which).returning(MessageRow.audio_path)
    return list(await session.scalars(query))


async def _remove_texts(session: AsyncSession, company_id: str, numbers: Sequence[str]) -> int:
    theirs = TextMessageRow.company_id == company_id, TextMessageRow.number.in_(numbers)
    texts = select(TextMessageRow.id).where(*theirs)
    parts = or_(TextPartRow.number.in_(numbers), TextPartRow.message_id.in_(texts))
    await session.execute(delete(TextPartRow).where(TextPartRow.company_id == company_id, parts))
    return len(list(await session.scalars(delete(TextMessageRow).where(*theirs).returning(TextMessageRow.id))))


async def _remove_empty(session: AsyncSession, company_id: str, threads: set[str]) -> None:
    """Delete those of the conversations that hold nothing any more."""
    for ids in _batches(sorted(threads)):
        empty = set(ids)
        for table in (TurnRow, CallRow, TextMessageRow):
            named = select(table.conversation_id).where(table.company_id == company_id, table.conversation_id.in_(ids))
            empty -= set(await session.scalars(named.distinct()))
        gone = delete(ConversationRow).where(ConversationRow.company_id == company_id, ConversationRow.id.in_(empty))
        await session.execute(gone)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), _TOGETHER):
        yield ids[at : at + _TOGETHER]


def _named(files: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in files if name)
