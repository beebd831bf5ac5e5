"""Two orchestrator processes on one PostgreSQL and one Redis, each with a data folder of its own and the same key."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from front_door import free_port
from redis_server import RedisServer, redis_server
from servers import postgres_database
from silent_house import SilentHouse
from whole_house import PASSWORD

from services.accounts.secret_key import SecretKey

OWNER = "olga"


@dataclass(slots=True)
class TwoHouses:
    """The processes `a` and `b`; their language model is expected on `model_port`, where a test may serve one."""

    a: SilentHouse
    b: SilentHouse
    redis: RedisServer
    database_url: str
    folder: Path
    model_port: int

    def settings(self, **more: str) -> dict[str, str]:
        """Return what both are started with."""
        return {
            "SECRETARY_DATABASE_URL": self.database_url,
            "SECRETARY_REDIS_URL": self.redis.url,
            "SECRETARY_OWNER__USERNAME": OWNER,
            "SECRETARY_OWNER__PASSWORD": PASSWORD,
            "SECRETARY_WEBHOOKS__ALLOW_HTTP": "true",
            "SECRETARY_WEBHOOKS__ALLOW_PRIVATE": "127.0.0.1/32",
            "SECRETARY_LLM__BASE_URL": f"http://127.0.0.1:{self.model_port}/v1",
            "SECRETARY_LLM__FIRST_TOKEN_TIMEOUT": "30",
            "SECRETARY_LLM__TOKEN_TIMEOUT": "30",
            **more,
        }

    def house(self, name: str) -> SilentHouse:
        """Return a process that is not started yet, with an empty data folder named after it."""
        folder = self.folder / name
        (folder / "data").mkdir(parents=True, mode=0o700)
        return SilentHouse(folder, free_port(), self.settings())


@contextmanager
def two_houses(folder: Path) -> Iterator[TwoHouses]:
    """Within the context both serve."""
    with ExitStack() as stack:
        redis, url = stack.enter_context(redis_server()), stack.enter_context(postgres_database())
        two = TwoHouses(None, None, redis, url, folder, free_port())  # type: ignore[arg-type]
        two.a, two.b = two.house("a"), two.house("b")
        SecretKey(folder / "a" / "data" / "secret.key").ids()
        shutil.copy2(folder / "a" / "data" / "secret.key", folder / "b" / "data" / "secret.key")
        stack.callback(two.b.stop)
        stack.callback(two.a.stop)
        with ThreadPoolExecutor(2) as threads:
            for started in [threads.submit(each.start) for each in (two.a, two.b)]:
                started.result()
        yield two


def client(house: SilentHouse, token: str = "", address: str = "", **more: Any) -> httpx.AsyncClient:
    """Return a client of a process: of nobody without a token; from an `address` of loopback, where it matters."""
    transport = httpx.AsyncHTTPTransport(local_address=address or None)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=house.url, headers=headers, timeout=30, transport=transport, **more)


async def sign_in(house: SilentHouse, username: str = OWNER, password: str = PASSWORD) -> str:
    """Return an access token."""
    async with client(house) as nobody:
        answer = await nobody.post("/admin/auth/login", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])
