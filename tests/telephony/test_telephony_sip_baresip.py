"""Calls with baresip, a SIP telephone in C (Debian: baresip-core), where it is installed."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from baresip_phone import PROGRAM, Baresip
from sip_desk import INFO, PATIENCE, Desk, pitch, until
from sip_peer import free_port

from services.voice.line import Closed, Digit, Hold
from telephony.answering import Answering
from telephony.sip.service import SipService
from telephony.sip.settings import SipSettings

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("sippy") is None, reason="needs the extra sip (sippy)"),
    pytest.mark.skipif(PROGRAM is None, reason="needs baresip (Debian: baresip-core)"),
]


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Baresip]:
    phone = Baresip(tmp_path, free_port(), free_port())
    await phone.start()
    yield phone
    await phone.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def service(phone: Baresip, desk: Desk) -> AsyncIterator[SipService]:
    settings = SipSettings(
        enabled=True, accept_from=("127.0.0.0/8",), bind_host="127.0.0.1", bind_port=0, media_port_first=0
    )
    service = SipService(settings, Answering(desk.take, INFO))
    await service.start()
    assert await service.wait_ready(PATIENCE)
    yield service
    await service.close()


async def test_baresip_calls_us(phone: Baresip, desk: Desk, service: SipService) -> None:
    await phone.command("dial", f"sip:secretary@127.0.0.1:{service.account.address[1]}")
    await phone.wait("CALL_ESTABLISHED")
    await until(lambda: len(desk.frames) >= 50)
    await phone.command("sndcode", "7")
    await desk.lines[0].send_digits("1#")
    assert [(await phone.wait("CALL_DTMF_START"))["param"] for _ in "1#"] == ["1", "#"]
    await until(lambda: Digit("7") in desk.events)
    await phone.command("hangup")
    async with asyncio.timeout(PATIENCE):
        await desk.finished.wait()
    assert pitch(desk.heard()[:8000]) == pytest.approx(1000, abs=3)
    assert pitch((await phone.heard())[800:6400]) == pytest.approx(600, abs=3)
    assert desk.events == [Digit("7"), Closed("caller_hangup")]


async def test_we_call_baresip_which_holds_us(phone: Baresip, desk: Desk, service: SipService) -> None:
    line = service.place(replace(INFO, direction="out", number=phone.uri))
    await phone.wait("CALL_ESTABLISHED")
    await phone.command("hold")
    await until(lambda: Hold(True) in desk.events)
    sent = line.counts.sent
    frames = len(desk.frames)
    await until(lambda: len(desk.frames) >= frames + 10)  # the conversation goes on in silence
    assert line.counts.sent == sent
    await phone.command("resume")
    await until(lambda: Hold(False) in desk.events)
    await until(lambda: line.counts.sent > sent)
    await line.hangup()
    await phone.wait("CALL_CLOSED")
    async with asyncio.timeout(PATIENCE):
        await desk.finished.wait()
    assert desk.events == [Hold(True), Hold(False), Closed("own_hangup")]
