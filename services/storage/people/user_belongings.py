"""What hangs on a user: what goes along when the user is deleted, what keeps a user from being deleted, open links."""

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import ConflictError
from services.storage.chats.tables import ChatMessageRow, ChatRow
from services.storage.isolation import every_company
from services.storage.people.account_tables import UserRow
from services.storage.people.key_tables import ApiKeyRow
from services.storage.people.sign_in_tables import InvitationRow, SecondFactorRow, SessionRow
from services.storage.tables import Base

_THEIRS = every_company("what a user owns may lie in any company: an owner acts in all of them")
_GOES_ALONG = frozenset({"sessions", "invitations", "second_factors", "api_keys"})


async def remove_belongings(session: AsyncSession, user: UserRow) -> None:
    """Delete sessions, links, second factor, API keys and chats. Raises ConflictError for who owns something else."""
    await _owns_nothing_else(session, user)
    of_user = SessionRow.company_id == user.company_id, SessionRow.user_id == user.id
    await session.execute(delete(SessionRow).where(*of_user))
    await void_links(session, user)
    for owner in (SecondFactorRow.user_id, ApiKeyRow.owner_id):
        query = select(owner.class_).where(owner == user.id).execution_options(**_THEIRS)
        for each in await session.scalars(query):
            await session.delete(each)
    await _remove_chats(session, user)
    await session.flush()  # what refers to the user goes first


async def _remove_chats(session: AsyncSession, user: UserRow) -> None:
    chats = select(ChatRow).where(ChatRow.owner_id == user.id).execution_options(**_THEIRS)
    for chat in (await session.scalars(chats)).all():
        of_chat = ChatMessageRow.company_id == chat.company_id, ChatMessageRow.chat_id == chat.id
        await session.execute(delete(ChatMessageRow).where(*of_chat))
        await session.delete(chat)


async def void_links(session: AsyncSession, user: UserRow, *, invitations: bool = True) -> None:
    """Delete the open links with which the user's password could be chosen, and the invitations that the user made.

    A link was given to whoever might touch the user as he was; of one with another role it would give away more.
    """
    which = InvitationRow.user_id == user.id
    made = (InvitationRow.kind == "invitation") & (InvitationRow.invited_by == user.username)
    query = select(InvitationRow).where(or_(which, made) if invitations else which)
    for each in await session.scalars(query.execution_options(**_THEIRS)):
        await session.delete(each)


async def _owns_nothing_else(session: AsyncSession, row: UserRow) -> None:
    """Look for what refers to a user in any table and would not go along. Raises ConflictError."""
    for table in Base.metadata.sorted_tables:
        if table.name in _GOES_ALONG:
            continue
        for column in table.columns:
            if any(key.target_fullname == "users.id" for key in column.foreign_keys):
                query = select(func.count()).select_from(table).where(column == row.id).execution_options(**_THEIRS)
                if await session.scalar(query):
                    raise ConflictError(
                        f"{row.username} still owns {table.name.replace('_', ' ')}.",
                        "Delete these first, or deactivate the user.",
                    )
