"""A gatekeeper over a real database, with a clock that a test sets, and a short way to note calls and messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from services.clock import LoopClock
from services.errands import Errands
from services.events import CallEvent, CallEventType
from services.storage.calls.call_counts import CallCounts
from services.storage.calls.calls import CallStore
from services.storage.calls.lines import Lines
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies
from services.storage.texts.tables import TextMessageRow
from telephony.policy.gatekeeper import Gatekeeper
from telephony.policy.reading import read_policy, stored_form

MONDAY_NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # twelve in Moscow
COMPANY, LINE = "default", "gsm"


class SetClock(LoopClock):
    """The loop's clock for durations, and a time of day that stands where it was set."""

    def __init__(self) -> None:
        self.time = MONDAY_NOON

    def now(self) -> datetime:
        return self.time


@dataclass
class PolicyHouse:
    database: Database
    errands: Errands
    clock: SetClock = field(default_factory=SetClock)
    _numbers: Any = field(default_factory=count)

    def gatekeeper(self, **more: Any) -> Gatekeeper:
        parts: dict[str, Any] = {
            "lines": Lines(self.database),
            "calls": CallCounts(self.database),
            "companies": Companies(self.database),
            "clock": self.clock,
            "errands": self.errands,
            **more,
        }
        return Gatekeeper(**parts)

    async def lay_down(self, policy: dict[str, Any], line: str = LINE) -> None:
        """Store a policy as the admin does."""
        await Lines(self.database).set_policy(COMPANY, line, stored_form(read_policy(policy)))

    async def call(
        self,
        number: str,
        outcome: str = "answered",
        *,
        direction: str = "in",
        ago: timedelta = timedelta(),
        line: str = LINE,
    ) -> None:
        """Note a call that began `ago`; one without an outcome goes on."""
        calls, call_id, at = CallStore(self.database), f"c{next(self._numbers)}", self.clock.now() - ago
        data = {"direction": direction, "line": line, "number": number, "started_at": at.isoformat()}
        await calls.append(CallEvent(COMPANY, call_id, 0, 0, CallEventType.STARTED, data))
        if outcome:
            await calls.append(
                CallEvent(COMPANY, call_id, 1, 0, CallEventType.ENDED, {"outcome": outcome, "reason": "", "seconds": 0})
            )

    async def message(self, number: str, direction: str, *, ago: timedelta = timedelta(), line: str = LINE) -> None:
        """Note a text message of `ago`."""
        async with self.database.write() as session:
            session.add(
                TextMessageRow(
                    company_id=COMPANY,
                    line=line,
                    direction=direction,
                    number=number,
                    text="",
                    status="",
                    created_at=self.clock.now() - ago,
                )
            )


@asynccontextmanager
async def open_policy_house(folder: Path) -> AsyncIterator[PolicyHouse]:
    """A company in Moscow with one line, "gsm", that has no policy yet."""
    database, errands = Database(sqlite_url(folder)), Errands()
    await database.migrate()
    await Companies(database).ensure_default("Пекарня", "ru", "Europe/Moscow", {"en": {"name": "The Bakery"}})
    await Lines(database).ensure(COMPANY, LINE, "gsm")
    try:
        yield PolicyHouse(database, errands)
    finally:
        await errands.close()
        await database.close()
