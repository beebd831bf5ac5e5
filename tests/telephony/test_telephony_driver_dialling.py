"""Calling out: the service, real pseudo-terminals, and a scripted modem at their other end."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest

from services.errors import LineError, NotTakenError
from services.voice.directory import CallOrder
from telephony.dialling import outcome_of
from telephony.forwarding import Forwarding, call_back_text
from telephony.gsm import GsmService
from telephony.line import GsmLine
from telephony.policy.verdicts import Admit, Forward, Permit, Refuse
from telephony.settings import TelephonySettings

Serving = Callable[..., Any]
NUMBER = "+79991234567"
DIAL = f"ATD{NUMBER};"
ORDER = CallOrder("company", NUMBER, purpose="the delivery", opening="Good day.")


class Caller:
    """Takes every line and keeps how its answer went."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[Any] = asyncio.Queue()
        self.errors: asyncio.Queue[LineError] = asyncio.Queue()

    async def take(self, line: Any) -> None:
        try:
            await line.answer()
        except LineError as error:
            self.errors.put_nowait(error)
            return
        self.lines.put_nowait(line)
        async for _ in line.events():
            pass

    async def error(self) -> NotTakenError:
        async with asyncio.timeout(8):
            error = await self.errors.get()
        assert isinstance(error, NotTakenError)
        return error

    async def line(self) -> Any:
        async with asyncio.timeout(8):
            return await self.lines.get()


async def free(service: GsmService) -> None:
    """Wait until a call can be placed."""
    async with asyncio.timeout(8):
        while service.why_not():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)


class Door:
    """Admits and refuses as the test says."""

    def __init__(self, verdict: Admit | Refuse, permit: Permit | None = None) -> None:
        self.verdict, self.permit = verdict, permit
        self.asked: list[str] = []
        self.lost: Literal["nothing", "call_back", "sms"] = "nothing"

    async def incoming(self, _line: str, _company_id: str, number: str) -> Admit | Refuse:
        self.asked.append(number)
        return self.verdict

    async def outgoing(self, _line: str, order: CallOrder) -> Permit:
        if self.permit is None:
            raise LineError("The line may not call that number.")
        return self.permit

    async def lost_call(
        self, _line: str, _company_id: str, _language: str = ""
    ) -> tuple[Literal["nothing", "call_back", "sms"], str]:
        return self.lost, "Sorry."


async def test_a_call_is_placed_taken_and_ended(scripted: Any, desk: Any, serving: Serving) -> None:
    caller = Caller()
    async with serving(scripted, desk, caller.take) as service:
        assert service.why_not() == ""
        call_id = await service.dial(ORDER)
        await scripted.until(DIAL)
        assert service.why_not()
        with pytest.raises(LineError):
            await service.dial(ORDER)
        assert "AT+CPCMREG=1" not in scripted.received
        scripted.say("VOICE CALL: BEGIN")
        line = await caller.line()
        assert (line.info.direction, line.info.number, line.info.call_id) == ("out", NUMBER, call_id)
        assert (line.info.terms.opening, line.info.terms.purpose) == ("Good day.", "the delivery")
        scripted.say("VOICE CALL: END: 000004", "NO CARRIER")
        await scripted.until("AT+CPCMREG=0", 2)
        scripted.ring("+79990000003")  # and the line takes calls as before
        assert (await caller.line()).info.direction == "in"
    assert desk.missed.empty()


@pytest.mark.parametrize(
    ("said", "cause", "outcome"),
    [
        (["BUSY"], "", "busy"),
        (["NO ANSWER"], "", "no_answer"),
        (["NO CARRIER"], "User busy", "busy"),
        (["NO CARRIER"], "Call rejected", "rejected"),
        (["VOICE CALL: END: 000000", "NO CARRIER"], "No user responding", "no_answer"),
        (["NO CARRIER"], "Unassigned (unallocated) number", "failed"),
    ],
)
async def test_why_a_call_came_to_nothing(
    scripted: Any, desk: Any, serving: Serving, said: list[str], cause: str, outcome: str
) -> None:
    scripted.answers["AT+CEER"] = [f"+CEER: {cause}", "OK"]
    caller = Caller()
    async with serving(scripted, desk, caller.take) as service:
        await service.dial(ORDER)
        await scripted.until(DIAL)
        scripted.say(*said)
        assert (await caller.error()).outcome == outcome
        await scripted.until("AT+CPCMREG=0", 2)
        await free(service)


@pytest.mark.parametrize(
    ("answer", "outcome"), [(["BUSY"], "busy"), (["+CME ERROR: 30"], "failed"), (["NO CARRIER"], "failed")]
)
async def test_refused_by_the_modem_itself(
    scripted: Any, desk: Any, serving: Serving, answer: list[str], outcome: str
) -> None:
    scripted.answers[DIAL] = answer
    caller = Caller()
    async with serving(scripted, desk, caller.take) as service:
        await service.dial(ORDER)
        assert (await caller.error()).outcome == outcome


async def test_ended_by_us_before_it_is_taken(scripted: Any, desk: Any, serving: Serving) -> None:
    scripted.answers["AT+CHUP"] = ["OK", "NO CARRIER"]
    caller = Caller()
    async with serving(scripted, desk, caller.take) as service:
        await service.dial(ORDER)
        await scripted.until(DIAL)
        await service.session.line.hangup()
        assert (await caller.error()).outcome == "cancelled"


async def test_the_answer_is_found_though_its_message_was_lost(scripted: Any, desk: Any, serving: Serving) -> None:
    scripted.answers["AT+CLCC"] = [["OK"], ["OK"], [f'+CLCC: 1,0,0,0,0,"{NUMBER}",145', "OK"]]
    caller = Caller()
    async with serving(scripted, desk, caller.take) as service:
        await service.dial(ORDER)
        assert (await caller.line()).info.number == NUMBER


async def test_the_port_vanishes_while_it_rings(scripted: Any, desk: Any, serving: Serving) -> None:
    caller = Caller()
    async with serving(scripted, desk, caller.take) as service:
        await service.dial(ORDER)
        await scripted.until(DIAL)
        scripted.at.unplug()
        assert (await caller.error()).outcome == "failed"


async def test_what_is_no_number_is_not_dialled(scripted: Any, desk: Any, serving: Serving) -> None:
    caller = Caller()
    async with serving(scripted, desk, caller.take) as service:
        await service.dial(CallOrder("company", "112;ATH"))
        assert (await caller.error()).outcome == "failed"
    assert not [command for command in scripted.received if command.startswith("ATD")]


async def test_the_door_forbids_a_call(scripted: Any, desk: Any) -> None:
    service = GsmService(_settings(scripted), desk.answering(door=Door(Admit("", "", 0, desk.terms))))
    await service.start()
    assert await service.wait_ready(8)
    with pytest.raises(LineError, match="may not"):
        await service.dial(ORDER)
    await service.close()


async def test_a_caller_is_refused_and_told_of_once(scripted: Any, desk: Any) -> None:
    door = Door(Refuse("blocked"))
    scripted.answers["AT+CHUP"] = ["OK", "MISSED_CALL: 11:53AM " + NUMBER, "NO CARRIER"]
    service = GsmService(_settings(scripted), desk.answering(door=door))
    await service.start()
    assert await service.wait_ready(8)
    scripted.ring(NUMBER)
    async with asyncio.timeout(8):
        assert await desk.rejected.get() == (NUMBER, "blocked")
    await scripted.until("AT+CHUP")
    door.verdict = Admit("anna", "ru", 2, desk.terms)
    await asyncio.sleep(0.2)
    scripted.ring(NUMBER)
    await asyncio.sleep(0.3)
    assert "ATA" not in scripted.received  # two rings were asked for
    scripted.ring(NUMBER)
    line = await desk.line()
    scripted.answers["AT+CHUP"] = ["VOICE CALL: END: 000001", "OK"]
    assert (line.info.persona, line.info.language) == ("anna", "ru")
    assert door.asked == [NUMBER, NUMBER]  # once a call
    await service.close()
    assert desk.missed.empty()
    assert desk.rejected.empty()


async def test_a_second_caller_is_sent_away_and_told_of_once(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.ring()
        await desk.line()
        scripted.say('+CCWA: "+79990000009",145,1', '+CCWA: "+79990000009",145,1')
        async with asyncio.timeout(8):
            assert await desk.rejected.get() == ("+79990000009", "line_busy")
        await scripted.until("AT+CHLD=0", 2)
        scripted.say("MISSED_CALL: 11:53AM +79990000009")
        await asyncio.sleep(0.1)
    assert desk.missed.empty()
    assert desk.rejected.empty()


async def test_two_lines_are_joined(make_scripted: Callable[[], Any], desk: Any) -> None:
    first, second = make_scripted(), make_scripted()
    caller = Caller()
    services: dict[str, GsmService] = {}
    forwarding = Forwarding(services.get)
    forward = Forward("+79990000007", "line", "two")
    door = Door(Admit("", "", 0, desk.terms, on_request=forward))
    for name, modem, more in (("one", first, {"door": door}), ("two", second, {})):
        services[name] = GsmService(_settings(modem), desk.answering(caller.take, **more), forwarding=forwarding)
        await services[name].start()
        assert await services[name].wait_ready(8)
    first.ring()
    line: GsmLine = await caller.line()
    joining = asyncio.create_task(line.transfer(""))
    await second.until("ATD+79990000007;")
    await asyncio.sleep(0.3)
    assert any(first.heard)  # the caller hears it ring
    second.say("VOICE CALL: BEGIN")
    await asyncio.wait_for(joining, 8)
    second.heard.clear()
    for _ in range(20):
        first.audio.write(b"\x10\x27" * 160)
        await asyncio.sleep(0.02)
    async with asyncio.timeout(5):
        while second.heard.count(b"\x10\x27") < 1600:
            await second.audio.news()
    second.say("VOICE CALL: END: 000004", "NO CARRIER")
    await asyncio.wait_for(line.wait_closed(), 8)
    await first.until("AT+CHUP")
    for service in services.values():
        await service.close()


async def test_a_colleague_who_is_busy_leaves_the_caller_with_the_secretary(
    make_scripted: Callable[[], Any], desk: Any
) -> None:
    first, second = make_scripted(), make_scripted()
    caller = Caller()
    services: dict[str, GsmService] = {}
    door = Door(Admit("", "", 0, desk.terms, on_request=Forward("+79990000007", "line", "two")))
    for name, modem, more in (("one", first, {"door": door}), ("two", second, {})):
        services[name] = GsmService(
            _settings(modem), desk.answering(caller.take, **more), forwarding=Forwarding(services.get)
        )
        await services[name].start()
        assert await services[name].wait_ready(8)
    first.ring()
    line: GsmLine = await caller.line()
    joining = asyncio.create_task(line.transfer(""))
    await second.until("ATD+79990000007;")
    second.say("BUSY")
    with pytest.raises(LineError, match="busy"):
        await asyncio.wait_for(joining, 8)
    assert not line.closed
    for service in services.values():
        await service.close()


@pytest.mark.parametrize(
    ("word", "cause", "outcome"), [("BUSY", "", "busy"), ("NO CARRIER", "", "failed"), ("NO ANSWER", "x", "no_answer")]
)
def test_outcome_of(word: str, cause: str, outcome: str) -> None:
    assert outcome_of(word, cause) == outcome


def test_what_the_colleague_reads(desk: Any) -> None:
    info = desk.answering().info
    assert call_back_text(info) == "A caller with a withheld number asks you to call back."


def _settings(modem: Any) -> TelephonySettings:
    return TelephonySettings(at_port=modem.at.path, audio_port=modem.audio.path)
