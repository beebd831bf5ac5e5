"""The house around a line for text messages: a real secretary and real storage."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sms_line import COMPANY, LINE, JumpingClock, database_in, until
from sms_pdus import delivered

from services.dialogue.personas import seed_personas
from services.dialogue.secretary import Secretary
from services.dialogue.shapes import AnsweredBy, Conversation, ReplyEvent, ReplyText, Utterance
from services.domain import CompanyProfile
from services.knowledge.faq import FaqMatcher
from services.knowledge.seed import seed_faq
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.content.faq import FaqEntries
from services.storage.content.personas import Personas
from services.storage.database import Database
from services.storage.people.companies import Companies
from services.storage.texts.messages import TextMessages
from services.storage.texts.records import TextMessage
from telephony.sms.build import build_sms
from telephony.sms.conversation import Answers
from telephony.sms.service import SmsService
from telephony.sms.settings import SmsSettings

NUMBER = "+79990001122"


@dataclass
class Office:
    """The house around a line."""

    database: Database
    clock: JumpingClock
    texts: TextMessages
    conversations: Conversations
    messages: Messages
    secretary: Secretary
    company: CompanyProfile

    def service(self, secretary: Answers | None = None, settings: SmsSettings | None = None) -> SmsService:
        return build_sms(
            texts=self.texts,
            company=self.company,
            line=LINE,
            language="ru",
            clock=self.clock,
            secretary=secretary or self.secretary,
            companies=Companies(self.database),
            personas=Personas(self.database),
            threads=self.conversations,
            settings=settings,
        )

    async def all(self) -> list[TextMessage]:
        return list(reversed(await self.texts.list(COMPANY)))


@asynccontextmanager
async def office_in(folder: Path) -> AsyncIterator[Office]:
    """An office in a new database."""
    async with database_in(folder) as database:
        clock = JumpingClock()
        await Personas(database).seed(COMPANY, seed_personas())
        entries = FaqEntries(database)
        await entries.seed(COMPANY, seed_faq("ru"))
        conversations, book = Conversations(database, clock), Messages(database, clock)
        secretary = Secretary(FaqMatcher(entries), None, conversations, book, clock)
        company = await Companies(database).profile(COMPANY)
        assert company is not None
        yield Office(database, clock, TextMessages(database, clock), conversations, book, secretary, company)


def fresh(office: Office, text: str, sender: str = NUMBER) -> str:
    """Return a PDU that was sent just now: its stamp stands in the zone UTC+3."""
    return delivered(sender, text, sent=office.clock.now() + timedelta(hours=3))


class Says:
    """Answers everything with the same words, after what a test wants to happen before."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.heard: list[str] = []
        self.hang = False
        self.error: Exception | None = None

    async def reply(
        self, conversation: Conversation, utterance: Utterance, certain: asyncio.Event | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        self.heard.append(utterance.text)
        assert conversation.channel == "sms"
        if self.hang:
            await asyncio.sleep(60)
        if self.error is not None:
            raise self.error
        yield AnsweredBy("model", model="test")
        for word in self.words:
            yield ReplyText(word)


def passed_on(pdu: str) -> list[str]:
    """Return the lines with which a modem passes a message on without storing it."""
    return [f"+CMT: ,{len(pdu) // 2 - 8}", pdu]


async def answered(office: Office, count: int = 1) -> list[TextMessage]:
    """Wait until so many messages were sent; return them."""

    async def sent() -> bool:
        return sum(each.status in ("sent", "delivered") for each in await office.all()) >= count

    await until(sent)
    return [each for each in await office.all() if each.direction == "out"]


async def left(office: Office) -> TextMessage:
    """Wait until the only message is left unanswered; return it."""

    async def dealt_with() -> bool:
        return any(each.answered for each in await office.all())

    await until(dealt_with)
    (message,) = await office.all()
    return message
