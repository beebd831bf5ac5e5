"""The recording of a call over HTTP."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_house import OWNER, House, api_house

from services.events import CallEventType

SOUND = bytes(range(256)) * 40


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        await opened.store_call("c1", ended=False)
        await opened.record("c1", SOUND)
        await opened.end_call("c1")
        yield opened


async def test_the_sound_is_served_whole_and_never_cached(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        got = await house.owner.get("/admin/calls/c1/recording")
    assert (got.status_code, got.content) == (200, SOUND)
    assert got.headers["content-type"] == "audio/ogg"
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["accept-ranges"] == "bytes"
    fetched = [record.getMessage() for record in caplog.records if "a recording was fetched" in record.getMessage()]
    assert len(fetched) == 1
    assert "c1" in fetched[0]
    assert OWNER in fetched[0]


async def test_a_part_of_it_is_served(house: House) -> None:
    got = await house.owner.get("/admin/calls/c1/recording", headers={"Range": "bytes=100-199"})
    assert (got.status_code, got.content) == (206, SOUND[100:200])
    assert got.headers["content-range"] == f"bytes 100-199/{len(SOUND)}"
    assert got.headers["cache-control"] == "no-store"
    last = await house.owner.get("/admin/calls/c1/recording", headers={"Range": "bytes=-10"})
    assert (last.status_code, last.content) == (206, SOUND[-10:])
    beyond = await house.owner.get("/admin/calls/c1/recording", headers={"Range": "bytes=999999-"})
    assert beyond.status_code == 416


async def test_without_a_recording_there_is_none(house: House) -> None:
    await house.store_call("c2")
    (house.data_dir / "recordings/2026/11/c1.ogg").unlink()
    for call_id in ("c1", "c2"):
        assert (await house.owner.get(f"/admin/calls/{call_id}/recording")).status_code == 404


async def test_of_a_call_that_goes_on_it_is_not_complete(house: House) -> None:
    await house.store_call("c3", ended=False)
    await house.record("c3", SOUND)
    assert (await house.owner.get("/admin/calls/c3/recording")).status_code == 409


@pytest.mark.parametrize(
    "path", ["../secret.key", "recordings/../secret.key", "secretary.db", "/etc/hostname", "recordings"]
)
async def test_nothing_but_recordings_is_served(house: House, path: str) -> None:
    await house.store_call("c4", ended=False)
    await house.event("c4", 2, CallEventType.RECORDED, path=path)
    await house.end_call("c4")
    assert (house.data_dir / "secret.key").exists()
    assert (await house.owner.get("/admin/calls/c4/recording")).status_code == 404


async def test_nobody_listens_without_signing_in(house: House) -> None:
    got = await house.client.get("/admin/calls/c1/recording")
    assert (got.status_code, b"OggS" in got.content) == (401, False)
