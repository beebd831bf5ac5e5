"""Calls over SIP with a real peer on loopback that speaks through another stack than ours (see sip_peer)."""

import asyncio
import importlib.util
from dataclasses import replace

import pytest
from sip_desk import INFO, PATIENCE, Desk, Doorman, Start, pitch, until
from sip_peer import PASSWORD, USER, SipPeer

from services.errors import LineError, NotTakenError
from services.voice.directory import CallOrder
from services.voice.line import Capability, Closed, Digit
from telephony.policy.gatekeeper import Refuse

pytest_plugins = ("sip_fixtures",)
pytestmark = pytest.mark.skipif(importlib.util.find_spec("sippy") is None, reason="needs the extra sip (sippy)")


@pytest.mark.parametrize("codec", [0, 8])
async def test_a_caller_hears_us_and_is_heard(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk, codec: int) -> None:
    service = await start_sip()
    sip_peer.codec = codec
    call = await sip_peer.dial(service.account.address[1])
    await until(lambda: len(sip_desk.frames) >= 30 and len(call.sound) >= 4800)
    call.press("5")
    await sip_desk.lines[0].send_digits("1#")
    await until(lambda: Digit("5") in sip_desk.events and call.keys == ["1", "#"])
    await call.hang_up()
    await sip_desk.finished.wait()
    assert sip_desk.lines[0].info.number == "alice"
    assert pitch(sip_desk.heard()[:4800]) == pytest.approx(1000, abs=3)
    assert pitch(call.sound[800:4800]) == pytest.approx(600, abs=3)
    assert sip_desk.events == [Digit("5"), Closed("caller_hangup")]
    assert [frame.position for frame in sip_desk.frames] == list(range(0, len(sip_desk.frames) * 160, 160))
    await until(lambda: not service.lines)


async def test_we_hang_up_and_the_caller_is_told(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip()
    call = await sip_peer.dial(service.account.address[1])
    await sip_desk.answered.wait()
    await sip_desk.lines[0].hangup()
    await sip_desk.lines[0].hangup()
    async with asyncio.timeout(PATIENCE):
        await call.over.wait()
        await sip_desk.finished.wait()
    assert sip_desk.events == [Closed("own_hangup")]


async def test_an_offer_can_be_left_to_us(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    """An INVITE without a description: our answer offers, the acknowledgement of the peer (here: none) answers."""
    service = await start_sip()
    call = await sip_peer.dial(service.account.address[1], offer=False)
    assert call.code == 200
    audio = getattr(call.signalling, "sdp_answer").audio  # noqa: B009
    assert [codec.payload_type for codec in audio.codecs][:2] == [8, 0]
    async with asyncio.timeout(PATIENCE):
        await sip_desk.finished.wait()
        await call.over.wait()


async def test_our_call_is_answered(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip()
    call_id = await service.dial(CallOrder("acme", "100", purpose="to ask"))
    call = await sip_peer.next_call()
    await until(lambda: len(sip_desk.frames) >= 30 and len(call.sound) >= 4800)
    assert call_id == sip_desk.lines[0].info.call_id
    assert sip_desk.lines[0].info.direction == "out"
    assert sip_desk.lines[0].info.terms.purpose == "to ask"
    assert pitch(sip_desk.heard()[:4800]) == pytest.approx(1000, abs=3)
    assert pitch(call.sound[800:4800]) == pytest.approx(600, abs=3)
    await sip_desk.lines[0].hangup()
    async with asyncio.timeout(PATIENCE):
        await call.over.wait()


async def test_our_call_proves_who_we_are(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    sip_peer.challenge = True
    service = await start_sip(username=USER, password=PASSWORD, register_seconds=0)
    await service.dial(CallOrder("acme", "100"))
    call = await sip_peer.next_call()
    await call.hang_up()
    await sip_desk.finished.wait()
    assert sip_desk.events == [Closed("caller_hangup")]


@pytest.mark.parametrize(("code", "outcome"), [(486, "busy"), (480, "no_answer"), (603, "rejected"), (404, "failed")])
async def test_our_call_is_refused(
    start_sip: Start, sip_peer: SipPeer, sip_desk: Desk, code: int, outcome: str
) -> None:
    sip_peer.reply = code
    service = await start_sip()
    await service.dial(CallOrder("acme", "100"))
    await sip_desk.finished.wait()
    assert isinstance(sip_desk.errors[0], NotTakenError)
    assert sip_desk.errors[0].outcome == outcome
    await until(lambda: not service.lines)


async def test_our_call_is_not_answered_in_time(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    sip_peer.reply = 180
    service = await start_sip(ring_seconds=1.0)
    await service.dial(CallOrder("acme", "100"))
    async with asyncio.timeout(PATIENCE):
        await sip_peer.cancelled.wait()
        await sip_desk.finished.wait()
    assert isinstance(sip_desk.errors[0], NotTakenError)
    assert sip_desk.errors[0].outcome == "no_answer"


async def test_our_call_is_cancelled(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    sip_peer.reply = 180
    service = await start_sip()
    await service.dial(CallOrder("acme", "100"))
    await until(lambda: bool(sip_desk.lines))
    await asyncio.sleep(0.2)
    await sip_desk.lines[0].hangup()
    async with asyncio.timeout(PATIENCE):
        await sip_peer.cancelled.wait()
        await sip_desk.finished.wait()
    assert isinstance(sip_desk.errors[0], NotTakenError)
    assert sip_desk.errors[0].outcome == "cancelled"


async def test_the_caller_gives_up_while_it_rings(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    sip_desk.answers = False
    service = await start_sip()
    await sip_peer.give_up(service.account.address[1], after=0.3)
    async with asyncio.timeout(PATIENCE):
        await sip_desk.finished.wait()
    assert "hung up" in sip_desk.errors[0].message


async def test_a_caller_is_connected_with_a_colleague(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip()
    line = service.place(replace(INFO, direction="out", number="100"), colleague="200")
    call = await sip_peer.next_call()
    await sip_desk.answered.wait()
    assert Capability.TRANSFER in line.capabilities
    await line.transfer("")
    assert sip_peer.refers == ["sip:200@127.0.0.1"]
    async with asyncio.timeout(PATIENCE):
        await call.over.wait()


async def test_a_stranger_is_not_called_without_a_permit(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(door=Doorman(Refuse("closed")))
    line = service.place(replace(INFO, direction="out", number="100"), colleague="200")
    await sip_peer.next_call()
    await sip_desk.answered.wait()
    await line.transfer("+18005550100")
    assert sip_peer.refers == ["sip:+79991234567@127.0.0.1"]  # what the doorman gives for every number


async def test_a_failed_transfer_keeps_the_call(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    sip_peer.refer_reply = 486
    service = await start_sip()
    line = service.place(replace(INFO, direction="out", number="100"), colleague="200")
    call = await sip_peer.next_call()
    await sip_desk.answered.wait()
    with pytest.raises(LineError, match="could not be connected"):
        await line.transfer("200")
    assert not line.closed
    assert not call.over.is_set()


async def test_a_silent_line_is_taken_as_lost(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(media_timeout_seconds=2.0)
    call = await sip_peer.dial(service.account.address[1])
    await sip_desk.answered.wait()
    assert call.speaking is not None
    call.speaking.cancel()
    async with asyncio.timeout(PATIENCE):
        await sip_desk.finished.wait()
        await call.over.wait()
    assert sip_desk.events == [Closed("line_lost")]
    assert len(sip_desk.frames) > 90  # silence stood in: the conversation counts time in frames


async def test_what_was_lost_on_the_way_is_sent_again(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip()
    sip_peer.deaf = 1
    await service.dial(CallOrder("acme", "100"))
    call = await sip_peer.next_call()
    await sip_desk.answered.wait()
    sip_peer.deaf = 1
    await sip_desk.lines[0].hangup()
    async with asyncio.timeout(PATIENCE):
        await call.over.wait()


async def test_twenty_calls_leave_nothing_behind(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip()
    tasks = len(asyncio.all_tasks())
    for number in range(20):
        if number % 2:
            await service.dial(CallOrder("acme", "100"))
            call = await sip_peer.next_call()
        else:
            call = await sip_peer.dial(service.account.address[1])
        assert call.code in (0, 200)
        async with asyncio.timeout(PATIENCE):
            await sip_desk.answered.wait()
        await (call.hang_up() if number % 4 < 2 else sip_desk.lines[-1].hangup())
        async with asyncio.timeout(PATIENCE):
            await sip_desk.finished.wait()
        await call.end()
        sip_desk.answered.clear()
        sip_desk.finished.clear()
        await until(lambda: not service.lines)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
