"""What the calls of a modem need of the house."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from services.voice.directory import CallOrder
from services.voice.line import AudioLine, LineInfo
from telephony.at.channel import AtChannel
from telephony.policy.verdicts import Admit, Forward, Permit, Refuse
from telephony.sms.ports import QuietGate


class Door(Protocol):
    """Who is answered and who may be called (telephony.policy.gatekeeper.Gatekeeper)."""

    async def incoming(self, line: str, company_id: str, number: str) -> Admit | Refuse:
        """Decide about a call that rings; answers within a second and never raises."""
        ...

    async def outgoing(self, line: str, order: CallOrder) -> Permit:
        """Decide about a call to be placed. Raises LineError for one that may not be."""
        ...

    async def lost_call(
        self, line: str, company_id: str, language: str = ""
    ) -> tuple[Literal["nothing", "call_back", "sms"], str]:
        """Return what to do for a caller whose call our own modem failed, and the text for a message. Never raises."""
        ...


class Texts(Protocol):
    """The text messages of a line (telephony.sms.service.SmsService)."""

    async def attach(self, channel: AtChannel, quiet: QuietGate | None = None) -> None:
        """Take and send messages over a modem that has just come up, sending when it is `quiet`."""
        ...

    async def detach(self) -> None:
        """Stop: the modem is gone. What waits is sent when it is back; idempotent."""
        ...

    async def send(self, number: str, text: str, purpose: str = "") -> str:
        """Queue a message; return its id. Raises StorageError, LineError for one that may not be sent."""
        ...

    def status(self) -> dict[str, object]:
        """Return how the messages stand, for the status of the line."""
        ...


Noted = Callable[[AudioLine], AbstractAsyncContextManager[Callable[[], None]]]
"""Stores a call in which nobody of ours talks, for as long as the context lasts; what it gives tells of the answer."""


@dataclass(frozen=True, slots=True)
class Answering:
    """Who takes a modem's calls, and who hears of those that come to nothing.

    `info` is the LineInfo of an incoming call without its number. `missed(number)` hears of callers that gave up,
    `rejected(number, reason)` of those that were sent away, "" withheld. Without a `door` everybody is answered and
    every number may be called; without `texts` messages stay on the SIM card. `noted` stores the second of two calls
    that are joined.
    """

    take_call: Callable[[AudioLine], Awaitable[object]]
    info: LineInfo
    missed: Callable[[str], Awaitable[object]] | None = None
    rejected: Callable[[str, str], Awaitable[object]] | None = None
    door: Door | None = None
    texts: Texts | None = None
    noted: Noted | None = None

    async def judge(self, number: str) -> Admit | Refuse:
        """Ask the door about a caller; without one everybody is let in."""
        if self.door is None:
            return Admit(self.info.persona, self.info.language, 0, self.info.terms, number=number)
        return await self.door.incoming(self.info.line, self.info.company_id, number)

    async def order(self, order: CallOrder) -> tuple[LineInfo, Forward | None]:
        """Return the call that is to be placed, with an id of its own, and whom it may be passed on to on request.

        Raises LineError when the door forbids it.
        """
        info = replace(
            self.info,
            direction="out",
            number=order.to,
            persona=order.persona or self.info.persona,
            terms=replace(self.info.terms, purpose=order.purpose, opening=order.opening),
            call_id=uuid.uuid4().hex,
        )
        if self.door is None:
            return info, None
        permit = await self.door.outgoing(self.info.line, order)
        info = replace(
            info,
            number=permit.number,
            persona=permit.persona or info.persona,
            language=permit.language or info.language,
            terms=permit.terms,
        )
        return info, permit.on_request


def admitted_call(base: LineInfo, number: str, admitted: Admit) -> LineInfo:
    """Return who is on the line, and on what terms, when `admitted` lets `number` in."""
    terms = admitted.terms
    if admitted.forward is not None:
        terms = replace(terms, transfer_to=admitted.forward.to, transfer_first=True)
    return replace(
        base,
        number=admitted.number or number,
        persona=admitted.persona or base.persona,
        language=admitted.language or base.language,
        terms=terms,
    )
