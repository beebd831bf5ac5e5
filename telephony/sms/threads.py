"""How a written conversation over the modem is opened: the thread with a number, on the channel "sms"."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from services.dialogue.shapes import Abilities, Conversation
from services.domain import CompanyProfile, OpenedConversation, Persona, Turn
from services.errors import SecretaryError

CHANNEL = "sms"
HISTORY = 20


class CompanyBook(Protocol):
    """Where companies are looked up."""

    async def profile(self, company_id: str) -> CompanyProfile | None:
        """Return the company."""
        ...


class PersonaBook(Protocol):
    """Where personas are looked up."""

    async def get(self, company_id: str, slug: str) -> Persona | None:
        """Return a persona by its slug."""
        ...

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        """Return the persona that answers in a language."""
        ...


class ThreadBook(Protocol):
    """Where conversations and their turns are kept."""

    async def open(
        self, company_id: str, channel: str, number: str, language: str, persona: str, history_limit: int = 20
    ) -> OpenedConversation:
        """Return the thread with a number, begun when there is none."""
        ...

    async def add_turn(self, company_id: str, conversation_id: str, turn: Turn) -> None:
        """Store a turn."""
        ...


async def no_preference(_number: str) -> str:
    """Name no persona: the language's own answers."""
    return ""


class SmsThreads:
    """Opens and continues the written conversations of one company.

    `persona_for` returns the slug of the persona that answers a number, "" for the language's own.
    """

    def __init__(
        self,
        company_id: str,
        language: str,
        companies: CompanyBook,
        personas: PersonaBook,
        threads: ThreadBook,
        persona_for: Callable[[str], Awaitable[str]] = no_preference,
    ) -> None:
        self._company_id = company_id
        self._language = language
        self._companies = companies
        self._personas = personas
        self._threads = threads
        self._persona_for = persona_for

    async def open(self, number: str) -> Conversation:
        """Return the conversation with `number`. Raises SecretaryError when company or persona are missing."""
        company = await self._companies.profile(self._company_id)
        slug = await self._persona_for(number)
        persona = await self._personas.get(self._company_id, slug) if slug else None
        persona = persona or await self._personas.for_language(self._company_id, self._language)
        if company is None or persona is None:
            raise SecretaryError(f"Nobody answers text messages in the language {self._language!r}.")
        opened = await self._threads.open(company.id, CHANNEL, number, persona.language, persona.slug, HISTORY)
        return Conversation(
            opened.id,
            company,
            persona,
            persona.language,
            CHANNEL,
            number=number,
            returning=opened.returning,
            abilities=Abilities(ears=True, hang_up=False),
            history=list(opened.history),
            state=dict(opened.state),
        )

    async def remember(self, conversation: Conversation, turn: Turn) -> None:
        """Store a turn of the conversation. Raises StorageError."""
        await self._threads.add_turn(conversation.company.id, conversation.id, turn)
