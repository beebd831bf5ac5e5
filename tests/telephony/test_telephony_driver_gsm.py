"""Whole calls: the service, real pseudo-terminals, and a scripted modem at their other end."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from services.audio.frame import Frame
from services.errors import LineError
from services.parts import State
from services.voice.line import Digit

Serving = Callable[..., Any]
NUMBER = "+79991234567"


async def test_start_up_and_part(scripted: Any, desk: Any, serving: Serving) -> None:
    scripted.answers["AT+CPIN?"] = [["+CME ERROR: 14"], ["+CPIN: READY", "OK"]]
    scripted.answers["AT+DDET=1"] = scripted.answers["AT+CNMI=2,1,0,1,0"] = ["ERROR"]
    async with serving(scripted, desk) as service:
        part = service.part()
        assert (part.state, part.required) == (State.READY, False)
        assert part.detail == "SIMCOM_SIM7600E-H: Example, Net, signal -71 dBm."
    assert scripted.received[:5] == ["\x1b", "AT", "ATZ", "ATE0", "AT+CMEE=1"]
    for command in ("AT+CREG=1", "AT+CLIP=1", "AT+CVHU=0", "AT+CMGF=0", "AT+CPCMFRM=0", "AT+CPCMREG=0"):
        assert command in scripted.received
    assert not [command for command in scripted.received if command.startswith("AT+CMGD")]


async def test_call_left_by_a_crash_is_ended_at_the_start(scripted: Any, desk: Any, serving: Serving) -> None:
    scripted.answers["AT+CLCC"] = ['+CLCC: 1,1,0,0,0,"+79991234567",145', "OK"]
    async with serving(scripted, desk):
        assert scripted.received.count("AT+CHUP") == 1


async def test_a_call_that_was_still_dialled_is_ended_too_and_a_refusal_answered_by_ath(
    scripted: Any, desk: Any, serving: Serving
) -> None:
    scripted.answers["AT+CLCC"] = ['+CLCC: 1,0,2,0,0,"+79991234567",145', "OK"]
    scripted.answers["AT+CHUP"] = ["ERROR"]
    async with serving(scripted, desk):
        assert (scripted.received.count("AT+CHUP"), scripted.received.count("ATH")) == (1, 1)


async def test_a_call_that_only_rings_is_no_leftover(scripted: Any, desk: Any, serving: Serving) -> None:
    scripted.answers["AT+CLCC"] = ['+CLCC: 1,1,4,0,0,"+79991234567",145', "OK"]
    async with serving(scripted, desk):
        assert not {"AT+CHUP", "ATH"} & set(scripted.received)


async def test_call_with_sound_both_ways_keys_and_the_callers_end(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.ring()
        line = await desk.line()
        assert (line.info.channel, line.info.direction, line.info.number) == ("gsm", "in", NUMBER)
        tone = np.arange(160, dtype=np.int16) + 1000
        tapped: list[Frame] = []
        line.tap(tapped.append)
        for position in range(0, 1600, 160):
            await line.send(Frame(tone, 8000, position))
        await line.drained()
        assert line.played == 1600
        sent = np.frombuffer(bytes(scripted.heard[: len(scripted.heard) & ~1]), "<i2")
        assert (sent[sent != 0] == np.tile(tone, 10)).all()
        assert all(later.position == frame.end for frame, later in itertools.pairwise(tapped))
        said = np.arange(1, 801, dtype="<i2").tobytes()
        for start in range(0, 1600, 333):  # odd pieces
            scripted.audio.write(said[start : start + 333])
            await asyncio.sleep(0.005)
        scripted.say("+RXDTMF: 5", "+RXDTMF: #")
        await asyncio.sleep(0.2)
        scripted.say("VOICE CALL: END: 000012", "NO CARRIER")
        assert await desk.reason() == "caller_hangup"
        await scripted.until("AT+CPCMREG=0", 2)
        heard = np.concatenate([frame.samples for frame in desk.frames()])
        assert (heard[heard != 0] == np.arange(1, 801)).all()
        assert [event.key for event in desk.events if isinstance(event, Digit)] == ["5", "#"]
        await line.send(Frame(tone, 8000))  # after Closed everything is a no-op
        await line.drained()
        await line.hangup()
        await line.send_digits("1")
        assert line.discard_unsent() == 1600
    assert "AT+CHUP" not in scripted.received
    assert len(scripted.heard) % 320 == 0  # whole frames only


async def test_ducked_paused_and_resumed_at_the_modem(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.ring()
        line = await desk.line()
        loud = np.full(160, 20_000, np.int16)
        for position in range(0, 20 * 160, 160):
            await line.send(Frame(loud, 8000, position))
        async with asyncio.timeout(5):
            while not line.played:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        line.pause()
        await asyncio.sleep(0.1)
        played = line.played
        await asyncio.sleep(0.1)
        assert 0 < played == line.played
        assert line.queued == 20 * 160 - played
        line.duck(-20)
        line.resume(back=160)
        assert line.played == played - 160
        async with asyncio.timeout(5):
            await line.drained()
        assert (line.played, line.queued) == (20 * 160, 0)
        sent = np.frombuffer(bytes(scripted.heard[: len(scripted.heard) & ~1]), "<i2")
        assert (sent == 2_000).sum() > 15 * 160 - played
        scripted.say("VOICE CALL: END: 000012", "NO CARRIER")
        assert await desk.reason() == "caller_hangup"
        line.pause()
        line.resume(back=8_000)
        line.duck(0)
        assert (line.played, line.queued) == (20 * 160, 0)


@pytest.mark.parametrize(
    "end",
    [
        ["VOICE CALL: END: 000031", "OK"],
        ["OK", "VOICE CALL: END: 000031"],
        ["OK", "NO CARRIER", "VOICE CALL: END: 000031"],
        ["VOICE CALL: END: 000031", "OK", "NO CARRIER"],
    ],
)
async def test_own_end_in_every_order_and_the_next_call(
    scripted: Any, desk: Any, serving: Serving, end: list[str]
) -> None:
    scripted.answers["AT+CHUP"] = end
    async with serving(scripted, desk):
        for number in (NUMBER, "+79990000002"):
            scripted.ring(number)
            line = await desk.line()
            assert line.info.number == number
            await line.hangup()
            await line.hangup()
            assert await desk.reason() == "own_hangup"
        await scripted.until("AT+CPCMREG=0", 3)
    assert scripted.received.count("AT+CHUP") == 2
    assert desk.missed.empty()


async def test_audio_refused_at_first_and_off_with_the_second_form(scripted: Any, desk: Any, serving: Serving) -> None:
    scripted.answers["AT+CPCMREG=1"] = [["ERROR"], ["+CME ERROR: 3"], ["OK"]]
    scripted.answers["AT+CPCMREG=0"] = ["ERROR"]
    async with serving(scripted, desk):
        scripted.ring()
        line = await desk.line()
        assert scripted.received.count("AT+CPCMREG=1") == 3
        await line.hangup()
        await scripted.until("AT+CPCMREG=0,1", 2)


async def test_stale_sound_of_the_call_before_is_dropped(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.audio.write(b"\x11\x11" * 800)
        scripted.ring()
        line = await desk.line()
        scripted.audio.write(b"\x22\x22" * 800)
        await asyncio.sleep(0.2)
        await line.hangup()
        heard = np.concatenate([frame.samples for frame in desk.frames()])
        assert set(heard.tolist()) <= {0, 0x2222}
        assert 0x2222 in heard


async def test_withheld_number_is_not_waited_for(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.ring(None)
        line = await desk.line()
        assert line.info.number == ""
        await line.hangup()


async def test_caller_gives_up_while_it_rings(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk, answer_after_rings=2):
        scripted.ring()
        scripted.say(f"MISSED_CALL: 11:53AM {NUMBER}")
        async with asyncio.timeout(5):
            assert await desk.missed.get() == NUMBER
    assert "ATA" not in scripted.received


async def test_answer_comes_too_late(scripted: Any, desk: Any, serving: Serving) -> None:
    scripted.answers["ATA"] = [["NO CARRIER"], ["OK", "VOICE CALL: BEGIN"]]
    async with serving(scripted, desk):
        scripted.ring()
        assert await desk.reason() == "not_answered"
        scripted.ring()
        await (await desk.line()).hangup()
        assert await desk.reason() == "own_hangup"
    assert desk.missed.empty()  # who takes the calls has seen it for himself


async def test_keys_are_sent_and_foreign_characters_refused(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.ring()
        line = await desk.line()
        await line.send_digits("1#a")
        assert [command for command in scripted.received if "VTS" in command] == ["AT+VTS=1", "AT+VTS=#", "AT+VTS=A"]
        with pytest.raises(LineError, match="cannot send"):
            await line.send_digits("1\r\nAT+CRESET")
        with pytest.raises(LineError, match="cannot connect"):
            await line.transfer("+7999")
        await line.hangup()


@pytest.mark.parametrize(("answer", "rate"), [(["OK"], 16_000), (["ERROR"], 8_000)])
async def test_wideband_where_the_modem_has_it(
    scripted: Any, desk: Any, serving: Serving, answer: list[str], rate: int
) -> None:
    scripted.answers["AT+CPCMFRM=1"] = answer
    async with serving(scripted, desk, wideband=True):
        scripted.ring()
        line = await desk.line()
        assert line.rate == rate
        assert scripted.received.count(f"AT+CPCMFRM={int(rate == 16_000)}") == 2
        tone = np.full(rate // 50, 1000, np.int16)
        await line.send(Frame(tone, rate, 0))
        await line.drained()
        scripted.audio.write(b"\x01\x00" * (rate // 10))
        await asyncio.sleep(0.2)
        await line.hangup()
    assert {frame.rate for frame in desk.frames()} == {rate}
