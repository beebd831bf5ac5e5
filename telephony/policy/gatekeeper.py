"""The door of a line: who is answered and on what terms, and which numbers the machine may call and write to.

Policy and company are read anew for each call, so that an edit acts on the next one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from services.clock import Clock
from services.errands import Errands
from services.errors import LineError
from services.text.phone_numbers import normal, spellings
from services.voice.directory import CallOrder
from telephony.policy.caps import Grants, check, times
from telephony.policy.decisions import Place, door, listed, lost_call_text, permit, welcome
from telephony.policy.hours import open_at
from telephony.policy.known import CompanyBook, Known, LineBook
from telephony.policy.policy import LinePolicy
from telephony.policy.tolls import admitted, dialable, need
from telephony.policy.verdicts import Admit, Forward, Permit, Refuse

__all__ = ["Admit", "CallHistory", "CompanyBook", "Forward", "Gatekeeper", "LineBook", "Permit", "Refuse"]

COUNT_SECONDS = 0.4
"""With READ_SECONDS of telephony.policy.known: a ringing phone is decided about within a second."""
ACQUAINTED = timedelta(days=30)
HOUR = timedelta(hours=1)

log = structlog.get_logger()


class CallHistory(Protocol):
    """What was called and written before (services.storage.calls.call_counts.CallCounts). All raise StorageError."""

    async def calls_from(self, company_id: str, line: str, numbers: Sequence[str], since: datetime) -> int:
        """Count the calls that came in from any of `numbers` since then, without those that were rejected."""
        ...

    async def dialled(self, company_id: str, line: str, since: datetime) -> Sequence[tuple[str, datetime]]:
        """Return (number, started at) of every call that was placed since then, whatever became of it."""
        ...

    async def texted(self, company_id: str, line: str, since: datetime) -> Sequence[tuple[str, datetime]]:
        """Return (number, created at) of every message that was written to somebody since then."""
        ...

    async def has_reached_us(self, company_id: str, numbers: Sequence[str], since: datetime) -> bool:
        """Tell whether any of `numbers` called us (and was not rejected) or wrote to us since then."""
        ...


class Gatekeeper:
    """Decides about calls and messages of all lines.

    `language` is the house's (SECRETARY_LANGUAGE); after `rings` a call is answered where a policy does not say.
    `errands` outlives what is asked of a database that is late.
    """

    def __init__(
        self,
        lines: LineBook,
        calls: CallHistory,
        companies: CompanyBook,
        clock: Clock,
        errands: Errands,
        *,
        language: str = "",
        rings: int = 1,
    ) -> None:
        self._known = Known(lines, companies, errands, language)
        self._calls = calls
        self._clock = clock
        self._errands = errands
        self._rings = rings
        self._dialled, self._texted = Grants(), Grants()

    async def incoming(self, line: str, company_id: str, number: str) -> Admit | Refuse:
        """Decide about a call that rings; `number` as the line gives it, "" when withheld.

        Never raises, and answers within a second: with the database away, the policy that was read last (or the
        default one) is used, and calls are not counted.
        """
        fresh = await self._known.refresh(line, company_id)
        policy, place, now = self._known.policy(line, company_id), self._known.place(company_id), self._clock.now()
        caller = normal(number, place.region)
        refused = door(policy, caller, place, now)
        if refused is None and fresh and policy.calls_per_hour:
            names = spellings(caller, place.region)
            if await self._calls_of_hour(line, company_id, names, now) >= policy.calls_per_hour:
                refused = Refuse("too_many", number=caller)
        return refused or welcome(policy, caller, place, now, self._rings)

    async def outgoing(self, line: str, order: CallOrder) -> Permit:
        """Decide about a call that is to be placed at once, and count it: ask once for each call.

        Raises LineError with the reason when it is forbidden, or when the database cannot tell.
        """
        company_id = order.company_id
        await self._known.check(line, company_id)
        policy, place, now = self._known.policy(line, company_id), self._known.place(company_id), self._clock.now()
        rules = policy.outgoing
        if not rules.enabled:
            raise LineError(f"The line {line} may place no calls.", "Allow it with outgoing.enabled in its policy.")
        if rules.hours_only and not open_at(policy.hours, place.zone, now):
            raise LineError(
                f"The line {line} places calls in opening hours only.", "Try later, or change outgoing.hours_only."
            )
        number = dialable(order.to, place.region)
        names = spellings(number, place.region)
        if not admitted(number, [*rules.allow, *_persons(policy)], place.region):
            may = rules.call_back and not need(number, place.region)
            await self._acquainted(company_id, names, "outgoing.allow", place, may=may)
        key = (company_id, line)
        stored = await self._known.ask(self._calls.dialled(company_id, line, _midnight(now, place)))
        today = self._dialled.with_pending(key, stored, now)
        check(len(today), rules.per_day, "No more calls are placed today", "outgoing.per_day")
        rule = "outgoing.per_number_per_day"
        check(times(names, today), rules.per_number_per_day, f"{number} is called no more today", rule)
        self._dialled.add(key, names, now)
        return permit(policy, order, number, place)

    async def text_out(self, line: str, company_id: str, to: str) -> str:
        """Decide about a message that is to be stored for sending, and count it; return the number to write to.

        Who wrote or called in the last 30 days may be written to, also abroad, but at no premium or short number.
        Raises LineError with the reason when it is forbidden, or when the database cannot tell.
        """
        await self._known.check(line, company_id)
        policy, place, now = self._known.policy(line, company_id), self._known.place(company_id), self._clock.now()
        rules = policy.sms
        number = dialable(to, place.region)
        names = spellings(number, place.region)
        if not admitted(number, [*rules.allow, *_persons(policy)], place.region):
            may = need(number, place.region) in ("", "abroad")
            await self._acquainted(company_id, names, "sms.allow", place, may=may)
        key, midnight = (company_id, line), _midnight(now, place)
        stored = await self._known.ask(self._calls.texted(company_id, line, min(midnight, now - HOUR)))
        sent = self._texted.with_pending(key, stored, now)
        today = [each for each in sent if each[1] >= midnight]
        check(len(today), rules.per_day, "No more messages are sent today", "sms.per_day")
        if not listed(_persons(policy), number, place.region):  # a colleague hears of every call that is for him
            lately = times(names, [each for each in sent if each[1] >= now - HOUR])
            rule = "sms.per_number_per_hour"
            check(lately, rules.per_number_per_hour, f"{number} is written to no more this hour", rule)
        self._texted.add(key, names, now)
        return number

    async def policy(self, line: str, company_id: str) -> LinePolicy:
        """Return the line's policy as it is stored now, or as it was read last, or the default. Never raises."""
        await self._known.refresh(line, company_id)
        return self._known.policy(line, company_id)

    async def lost_call(
        self, line: str, company_id: str, language: str = ""
    ) -> tuple[Literal["nothing", "call_back", "sms"], str]:
        """Return what to do for a caller whose call our own modem failed, and the text for a message. Never raises."""
        policy = await self.policy(line, company_id)
        spoken = language or policy.language or self._known.place(company_id).language
        return policy.lost_call, lost_call_text(policy, self._known.company(company_id), spoken)

    async def _calls_of_hour(self, line: str, company_id: str, names: Sequence[str], now: datetime) -> int:
        counting = self._calls.calls_from(company_id, line, names, now - HOUR)
        try:
            return await self._errands.within(COUNT_SECONDS, counting)
        except Exception as error:  # a caller is not turned away because nobody could count
            log.warning("the calls of the last hour cannot be counted", line=line, error=str(error))
            return 0

    async def _acquainted(self, company_id: str, names: Sequence[str], rule: str, place: Place, *, may: bool) -> None:
        """Raise LineError unless a number that no pattern names `may` go without, and reached us lately."""
        since = self._clock.now() - ACQUAINTED
        if may and await self._known.ask(self._calls.has_reached_us(company_id, names, since)):
            return
        why = _WHY[need(names[0], place.region)]
        raise LineError(f"{names[0]} {why}, and the line's policy does not list it.", f"Add it to {rule}.")


_WHY = {
    "": "has not called or written in the last 30 days",
    "short": "is a short number",
    "abroad": "is a number abroad",
    "costly": "may cost more than other numbers",
}


def _midnight(now: datetime, place: Place) -> datetime:
    """Return when the company's day began."""
    return now.astimezone(place.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _persons(policy: LinePolicy) -> list[str]:
    """Return the numbers that the owner has written into the policy for forwarding: they need not be listed again."""
    keys = [str(choice.value) for choice in policy.menu if choice.action == "transfer" and choice.value]
    return [number for number in (policy.forward.to, *keys) if number]
