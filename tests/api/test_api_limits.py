"""Limits and usage over HTTP."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_house import NUMBER, PASSWORD, House, Phone, api_house

from services.accounts.roles import Role
from services.storage.tables import CompanyRow

CALL = {"to": NUMBER, "line": "gsm"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def lay_down(
    house: House, limits: Mapping[str, int | None], plan: str = "unlimited", company: str = "default"
) -> None:
    async with house.database.write() as session:
        row = await session.get_one(CompanyRow, company)
        row.plan, row.settings = plan, {"limits": dict(limits)}
    house.platform.limits.changed(company)


async def user(house: House, name: str, role: Role = Role.ADMIN) -> dict[str, str]:
    await house.accounts.people.add("default", name, PASSWORD, role)
    token = (await house.sign_in(name)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "ratelimit" in name}


async def test_without_limits_nothing_is_told(house: House) -> None:
    answer = await house.owner.get("/admin/calls")
    assert answer.status_code == 200
    assert told(answer) == {}


async def test_every_answer_tells_what_is_left(house: House) -> None:
    await lay_down(house, {}, "standard")
    assert told(await house.owner.get("/admin/calls")) == {
        "ratelimit-policy": '"requests_per_minute";q=6000;w=60, "user_requests_per_minute";q=600;w=60',
        "ratelimit": '"user_requests_per_minute";r=599;t=60',
        "x-ratelimit-limit": "600",
        "x-ratelimit-remaining": "599",
        "x-ratelimit-reset": "60",
    }
    for path, status in (("/admin/calls/none", 404), ("/admin/calls?limit=0", 422), ("/admin/calls/a%20b", 422)):
        answer = await house.owner.get(path)
        assert answer.status_code == status
        assert answer.headers["x-ratelimit-remaining"], path
    assert told(await house.client.get("/admin/calls")) == {}, "nobody is signed in, nothing was counted"


async def test_a_fair_share_for_each_user_within_what_the_company_has(house: House) -> None:
    ivan = await user(house, "ivan")
    await lay_down(house, {"requests_per_minute": 5, "user_requests_per_minute": 3})
    for left in ("2", "1", "0"):
        answer = await house.owner.get("/admin/calls")
        assert answer.status_code == 200
        assert answer.headers["x-ratelimit-remaining"] == left
    refused = await house.owner.get("/admin/calls")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["ratelimit"] == '"user_requests_per_minute";r=0;t=60'
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == (
        "The limit of 3 requests a minute for each user is reached. Try again in 60 seconds."
    )
    for expected in (200, 200, 429):
        assert (await house.client.get("/admin/calls", headers=ivan)).status_code == expected
    refused = await house.client.get("/admin/calls", headers=ivan)
    assert "5 requests a minute for the company" in refused.json()["detail"]
    house.clock.ahead += 60
    assert (await house.client.get("/admin/calls", headers=ivan)).status_code == 200


async def test_the_company_that_is_acted_in_is_the_one_that_counts(house: House) -> None:
    await lay_down(house, {"requests_per_minute": 1}, company="other")
    there = {"X-Company": "other"}
    assert (await house.owner.get("/admin/calls", headers=there)).headers["x-ratelimit-remaining"] == "0"
    assert (await house.owner.get("/admin/calls", headers=there)).status_code == 429
    assert (await house.owner.get("/admin/calls")).status_code == 200


async def test_the_sign_in_is_a_group_of_its_own(house: House) -> None:
    await lay_down(house, {"requests_per_minute": 1, "user_sign_ins_per_minute": 2})
    assert (await house.owner.get("/admin/calls")).status_code == 200
    assert (await house.owner.get("/admin/calls")).status_code == 429
    for expected in (200, 200, 429):
        assert (await house.owner.get("/admin/auth/me")).status_code == expected


async def test_who_signs_in_is_counted_by_address(house: House) -> None:
    answer = await house.sign_in()
    assert answer.headers["ratelimit-policy"] == '"address_requests_per_minute";q=600;w=60'
    for _ in range(600):
        answer = await house.client.post("/admin/auth/login", json={})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert answer.headers["ratelimit"] == '"address_requests_per_minute";r=0;t=60'
    assert (await house.owner.get("/admin/calls")).status_code == 200, "who is signed in already is not kept out"


async def test_calls_of_a_day(house: House) -> None:
    phone = Phone(house.calls)
    house.directory.add(phone)
    await lay_down(house, {"calls_per_day": 2})
    phone.refuses = "The line may not call at night."
    assert (await house.owner.post("/admin/calls", json=CALL)).status_code == 409
    phone.refuses = ""
    assert (await house.owner.post("/admin/calls", json={**CALL, "persona": "nobody"})).status_code == 422
    assert (await house.owner.post("/admin/calls", json={**CALL, "to": ""})).status_code == 422
    for left in ("1", "0"):
        answer = await house.owner.post("/admin/calls", json=CALL)
        assert answer.status_code == 202, "what came to nothing was taken back"
        assert answer.headers["x-ratelimit-remaining"] == left
        assert answer.headers["ratelimit-policy"] == '"calls_per_day";q=2;w=86400'
    refused = await house.owner.post("/admin/calls", json=CALL)
    assert refused.status_code == 429
    assert refused.json()["detail"].startswith("The limit of 2 outgoing calls a day for the company is reached.")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert len(phone.dialled) == 2
    house.clock.ahead += 86_400
    answer = await house.sign_in()
    house.owner.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert (await house.owner.post("/admin/calls", json=CALL)).status_code == 202


async def test_usage_by_day_and_kind(house: House) -> None:
    limits, today = house.platform.limits, house.platform.usage.today()
    await limits.take("calls_per_day", "default", "u1")
    await limits.take("calls_per_day", "default", "u2", channel="gsm")
    await limits.take("speech_characters_per_day", "default", cost=4000)
    await limits.take("calls_per_day", "other", "u3")
    answer = await house.owner.get("/admin/usage")
    assert answer.status_code == 200
    day = today.isoformat()
    assert answer.json() == {
        "from": (today - timedelta(days=29)).isoformat(),
        "to": day,
        "items": [
            {"day": day, "kind": "calls", "count": 2},
            {"day": day, "kind": "calls.gsm", "count": 1},
            {"day": day, "kind": "speech_characters", "count": 4000},
        ],
        "next_cursor": None,
    }
    only = await house.owner.get("/admin/usage", params={"kind": ["calls", "texts"], "from": day, "to": day})
    assert only.json()["items"] == [{"day": day, "kind": "calls", "count": 2}]
    house.clock.ahead += 86_400
    assert await limits.take("calls_per_day", "default", "u1") == ()
    items = (await house.owner.get("/admin/usage", headers=await _owner(house))).json()["items"]
    assert [(each["day"] > day, each["kind"], each["count"]) for each in items[:2]] == [
        (True, "calls", 1),
        (False, "calls", 2),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-02-01&to=2026-01-01",
        "from=2020-01-01&to=2026-01-01",
        "kind=bananas",
        "kind=calls.",
        "from=yesterday",
        "to=0001-01-01",
        "to=9999-12-31",
        "from=2200-12-31",
    ],
)
async def test_a_span_that_is_none_is_refused(house: House, query: str) -> None:
    answer = await house.owner.get(f"/admin/usage?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_is_left_of_every_limit(house: House) -> None:
    await lay_down(
        house, {"requests_per_minute": 100, "calls_per_day": 3, "calls_per_day.gsm": 1, "texts_per_day": None}, "free"
    )
    await house.platform.limits.take("calls_per_day", "default", "u1", channel="gsm")
    answer = await house.owner.get("/admin/usage/limits")
    assert answer.status_code == 200
    shown: dict[str, Any] = {each["name"]: each for each in answer.json()["limits"]}
    assert answer.json()["plan"] == "free"
    assert {name: (each["left"], each["most"], each["window"]) for name, each in shown.items()} == {
        "api_requests_per_minute": (60, 60, 60),
        "calls_per_day": (2, 3, 86_400),
        "calls_per_day.gsm": (0, 1, 86_400),
        "chat_messages_per_day": (500, 500, 86_400),
        "requests_per_minute": (99, 100, 60),
        "speech_characters_per_day": (50_000, 50_000, 86_400),
        "user_api_requests_per_minute": (30, 30, 60),
        "user_requests_per_minute": (299, 300, 60),
        "user_sign_ins_per_minute": (60, 60, 60),
    }


async def test_usage_is_for_those_who_may_see_it(house: House) -> None:
    headers = await user(house, "ivan", Role.USER)
    for path in ("/admin/usage", "/admin/usage/limits"):
        assert (await house.client.get(path, headers=headers)).status_code == 403
        assert (await house.client.get(path)).status_code == 401


async def test_a_changed_plan_holds_after_five_seconds_whoever_changed_it(house: House) -> None:
    assert (await house.owner.get("/admin/calls")).status_code == 200
    async with house.database.write() as session:
        (await session.get_one(CompanyRow, "default")).settings = {"limits": {"requests_per_minute": 0}}
    house.clock.ahead += 5
    assert (await house.owner.get("/admin/calls")).status_code == 429


async def _owner(house: House) -> dict[str, str]:
    return {"Authorization": f"Bearer {(await house.sign_in()).json()['access_token']}"}
