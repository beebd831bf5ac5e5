"""A real process behind a real pipe: sessions, back-pressure, cancel, errors."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.errors import EngineError, EngineOverloadedError, EngineUnavailableError
from services.parts import State
from services.workers.session import Session
from services.workers.wire import WINDOW
from services.workers.worker import Worker

Make = Callable[..., Awaitable[Worker]]


async def ask(session: Session, kind: str, **data: Any) -> dict[str, Any]:
    await session.send(kind, data)
    answer = await session.receive(10)
    assert answer is not None
    return dict(answer.data)


async def _until_done(session: Session) -> AsyncIterator[Any]:
    async for message in session:
        if message.type == "done":
            return
        yield message


async def test_messages_and_samples_cross_both_ways_in_order(make: Make) -> None:
    worker = await make()
    session = await worker.open({"language": "ru"})
    for index in range(50):
        await session.send("echo", {"index": index, "text": "Привет\n\0"}, bytes(range(256)) * index)
    for index in range(50):
        message = await session.receive(10)
        assert message is not None
        assert (message.type, message.data) == ("echo", {"index": index, "text": "Привет\n\0"})
        assert message.payload == bytes(range(256)) * index
    await session.aclose()
    assert [each async for each in session] == []
    assert worker.state is State.READY


async def test_printing_of_libraries_does_not_corrupt_the_pipe(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    worker = await make()
    session = await worker.open()
    with caplog.at_level(logging.WARNING):
        await ask(session, "print")
        await ask(session, "echo")
        await worker.close()
    assert "noise from C on standard output" in caplog.text
    assert "noise from Python" in caplog.text


async def test_an_unread_session_is_bounded_and_stalls_nobody(make: Make) -> None:
    worker = await make()
    lazy, brisk = await worker.open(), await worker.open()
    await lazy.send("flood", {"count": 400, "size": 8000})
    for index in range(20):
        assert (await ask(brisk, "echo", index=index))["index"] == index
    await asyncio.sleep(0.2)
    assert 0 < lazy.unread_bytes <= WINDOW
    indexes = []
    async for message in lazy:
        if message.type == "done":
            break
        indexes.append(message.data["index"])
    assert indexes == list(range(400))


async def test_a_session_that_waits_for_its_reader_is_not_taken_for_a_hung_one(make: Make) -> None:
    worker = await make(stall_timeout=0.5)
    session = await worker.open()
    await session.send("flood", {"count": 100, "size": 8000})
    await asyncio.sleep(2.5)
    assert [each.type async for each in _until_done(session)] == ["drop"] * 100


async def test_a_slow_engine_makes_its_sender_wait(make: Make) -> None:
    worker = await make()
    session, other = await worker.open(), await worker.open()
    await session.send("swallow", {"seconds": 30})

    async def pour() -> None:
        while True:
            await session.send("echo", {}, b"\0" * 8000)

    pouring = asyncio.create_task(pour())
    await ask(other, "echo")
    await asyncio.sleep(0.1)
    assert not pouring.done()
    assert session.under_way_bytes <= WINDOW
    await session.aclose()
    with pytest.raises(EngineError, match="closed"):
        await pouring


async def test_messages_larger_than_the_window_pass(make: Make) -> None:
    worker = await make()
    session = await worker.open()
    for _ in range(4):
        await session.send("echo", {}, b"\1" * (WINDOW * 3))
        message = await session.receive(10)
        assert message is not None
        assert len(message.payload) == WINDOW * 3
    for _ in range(100):
        await session.send("echo", {}, b"\1" * 10_000)
        await session.receive(10)
        assert 0 <= session.under_way_bytes <= WINDOW
        assert session.unread_bytes == 0


async def test_closing_cancels_the_engine_and_frees_the_place(make: Make) -> None:
    worker = await make(sessions=1)
    for _ in range(3):
        session = await worker.open()
        await ask(session, "wait_for_cancel")
        await session.aclose()
        await session.aclose()
    last = await worker.open()
    assert (await ask(last, "count_closed"))["closed"] == 3


async def test_a_full_worker_refuses(make: Make) -> None:
    worker = await make(sessions=2)
    first, _ = await worker.open(), await worker.open()
    with pytest.raises(EngineOverloadedError, match="busy with 2"):
        await worker.open()
    await first.aclose()
    assert await ask(await worker.open(), "echo", a=1) == {"a": 1}


async def test_reading_gives_up_after_its_timeout_and_can_go_on(make: Make) -> None:
    worker = await make()
    session = await worker.open()
    await session.send("nap", {"seconds": 0.4})
    with pytest.raises(EngineError, match=r"said nothing for 0\.05 s"):
        await session.receive(0.05)
    message = await session.receive(10)
    assert message is not None
    assert message.type == "awake"


async def test_errors_of_the_engine_end_only_their_session(make: Make) -> None:
    worker = await make()
    good = await worker.open()
    refused = await worker.open({"language": "xx"})
    with pytest.raises(EngineUnavailableError, match="does not speak xx"):
        await refused.receive(10)
    for wrong, why in (("raise", "RuntimeError: inside"), ("unspeakable", "not JSON")):
        bad = await worker.open()
        await bad.send(wrong)
        with pytest.raises(EngineError, match=why):
            await bad.receive(10)
        with pytest.raises(EngineError):
            await bad.send("echo")
        await bad.aclose()
    assert await ask(good, "echo", still=True) == {"still": True}
    with pytest.raises(EngineError, match="not JSON"):
        await good.send("echo", {"not": {"json"}})
