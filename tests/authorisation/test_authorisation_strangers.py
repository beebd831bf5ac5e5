"""What strangers send to learn or to break something: forged tokens and cursors, names that lead to this machine."""

import base64
import json
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import structlog
from every_route import Api, ask, fill
from sqlalchemy import text
from two_companies import open_two
from whole_house import WholeHouse, whole_house

from services.accounts.roles import Role
from services.log_masks import mask_event
from services.storage.isolation import every_company


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_no_token_is_made_good_by_what_it_says_of_itself(house: WholeHouse) -> None:
    client = await house.client("olga")
    head, claims, signature = client.headers["Authorization"].split()[1].split(".")
    said = json.loads(base64.urlsafe_b64decode(head + "=="))
    wanted = json.loads(base64.urlsafe_b64decode(claims + "=="))
    heads = [{"alg": "none"}, {"alg": "None"}, {"alg": "HS512"}, {"alg": "RS256"}, {"kid": ["x"]}, {"kid": "\ud800"},
             {"kid": "../../dev/null"}, {"kid": ""}, {"b64": False, "crit": ["b64"]}]  # fmt: skip
    forged = [f"{encoded(json.dumps(said | each).encode())}.{claims}.{signature}" for each in heads]
    forged += [each.rpartition(".")[0] + "." for each in forged]
    longer = encoded(json.dumps(wanted | {"exp": wanted["exp"] + 86_400}).encode())
    deep = encoded(b"[" * 40_000 + b"]" * 40_000)
    forged += [f"{head}.{longer}.{signature}", f"{deep}.{claims}.{signature}", f"{head}.{deep}.{signature}",
               "." * 50_000, "sk-" + "a" * 50_000, "a\x00b", f"{head}.{claims}.{signature}x"]  # fmt: skip
    for token in forged:
        answer = await ask(house.app, "GET", "/admin/auth/me", {"authorization": f"Bearer {token}"})
        assert answer.status == 401, token[:80]


async def test_no_cursor_breaks_a_list(house: WholeHouse) -> None:
    both = await open_two(house)
    asked = 0
    forged = ["0.99999999999999999999", "0.9999999999", f"0.{'9' * 180}", "0.a\x00b", "0.\u0663",
              "253402300799999999.x", "-62135596800000000.x", "9" * 199, "."]  # fmt: skip
    for method, route in Api(house.app, {}).ruled():
        if method != "GET" or not takes_cursor(both.api, route.path):
            continue
        things = (*both.own.things.get(route.path.partition("/{")[0], ()), "0" * 32)
        for cursor in forged:
            path = fill(route.path, things)
            answer = await ask(house.app, method, path, both.own.headers[Role.OWNER], query=f"cursor={quote(cursor)}")
            assert answer.status in (200, 404, 422), (path, cursor, answer.body)
            asked += 1
    assert asked >= 100


def takes_cursor(api: Api, path: str) -> bool:
    parameters = api._document["paths"].get(path, {}).get("get", {}).get("parameters", ())
    return any(each["name"] == "cursor" for each in parameters)


@pytest.mark.parametrize(
    ("address", "host", "headers", "told"),
    [
        ("127.0.0.1", "localhost", {}, True),
        ("::1", "[::1]:8002", {}, True),
        ("192.0.2.7", "localhost", {}, False),
        ("127.0.0.1", "localhost", {"X-Forwarded-For": "192.0.2.7"}, False),
        ("127.0.0.1", "rebound.evil.example", {}, False),
        ("127.0.0.1", "127.0.0.1.evil.example", {}, False),
    ],
)
async def test_strangers_are_told_no_addresses_and_accounts(
    house: WholeHouse, address: str, host: str, headers: dict[str, str], told: bool
) -> None:
    transport = httpx.ASGITransport(house.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers) as client:
        parts = (await client.get("/readyz")).json()["parts"]
        page = (await client.get("/")).text
        figures = (await client.get("/metrics")).status_code
    assert {"database", "gsm"} <= {each["name"] for each in parts} | {"gsm"}
    assert any(each["detail"] for each in parts) is told
    assert ("secretary.db" in page) is told
    assert figures == (200 if told else 403)


def test_no_line_of_the_log_orders_a_terminal_about() -> None:
    out = StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(out), processors=[mask_event, structlog.dev.ConsoleRenderer(colors=False)]
    )
    log.info("a call\x1b[2K", name="\x1b[1A\x1b[31mAdmin", more=["\x9b2J", {"deep": "\r\x07"}], lines="one\ntwo\tthree")
    assert not any(each in out.getvalue() for each in "\x1b\x9b\r\x07")
    assert "Admin" in out.getvalue()
    assert out.getvalue().count("\n") == 1


async def test_a_database_that_fails_does_not_tell_strangers_where_it_is(house: WholeHouse) -> None:
    path = house.installation.settings.data_dir / "secretary.db"
    async with house.installation.platform.database.write() as session:
        await session.execute(text("ALTER TABLE users RENAME TO lost"), execution_options=every_company("a test"))
    given = {"username": "olga", "password": "does not matter"}
    answer = await (await house.client()).post("/admin/auth/login", json=given)
    assert answer.status_code == 503
    assert "The database is not of this version." in answer.json()["detail"]
    assert str(path) not in answer.text


async def test_a_whole_network_of_ipv6_is_one_stranger_to_webhooks(house: WholeHouse) -> None:
    answers = []
    for number in range(40):
        transport = httpx.ASGITransport(house.app, client=(f"2001:db8:1:2::{number:x}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
            answers.append((await client.post("/webhooks/standard/nothing", json={})).status_code)
    assert set(answers[:30]) == {404}
    assert set(answers[30:]) == {429}
