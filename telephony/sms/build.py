"""The text messages of one line, built from the house's parts."""

from collections.abc import Callable

from services.clock import Clock
from services.domain import CompanyProfile
from services.storage.texts.messages import TextMessages
from services.storage.texts.records import TextMessage
from telephony.sms.conversation import Answers, SmsConversation
from telephony.sms.door import OpenDoor, Policies, PolicyDoor
from telephony.sms.service import SmsService
from telephony.sms.settings import SmsSettings
from telephony.sms.threads import CompanyBook, PersonaBook, SmsThreads, ThreadBook


def build_sms(
    *,
    texts: TextMessages,
    company: CompanyProfile,
    line: str,
    language: str,
    clock: Clock,
    secretary: Answers,
    companies: CompanyBook,
    personas: PersonaBook,
    threads: ThreadBook,
    policies: Policies | None = None,
    settings: SmsSettings | None = None,
    on_received: Callable[[TextMessage], None] | None = None,
) -> SmsService:
    """Return the service of `line`. Without `policies` (a Gatekeeper) the settings alone say what is allowed."""
    settings = settings or SmsSettings()
    store = texts.of_line(company.id, line)
    door = OpenDoor(settings) if policies is None else PolicyDoor(policies, line, company, settings)
    written = SmsThreads(company.id, language, companies, personas, threads, door.persona)
    conversation = SmsConversation(secretary, written, store, clock, door)
    return SmsService(store, clock, settings, door=door, conversation=conversation, on_received=on_received)
