"""What an attacker sends first: too much, too deep, paths that climb, headers with line ends, other pages' requests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from every_route import Api, ask
from whole_house import WholeHouse, whole_house

CLIMBING = ["..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cdata%5csecret.key", "%00", "....//"]
TOO_LONG = b'{"username": "' + b"x" * 2_000_000 + b'"}'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


async def owner(house: WholeHouse) -> dict[str, str]:
    client = await house.client("olga")
    return {"authorization": client.headers["Authorization"]}


async def test_no_path_climbs_out_of_its_folder(house: WholeHouse) -> None:
    signed_in, asked = await owner(house), 0
    for method, route in Api(house.app, {}).ruled():
        if method != "GET" or "{" not in route.path:
            continue
        head, _, tail = route.path.partition("{")
        for climb in CLIMBING:
            path = f"{head}{climb}{tail.partition('}')[2].replace('{', '').replace('}', '')}"
            answer = await ask(house.app, "GET", path, signed_in)
            assert answer.status < 500, path
            assert b"root:" not in answer.body, path
            assert b"/bin/" not in answer.body, path
            asked += 1
    for page in ("/swagger/", "/home.css/", "/"):
        for climb in CLIMBING:
            answer = await ask(house.app, "GET", f"{page}{climb}")
            assert answer.status in (200, 404, 405), (page, climb)
            assert b"root:" not in answer.body
    assert asked >= 10


async def test_every_route_that_takes_json_bounds_it(house: WholeHouse) -> None:
    api, signed_in, asked = Api(house.app, {}), await owner(house), 0
    for route in api.routes:
        for method in route.methods:
            if method in ("POST", "PUT", "PATCH") and api.body(method, route.path) is not None:
                answer = await ask(house.app, method, route.path.replace("{", "").replace("}", ""), signed_in, TOO_LONG)
                assert answer.status == 413, (method, route.path)
                asked += 1
    assert asked >= 5


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"username":' * 50_000,
        b'{"username": "\\ud800", "password": "x"}',
        b'{"username": "a\\u0000b", "password": "x"}',
        b"\xff\xfe",
        b'{"username": 1e999, "password": {}}',
        b"",
        b"null",
        b'{"username": "' + b"9" * 5000 + b'", "password": ' + b"9" * 5000 + b"}",
    ],
    ids=[
        "nested lists",
        "nested objects",
        "half a character",
        "NUL",
        "no text",
        "infinite",
        "nothing",
        "null",
        "digits",
    ],
)
async def test_a_body_that_is_no_request_is_refused_in_words(house: WholeHouse, body: bytes) -> None:
    answer = await ask(house.app, "POST", "/admin/auth/login", {}, body)
    assert answer.status in (400, 401, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"Traceback" not in answer.body


async def test_no_header_of_a_request_ends_a_line_in_the_answer(house: WholeHouse) -> None:
    signed_in, evil = await owner(house), "x\r\nSet-Cookie: stolen=1"
    names = ("x-request-id", "idempotency-key", "if-match", "origin", "x-forwarded-for", "accept-language", "x-company")
    for path in ("/admin/auth/me", "/", "/healthz", "/admin/calls"):
        for name in names:
            answer = await ask(house.app, "GET", path, signed_in | {name: evil})
            assert answer.status < 500, (path, name)
            assert "set-cookie" not in answer.headers
            assert not any("\r" in value or "\n" in value for value in answer.headers.values()), (path, name)


async def test_every_answer_has_the_security_headers(house: WholeHouse) -> None:
    signed_in = await owner(house)
    asked = [("GET", "/"), ("GET", "/nothing"), ("GET", "/admin/calls"), ("POST", "/healthz"), ("GET", "/docs")]
    for method, path in asked:
        for headers in ({}, signed_in):
            answer = await ask(house.app, method, path, headers)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["x-frame-options"] == "DENY"
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert path != "/admin/calls" or answer.headers["cache-control"] == "no-store"


async def test_no_page_of_another_origin_may_read_anything(house: WholeHouse) -> None:
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}):
        answer = await ask(house.app, "GET", "/healthz", headers)
        assert "access-control-allow-origin" not in answer.headers
        asked = headers | {"access-control-request-method": "POST"}
        assert "access-control-allow-origin" not in (await ask(house.app, "OPTIONS", "/v1/models", asked)).headers


async def test_only_the_pages_on_the_list_may_read_answers(tmp_path: Path) -> None:
    async with whole_house(tmp_path, cors_origins=("https://panel.example.org",)) as house:
        for origin, allowed in {
            "https://panel.example.org": True,
            "https://panel.example.org.evil.example": False,
            "https://evil.example/https://panel.example.org": False,
            "http://panel.example.org": False,
            "null": False,
        }.items():
            answer = await ask(house.app, "GET", "/healthz", {"origin": origin})
            assert (answer.headers.get("access-control-allow-origin") == origin) is allowed, origin
            assert "access-control-allow-credentials" not in answer.headers


async def test_a_hundred_requests_that_never_end_leave_the_house_alive(house: WholeHouse) -> None:
    async def hang() -> None:
        async def receive() -> dict[str, Any]:
            await asyncio.sleep(3600)
            return {}

        async def send(_: object) -> None: ...

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/admin/auth/login",
            "query_string": b"",
            "root_path": "",
            "headers": [],
            "client": ("192.0.2.8", 1),
            "server": ("house", 80),
            "state": {},
        }
        await house.app(scope, receive, send)

    hanging = [asyncio.create_task(hang()) for _ in range(100)]
    await asyncio.sleep(0.1)
    assert (await ask(house.app, "GET", "/healthz")).status == 200
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
