"""Fixtures of the SIP tests: a peer, a desk that takes the calls, and services that are closed at the end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sip_desk import INFO, PATIENCE, Desk, Doorman, Start
from sip_peer import SipPeer

from telephony.answering import Answering
from telephony.sip.service import SipService
from telephony.sip.settings import SipSettings


@pytest.fixture
async def sip_peer() -> AsyncIterator[SipPeer]:
    peer = SipPeer()
    await peer.start()
    yield peer
    await peer.close()


@pytest.fixture
def sip_desk() -> Desk:
    return Desk()


@pytest.fixture
async def start_sip(sip_peer: SipPeer, sip_desk: Desk) -> AsyncIterator[Start]:
    services: list[SipService] = []

    async def start_sip(*, ready: bool = True, door: Doorman | None = None, **changed: Any) -> SipService:
        values: dict[str, Any] = {"server": f"127.0.0.1:{sip_peer.port}", "bind_host": "127.0.0.1", "bind_port": 0}
        settings = SipSettings(enabled=True, media_port_first=0, **(values | changed))
        service = SipService(
            settings, Answering(sip_desk.take, INFO, sip_desk.note_missed, sip_desk.note_rejected, door)
        )
        services.append(service)
        await service.start()
        assert not ready or await service.wait_ready(PATIENCE)
        return service

    yield start_sip
    for service in services:
        await service.close()
