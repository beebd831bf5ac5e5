"""Who takes the SIP calls of the tests, and how their sound is judged."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from services.audio.frame import Frame
from services.domain import CallTerms
from services.errors import LineError
from services.voice.directory import CallOrder
from services.voice.line import LineEvent, LineInfo
from telephony.policy.gatekeeper import Admit, Forward, Permit, Refuse
from telephony.sip.line import SipLine
from telephony.sip.service import SipService

PATIENCE = 10.0
INFO = LineInfo("sip", "in", "acme", line="sip")


@dataclass
class Desk:
    """Takes calls: answers, says a tone of `tone` Hz, and keeps what the other side said."""

    tone: int = 600
    lines: list[SipLine] = field(default_factory=list)
    events: list[LineEvent] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    answers: bool = True

    async def take(self, line: Any) -> None:
        self.lines.append(line)
        try:
            if not self.answers:
                await line.wait_closed()
            await line.answer()
        except LineError as error:
            self.errors.append(error)
            self.finished.set()
            raise
        self.answered.set()
        speaking = asyncio.create_task(self._speak(line))
        async for event in line.events():
            if isinstance(event, Frame):
                self.frames.append(event)
            else:
                self.events.append(event)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        self.finished.set()

    async def note_missed(self, number: str) -> None:
        self.missed.append(number)

    async def note_rejected(self, number: str, reason: str) -> None:
        self.rejected.append((number, reason))

    async def _speak(self, line: SipLine) -> None:
        for number in range(500):
            at = np.arange(number * 160, number * 160 + 160) / 8000
            await line.send(Frame((np.sin(2 * np.pi * self.tone * at) * 6000).astype(np.int16), 8000, number * 160))

    def heard(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        return np.concatenate([frame.samples for frame in self.frames])


def pitch(sound: np.ndarray[Any, np.dtype[np.int16]]) -> float:
    spectrum = np.abs(np.fft.rfft(sound.astype(float)))
    return float(np.argmax(spectrum)) * 8000 / len(sound)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Doorman:
    """Answers everybody the same."""

    def __init__(self, answer: Admit | Refuse) -> None:
        self.answer = answer

    async def incoming(self, line: str, company_id: str, number: str) -> Admit | Refuse:
        return self.answer

    async def outgoing(self, line: str, order: CallOrder) -> Permit:
        return Permit("+79991234567", "polite", "ru", CallTerms(purpose="to ask"), Forward("200", "sms"))

    async def lost_call(
        self, line: str, company_id: str, language: str = ""
    ) -> tuple[Literal["nothing", "call_back", "sms"], str]:
        return "nothing", ""


Start = Callable[..., Awaitable[SipService]]
