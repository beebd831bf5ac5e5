"""Every route carries a rule, or is public on purpose."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_house import House, api_house
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from services.web.access import Anybody, without_rule

PUBLIC = {
    "/admin/auth/login",
    "/admin/auth/refresh",
    "/auth/accept-invitation",
    "/auth/reset-password",
    "/legal/{company_id}/{kind}",
    "/setup",
    "/setup.css",
    "/setup.js",
    "/webhooks/{service}/{instance}",
    "/openapi.json",
    "/docs",
    "/docs/oauth2-redirect",
    "/redoc",
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def test_every_route_of_the_administration_carries_a_rule(house: House) -> None:
    assert without_rule(house.app, PUBLIC) == []


async def test_nobody_gets_in_without_a_token(house: House) -> None:
    asked = 0
    for route in iter_route_contexts(house.app.routes):
        path = str(route.path)
        if path in PUBLIC:
            continue
        for method in route.methods or ():
            answer = await house.client.request(method, re.sub(r"{[a-z_]+}", "c1", path))
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            asked += 1
    assert asked >= 10


def test_a_forgotten_rule_is_found_however_deep_the_route_lies() -> None:
    inner, outer, app = APIRouter(), APIRouter(), FastAPI(openapi_url=None)

    @inner.get("/forgotten")
    async def forgotten() -> None: ...

    @inner.get("/ruled")
    async def ruled(who: Anybody) -> None: ...

    @inner.websocket("/listen")
    async def listen() -> None: ...

    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/admin")
    app.mount("/files", FastAPI())
    assert without_rule(app, set()) == ["/admin/inner/forgotten", "/admin/inner/listen", "/files"]
    assert without_rule(app, {"/files"}) == ["/admin/inner/forgotten", "/admin/inner/listen"]
