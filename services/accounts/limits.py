"""Limits: how much a company and each of its users may do, by its plan; who is refused is told until when."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from services.accounts.counter import UsageCounter
from services.accounts.plans import NOUNS, STANDARD, CompanyLimits, LimitName, limits_of
from services.clock import Clock
from services.errors import StorageError, TooManyAttemptsError
from services.shared.window_shapes import Ask
from services.shared.windows import Windows
from services.storage.people.usage import Usage

MINUTE = 60.0
DAY = 86_400.0
PLAN_KNOWN_FOR = 5.0  # seconds until a changed plan takes effect
_COMPANIES = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a limit stands: `left` of `most` within `window` seconds, more in `reset_after` seconds."""

    name: str
    allowed: bool
    most: int
    left: int
    reset_after: float
    window: float


class Limits:
    """Takes from the limits of a company.

    Windows of a minute are shared by all processes through Redis; counts of a day are kept in the database and may be
    exceeded by what other processes have counted within some seconds. A database that is away stops nobody.
    """

    def __init__(self, usage: Usage, counter: UsageCounter, windows: Windows, clock: Clock) -> None:
        self._usage = usage
        self._counter = counter
        self._windows = windows
        self._clock = clock
        self._plans: OrderedDict[str, tuple[float, CompanyLimits]] = OrderedDict()

    async def take(
        self, limit: str, company_id: str, user_id: str = "", cost: int = 1, *, channel: str = ""
    ) -> tuple[Standing, ...]:
        """Count `cost` against `limit` ("calls_per_day") of a company, of a user in it, and of a channel ("gsm").

        Return how each limit that applies stands now. Raises TooManyAttemptsError, and nothing is counted then.
        """
        standings = await self.ask(limit, company_id, user_id, cost, channel=channel)
        raise_refused(standings)
        return standings

    async def ask(
        self, limit: str, company_id: str, user_id: str = "", cost: int = 1, *, channel: str = ""
    ) -> tuple[Standing, ...]:
        """Do the same, and tell a refusal instead of raising it."""
        parts = LimitName.parse(limit)
        if parts is None:
            raise ValueError(f"{limit!r} is not a limit")
        applying = (await self._plan(company_id)).of(limit, channel)
        if parts.per_day:
            return await self._take_of_day(parts, applying, company_id, user_id, cost, channel)
        asks = [
            Ask(f"{company_id}:{name}:{user_id if each.of_user else ''}", most, MINUTE, cost)
            for name, each, most in applying
        ]
        verdicts = await self._windows.hit_all(asks) if asks else ()
        return tuple(
            Standing(name, verdict.allowed, most, verdict.left, verdict.reset_after, MINUTE)
            for (name, _, most), verdict in zip(applying, verdicts, strict=True)
        )

    def give_back(self, limit: str, company_id: str, user_id: str = "", cost: int = 1, *, channel: str = "") -> None:
        """Take back what was taken of a limit by day: it came to nothing."""
        parts = LimitName.parse(limit)
        if parts is not None and parts.per_day:
            self._count(parts, company_id, user_id, -cost, channel)

    def note(self, kind: str, company_id: str, user_id: str = "", count: int = 1) -> None:
        """Count what has no limit by day, for GET /admin/usage."""
        self._counter.add(company_id, kind, user_id, count)

    async def standings(self, company_id: str, user_id: str) -> list[Standing]:
        """Return how every limit of a company stands, those of users as they stand for one; nothing is counted."""
        found = []
        for name, most in sorted((await self._plan(company_id)).most.items()):
            if (parts := LimitName.parse(name)) is None:
                continue
            if parts.per_day:
                owner = user_id if parts.of_user else None
                await self._counter.read(company_id, parts.counted_as, owner)
                found.append(self._of_day(name, parts, most, company_id, user_id))
            else:
                key = f"{company_id}:{name}:{user_id if parts.of_user else ''}"
                now = await self._windows.peek(key, most, MINUTE)
                found.append(Standing(name, now.allowed, most, now.left, now.reset_after, MINUTE))
        return found

    async def plan_name(self, company_id: str) -> str:
        """Return the name of the plan that holds for a company."""
        return (await self._plan(company_id)).plan

    def changed(self, company_id: str) -> None:
        """The plan or the settings of a company were changed: they hold at once in this process."""
        self._plans.pop(company_id, None)

    async def _take_of_day(
        self,
        parts: LimitName,
        applying: list[tuple[str, LimitName, int]],
        company_id: str,
        user_id: str,
        cost: int,
        channel: str,
    ) -> tuple[Standing, ...]:
        for _, each, _ in applying:
            await self._counter.read(company_id, each.counted_as, user_id if each.of_user else None)
        # From here to the end nothing is waited for: nobody takes the same in between.
        standings = [self._of_day(name, each, most, company_id, user_id, cost) for name, each, most in applying]
        if all(each.allowed for each in standings):
            self._count(parts, company_id, user_id, cost, channel)
            # The last one that is allowed leaves none for another, and is allowed all the same.
            standings = [replace(each, left=each.left - cost) for each in standings]
        return tuple(standings)

    def _of_day(self, name: str, parts: LimitName, most: int, company_id: str, user_id: str, cost: int = 1) -> Standing:
        used = self._counter.used(company_id, parts.counted_as, user_id if parts.of_user else None)
        now = self._clock.now().astimezone(UTC)
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        return Standing(name, used + cost <= most, most, max(0, most - used), (midnight - now).total_seconds(), DAY)

    def _count(self, parts: LimitName, company_id: str, user_id: str, count: int, channel: str) -> None:
        self._counter.add(company_id, parts.kind, user_id, count)
        if channel:
            self._counter.add(company_id, f"{parts.kind}.{channel}", user_id, count)

    async def _plan(self, company_id: str) -> CompanyLimits:
        known, now = self._plans.get(company_id), self._clock.monotonic()
        if known is not None and now - known[0] < PLAN_KNOWN_FOR:
            return known[1]
        try:
            stored = await self._usage.plan(company_id)
        except StorageError:
            return known[1] if known else limits_of(STANDARD, {})
        found = limits_of(*(stored or (STANDARD, {})))
        self._plans[company_id] = (now, found)
        self._plans.move_to_end(company_id)
        if len(self._plans) > _COMPANIES:
            self._plans.popitem(last=False)
        return found


def raise_refused(standings: Iterable[Standing]) -> None:
    """Raise TooManyAttemptsError for the limit that is in force longest, if any has refused."""
    refused = max((each for each in standings if not each.allowed), key=lambda each: each.reset_after, default=None)
    if refused is None:
        return
    parts = LimitName.parse(refused.name)
    assert parts is not None
    whose = "for each user" if parts.of_user else "for the company"
    where = f" over {parts.channel}" if parts.channel else ""
    span = "day" if parts.per_day else "minute"
    raise TooManyAttemptsError(
        f"The limit of {refused.most} {NOUNS[parts.kind]}{where} a {span} {whose} is reached.",
        f"Try again in {_in_words(refused.reset_after)}.",
        retry_after=refused.reset_after,
    )


def _in_words(seconds: float) -> str:
    if seconds <= 90:
        count, unit = max(1, round(seconds + 0.499)), "second"
    elif seconds <= 5400:
        count, unit = -int(-seconds // 60), "minute"
    else:
        count, unit = -int(-seconds // 3600), "hour"
    return f"{count} {unit}{'' if count == 1 else 's'}"
