"""A caller and a colleague over two modems: both calls are told of, and neither outlives the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.errors import LineError, NotTakenError
from services.voice.line import AudioLine, Joined
from telephony.forwarding import Forwarding
from telephony.gsm import GsmService
from telephony.line import GsmLine
from telephony.policy.verdicts import Admit, Forward
from telephony.settings import TelephonySettings

COLLEAGUE = "+79990000007"


class Notes:
    """Keeps what became of the calls in which nobody of ours talks."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.over = asyncio.Event()

    @asynccontextmanager
    async def noted(self, line: AudioLine) -> AsyncIterator[Callable[[], None]]:
        info = line.info
        self.told.append(f"{info.direction} {info.number} for {info.contact} ({info.terms.purpose})")
        try:
            yield lambda: self.told.append("answered")
            self.told.append("over")
        except NotTakenError as error:
            self.told.append(error.outcome)
            raise
        finally:
            self.over.set()


class OpenDoor:
    """Lets everybody in, and on to the colleague."""

    async def incoming(self, _line: str, _company_id: str, number: str) -> Admit:
        forward = Forward(COLLEAGUE, "line", "two")
        return Admit("", "", 0, OpenDoor.terms, on_request=forward, number=number)

    terms: Any = None


class House:
    """Two modems, and whoever holds the caller's line."""

    def __init__(self, make_scripted: Callable[[], Any], desk: Any) -> None:
        self.first, self.second = make_scripted(), make_scripted()
        self.notes = Notes()
        self.services: dict[str, GsmService] = {}
        self.desk = desk
        OpenDoor.terms = desk.terms

    async def start(self, patience: float) -> None:
        joining = Forwarding(self.services.get, patience)
        for name, modem in (("one", self.first), ("two", self.second)):
            answering = self.desk.answering(door=OpenDoor(), noted=self.notes.noted)
            settings = TelephonySettings(at_port=modem.at.path, audio_port=modem.audio.path)
            self.services[name] = GsmService(settings, answering, forwarding=joining)
            await self.services[name].start()
            assert await self.services[name].wait_ready(8)

    async def transfer(self) -> "tuple[GsmLine, asyncio.Task[None]]":
        """Let somebody call, and ask for the colleague."""
        self.first.ring()
        line = await self.desk.line()
        task = asyncio.create_task(line.transfer(""))
        await self.second.until(f"ATD{COLLEAGUE};")
        return line, task

    async def over(self) -> list[str]:
        async with asyncio.timeout(8):
            await self.notes.over.wait()
        return self.notes.told


@pytest.fixture
async def house(make_scripted: Callable[[], Any], desk: Any, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    made = House(make_scripted, desk)
    await made.start(getattr(request, "param", 20.0))
    yield made
    for service in made.services.values():
        await service.close()


STARTED = f"out {COLLEAGUE} for +79991234567 (forward)"


async def test_a_colleague_who_hangs_up_ends_the_callers_call(house: House) -> None:
    line, transfer = await house.transfer()
    house.second.say("VOICE CALL: BEGIN")
    await asyncio.wait_for(transfer, 8)
    house.second.say("VOICE CALL: END: 000004", "NO CARRIER")
    assert await house.over() == [STARTED, "answered", "over"]
    assert line.closed
    assert "AT+CHUP" in house.first.received
    assert house.desk.events.count(Joined()) == 1  # the secretary knows that two people talk


async def test_a_caller_who_hangs_up_ends_the_colleagues_call(house: House) -> None:
    _, transfer = await house.transfer()
    house.second.say("VOICE CALL: BEGIN")
    await asyncio.wait_for(transfer, 8)
    house.first.say("VOICE CALL: END: 000009", "NO CARRIER")
    assert await house.over() == [STARTED, "answered", "over"]
    await house.second.until("AT+CHUP")


async def test_a_busy_colleague(house: House) -> None:
    line, transfer = await house.transfer()
    house.second.say("BUSY")
    with pytest.raises(LineError, match="busy"):
        await asyncio.wait_for(transfer, 8)
    assert await house.over() == [STARTED, "busy"]
    assert not line.closed


@pytest.mark.parametrize("house", [0.5], indirect=True)
async def test_a_colleague_who_does_not_answer_is_rung_no_longer(house: House) -> None:
    line, transfer = await house.transfer()
    house.second.answers["AT+CHUP"] = ["OK", "NO CARRIER"]
    with pytest.raises(LineError, match="does not answer"):
        await asyncio.wait_for(transfer, 8)
    assert await house.over() == [STARTED, "cancelled"]
    assert not line.closed
    await house.second.until("AT+CHUP")


async def test_a_caller_who_gives_up_meanwhile(house: House) -> None:
    _, transfer = await house.transfer()
    house.first.say("VOICE CALL: END: 000009", "NO CARRIER")
    await asyncio.wait_for(transfer, 8)
    assert await house.over() == [STARTED, "cancelled"]
    await house.second.until("AT+CHUP")


async def test_the_colleagues_modem_vanishes_while_it_rings(house: House) -> None:
    line, transfer = await house.transfer()
    house.second.at.unplug()
    with pytest.raises(LineError):
        await asyncio.wait_for(transfer, 8)
    assert await house.over() == [STARTED, "failed"]
    assert not line.closed
