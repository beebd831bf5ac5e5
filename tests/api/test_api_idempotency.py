"""A POST that was sent twice has its effect once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from api_house import PASSWORD, House, Phone, api_house

from services.accounts.roles import Role
from services.errors import StorageError
from services.storage.idempotency import IdempotencyKeys
from services.voice.directory import CallOrder

ROOT = Path(__file__).parents[2]
ORDER = {"to": "+79161234567"}
KEY = {"Idempotency-Key": "order-1"}


@dataclass
class SlowPhone(Phone):
    """A phone that dials when it is let."""

    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def dial(self, order: CallOrder) -> str:
        await self.let.wait()
        return await super().dial(order)


class BrokenPhone(Phone):
    """A phone whose house cannot write."""

    async def dial(self, order: CallOrder) -> str:
        raise StorageError("The disk is full.")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


def _phone(house: House, kind: type[Phone] = Phone) -> Phone:
    phone = kind(house.calls)
    house.directory.add(phone)
    return phone


async def _call(house: House, key: str = "order-1", **order: str) -> httpx.Response:
    return await house.owner.post("/admin/calls", json={**ORDER, **order}, headers={"Idempotency-Key": key})


async def test_the_same_request_is_answered_again_and_not_done_again(house: House) -> None:
    phone = _phone(house)
    first, second = await _call(house), await _call(house)
    assert (first.status_code, second.status_code, len(phone.dialled)) == (202, 202, 1)
    assert second.json() == first.json()
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert (await _call(house, "order-2")).json() != first.json()
    assert len(phone.dialled) == 2


async def test_without_a_key_every_request_counts(house: House) -> None:
    phone = _phone(house)
    for _ in range(2):
        await house.owner.post("/admin/calls", json=ORDER)
    assert len(phone.dialled) == 2


async def test_a_key_stands_for_one_request_of_one_user(house: House) -> None:
    phone = _phone(house)
    await _call(house)
    assert (await _call(house, purpose="another")).status_code == 422
    await house.accounts.add("default", "adam", PASSWORD, Role.ADMIN)
    token = (await house.sign_in("adam")).json()["access_token"]
    mine = await house.client.post("/admin/calls", json=ORDER, headers={**KEY, "Authorization": f"Bearer {token}"})
    assert (mine.status_code, len(phone.dialled)) == (202, 2)


async def test_of_many_at_once_one_is_done_and_the_others_are_told_to_wait(house: House) -> None:
    phone = SlowPhone(house.calls)
    house.directory.add(phone)
    waiting = [asyncio.create_task(_call(house)) for _ in range(8)]
    done, going_on = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    while len(going_on) > 1:
        more, going_on = await asyncio.wait(going_on, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert {each.result().status_code for each in done} == {409}
    assert all(int(each.result().headers["Retry-After"]) > 0 for each in done)
    phone.let.set()
    first = await going_on.pop()
    assert (first.status_code, len(phone.dialled)) == (202, 1)
    assert (await _call(house)).json() == first.json()


async def test_a_refusal_is_an_answer_too(house: House) -> None:
    phone = _phone(house)
    phone.refuses = "Nobody is called at night."
    assert (await _call(house)).status_code == 409
    phone.refuses = ""
    again = await _call(house)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (409, "true")
    assert "at night" in again.json()["detail"]
    assert again.headers["Content-Type"] == "application/problem+json"
    assert phone.dialled == []


async def test_what_was_never_begun_may_be_repeated(house: House) -> None:
    house.directory.add(BrokenPhone(house.calls, "broken"))
    assert (await _call(house, line="broken")).status_code == 503
    assert (await _call(house, line="broken")).status_code == 503, "and not a stored answer"
    malformed = await house.owner.post("/admin/calls", json={"to": "x"}, headers=KEY)
    assert malformed.status_code == 422
    phone = _phone(house)
    assert (await _call(house, line="gsm")).status_code == 202
    assert len(phone.dialled) == 1


async def test_keys_are_kept_for_a_day_and_cleaned_up(house: House) -> None:
    phone = _phone(house)
    await _call(house)
    house.clock.ahead += 24 * 3600 + 1
    assert await house.platform.books.idempotency.clean_up(100) == 1
    token = await house.accounts.sign_in("olga", PASSWORD, "")
    house.owner.headers["Authorization"] = f"Bearer {token.access_token}"
    assert (await _call(house)).status_code == 202
    assert len(phone.dialled) == 2


async def test_a_malformed_key_is_refused(house: House) -> None:
    _phone(house)
    for wrong in ("", "a b", "x" * 256):
        assert (await _call(house, wrong)).status_code == 422, wrong


_KILLED = """
import asyncio, os, signal, sys
from services.storage.database import Database
from services.storage.idempotency import IdempotencyKeys
async def main():
    await IdempotencyKeys(Database(sys.argv[1])).claim("default", "k1", "asked")
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_a_request_that_was_killed_is_never_done_a_second_time(house: House) -> None:
    keys = IdempotencyKeys(house.database, house.clock)
    url = f"sqlite:///{house.data_dir / 'secretary.db'}"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED, url, cwd=ROOT)
    assert await process.wait() == -9
    assert (await keys.claim("default", "k1", "asked")).state == "going_on"
    house.clock.ahead += 61
    assert (await keys.claim("default", "k1", "asked")).state == "unknown"
    assert (await keys.claim("default", "k1", "another")).state == "another"
