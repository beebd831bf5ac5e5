"""Text chats: titles and prompts that a user gives, and the messages in them. Each belongs to one user."""

import builtins
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.domain import Reach
from services.errors import ConflictError, NotFoundError, StaleError
from services.storage import cursor as cursors
from services.storage.chats.records import Chat, ChatMessage, ChatThread, Role, chat_record, message_record
from services.storage.chats.tables import ChatMessageRow, ChatRow
from services.storage.chats.thread import read_thread
from services.storage.columns import new_id
from services.storage.content.personas import persona_of
from services.storage.database import Database
from services.storage.people.companies import company_profile

_PAST_THE_ORM = {
    "synchronize_session": False,
    "unaudited": "what is said in a chat is its user's own, and no edit of it",
}
ANSWER_SECONDS = 300.0
"""How long an answer may take; whoever was answering has crashed when it took longer."""


class Chats:
    """The chats of each user; an administrator's reach is the whole company's."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def create(self, company_id: str, owner_id: str, title: str, system_prompt: str, persona: str) -> Chat:
        """Begin a chat. Raises StorageError."""
        now = self._clock.now()
        row = ChatRow(
            id=new_id(),
            company_id=company_id,
            owner_id=owner_id,
            title=title,
            system_prompt=system_prompt,
            persona=persona,
            state={},
            state_before={},
            version=1,
            answering_until=None,
            created_at=now,
            last_at=now,
        )
        async with self._database.write() as session:
            session.add(row)
            await session.flush()
            return chat_record(row)

    async def list(
        self, reach: Reach, limit: int = 50, cursor: str | None = None
    ) -> tuple[builtins.list[Chat], str | None]:
        """Return a page of chats, the one written in last first, and the cursor of the next page."""
        query = select(ChatRow).where(_within(reach))
        if cursor:
            at, row_id = cursors.decode(cursor)
            query = query.where(or_(ChatRow.last_at < at, and_(ChatRow.last_at == at, ChatRow.id < row_id)))
        query = query.order_by(ChatRow.last_at.desc(), ChatRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        more = len(rows) > limit
        found = [chat_record(row) for row in rows[:limit]]
        return found, cursors.encode(found[-1].last_at, found[-1].id) if more else None

    async def get(self, reach: Reach, chat_id: str) -> Chat:
        """Return a chat. Raises NotFoundError."""
        async with self._database.read() as session:
            return chat_record(_found(await session.scalar(_one(reach, chat_id))))

    async def edit(self, reach: Reach, chat_id: str, expected: int | None, **changes: str) -> Chat:
        """Change `title`, `system_prompt` or `persona`. Raises NotFoundError, StaleError."""
        async with self._database.write() as session:
            row = _found(await session.scalar(_one(reach, chat_id).with_for_update()))
            if expected is not None and row.version != expected:
                raise StaleError("The chat has been changed meanwhile.", "Read it again and repeat the change.")
            changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
            for name, value in changed.items():
                setattr(row, name, value)
            row.version += bool(changed)
            await session.flush()
            return chat_record(row)

    async def remove(self, reach: Reach, chat_id: str) -> None:
        """Delete a chat with its messages. Raises NotFoundError."""
        async with self._database.write() as session:
            row = _found(await session.scalar(_one(reach, chat_id).with_for_update()))
            await session.execute(delete(ChatMessageRow).where(*_in_chat(row.company_id, row.id)))
            await session.delete(row)

    async def messages(
        self, reach: Reach, chat_id: str, limit: int = 50, cursor: str | None = None
    ) -> tuple[builtins.list[ChatMessage], str | None]:
        """Return a page of messages, newest first, and the cursor of the next page. Raises NotFoundError."""
        query = select(ChatMessageRow).where(*_in_chat(reach.company_id, chat_id))
        if cursor:
            number = cursors.decode(cursor)[1]
            query = query.where(ChatMessageRow.number < cursors.number(number))
        query = query.order_by(ChatMessageRow.number.desc()).limit(limit + 1)
        async with self._database.read() as session:
            _found(await session.scalar(_one(reach, chat_id)))
            rows = (await session.scalars(query)).all()
        more = len(rows) > limit
        found = [message_record(row) for row in rows[:limit]]
        return found, cursors.encode(found[-1].created_at, str(found[-1].number)) if more else None

    async def open(self, reach: Reach, chat_id: str, history: int) -> ChatThread:
        """Read a chat with its newest messages, its company and who answers in it. Raises NotFoundError."""
        found = await self._database.look(lambda session: read_thread(session, reach, chat_id, history))
        if found is None:
            raise _missing()
        chat, company, who, rows = found
        if who is None:
            raise ConflictError("The company has no persona that could answer.", "Make one, or restore the first.")
        until = chat.answering_until
        return ChatThread(
            chat_record(chat),
            company_profile(company),
            persona_of(who),
            tuple(message_record(row) for row in reversed(rows)),
            chat.state,
            chat.state_before,
            until is not None and until > self._clock.now(),
            str(company.faq_revision or 0),
        )

    async def answering(self, company_id: str, chat_id: str) -> bool:
        """Tell whether an answer is being written in a chat, in whichever process."""
        query = select(ChatRow.answering_until).where(ChatRow.company_id == company_id, ChatRow.id == chat_id)
        async with self._database.read() as session:
            until = await session.scalar(query)
        return until is not None and until > self._clock.now()

    async def begin_answer(self, company_id: str, chat_id: str, text: str | None) -> ChatMessage | None:
        """Store what the user says (None: nothing, the last answer is given anew), and that it is being answered.

        Raises NotFoundError when the chat is gone, ConflictError when another answer is being written, StorageError.
        """
        now = self._clock.now()
        message_id, until = new_id(), now + timedelta(seconds=ANSWER_SECONDS)
        claim = (
            update(ChatRow)
            .where(
                ChatRow.company_id == company_id,
                ChatRow.id == chat_id,
                or_(ChatRow.answering_until.is_(None), ChatRow.answering_until <= now),
            )
            .values(answering_until=until, last_at=now)
            .execution_options(**_PAST_THE_ORM)
        )

        def begin(session: Session) -> ChatMessage | None:
            if not cast(Any, session.execute(claim)).rowcount:
                known = select(ChatRow.id).where(ChatRow.company_id == company_id, ChatRow.id == chat_id)
                raise busy() if session.scalar(known) else _missing()
            if text is None:
                return None
            row = _new_message(session, company_id, chat_id, message_id, "user", text, now)
            session.add(row)
            return message_record(row)

        return await self._database.write_together(begin, what=f"a message of chat {chat_id}")

    async def end_answer(
        self,
        company_id: str,
        chat_id: str,
        answer: ChatMessage | None,
        state: Mapping[str, Any],
        state_before: Mapping[str, Any],
        instead_of: Sequence[str] = (),
    ) -> ChatMessage | None:
        """Store the answer (None: nothing was said) with the secretary's memory behind it; another may be asked for.

        `instead_of` are the ids of messages that it replaces. None when the chat was deleted meanwhile.
        Raises StorageError.
        """
        now = self._clock.now()
        message_id = new_id()
        values: dict[str, Any] = {"answering_until": None, "last_at": now}
        if answer is not None:
            values |= {"state": deepcopy(dict(state)), "state_before": deepcopy(dict(state_before))}
        closing = (
            update(ChatRow)
            .where(ChatRow.company_id == company_id, ChatRow.id == chat_id)
            .values(**values)
            .execution_options(**_PAST_THE_ORM)
        )
        replaced = delete(ChatMessageRow).where(*_in_chat(company_id, chat_id), ChatMessageRow.id.in_(instead_of))

        def end(session: Session) -> ChatMessage | None:
            if not cast(Any, session.execute(closing)).rowcount or answer is None:
                return None
            if instead_of:
                session.execute(replaced)
            row = _new_message(session, company_id, chat_id, message_id, "assistant", answer.text, now)
            row.source, row.model, row.cut = answer.source, answer.model, answer.cut
            row.tokens_in, row.tokens_out = answer.tokens_in, answer.tokens_out
            session.add(row)
            return message_record(row)

        return await self._database.write_together(end, what=f"an answer of chat {chat_id}", keep=ANSWER_SECONDS)


def busy() -> ConflictError:
    """Return the refusal of a second answer at once."""
    return ConflictError("An answer is being written in this chat.", "Wait for its end, or stop it.")


def _missing() -> NotFoundError:
    return NotFoundError("There is no such chat.")


def _found(row: ChatRow | None) -> ChatRow:
    if row is None:
        raise _missing()
    return row


def _within(reach: Reach) -> ColumnElement[bool]:
    own = [] if reach.owner_id is None else [ChatRow.owner_id == reach.owner_id]
    return and_(ChatRow.company_id == reach.company_id, *own)


def _one(reach: Reach, chat_id: str) -> Any:
    return select(ChatRow).where(_within(reach), ChatRow.id == chat_id)


def _in_chat(company_id: str, chat_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ChatMessageRow.company_id == company_id, ChatMessageRow.chat_id == chat_id


def _new_message(
    session: Session, company_id: str, chat_id: str, message_id: str, role: Role, text: str, now: datetime
) -> ChatMessageRow:
    last = session.scalar(select(func.max(ChatMessageRow.number)).where(*_in_chat(company_id, chat_id)))
    return ChatMessageRow(
        id=message_id,
        company_id=company_id,
        chat_id=chat_id,
        number=(last or 0) + 1,
        role=role,
        text=text,
        source="",
        model="",
        tokens_in=0,
        tokens_out=0,
        cut=False,
        created_at=now,
    )
