"""All repositories of one database."""

from services.clock import Clock
from services.storage.api_keys import KeyBook
from services.storage.audit import Audit
from services.storage.call_counts import CallCounts
from services.storage.calls import CallStore
from services.storage.chats import Chats
from services.storage.companies import Companies
from services.storage.consents import Consents
from services.storage.conversations import Conversations
from services.storage.database import Database
from services.storage.erasure import Erasures
from services.storage.faq import FaqEntries
from services.storage.idempotency import IdempotencyKeys
from services.storage.invitations import Invitations
from services.storage.leases import Leases
from services.storage.legal import LegalTexts
from services.storage.line_counts import Tallies
from services.storage.lines import Lines
from services.storage.messages import Messages
from services.storage.old_rows import OldRows
from services.storage.outbox import OutboxBook
from services.storage.person import PersonBook
from services.storage.personas import Personas
from services.storage.presets import Presets
from services.storage.queue_counts import QueueCounts
from services.storage.retention import RetentionBook
from services.storage.second_factors import SecondFactors
from services.storage.sessions import Sessions
from services.storage.text_messages import TextMessages
from services.storage.usage import Usage
from services.storage.users import Users
from services.storage.webhook_arrivals import Arrivals


class Books:
    """What is kept, a repository per kind of record."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.audit = Audit(database, clock)
        self.idempotency = IdempotencyKeys(database, clock)
        self.companies = Companies(database, clock)
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
