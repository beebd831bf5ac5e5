"""The whole installation behind a real socket, in a thread of its own, so that synchronous clients can talk to it."""

import asyncio
import runpy
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai_server
import uvicorn
from openai_server import FakeServer

from api.server import build_app, open_socket
from services.accounts.roles import Role
from services.installation import Installation, OpenInstallation

ROOT = Path(__file__).resolve().parents[2]
OWNER, PASSWORD = "olga", "seven grey herons waded"
USER = "petra"


@dataclass
class ServedHouse:
    """Where it is served, what its language model is told to answer, and keys to it."""

    url: str
    model: FakeServer
    installation: Installation
    loop: asyncio.AbstractEventLoop
    keys: dict[str, str] = field(default_factory=dict)

    def client(self, name: str = OWNER) -> httpx.Client:
        """Return a client with a user's API key."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.keys[name]}"}, timeout=30)

    def run(self, coroutine: Any) -> Any:
        """Run something in the house's own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)


@contextmanager
def served_house(folder: Path, *, with_model: bool, **settings: Any) -> Iterator[ServedHouse]:
    """Serve an installation in `folder`; `with_model` a fake language model over the wire is the house's own."""
    opener: OpenInstallation = runpy.run_path(str(ROOT / "orchestrator.py"))["open_installation"]
    ready: list[ServedHouse] = []
    failed: list[BaseException] = []
    up, ending = threading.Event(), list[asyncio.Event]()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            ending.append(asyncio.Event())
            fake = await stack.enter_async_context(openai_server.running())
            llm = {"base_url": fake.url, "first_token_timeout": 4.0} if with_model else {}
            owner = {"username": OWNER, "password": PASSWORD}
            given = {"language": "en", "owner": owner, "data_dir": folder / "data", "llm": llm, **settings}
            installation = await stack.enter_async_context(opener(**given))
            if with_model and installation.mind.model is None:
                await installation.mind.start()
            listening = stack.enter_context(open_socket("127.0.0.1", 0))
            app = build_app(installation)
            config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
            server = uvicorn.Server(config)
            port = listening.getsockname()[1]
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            house = ServedHouse(f"http://127.0.0.1:{port}", fake, installation, asyncio.get_running_loop())
            await installation.accounts.add(installation.company_id, USER, PASSWORD, Role.USER)
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            await _make_keys(house)
            ready.append(house)
            up.set()
            await ending[0].wait()
            server.should_exit = True
            await serving

    def main() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)
        finally:
            up.set()

    thread = threading.Thread(target=main, name="served house")
    thread.start()
    up.wait(60)
    try:
        if not ready:
            raise failed[0] if failed else TimeoutError("the house was not served")
        yield ready[0]
    finally:
        if ready:
            ready[0].loop.call_soon_threadsafe(ending[0].set)
        thread.join(30)
    if failed:
        raise failed[0]


async def _make_keys(house: ServedHouse) -> None:
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as client:
        for name, scopes in ((OWNER, ["assistant", "speech", "chats"]), (USER, ["assistant", "speech", "chats"])):
            signed = await client.post("/admin/auth/login", json={"username": name, "password": PASSWORD})
            signed.raise_for_status()
            bearer = {"Authorization": f"Bearer {signed.json()['access_token']}"}
            made = await client.post("/admin/api-keys", json={"name": "tests", "scopes": scopes}, headers=bearer)
            made.raise_for_status()
            house.keys[name] = made.json()["key"]
