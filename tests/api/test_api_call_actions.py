"""Acting on a call that goes on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from api_house import House, api_house
from fastapi import FastAPI
from paced_line import PacedLine, Track

from api.calls.actions import call_actions_router
from services.errors import LineError
from services.voice.directory import LiveCall
from services.voice.line import Capability
from services.web.access import set_accounts
from services.web.problems import add_problem_handlers


class AbleLine(PacedLine):
    """A line that can press keys and connect, and notes what it was told."""

    capabilities = frozenset(Capability)

    def __init__(self) -> None:
        super().__init__(Track(60.0), keeps=False)
        self.told: list[str] = []

    async def send_digits(self, digits: str) -> None:
        self.told.append(f"digits {digits}")

    async def transfer(self, to: str) -> None:
        if to == "+70000000000":
            raise LineError("The network refused.", "Try again later.")
        self.told.append(f"transfer {to}")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        await opened.store_call("c1", ended=False)
        yield opened


@contextmanager
def on_line(house: House, line: PacedLine, company: str = "default") -> Iterator[None]:
    with house.directory.on_line(LiveCall(company, "c1", line, datetime.now(UTC))):
        yield


async def test_a_call_is_hung_up(house: House) -> None:
    line = PacedLine(Track(60.0), keeps=False)
    await line.answer()
    with on_line(house, line):
        assert (await house.owner.post("/admin/calls/c1/end")).status_code == 204
        assert (await house.owner.post("/admin/calls/c1/end")).status_code == 204, "ending is idempotent"
    assert line.hung_up_at is not None


async def test_keys_are_pressed_and_a_person_is_connected(house: House) -> None:
    line = AbleLine()
    with on_line(house, line):
        assert (await house.owner.post("/admin/calls/c1/digits", json={"digits": "12#*aD"})).status_code == 204
        assert (await house.owner.post("/admin/calls/c1/transfer", json={"to": "+7 916 1234567"})).status_code == 204
        assert (await house.owner.post("/admin/calls/c1/transfer", json={})).status_code == 204
        failed = await house.owner.post("/admin/calls/c1/transfer", json={"to": "+70000000000"})
    assert line.told == ["digits 12#*AD", "transfer +79161234567", "transfer "]
    assert (failed.status_code, failed.json()["detail"]) == (409, "The network refused. Try again later.")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("digits", {"digits": ""}),
        ("digits", {"digits": "1;2"}),
        ("digits", {"digits": "1\n"}),
        ("digits", {"digits": "1" * 33}),
        ("digits", {}),
        ("transfer", {"to": "*21#"}),
        ("transfer", {"to": " "}),
        ("transfer", {"number": "112"}),
    ],
)
async def test_what_is_no_key_and_no_number_is_refused(house: House, action: str, body: dict[str, str]) -> None:
    line = AbleLine()
    with on_line(house, line):
        assert (await house.owner.post(f"/admin/calls/c1/{action}", json=body)).status_code == 422
    assert line.told == []


async def test_a_line_is_not_asked_for_what_it_cannot_do(house: House) -> None:
    with on_line(house, PacedLine(Track(60.0), keeps=False)):
        keys = await house.owner.post("/admin/calls/c1/digits", json={"digits": "1"})
        person = await house.owner.post("/admin/calls/c1/transfer", json={"to": "112"})
    assert [(each.status_code, each.json()["detail"]) for each in (keys, person)] == [
        (409, "This line cannot press keys."),
        (409, "This line cannot connect with a person."),
    ]


async def test_a_call_that_is_over_or_not_ours_is_left_alone(house: House) -> None:
    over = await house.owner.post("/admin/calls/c1/end")
    assert (over.status_code, over.json()["detail"]) == (409, "The call is over.")
    assert (await house.owner.post("/admin/calls/c2/end")).status_code == 404
    line = AbleLine()
    await house.store_call("c9", company="other", ended=False)
    with house.directory.on_line(LiveCall("other", "c9", line, datetime.now(UTC))):
        assert (await house.owner.post("/admin/calls/c9/digits", json={"digits": "1"})).status_code == 404
    assert line.told == []


async def test_a_line_that_hangs_does_not_hold_the_answer_for_ever(house: House) -> None:
    class Stuck(AbleLine):
        async def send_digits(self, digits: str) -> None:
            await asyncio.Event().wait()

    app = FastAPI()
    add_problem_handlers(app)
    set_accounts(app, house.accounts)
    app.include_router(call_actions_router(house.calls, house.directory, house.platform.books.audit, patience=0.1))
    with on_line(house, Stuck()):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://house", headers=house.owner.headers
        ) as impatient:
            late = await impatient.post("/admin/calls/c1/digits", json={"digits": "1"})
    assert (late.status_code, late.json()["detail"][:31]) == (409, "The line did not do it in time.")
