"""The routes of /admin over a real database and real files, without speech: what an API client sees."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from servers import fresh_database, postgres_database

from api.admin import add_admin
from services.accounts.accounts import Accounts
from services.accounts.roles import Role
from services.accounts.secret_key import SecretKey
from services.dialogue.personas import seed_personas
from services.errors import LineError
from services.events import CallEvent, CallEventType, EventBus
from services.platform import Platform, PlatformSettings, open_platform
from services.settings import load
from services.storage.books import Books
from services.storage.calls.calls import CallStore
from services.storage.content.personas import Personas
from services.storage.database import Database
from services.storage.engine import parse_url, sqlite_url
from services.storage.people.companies import Companies
from services.storage.tables import CompanyRow
from services.storage.vault.sealing import Sealer
from services.storage.vault.secrets import Secrets
from services.voice.directory import CallOrder, LineDirectory
from services.web.headers import add_security_headers
from services.web.problems import add_problem_handlers

OWNER = "olga"
PASSWORD = "seven grey herons waded"
NUMBER = "+79161234567"


class TestClock:
    """The real time, moved by hand."""

    __test__ = False

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return self.ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


@dataclass
class Phone:
    """A line that notes what it is told to dial, and stores the call; `refuses` is why it does not."""

    calls: CallStore
    name: str = "gsm"
    company_id: str = "default"
    refuses: str = ""
    dialled: list[CallOrder] = field(default_factory=list)

    def why_not(self) -> str:
        return ""

    async def dial(self, order: CallOrder) -> str:
        if self.refuses:
            raise LineError(self.refuses, "Change the line's policy.")
        self.dialled.append(order)
        call_id = f"out{len(self.dialled)}"
        started = {"channel": "gsm", "direction": "out", "number": order.to, "line": self.name}
        await self.calls.append(CallEvent(order.company_id, call_id, 1, 0, CallEventType.STARTED, started))
        return call_id


@dataclass
class House:
    """All that the routes stand on; `client` is not signed in, `owner` is."""

    app: FastAPI
    data_dir: Path
    clock: TestClock
    platform: Platform
    directory: LineDirectory
    client: httpx.AsyncClient
    owner: httpx.AsyncClient

    @property
    def database(self) -> Database:
        return self.platform.database

    @property
    def accounts(self) -> Accounts:
        return self.platform.accounts

    @property
    def calls(self) -> CallStore:
        return self.platform.books.calls

    @property
    def bus(self) -> EventBus:
        return self.platform.bus

    async def sign_in(self, username: str = OWNER, password: str = PASSWORD) -> httpx.Response:
        return await self.client.post("/admin/auth/login", json={"username": username, "password": password})

    async def store_call(
        self, call_id: str, *, number: str = NUMBER, company: str = "default", ended: bool = True, **started: str
    ) -> None:
        """Store a call as it happens: started, and ended when it is over."""
        known = {"channel": "gsm", "direction": "in", "line": "gsm", "language": "ru", "persona": "anna"}
        data = {**known, "number": number, "started_at": self.clock.now().isoformat(), **started}
        await self.event(call_id, 1, CallEventType.STARTED, company, **data)
        if ended:
            await self.end_call(call_id, company)

    async def end_call(self, call_id: str, company: str = "default") -> None:
        end = {"outcome": "answered", "reason": "caller_hangup", "seconds": 5.0, "stats": {}}
        await self.event(call_id, 100, CallEventType.ENDED, company, **end)

    async def event(
        self, call_id: str, sequence: int, kind: CallEventType, company: str = "default", **data: object
    ) -> None:
        await self.calls.append(CallEvent(company, call_id, sequence, sequence * 10, kind, data))

    async def record(self, call_id: str, sound: bytes = b"OggS and more", name: str = "") -> Path:
        """Lay a recording down and note it in its call."""
        path = Path("recordings") / "2026" / "11" / (name or f"{call_id}.ogg")
        (self.data_dir / path).parent.mkdir(parents=True, exist_ok=True)
        (self.data_dir / path).write_bytes(sound)
        await self.event(call_id, 50, CallEventType.RECORDED, path=path.as_posix())
        return self.data_dir / path


@asynccontextmanager
async def api_house(folder: Path, *, on_postgresql: bool = False, **given: Any) -> AsyncIterator[House]:
    """Open the house with its owner, and a second company whose things nobody here may see; `given` are settings."""
    made = await _made_once()
    data_dir, clock = folder / "data", TestClock()
    shutil.copytree(made, data_dir)
    async with AsyncExitStack() as stack:
        if on_postgresql:
            given["database_url"] = stack.enter_context(postgres_database(await _made_on_postgresql(made)))
        settings = load(PlatformSettings, data_dir=data_dir, **given)
        platform = await stack.enter_async_context(open_platform(settings, clock, EventBus()))
        directory, app = LineDirectory(), FastAPI()
        add_problem_handlers(app)
        add_security_headers(app)
        add_admin(app, platform, directory)
        client, owner = [
            await stack.enter_async_context(
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house")
            )
            for _ in range(2)
        ]
        token = await platform.accounts.sign_in(OWNER, PASSWORD, "")
        owner.headers["Authorization"] = f"Bearer {token.access_token}"
        yield House(app, data_dir, clock, platform, directory, client, owner)


_made: list[Path] = []


async def _made_once() -> Path:
    """Make the data of a new house once, for all tests of this process to copy; return the folder."""
    if not _made:
        folder = Path(tempfile.mkdtemp(prefix="api-house-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        await _fill(sqlite_url(folder / "data"), folder / "data")
        _made.append(folder / "data")
    return _made[0]


_made_there: list[str] = []


async def _made_on_postgresql(data_dir: Path) -> str:
    """Make the database of a new house once on the shared server, with the key in `data_dir`; return its name."""
    if not _made_there:
        url = fresh_database()
        await _fill(url, data_dir)
        _made_there.append(str(parse_url(url).database))
    return _made_there[0]


async def _fill(url: str, data_dir: Path) -> None:
    clock, database = TestClock(), Database(url)
    await database.migrate()
    await Companies(database).ensure_default("Bakery", "ru", "Europe/Moscow", {})
    # Its clock stands still: a limit of so many a minute would be one of so many at all.
    async with database.write() as session:
        (await session.get_one(CompanyRow, "default")).plan = "unlimited"
    await Personas(database).seed("default", seed_personas())
    other = CompanyRow(id="other", name="Other", language="en", time_zone="UTC", facts={}, created_at=clock.now())
    other.plan = "unlimited"
    async with database.write() as session:
        session.add(other)
    key = SecretKey(data_dir / "secret.key")
    accounts = Accounts(Books(database, clock), key, clock, Secrets(database, Sealer(key), clock))
    await accounts.people.add("default", OWNER, PASSWORD, Role.OWNER)
    await database.close()
