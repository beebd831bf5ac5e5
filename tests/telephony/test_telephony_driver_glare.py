"""A call that comes while another is placed, ended or judged: nobody gets the other's fate, and nobody is forgotten."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.errors import LineError, ModemError, NotTakenError
from services.voice.directory import CallOrder
from telephony.at.channel import AtChannel
from telephony.gsm import GsmService
from telephony.policy.verdicts import Admit, Refuse
from telephony.serial_port import SerialPort
from telephony.settings import TelephonySettings

Serving = Callable[..., Any]
NUMBER, OTHER = "+79991234567", "+79990000003"
DIAL = f"ATD{NUMBER};"
ORDER = CallOrder("company", NUMBER)


class Slow:
    """Who takes the calls, and needs a while before it answers or dials."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[Any] = asyncio.Queue()
        self.go_on = asyncio.Event()
        self.errors: list[LineError] = []

    async def take(self, line: Any) -> None:
        self.lines.put_nowait(line)
        await self.go_on.wait()
        try:
            await line.answer()
        except LineError as error:
            self.errors.append(error)
            return
        await line.wait_closed()

    async def line(self) -> Any:
        async with asyncio.timeout(8):
            return await self.lines.get()


class SlowDoor:
    """Answers about the first caller only when the test says so."""

    def __init__(self, first: Admit | Refuse, second: Admit | Refuse) -> None:
        self.verdicts = [first, second]
        self.asked: list[str] = []
        self.go_on = asyncio.Event()

    async def incoming(self, _line: str, _company_id: str, number: str) -> Admit | Refuse:
        self.asked.append(number)
        verdict = self.verdicts.pop(0)
        if len(self.asked) == 1:
            await self.go_on.wait()
        return verdict


@pytest.mark.parametrize("command", ['AT+CPIN="1234"', f"ATD{NUMBER};", "AT+VTS=1234"])
async def test_a_silent_modem_does_not_bring_secrets_into_the_log(scripted: Any, command: str) -> None:
    channel = AtChannel(await SerialPort.open(scripted.at.path))
    scripted.answers[command] = []
    with pytest.raises(ModemError) as silent:
        await channel.command(command, 0.05)
    scripted.answers[command] = ["+CME ERROR: 100"]
    scripted.answers["AT+CMEE?"] = ["+CMEE: 1", "OK"]
    with pytest.raises(ModemError) as refused:
        await channel.command(command)
    await channel.close()
    for error in (silent.value, refused.value):
        assert "1234" not in f"{error} {error.remedy}"


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not true():  # noqa: ASYNC110 - most of it has no event
            await asyncio.sleep(0.01)


async def test_a_caller_who_gives_up_before_we_dial_is_told_of_and_the_call_goes_on(
    scripted: Any, desk: Any, serving: Serving
) -> None:
    slow = Slow()
    async with serving(scripted, desk, slow.take) as service:
        await service.dial(ORDER)
        line = await slow.line()
        scripted.ring(OTHER)
        scripted.say(f"MISSED_CALL: 11:53AM {OTHER}")
        async with asyncio.timeout(8):
            assert await desk.missed.get() == OTHER
        assert not line.closed
        slow.go_on.set()
        await scripted.until(DIAL)
    assert desk.missed.empty()


async def test_a_late_missed_call_does_not_leave_the_other_side_ringing(
    scripted: Any, desk: Any, serving: Serving
) -> None:
    slow = Slow()
    slow.go_on.set()
    async with serving(scripted, desk, slow.take) as service:
        scripted.answers["AT+CLCC"] = [f'+CLCC: 1,0,3,0,0,"{NUMBER}",145', "OK"]
        await service.dial(ORDER)
        await scripted.until(DIAL)
        scripted.say(f"MISSED_CALL: 11:53AM {OTHER}")
        async with asyncio.timeout(8):
            assert await desk.missed.get() == OTHER
        scripted.say("VOICE CALL: BEGIN")
        line = await slow.line()
        await until(lambda: line.answered_at is not None)
        await line.hangup()
    assert slow.errors == []


async def test_a_call_that_is_cancelled_before_we_dial_leaves_a_caller_alone(
    scripted: Any, desk: Any, serving: Serving
) -> None:
    slow = Slow()
    async with serving(scripted, desk, slow.take) as service:
        await service.dial(ORDER)
        line = await slow.line()
        scripted.ring(OTHER)
        await until(lambda: service.session.modem.call.rings > 0)
        await line.hangup()
        slow.go_on.set()
        incoming = await slow.line()
        assert incoming.info.number == OTHER
        await until(lambda: incoming.answered_at is not None)
        await incoming.hangup()
    assert DIAL not in scripted.received
    assert scripted.received.index("AT+CHUP") > scripted.received.index("ATA")
    (error,) = slow.errors
    assert isinstance(error, NotTakenError)
    assert error.outcome == "cancelled"


async def test_a_call_that_comes_up_when_nobody_holds_it_is_ended(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk) as service:
        scripted.say("VOICE CALL: BEGIN")
        await scripted.until("AT+CHUP")
        await until(lambda: not service.why_not())


async def test_no_call_is_placed_while_the_modem_is_made_ready(scripted: Any, desk: Any, serving: Serving) -> None:
    slow = Slow()
    slow.go_on.set()
    async with serving(scripted, desk, slow.take) as service:
        scripted.ring()
        line = await slow.line()
        await until(lambda: line.answered_at is not None)
        scripted.answers["AT+CPCMREG=0"] = []  # no answer yet
        before = scripted.received.count("AT+CPCMREG=0")
        scripted.say("VOICE CALL: END: 000003", "NO CARRIER")
        await scripted.until("AT+CPCMREG=0", before + 1)
        with pytest.raises(LineError, match="busy"):
            await service.dial(ORDER)
        scripted.say("OK")
        await until(lambda: not service.why_not())


async def test_a_verdict_is_not_for_the_next_caller(scripted: Any, desk: Any) -> None:
    door = SlowDoor(Admit("vip", "", 1, desk.terms, number=NUMBER), Refuse("blocked"))
    settings = TelephonySettings(at_port=scripted.at.path, audio_port=scripted.audio.path)
    service = GsmService(settings, desk.answering(door=door))
    await service.start()
    assert await service.wait_ready(8)
    scripted.ring(NUMBER)
    await until(lambda: door.asked == [NUMBER])
    scripted.say(f"MISSED_CALL: 11:53AM {NUMBER}")
    scripted.ring(OTHER)
    await until(lambda: service.session is not None and service.session.modem.call.number == OTHER)
    door.go_on.set()
    async with asyncio.timeout(8):
        assert await desk.rejected.get() == (OTHER, "blocked")
        assert await desk.missed.get() == NUMBER
    assert "ATA" not in scripted.received
    await service.close()


async def test_a_number_that_comes_late_is_judged_too(scripted: Any, desk: Any) -> None:
    door = SlowDoor(Admit("", "", 2, desk.terms), Refuse("blocked"))
    door.go_on.set()
    settings = TelephonySettings(at_port=scripted.at.path, audio_port=scripted.audio.path)
    service = GsmService(settings, desk.answering(door=door))
    await service.start()
    assert await service.wait_ready(8)
    scripted.answers["AT+CLCC"] = ["OK"]
    scripted.ring(None)
    await until(lambda: door.asked == [""])
    scripted.ring(NUMBER)
    async with asyncio.timeout(8):
        assert await desk.rejected.get() == (NUMBER, "blocked")
    assert "ATA" not in scripted.received
    await service.close()


async def test_the_next_caller_is_not_taken_for_the_call_that_vanished(scripted: Any, desk: Any, serving: Any) -> None:
    scripted.answers["AT+CPCMREG=1"] = ["ERROR"]
    async with serving(scripted, desk):
        scripted.ring("+79990000001")
        await scripted.until("AT+CPCMREG=1", 4)
        scripted.say("VOICE CALL: END: 000001", "NO CARRIER")
        scripted.answers["AT+CPCMREG=1"] = ["OK"]
        scripted.answers["AT+CLCC"] = ['+CLCC: 1,1,4,0,0,"+79990000002",145', "OK"]
        scripted.ring("+79990000002")
        line = await desk.line()
        assert line.info.number == "+79990000002"
        await line.hangup()
    assert desk.missed.empty()
