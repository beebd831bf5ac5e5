"""What is asked of the house, and how long each answer takes."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.api.client import Connection, Reply
from bench.api.serving import PASSWORD, name_of

FIRST_WORD = b'"The'
THINKING_MS = 100
WARM_UP = 10

Act = Callable[[Connection, int], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Answers a second, the milliseconds of each and, of a chat, those beyond the language model's own."""

    rate: float
    times: list[float]
    added: list[float] = field(default_factory=list)


Measured = dict[str, Figures]


async def measure(port: int, model_port: int, requests: int, together: int) -> Measured:
    """Ask for everything; return it by name."""
    async with Connection(port) as connection:
        headers = {"Authorization": f"Bearer {await sign_in(connection, 0)}"}

    def get(path: str, headers: dict[str, str] | None = None) -> Act:
        async def act(connection: Connection, _: int) -> float:
            return _expected(await connection.ask("GET", path, None, headers)).first

        return act

    async def signing_in(connection: Connection, number: int) -> float:
        began = time.perf_counter()
        await sign_in(connection, number)
        return time.perf_counter() - began

    measured = {
        "/healthz": await in_turns(together, requests, port, get("/healthz")),
        "list of 50": await in_turns(together, requests, port, get("/admin/faq?limit=50", headers)),
        "sign-in": await in_turns(together, min(requests, 200), port, signing_in),
    }
    for thinking, model in ((THINKING_MS, f"{THINKING_MS} ms"), (0, "at once")):
        async with Connection(model_port) as connection:
            await connection.ask("GET", f"/thinking/{thinking}")
        async with Connection(port) as house, Connection(model_port) as provider:
            questions = await chat_questions(house, headers)
            measured[f"chat, model {model}"] = await beside(provider, house, questions, requests // 2)
            measured[f"/v1 stream, model {model}"] = await beside(
                provider, house, plain_questions(headers), requests // 2
            )
    return measured


async def sign_in(connection: Connection, number: int) -> str:
    """Sign in as one of the people; return the access token."""
    given = {"username": name_of(number), "password": PASSWORD}
    token: str = _expected(await connection.ask("POST", "/admin/auth/login", given)).json()["access_token"]
    return token


async def in_turns(together: int, requests: int, port: int, act: Act) -> Figures:
    """Let `together` connections ask one after another."""
    times: list[float] = []

    async def ask_on(number: int) -> None:
        async with Connection(port) as connection:
            await act(connection, number)  # the first one of each connection warms up
            await ready.wait()
            times.extend([await act(connection, number) * 1000 for _ in range(requests // together)])

    ready = asyncio.Barrier(together)
    asking = [asyncio.create_task(ask_on(number)) for number in range(together)]
    began = time.perf_counter()
    await asyncio.gather(*asking)
    return Figures(len(times) / (time.perf_counter() - began), times)


Question = tuple[str, Any, dict[str, str]]


async def chat_questions(house: Connection, headers: dict[str, str]) -> Iterator[Question]:
    """Begin a chat; return what is said in it."""
    wanted = {"title": "bench", "system_prompt": "Be short."}
    path = f"/admin/chats/{_expected(await house.ask('POST', '/admin/chats', wanted, headers)).json()['id']}/messages"
    return ((path, {"text": text}, headers) for text in _texts())


def plain_questions(headers: dict[str, str]) -> Iterator[Question]:
    """Return what is asked in the manner of OpenAI."""
    return (("/v1/chat/completions", _asked("secretary", text), headers) for text in _texts())


async def beside(provider: Connection, house: Connection, questions: Iterator[Question], pairs: int) -> Figures:
    """Ask the model directly and through the house in turns, for the first word of the answer."""
    direct, through = [], []
    for number in range(pairs + WARM_UP):
        reply = await provider.ask("POST", "/v1/chat/completions", _asked("fox", "Hm?"), mark=FIRST_WORD)
        path, body, headers = next(questions)
        answer = _expected(await house.ask("POST", path, body, headers, mark=FIRST_WORD))
        if FIRST_WORD not in answer.body:
            raise SystemExit(f"The house has said something else: {answer.body.decode()[:300]}")
        if number >= WARM_UP:
            direct.append(reply.first * 1000)
            through.append(answer.first * 1000)
    added = [house_ms - model_ms for house_ms, model_ms in zip(through, direct, strict=True)]
    return Figures(1000 / statistics.mean(through), through, added)


def _texts() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"Tell me a story, number {number}, of a fox."


def _asked(model: str, text: str) -> dict[str, Any]:
    return {"model": model, "stream": True, "messages": [{"role": "user", "content": text}]}


def _expected(reply: Reply) -> Reply:
    if reply.status >= 300:
        raise SystemExit(f"The house has answered {reply.status}: {reply.body.decode()[:300]}")
    return reply
