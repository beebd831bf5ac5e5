"""Conversations: one thread per contact and channel. Conversations is a services.dialogue.ports.ConversationMemory."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from typing import Any, Literal, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.domain import OpenedConversation, PastTurn, Turn
from services.errors import StorageError
from services.storage.columns import new_id
from services.storage.database import KEEP_SECONDS, Database
from services.storage.tables import ConversationRow, TurnRow


class Conversations:
    """Threads with contacts: their history and the secretary's own memory of them."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def open(
        self, company_id: str, channel: str, number: str, language: str, persona: str, history_limit: int = 20
    ) -> OpenedConversation:
        """Return the thread with this contact, created when there is none; a withheld number ("") always gets its own.

        `history` holds the newest `history_limit` turns that were heard, oldest first. Raises StorageError.
        """
        now = self._clock.now()

        def find_or_begin(session: Session) -> OpenedConversation:
            row = _thread(session, company_id, channel, number)
            if row is None:
                row = ConversationRow(
                    id=new_id(),
                    company_id=company_id,
                    channel=channel,
                    contact_number=number or None,
                    state={},
                    started_at=now,
                )
                session.add(row)
            row.language, row.persona_slug, row.last_at = language, persona, now
            session.flush()
            history = _history(session, company_id, row.id, max(history_limit, 1))
            return OpenedConversation(row.id, bool(history), history[:history_limit][::-1], row.state)

        return await self._database.write_together(find_or_begin, what=f"a conversation over {channel}")

    async def save_state(self, company_id: str, conversation_id: str, state: Mapping[str, Any]) -> None:
        """Replace the secretary's memory of a conversation; of several that wait to be written only the newest is.

        Raises StorageError when the company has no such conversation.
        """
        newest, now = deepcopy(dict(state)), self._clock.now()
        query = select(ConversationRow).where(
            ConversationRow.company_id == company_id, ConversationRow.id == conversation_id
        )

        def replace(session: Session) -> None:
            row = session.scalar(query)
            if row is None:
                raise StorageError(f"There is no conversation {conversation_id!r}, so its state was not kept.")
            if row.state != newest:
                row.state, row.last_at = newest, now

        await self._database.write_together(
            replace,
            what=f"the state of conversation {conversation_id}",
            keep=KEEP_SECONDS,
            key=("state", company_id, conversation_id),
        )

    async def add_turn(self, company_id: str, conversation_id: str, turn: Turn) -> None:
        """Store a turn of a text channel, which has no call; its index counts within the conversation."""
        count = select(func.count()).where(
            TurnRow.company_id == company_id, TurnRow.conversation_id == conversation_id, TurnRow.call_id.is_(None)
        )
        now = self._clock.now()

        def add(session: Session) -> None:
            values = {**asdict(turn), "index": session.scalar(count) or 0}
            session.add(TurnRow(**values, company_id=company_id, conversation_id=conversation_id, created_at=now))

        what = f"a turn of conversation {conversation_id}"
        await self._database.write_together(add, what=what)


def _thread(session: Session, company_id: str, channel: str, number: str) -> ConversationRow | None:
    if not number:
        return None
    query = select(ConversationRow).where(
        ConversationRow.company_id == company_id,
        ConversationRow.channel == channel,
        ConversationRow.contact_number == number,
    )
    row: ConversationRow | None = session.scalar(query)
    return row


def _history(session: Session, company_id: str, conversation_id: str, limit: int) -> tuple[PastTurn, ...]:
    query = (
        select(TurnRow.role, TurnRow.heard, TurnRow.created_at)
        .where(TurnRow.company_id == company_id, TurnRow.conversation_id == conversation_id, TurnRow.heard != "")
        .order_by(TurnRow.created_at.desc(), TurnRow.index.desc())
        .limit(limit)
    )
    rows = session.execute(query).all()
    return tuple(PastTurn(cast(Literal["caller", "secretary"], role), heard, at) for role, heard, at in rows)
