"""The platform: the database and everything that stands on it alone, without speech, models or channels.

Companies, people and their rights, what is kept and for how long, what leaves the house. The orchestrator opens it
first; the routes of /admin and most commands need nothing else.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from pydantic import Field

from services.accounts.accounts import Accounts
from services.accounts.secret_key import SecretKey
from services.accounts.settings import OwnerSettings
from services.clock import Clock
from services.errands import Errands
from services.events import EventBus
from services.parts import Part
from services.retention.eraser import Eraser
from services.retention.retention import Retention
from services.retention.settings import RetentionSettings
from services.retention.sounds import SoundFiles
from services.settings import HouseSettings
from services.storage.books import Books
from services.storage.database import Database
from services.storage.engine import sqlite_url

PartsOf = Callable[[], Sequence[Part]]


class PlatformSettings(HouseSettings):
    """The settings of the platform: the house's own and a section a room."""

    redis_url: str = Field("", description="empty: in process; example redis://127.0.0.1:6379/0")

    owner: OwnerSettings = OwnerSettings()
    retention: RetentionSettings = RetentionSettings()


@dataclass(slots=True)
class Platform:
    """The built services. `watched` are the sources of part states."""

    settings: PlatformSettings
    clock: Clock
    bus: EventBus
    database: Database
    books: Books
    key: SecretKey
    accounts: Accounts
    sound_files: SoundFiles
    eraser: Eraser
    retention: Retention
    errands: Errands
    watched: list[PartsOf] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within the context do what a server does by itself: clean up, deliver, keep time."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.retention.running())
            yield


@asynccontextmanager
async def open_platform(settings: PlatformSettings, clock: Clock, bus: EventBus) -> AsyncIterator[Platform]:
    """Open the database, bring it up to date and build the services; all is closed at the end of the context.

    Raises StorageError, SettingsError.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url or sqlite_url(settings.data_dir))
        stack.push_async_callback(database.close)
        await database.migrate()
        books = Books(database, clock)
        errands = Errands()
        stack.push_async_callback(errands.close)
        key = SecretKey(settings.data_dir / "secret.key")
        sound_files = SoundFiles(settings.data_dir)
        yield Platform(
            settings=settings,
            clock=clock,
            bus=bus,
            database=database,
            books=books,
            key=key,
            accounts=Accounts(books.users, books.companies, key, clock),
            sound_files=sound_files,
            eraser=Eraser(books.erasures, sound_files),
            retention=Retention(settings.retention, books.retention, sound_files, clock),
            errands=errands,
            watched=[lambda: [database.part()]],
        )
