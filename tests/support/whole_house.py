"""The whole house as it is served, without speech and telephone: every route that there is, over a real database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from opener import orchestrator

from services.accounts.roles import Role
from services.installation import Installation

PASSWORD = "seven grey herons waded"
PEOPLE = {"olga": Role.OWNER, "anton": Role.ADMIN, "ulla": Role.USER, "gleb": Role.GUEST}
"""Of each company: in the second one they are called olga2, anton2, ..."""


@dataclass(frozen=True, slots=True)
class WholeHouse:
    """The application, what it stands on, and a client for whoever has signed in."""

    app: FastAPI
    installation: Installation
    stack: AsyncExitStack

    async def client(self, username: str = "", **headers: str) -> httpx.AsyncClient:
        """Return a client of a user ("": of nobody)."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = await self.stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://house", headers=headers)
        )
        if username:
            given = {"username": username, "password": PASSWORD}
            answer = await client.post("/admin/auth/login", json=given)
            assert answer.status_code == 200, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client


@asynccontextmanager
async def whole_house(folder: Path, **settings: Any) -> AsyncIterator[WholeHouse]:
    """Open it with the people of the first company."""
    given = {"data_dir": folder / "data", "language": "en", "telephony": {"enabled": False}} | settings
    async with AsyncExitStack() as stack:
        installation, app = await stack.enter_async_context(orchestrator()["open_house"](speech=False, **given))
        for name, role in PEOPLE.items():
            await installation.accounts.add("default", name, PASSWORD, role)
        yield WholeHouse(app, installation, await stack.enter_async_context(AsyncExitStack()))
