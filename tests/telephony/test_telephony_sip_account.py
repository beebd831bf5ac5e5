"""The SIP account: registration, who is let in, and what happens when things die (with the peer of sip_peer)."""

import asyncio
import importlib.util
import random
import socket
from typing import Literal

import pytest
from sip_desk import PATIENCE, Desk, Doorman, Start, until
from sip_peer import PASSWORD, USER, SipPeer, free_port

from services.domain import CallTerms
from services.errors import LineError
from services.parts import State
from services.voice.directory import CallOrder
from services.voice.line import Capability, Closed
from telephony.policy.gatekeeper import Admit, Forward, Refuse

pytest_plugins = ("sip_fixtures",)
pytestmark = pytest.mark.skipif(importlib.util.find_spec("sippy") is None, reason="needs the extra sip (sippy)")


async def test_junk_at_the_port_costs_no_call(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip()
    address = service.account.address
    chance = random.Random(4)
    invite = (
        f"INVITE sip:secretary@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{sip_peer.port};branch=z9hG4bK1\r\n"
        "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:secretary@127.0.0.1>\r\nCall-ID: junk\r\nCSeq: 1 INVITE\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(invite, address)  # nobody to answer to: no Contact
        for number in range(300):
            broken = bytearray(invite)
            for _ in range(chance.randrange(1, 12)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            sender.sendto(bytes(broken[: chance.randrange(len(broken))] if number % 3 else broken), address)
            if number % 20 == 0:  # so that none overflows the socket: the peer sends its INVITE but once
                await asyncio.sleep(0.03)
    assert (await sip_peer.dial(address[1])).code == 200


async def test_more_callers_than_lines_hear_busy(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(max_calls=1)
    first = await sip_peer.dial(service.account.address[1])
    second = await sip_peer.dial(service.account.address[1])
    assert (first.code, second.code) == (200, 486)


@pytest.mark.parametrize(("reason", "code"), [("blocked", 603), ("closed", 480), ("too_many", 486)])
async def test_who_is_not_let_in_is_told_and_noted(
    start_sip: Start, sip_peer: SipPeer, sip_desk: Desk, reason: Literal["blocked", "closed", "too_many"], code: int
) -> None:
    service = await start_sip(door=Doorman(Refuse(reason, number="+7999")))
    assert (await sip_peer.dial(service.account.address[1])).code == code
    assert sip_desk.rejected == [("+7999", reason)]
    assert not sip_desk.lines


async def test_who_is_let_in_is_answered_on_the_policys_terms(
    start_sip: Start, sip_peer: SipPeer, sip_desk: Desk
) -> None:
    terms = CallTerms(greeting="Hello", transfer_to="200")
    admitted = Admit("polite", "ru", 1, terms, on_request=Forward("200", "sms"), number="+79991234567")
    service = await start_sip(door=Doorman(admitted))
    await sip_peer.dial(service.account.address[1])
    await sip_desk.answered.wait()
    info = sip_desk.lines[0].info
    assert (info.number, info.persona, info.language, info.terms) == ("+79991234567", "polite", "ru", terms)
    assert Capability.TRANSFER in sip_desk.lines[0].capabilities


async def test_who_is_passed_on_at_once_is_promised_a_person(
    start_sip: Start, sip_peer: SipPeer, sip_desk: Desk
) -> None:
    admitted = Admit("", "", 1, CallTerms(), forward=Forward("200", "line", "gsm"), number="+79991234567")
    service = await start_sip(door=Doorman(admitted))
    await sip_peer.dial(service.account.address[1])
    await sip_desk.answered.wait()
    terms = sip_desk.lines[0].info.terms
    assert (terms.transfer_to, terms.transfer_first) == ("200", True)


async def test_who_rings_when_we_close_is_noted(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(door=Doorman(Admit("", "", 9, CallTerms())))
    calling = asyncio.create_task(sip_peer.give_up(service.account.address[1], after=0.5))
    await asyncio.sleep(0.3)
    await service.close()
    await calling
    assert sip_desk.missed == ["alice"]


async def test_who_gives_up_before_the_answer_is_noted(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(door=Doorman(Admit("", "", 3, CallTerms())))
    await sip_peer.give_up(service.account.address[1], after=0.2)
    await until(lambda: sip_desk.missed == ["alice"])
    assert not sip_desk.lines


async def test_the_policy_says_how_a_number_is_dialled(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(door=Doorman(Refuse("closed")), dial_plus=False)
    await service.dial(CallOrder("acme", "8 999 123-45-67"))
    call = await sip_peer.next_call()
    assert "sip:79991234567@" in call.signalling.callee
    assert (sip_desk.lines[0].info.number, sip_desk.lines[0].info.persona) == ("+79991234567", "polite")


async def test_strangers_are_not_let_in(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(server="", accept_from=("192.0.2.0/24",))
    assert (await sip_peer.dial(service.account.address[1])).code == 403
    assert not sip_desk.lines


async def test_registration_proves_who_we_are_and_ends_with_us(
    start_sip: Start, sip_peer: SipPeer, sip_desk: Desk
) -> None:
    service = await start_sip(username=USER, password=PASSWORD, register_seconds=60)
    assert service.part().state is State.READY
    assert "registered" in service.part().detail
    assert (sip_peer.refused, sip_peer.registered) == (1, [60])
    await service.close()
    assert sip_peer.registered[-1] == 0


async def test_a_port_of_another_program_is_not_shared_with_it(start_sip: Start, sip_desk: Desk) -> None:
    """The stack itself would share it, and each caller would reach one of the two."""
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", port))
        service = await start_sip(ready=False, bind_port=port)
        await until(lambda: "cannot be listened on" in service.part().detail)
        assert "SECRETARY_SIP__BIND_PORT" in service.part().remedy
    await until(lambda: service.account.address[1] == port)


async def test_it_works_on_every_address_and_with_a_server_by_name(
    start_sip: Start, sip_peer: SipPeer, sip_desk: Desk
) -> None:
    """The default: no address to listen on is named."""
    port = free_port()
    service = await start_sip(
        server=f"localhost:{sip_peer.port}", bind_host="", bind_port=port, username=USER, password=PASSWORD
    )
    assert service.account.address == ("", port)
    called = await sip_peer.dial(port)
    assert called.code == 200
    await until(lambda: len(called.sound) > 0)
    await service.dial(CallOrder("acme", "100"))
    call = await sip_peer.next_call()
    await until(lambda: len(call.sound) > 0)
    await sip_desk.lines[1].hangup()
    async with asyncio.timeout(PATIENCE):
        await call.over.wait()


async def test_a_wrong_password_is_told(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(ready=False, username=USER, password="wrong", register_seconds=60)
    await until(lambda: "does not register us" in service.part().detail)
    assert service.part().state is State.DEGRADED
    assert "PASSWORD" in service.part().remedy
    with pytest.raises(LineError):
        await service.dial(CallOrder("acme", "100"))


async def test_the_signalling_dies_and_comes_back(start_sip: Start, sip_peer: SipPeer, sip_desk: Desk) -> None:
    service = await start_sip(bind_port=free_port())
    await sip_peer.dial(service.account.address[1])
    await sip_desk.answered.wait()
    agent = service.account._agent
    assert agent is not None
    assert agent._process is not None
    agent._process.kill()
    async with asyncio.timeout(PATIENCE):
        await sip_desk.finished.wait()
    assert sip_desk.events == [Closed("line_lost")]
    assert service.part().state is State.DEGRADED
    assert await service.wait_ready(PATIENCE)
    assert (await sip_peer.dial(service.account.address[1])).code == 200


async def test_callers_are_told_goodbye_when_the_house_is_killed(
    start_sip: Start, sip_peer: SipPeer, sip_desk: Desk
) -> None:
    """What a kill -9 does to the signalling process: its orders end."""
    service = await start_sip(username=USER, password=PASSWORD, register_seconds=60)
    call = await sip_peer.dial(service.account.address[1])
    await sip_desk.answered.wait()
    agent = service.account._agent
    assert agent is not None
    assert agent._process is not None
    assert agent._process.stdin is not None
    agent._process.stdin.close()
    async with asyncio.timeout(PATIENCE):
        await call.over.wait()
    await until(lambda: sip_peer.registered[-1] == 0)


async def test_a_port_that_is_taken_is_told(start_sip: Start, sip_peer: SipPeer) -> None:
    service = await start_sip(ready=False, bind_port=sip_peer.port)
    await until(lambda: "address already in use" in service.part().detail)
    assert str(sip_peer.port) in service.part().detail
