"""Calls and modems that fail: whatever happens, the next caller is answered and nothing is left running."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.parts import State
from services.voice.line import AudioLine
from telephony.gsm import GsmService
from telephony.settings import TelephonySettings

Serving = Callable[..., Any]


async def test_failing_conversation_ends_the_call_and_the_next_is_taken(
    scripted: Any, desk: Any, serving: Serving
) -> None:
    async def take(line: AudioLine) -> None:
        if scripted.received.count("ATA") == 0:
            await line.answer()
            raise ValueError("a fault of the conversation")
        await desk.take(line)

    async with serving(scripted, desk, take):
        scripted.ring()
        await scripted.until("AT+CHUP")
        await scripted.until("AT+CPCMREG=0", 2)
        scripted.ring()
        await (await desk.line()).hangup()


async def test_call_that_vanishes_without_a_word(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.answers["AT+CLCC"] = ['+CLCC: 1,1,4,0,0,"+79990000002",145', "OK"]  # the next caller rings already
        scripted.ring()
        await desk.line()
        assert await desk.reason() == "line_lost"
        await scripted.until("AT+CPCMREG=0", 2)
    assert "AT+CRESET" not in scripted.received


async def test_wedged_audio_endpoint_loses_the_call_and_resets_the_modem(
    scripted: Any, desk: Any, serving: Serving
) -> None:
    async with serving(scripted, desk) as service:
        scripted.audio.pause()
        scripted.ring()
        await desk.line()
        assert await desk.reason() == "line_lost"
        await scripted.until("AT+CRESET")
        assert scripted.received.index("AT+CHUP") < scripted.received.index("AT+CRESET")
        await asyncio.sleep(0.05)
        assert "audio hangs" in service.part().detail


async def test_port_vanishes_in_a_call_and_the_modem_comes_back(
    make_scripted: Callable[[], Any], desk: Any, tmp_path: Path
) -> None:
    modem = make_scripted()
    at, audio = tmp_path / "at", tmp_path / "audio"

    def plug_in(modem: Any) -> None:
        for link, node in ((at, modem.at), (audio, modem.audio)):
            link.unlink(missing_ok=True)
            link.symlink_to(node.path)

    plug_in(modem)
    service = GsmService(TelephonySettings(at_port=str(at), audio_port=str(audio)), desk.answering())
    await service.start()
    assert await service.wait_ready(8)
    modem.ring()
    await desk.line()
    modem.unplug()
    assert await desk.reason() == "line_lost"
    again = make_scripted()
    plug_in(again)
    await again.until("AT+CLIP=1")
    assert await service.wait_ready(8)
    again.ring()
    await (await desk.line()).hangup()
    await service.close()


async def test_only_the_at_port_vanishes_in_a_call(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.ring()
        await desk.line()
        scripted.at.unplug()
        async with asyncio.timeout(2):  # at once, not at the next look at the list of calls
            assert await desk.closed.get() == "line_lost"


async def test_close_in_a_call_ends_it(scripted: Any, desk: Any, serving: Serving) -> None:
    async with serving(scripted, desk):
        scripted.ring()
        await desk.line()
    assert await desk.reason() == "own_hangup"
    assert "AT+CHUP" in scripted.received


@pytest.mark.parametrize(
    ("command", "answer", "detail"),
    [
        ("AT+CPIN?", ["+CME ERROR: 10"], "no SIM card"),
        ("AT+CPIN?", ["+CPIN: SIM PIN", "OK"], "asks for its PIN"),
        ("AT+CREG?", ["+CREG: 1,2", "OK"], "searching for a network"),
    ],
)
async def test_what_is_missing_is_said(scripted: Any, desk: Any, command: str, answer: list[str], detail: str) -> None:
    scripted.answers[command] = answer
    service = GsmService(TelephonySettings(at_port=scripted.at.path, audio_port=scripted.audio.path), desk.answering())
    await service.start()
    async with asyncio.timeout(8):
        while detail not in service.part().detail:
            await service.changed()
    assert service.part().state is State.DEGRADED
    assert service.part().remedy
    await service.close()


async def test_registration_found_later(scripted: Any, desk: Any) -> None:
    scripted.answers["AT+CREG?"] = [["+CREG: 1,2", "OK"], ["+CREG: 1,1", "OK"]]
    service = GsmService(TelephonySettings(at_port=scripted.at.path, audio_port=scripted.audio.path), desk.answering())
    await service.start()
    await scripted.until("AT+COPS?")
    scripted.say("+CREG: 1")
    assert await service.wait_ready(8)
    await service.close()


async def test_switched_off_and_without_a_modem(desk: Any) -> None:
    off = GsmService(TelephonySettings(enabled=False), desk.answering())
    await off.start()
    assert "switched off" in off.part().detail
    await off.close()
    missing = GsmService(TelephonySettings(at_port="/dev/ttyUSB98", audio_port="/dev/ttyUSB99"), desk.answering())
    await missing.start()
    await missing.changed()
    assert missing.part().state is State.DEGRADED
    assert "/dev/ttyUSB99" in missing.part().detail
    await missing.close()
