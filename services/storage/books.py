"""All repositories of one database."""

from services.clock import Clock
from services.storage.audit.log import Audit
from services.storage.calls.call_counts import CallCounts
from services.storage.calls.calls import CallStore
from services.storage.calls.conversations import Conversations
from services.storage.calls.line_counts import Tallies
from services.storage.calls.lines import Lines
from services.storage.calls.messages import Messages
from services.storage.chats.chats import Chats
from services.storage.content.consents import Consents
from services.storage.content.faq import FaqEntries
from services.storage.content.legal import LegalTexts
from services.storage.content.personas import Personas
from services.storage.content.presets import Presets
from services.storage.database import Database
from services.storage.delivery.arrivals import Arrivals
from services.storage.delivery.outbox import OutboxBook
from services.storage.delivery.queue_counts import QueueCounts
from services.storage.idempotency import IdempotencyKeys
from services.storage.leases import Leases
from services.storage.people.api_keys import KeyBook
from services.storage.people.companies import Companies
from services.storage.people.founding import Founding
from services.storage.people.invitations import Invitations
from services.storage.people.second_factors import SecondFactors
from services.storage.people.sessions import Sessions
from services.storage.people.usage import Usage
from services.storage.people.users import Users
from services.storage.privacy.erasure import Erasures
from services.storage.privacy.old_rows import OldRows
from services.storage.privacy.person import PersonBook
from services.storage.privacy.retention import RetentionBook
from services.storage.texts.messages import TextMessages


class Books:
    """What is kept, a repository per kind of record."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.audit = Audit(database, clock)
        self.idempotency = IdempotencyKeys(database, clock)
        self.companies = Companies(database, clock)
        self.founding = Founding(database, clock)
        self.users = Users(database, clock)
        self.usage = Usage(database)
        self.sessions = Sessions(database, clock)
        self.invitations = Invitations(database, clock)
        self.second_factors = SecondFactors(database, clock)
        self.api_keys = KeyBook(database, clock)
        self.personas = Personas(database, clock)
        self.faq = FaqEntries(database, clock)
        self.presets = Presets(database, clock)
        self.conversations = Conversations(database, clock)
        self.messages = Messages(database, clock)
        self.calls = CallStore(database, clock)
        self.call_counts = CallCounts(database)
        self.chats = Chats(database, clock)
        self.texts = TextMessages(database, clock)
        self.leases = Leases(database, clock)
        self.lines = Lines(database, clock)
        self.tallies = Tallies(database)
        self.legal = LegalTexts(database, clock)
        self.consents = Consents(database, clock)
        self.people = PersonBook(database)
        self.old_rows = OldRows(database)
        self.erasures = Erasures(database, clock)
        self.queue_counts = QueueCounts(database, clock)
        self.retention = RetentionBook(database, clock)
        self.outbox = OutboxBook(database, clock)
        self.arrivals = Arrivals(database, clock)
