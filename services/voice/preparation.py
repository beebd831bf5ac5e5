"""Before the answer: who answers this call, and what is remembered of the caller.

It is read from the books within a second and a half. Where they cannot be read in that time the call is answered all
the same, by whom the books named last and without what they know of the caller: a phone that keeps ringing is worse.
"""

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from services.dialogue.shapes import Abilities, Conversation
from services.domain import CallTerms, CompanyProfile, MenuItem, OpenedConversation, Persona
from services.errors import EngineError, SecretaryError, StorageError
from services.voice.call import Tongue
from services.voice.desk import Desk
from services.voice.line import AudioLine, Capability, LineInfo
from services.voice.remembered import NotedBooks, Remembered

PATIENCE = 1.5  # seconds in which the books must have answered

log = structlog.get_logger()

Books = NotedBooks | Remembered


@dataclass(frozen=True, slots=True)
class _Found:
    company: CompanyProfile
    persona: Persona
    opened: OpenedConversation


class _UnknownError(SecretaryError):
    """The books were read and hold no such company or persona."""


class Preparation:
    """Prepares calls. It remembers each company and its personas as they were read last."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._remembered = Remembered()
        self._books = NotedBooks(desk.companies, desk.personas, self._remembered)

    async def conversation(self, line: AudioLine) -> tuple[Conversation, str]:
        """Return the conversation to hold on `line`, and what was wrong with the books ("": nothing).

        A conversation that could not be opened has the id "" and no history. Raises SecretaryError when there is no
        such company or persona, also when nothing was ever read of them and cannot be now.
        """
        trouble = ""
        try:
            found = await self._desk.errands.within(PATIENCE, self._open(line.info))
        except _UnknownError:
            raise
        except Exception as error:  # a driver's own errors, too: the phone is ringing
            found = await self._recall(line.info, error)
            trouble = str(error) or type(error).__name__
        return self._conversation(line, found), trouble

    async def knows(self, company_id: str) -> bool:
        """Tell whether the company was ever read."""
        return await self._remembered.profile(company_id) is not None

    async def tongues(self, conversation: Conversation) -> Mapping[str, Tongue]:
        """Return the languages that the call may be in (see Desk.tongues), from what was just read of the company."""
        return await replace(self._desk, personas=self._remembered).tongues(conversation)

    async def menu_personas(self, conversation: Conversation) -> dict[str, Tongue]:
        """Return who may be chosen by a key, by slug: those with a voice, and with ears for their language."""
        found: dict[str, Tongue] = {}
        for slug in _of_menu(conversation.menu):
            persona = await self._remembered.get(conversation.company.id, slug)
            if persona is None or not (
                persona.language == conversation.language or self._desk.ears.serves(persona.language)
            ):
                log.warning("a persona of the menu cannot be spoken with", persona=slug)
                continue
            with contextlib.suppress(EngineError):
                found[slug] = Tongue(persona, self._desk.voice_of(persona))
        return found

    async def look_up(self, info: LineInfo) -> tuple[CompanyProfile, Persona]:
        """Return who answers calls such as `info`, on their terms; read anew, with all whom the call may need.

        Raises SecretaryError, StorageError among them.
        """
        company, persona = await _who_answers(self._books, info)
        for language in self._desk.languages:
            await self._books.for_language(company.id, language)
        for slug in _of_menu(info.terms.menu):
            await self._books.get(company.id, slug)
        return company, persona

    async def personas(self, company: CompanyProfile) -> list[Persona]:
        """Return who answers in each language, as it was read last."""
        found = [await self._remembered.for_language(company.id, language) for language in self._desk.languages]
        return [persona for persona in found if persona is not None]

    async def _open(self, info: LineInfo) -> _Found:
        company, persona = await self.look_up(info)
        opened = await self._desk.conversations.open(
            company.id, info.channel, info.number, persona.language, persona.slug
        )
        return _Found(company, persona, opened)

    async def _recall(self, info: LineInfo, error: Exception) -> _Found:
        unforeseen = None if isinstance(error, SecretaryError) else error
        try:
            company, persona = await _who_answers(self._remembered, info)
        except _UnknownError:
            log.error(
                "a call cannot be answered: the database is away, and nothing was ever read of the company",
                company=info.company_id,
                error=str(error),
                exc_info=unforeseen,
            )
            raise error if unforeseen is None else StorageError("The database is away.") from error
        log.error("a call is answered without the database", error=str(error), exc_info=unforeseen)
        return _Found(company, persona, OpenedConversation("", returning=False))

    def _conversation(self, line: AudioLine, found: _Found) -> Conversation:
        first = first_conversation(self._desk, found.company, found.persona, line.info, line.capabilities)
        opened = found.opened
        return replace(
            first,
            id=opened.id,
            number=line.info.number,
            returning=opened.returning,
            call_id=line.info.call_id or uuid.uuid4().hex,
            history=list(opened.history),
            state=dict(opened.state),
        )


def first_conversation(
    desk: Desk, company: CompanyProfile, persona: Persona, info: LineInfo, capabilities: frozenset[Capability]
) -> Conversation:
    """Return the conversation with somebody who has never called, on the terms of `info`."""
    terms = info.terms
    return Conversation(
        "",
        company,
        persona,
        persona.language,
        info.channel,
        abilities=abilities(desk, persona.language, capabilities),
        direction=info.direction,
        purpose=terms.purpose,
        opening=terms.opening,
        notice=terms.notice,
        menu=terms.menu,
        transfer_to=terms.transfer_to,
        transfer_first=terms.transfer_first,
    )


def abilities(desk: Desk, language: str, capabilities: frozenset[Capability]) -> Abilities:
    """Return what can be done on a line of these capabilities in `language`."""
    return Abilities(
        ears=desk.ears.serves(language),
        digits=Capability.DIGITS_IN in capabilities,
        transfer=Capability.TRANSFER in capabilities,
        call_back=Capability.CALL_BACK in capabilities,
        hang_up=Capability.HANG_UP in capabilities,
        keep_audio=True,
    )


async def _who_answers(books: Books, info: LineInfo) -> tuple[CompanyProfile, Persona]:
    company = await books.profile(info.company_id)
    if company is None:
        raise _UnknownError(f"There is no company {info.company_id!r}.")
    language = info.language or company.language
    persona = await books.get(company.id, info.persona) if info.persona else None
    persona = persona or await books.for_language(company.id, language)
    if persona is None:
        raise _UnknownError(f"There is no persona that speaks {language!r}.", "Add one, or set SECRETARY_LANGUAGE.")
    return company, _on_terms(persona, info.terms)


def _on_terms(persona: Persona, terms: CallTerms) -> Persona:
    return replace(persona, voice=terms.voice or persona.voice, greeting=terms.greeting or persona.greeting)


def _of_menu(menu: Sequence[MenuItem]) -> list[str]:
    return [item.value for item in menu if item.action == "persona"]
