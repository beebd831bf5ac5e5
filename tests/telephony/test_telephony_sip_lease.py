"""A SIP account is one process's: another one registers when that one is gone."""

import importlib.util
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sip_desk import INFO, PATIENCE, Desk
from sip_peer import PASSWORD, USER, SipPeer

from services.parts import State
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.leases import Leases
from telephony.answering import Answering
from telephony.modem_lease import hold_account
from telephony.sip.service import SipService
from telephony.sip.settings import SipSettings

pytest_plugins = ("sip_fixtures",)
pytestmark = pytest.mark.skipif(importlib.util.find_spec("sippy") is None, reason="needs the extra sip (sippy)")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(sqlite_url(tmp_path))
    await opened.migrate()
    yield opened
    await opened.close()


async def test_an_account_of_another_process_is_registered_when_that_one_is_gone(
    database: Database, sip_peer: SipPeer, sip_desk: Desk
) -> None:
    leases = Leases(database)
    taken = await leases.take("line:sip:secretary@example.org", "another process")
    assert taken is not None
    settings = SipSettings(
        enabled=True,
        server=f"127.0.0.1:{sip_peer.port}",
        username=USER,
        password=PASSWORD,
        bind_host="127.0.0.1",
        bind_port=0,
        media_port_first=0,
    )
    answering = Answering(sip_desk.take, INFO, sip_desk.note_missed, sip_desk.note_rejected)
    service = SipService(settings, answering, hold=partial(hold_account, leases, "secretary@example.org"))
    await service.start()
    try:
        await service.changed()
        assert service.part().state is State.DEGRADED
        assert "used by another process" in service.part().detail
        assert sip_peer.registered == []
        await leases.release(taken)
        assert await service.wait_ready(PATIENCE)
        assert await leases.holder("line:sip:secretary@example.org") not in ("", "another process")
    finally:
        await service.close()
    assert await leases.holder("line:sip:secretary@example.org") == ""
