"""Two companies of one house with the same people in each, and one of everything that the API knows."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from every_route import Answer, Api, ask
from sqlalchemy import select
from whole_house import PASSWORD, PEOPLE, WholeHouse

from services.accounts.roles import Role
from services.domain import TakenMessage
from services.events import CallEvent, CallEventType
from services.installation import Installation
from services.storage.delivery.outbox import NewMessage
from services.storage.tables import Base

OTHER = "other"
MARK = "zanzibar"
"""A word in every text of the other company: where it is read, the companies are not apart."""

_PERSONA = {"language": "en", "gender": "female", "character": "Calm.", "greeting": "Hello, this is {company}."}
BODIES: dict[str, dict[str, Any]] = {
    "POST /admin/users": {"username": "%MARK%.new", "password": PASSWORD, "role": "user"},
    "POST /admin/invitations": {"role": "user", "username": "%MARK%.invited"},
    "POST /admin/personas": {"slug": "%MARK%", "name": "%MARK%", **_PERSONA},
    "POST /admin/llm/presets": {"slug": "%MARK%", "name": "%MARK%", "values": {}},
    "POST /admin/tts/presets": {"slug": "%MARK%", "name": "%MARK%", "values": {}},
    "POST /admin/legal": {"kind": "privacy", "language": "en", "text": "%MARK%"},
    "POST /admin/consents": {"contact": "%MARK%@example.org", "kind": "recording", "channel": "gsm"},
    "POST /admin/api-keys": {"name": "%MARK%", "scopes": ["calls:read"]},
    "POST /admin/webhooks": {"url": "https://%MARK%.example.org/hook", "events": ["call.ended"]},
    "POST /admin/faq": {"question": "Where is %MARK%?", "answer": "In %MARK%.", "language": "en"},
    "POST /admin/faq/search": {"query": "Where is zanzibar?"},
    "POST /admin/chats": {"title": "%MARK%"},
}
"""What a route is asked with where the least that its document asks for is not accepted."""


@dataclass(slots=True)
class Company:
    """A company: who may sign in, and the ids of what it has, by the path of their collection."""

    id: str
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    things: dict[str, tuple[str, ...]] = field(default_factory=dict)


async def call(installation: Installation, company_id: str) -> tuple[str, ...]:
    """Store a call that is over, with its recording."""
    call_id = f"call-{company_id}"
    started = {
        "channel": "gsm",
        "direction": "in",
        "line": "gsm",
        "language": "en",
        "persona": "emma",
        "number": _word(company_id),
    }
    ended: dict[str, Any] = {"outcome": "answered", "reason": "caller_hangup", "seconds": 5.0, "stats": {}}
    for number, (kind, data) in enumerate(((CallEventType.STARTED, started), (CallEventType.ENDED, ended))):
        await installation.books.calls.append(CallEvent(company_id, call_id, number, number, kind, data))
    return (call_id,)


Make = Callable[[Installation, str], Awaitable[tuple[str, ...]]]


async def named(value: str) -> tuple[str, ...]:
    """Return what needs no making: a number, a line's name."""
    return (value,)


async def message(installation: Installation, company_id: str) -> tuple[str, ...]:
    """Store a message that somebody left."""
    message_id = f"message-{company_id}"
    left = TakenMessage(message_id, company_id, "", "", "en", _word(company_id), "+79161234567", "Call me.", True)
    await installation.books.messages.save(left)
    return (message_id,)


async def posted(installation: Installation, company_id: str) -> tuple[str, ...]:
    """Put something into the outbox that nobody delivers."""
    await installation.books.outbox.put_in(company_id, NewMessage("nobody", "key", {"to": _word(company_id)}))
    return ((await installation.books.outbox.list(company_id))[0][0].id,)


async def noted(installation: Installation, company_id: str) -> tuple[str, ...]:
    """Return the number of an audit entry; one is written where there is none."""
    await installation.books.audit.note("look", "company", _word(company_id), company_id=company_id)
    return (str((await installation.books.audit.list(company_id))[0][0].seq),)


def _word(company_id: str) -> str:
    return MARK if company_id == OTHER else "bakery"


MADE_HERE: dict[str, Make] = {
    "/admin/messages": message,
    "/admin/outbox": posted,
    "/v1/models": lambda _, __: named("secretary"),
    "/admin/backups": lambda _, __: named("secretary-20260101-000000.tar.age"),
    "/admin/companies": lambda _, company_id: named(company_id),
    "/admin/calls": call,
    "/admin/contacts": lambda _, __: named("+79161234567"),
    "/admin/gsm": lambda _, __: named("gsm"),
    "/admin/audit": noted,
    "/admin/voices": lambda _, __: named("espeak:en"),
    "/admin/stt": lambda _, __: named("stt:vosk"),
    "/admin/models": lambda _, __: named("stt:vosk"),
    "/admin/services": lambda _, __: named("database"),
    "/admin/settings": lambda _, __: named("SECRETARY_PORT"),
}
"""What no POST of the API makes, by the path of its collection."""


class TwoCompanies:
    """The house with both companies furnished; `api` knows its routes."""

    def __init__(self, house: WholeHouse) -> None:
        self.house = house
        self.api = Api(house.app, BODIES)
        self.own, self.other = Company("default"), Company(OTHER)

    async def furnish(self) -> None:
        """Let people sign in, and make one of everything in both companies."""
        await self._found()
        for company, suffix in ((self.own, ""), (self.other, "2")):
            for name, role in PEOPLE.items():
                company.headers[role] = await self.sign_in(f"{name}{suffix}")
            await self._make_things(company)

    async def sign_in(self, username: str) -> dict[str, str]:
        """Return the headers of somebody."""
        client = await self.house.client(username)
        return {"authorization": client.headers["Authorization"]}

    async def ask(self, who: Mapping[str, str], method: str, path: str, values: tuple[str, ...] = ()) -> Answer:
        """Ask a route, whose parameters get these values, with the least that it accepts."""
        from every_route import fill

        body, query = self.api.body(method, path), self.api.query(method, path)
        return await ask(self.house.app, method, fill(path, values), who, body, query)

    async def rows(self, company_id: str) -> dict[str, list[str]]:
        """Return every row of a company, table by table."""
        found = {}
        async with self.house.installation.platform.database.read() as session:
            for table in Base.metadata.sorted_tables:
                if "company_id" in table.c and table.name not in EVER_CHANGING:
                    query = select(table).where(table.c.company_id == company_id)
                    found[table.name] = sorted(map(repr, (await session.execute(query)).all()))
        return found

    async def _found(self) -> None:
        from services.storage.tables import CompanyRow

        installation = self.house.installation
        now = installation.clock.now()
        async with installation.platform.database.write() as session:
            session.add(
                CompanyRow(id=OTHER, name=f"The {MARK}", language="en", time_zone="UTC", facts={}, created_at=now)
            )
        for name, role in PEOPLE.items():
            await installation.accounts.add(OTHER, f"{name}2", PASSWORD, Role(role))

    async def _make_things(self, company: Company) -> None:
        ruled = [route for _, route in self.api.ruled() if route.rule is not None and route.rule.resource]
        for path in sorted({route.path for route in ruled if "{" in route.path}):
            collection = path.partition("/{")[0]
            if collection in company.things:
                continue
            if collection in MADE_HERE:
                company.things[collection] = await MADE_HERE[collection](self.house.installation, company.id)
                continue
            assert self.api.maker(path), f"Nothing makes what {path} needs: enter it in two_companies.MADE_HERE."
            answer = await self._create(company, collection)
            assert answer.status == 201, (collection, answer.status, answer.body)
            company.things[collection] = (answer.headers["location"].rpartition("/")[2],)

    async def _create(self, company: Company, collection: str) -> Answer:
        body = json.loads(json.dumps(self.api.body("POST", collection)).replace("%MARK%", _word(company.id)))
        return await ask(self.house.app, "POST", collection, company.headers[Role.OWNER], body)


EVER_CHANGING = frozenset({"audit_log", "usage_counts", "sessions", "users"})
"""What is written by being asked: it tells of the question, and is nobody's content."""


async def open_two(house: WholeHouse) -> TwoCompanies:
    """Furnish a house."""
    both = TwoCompanies(house)
    await both.furnish()
    return both


def seen(answer: Answer) -> bool:
    """Tell whether an answer shows anything of the other company."""
    return MARK.encode() in answer.body.lower()


__all__ = ["MARK", "OTHER", "Company", "Path", "TwoCompanies", "open_two", "seen"]
