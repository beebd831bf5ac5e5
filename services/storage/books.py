"""All repositories of one database."""

from services.clock import Clock
from services.storage.call_counts import CallCounts
from services.storage.calls import CallStore
from services.storage.companies import Companies
from services.storage.conversations import Conversations
from services.storage.database import Database
from services.storage.erasure import Erasures
from services.storage.faq import FaqEntries
from services.storage.line_counts import Tallies
from services.storage.lines import Lines
from services.storage.messages import Messages
from services.storage.personas import Personas
from services.storage.retention import RetentionBook
from services.storage.text_messages import TextMessages
from services.storage.users import Users


class Books:
    """What is kept, a repository per kind of record."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.companies = Companies(database, clock)
        self.users = Users(database, clock)
        self.personas = Personas(database, clock)
        self.faq = FaqEntries(database, clock)
        self.conversations = Conversations(database, clock)
        self.messages = Messages(database, clock)
        self.calls = CallStore(database, clock)
        self.call_counts = CallCounts(database)
        self.texts = TextMessages(database, clock)
        self.lines = Lines(database, clock)
        self.tallies = Tallies(database)
        self.erasures = Erasures(database)
        self.retention = RetentionBook(database, clock)
