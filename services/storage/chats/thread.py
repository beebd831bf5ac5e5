"""What an answer in a chat begins with: two statements, made once, as making them takes as long as asking them."""

from functools import cache

from sqlalchemy import Integer, Select, String, and_, bindparam, select
from sqlalchemy.orm import Session

from services.domain import Reach
from services.storage.chats.tables import ChatMessageRow, ChatRow
from services.storage.tables import CompanyRow, PersonaRow

_COMPANY, _OWNER, _CHAT = (bindparam(name, type_=String) for name in ("company", "owner", "chat"))

Thread = tuple[ChatRow, CompanyRow, PersonaRow | None, list[ChatMessageRow]]


def read_thread(session: Session, reach: Reach, chat_id: str, history: int) -> Thread | None:
    """Return a chat, its company, who answers in it and its newest messages, newest first.

    None when there is no such chat within reach; nobody answers in a company without personas.
    """
    asked = {"company": reach.company_id, "owner": reach.owner_id, "chat": chat_id, "most": history}
    found = session.execute(_chat(reach.owner_id is not None), asked).first()
    if found is None:
        return None
    chat, company = found[0], found[1]
    who: PersonaRow | None = found[2]
    if who is None:  # deleted since: the one that answers in the company's language
        who = session.scalar(_answering_in(company.id, company.language))
    return chat, company, who, list(session.scalars(_newest(), asked))


@cache
def _chat(own: bool) -> Select[ChatRow, CompanyRow, PersonaRow]:
    """Select a chat with its company and its persona: one of the owner's `own`, or any of the company's."""
    query = (
        select(ChatRow, CompanyRow, PersonaRow)
        .join(CompanyRow, CompanyRow.id == ChatRow.company_id)
        .outerjoin(PersonaRow, and_(PersonaRow.company_id == ChatRow.company_id, PersonaRow.slug == ChatRow.persona))
        .where(ChatRow.company_id == _COMPANY, ChatRow.id == _CHAT)
    )
    return query.where(ChatRow.owner_id == _OWNER) if own else query


@cache
def _newest() -> Select[ChatMessageRow]:
    """Select the newest messages of a chat, newest first."""
    query = select(ChatMessageRow).where(ChatMessageRow.company_id == _COMPANY, ChatMessageRow.chat_id == _CHAT)
    return query.order_by(ChatMessageRow.number.desc()).limit(bindparam("most", type_=Integer))


def _answering_in(company_id: str, language: str) -> Select[PersonaRow]:
    """Select the persona that answers in `language`; any other of the company where none does."""
    first = (PersonaRow.language == language).desc(), PersonaRow.is_default.desc(), PersonaRow.created_at
    return select(PersonaRow).where(PersonaRow.company_id == company_id).order_by(*first).limit(1)
