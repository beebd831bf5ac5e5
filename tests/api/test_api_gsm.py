"""The lines and what happened on them today."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from api_house import House, api_house

from api.calls.gsm import gsm_router
from services.events import CallEventType
from services.storage.calls.line_counts import Tallies
from services.storage.people.companies import Companies
from services.storage.texts.messages import TextMessages
from services.storage.texts.records import NewPart


class Lines:
    def lines_status(self, company_id: str) -> Sequence[Mapping[str, Any]]:
        return [{"name": "gsm", "signal_dbm": -71}, {"name": "gsm-2"}] if company_id == "default" else []


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        opened.app.include_router(
            gsm_router(Lines(), Tallies(opened.database), Companies(opened.database), opened.clock)
        )
        yield opened


async def test_each_line_tells_its_state_and_its_day(house: House) -> None:
    await house.store_call("in1", ended=False)
    await house.event("in1", 2, CallEventType.ANSWERED)
    await house.store_call("in2")
    await house.store_call("out1", direction="out")
    await house.store_call("in3", line="gsm-2")
    await house.store_call("theirs", company="other")
    yesterday = (house.clock.now() - timedelta(days=1)).isoformat()
    await house.store_call("old", started_at=yesterday)
    texts = TextMessages(house.database).of_line("default", "gsm")
    await texts.queue("+7916", "hello", [NewPart("00", 1, "hello", 1, 1, None)], "")
    lines = (await house.owner.get("/admin/gsm")).json()["items"]
    assert lines == [
        {
            "id": "gsm",
            "name": "gsm",
            "signal_dbm": -71,
            "today": {"calls_in": 2, "answered": 1, "calls_out": 1, "texts_in": 0, "texts_out": 1},
        },
        {
            "id": "gsm-2",
            "name": "gsm-2",
            "today": {"calls_in": 1, "answered": 0, "calls_out": 0, "texts_in": 0, "texts_out": 0},
        },
    ]
    assert (await house.owner.get("/admin/gsm/gsm-2")).json() == lines[1]
    assert (await house.owner.get("/admin/gsm/gsm-3")).status_code == 404
    assert (await house.client.get("/admin/gsm")).status_code == 401
