"""The platform: the database and everything that stands on it alone, without speech, models or channels.

Companies, people and their rights, what is kept and for how long, what leaves the house. The orchestrator opens it
first; the routes of /admin and most commands need nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog
from pydantic import Field, field_validator

from services.accounts.accounts import Accounts
from services.accounts.api_keys import ApiKeys
from services.accounts.counter import UsageCounter
from services.accounts.limits import Limits
from services.accounts.one_key import OneKey
from services.accounts.secret_key import SecretKey
from services.accounts.settings import OwnerSettings
from services.backup.backups import Backups
from services.backup.entrance import enter
from services.backup.settings import BackupSettings
from services.clock import Clock
from services.delivery.deliveries import Deliveries
from services.delivery.settings import WebhookSettings
from services.errands import Errands
from services.errors import StorageError
from services.events import EventBus
from services.parts import Part, State
from services.retention.eraser import Eraser
from services.retention.exporter import Exporter
from services.retention.retention import Retention
from services.retention.settings import RetentionSettings
from services.retention.sounds import SoundFiles
from services.retention.usual_sweeps import usual_sweeps
from services.settings import HouseSettings
from services.shared.address import trouble
from services.shared.relay import Relay
from services.shared.shared import Shared
from services.storage.audit.log import Audit
from services.storage.books import Books
from services.storage.database import Database
from services.storage.engine import parse_url, sqlite_url
from services.storage.people.company_removal import CompanyRemoval
from services.storage.vault.sealing import Sealer
from services.storage.vault.secrets import Secrets

PartsOf = Callable[[], Sequence[Part]]

AUDITED_AT_START = 1000

log = structlog.get_logger()


class PlatformSettings(HouseSettings):
    """The settings of the platform: the house's own and a section a room."""

    redis_url: str = Field("", description="empty: in process; example redis://127.0.0.1:6379/0", repr=False)

    owner: OwnerSettings = OwnerSettings()
    retention: RetentionSettings = RetentionSettings()
    backup: BackupSettings = BackupSettings()
    webhooks: WebhookSettings = WebhookSettings()

    @field_validator("redis_url")
    @classmethod
    def _usable(cls, value: str) -> str:
        if value and (why := trouble(value)):
            raise ValueError(why)
        return value


@dataclass(slots=True)
class Platform:
    """The built services. `watched` are the sources of part states."""

    settings: PlatformSettings
    clock: Clock
    bus: EventBus
    database: Database
    books: Books
    shared: Shared
    relay: Relay
    usage: UsageCounter
    limits: Limits
    key: SecretKey
    one_key: OneKey
    secrets: Secrets
    accounts: Accounts
    api_keys: ApiKeys
    sound_files: SoundFiles
    eraser: Eraser
    exporter: Exporter
    retention: Retention
    errands: Errands
    backups: Backups
    deliveries: Deliveries
    watched: list[PartsOf] = field(default_factory=list)

    def company_changed(self, company_id: str) -> None:
        """The plan or the settings of a company were changed: they hold at once, in every process."""
        self.limits.changed(company_id)
        self.relay.note("company", company_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within the context do what a server does by itself: clean up, deliver, keep time."""
        async with AsyncExitStack() as stack:
            await self._look_at_audit()
            await stack.enter_async_context(self.one_key.running())
            await stack.enter_async_context(self.relay.running())
            await stack.enter_async_context(self.usage.running())
            await stack.enter_async_context(self.retention.running())
            await stack.enter_async_context(self.backups.running())
            await stack.enter_async_context(self.deliveries.running())
            yield

    async def _look_at_audit(self) -> None:
        """Verify the newest entries of the audit log; `secretary doctor` verifies all of them."""
        try:
            found = (await self.books.audit.verify(AUDITED_AT_START)).part()
        except StorageError as error:
            found = Part("audit", State.DEGRADED, f"The audit log cannot be read. {error.message}", error.remedy)
        if found.state is not State.READY:
            log.error("the audit log does not hold", found=found.detail)
        self.watched.append(lambda: [found])


@asynccontextmanager
async def open_platform(settings: PlatformSettings, clock: Clock, bus: EventBus) -> AsyncIterator[Platform]:
    """Open the database, bring it up to date and build the services; all is closed at the end of the context.

    Raises StorageError, SettingsError.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url or sqlite_url(settings.data_dir))
        stack.push_async_callback(database.close)
        url = parse_url(settings.database_url or sqlite_url(settings.data_dir))
        stack.callback((await asyncio.to_thread(enter, settings.data_dir, url)).close)
        await database.migrate()
        books = Books(database, clock)
        shared = Shared(settings.redis_url, clock)
        stack.push_async_callback(shared.close)
        await shared.open()
        relay = shared.relay(bus)
        books.outbox.bell.tell = partial(relay.note, "outbox")
        relay.hear("outbox", lambda _: books.outbox.bell.wake())
        usage = UsageCounter(books.usage, clock)
        stack.push_async_callback(usage.close)
        errands = Errands()
        stack.push_async_callback(errands.close)
        key = SecretKey(settings.data_dir / "secret.key")
        one_key = OneKey(key, books.leases, settings.data_dir / "secret.key")
        limits = Limits(books.usage, usage, shared.windows, clock)
        relay.hear("company", limits.changed)
        secrets = Secrets(database, Sealer(key), clock)
        api_keys = ApiKeys(books.api_keys, errands, clock)
        deliveries = Deliveries(database, books.outbox, secrets, settings.webhooks, clock)
        stack.push_async_callback(deliveries.close)
        sound_files = SoundFiles(settings.data_dir)
        backups = Backups(
            settings.backup,
            settings.data_dir,
            url,
            clock,
            settings.time_zone,
            _audit_head(database),
            partial(books.leases.run_alone, "job:backup"),
        )
        yield Platform(
            settings=settings,
            clock=clock,
            bus=bus,
            database=database,
            books=books,
            shared=shared,
            relay=relay,
            usage=usage,
            limits=limits,
            key=key,
            one_key=one_key,
            secrets=secrets,
            accounts=Accounts(books, key, clock, secrets, api_keys, shared.windows),
            api_keys=api_keys,
            sound_files=sound_files,
            eraser=Eraser(books.erasures, CompanyRemoval(database), sound_files, books.companies),
            exporter=Exporter(books.people, books.companies, sound_files, clock),
            retention=Retention(
                settings.retention,
                books.retention,
                sound_files,
                clock,
                books.leases,
                usual_sweeps(settings.retention, books),
            ),
            errands=errands,
            backups=backups,
            deliveries=deliveries,
            watched=[lambda: [database.part(), *([shared.part()] if settings.redis_url else [])], one_key.parts],
        )


def _audit_head(database: Database) -> Callable[[], Awaitable[str]]:
    async def newest() -> str:
        head = await Audit(database).head()
        return f"{head.seq}:{head.hash}"

    return newest
