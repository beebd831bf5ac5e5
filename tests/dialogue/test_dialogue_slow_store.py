"""A database that takes its time: answers do not wait for it, and what is late is stored all the same."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest
from dialogue_desk import Book, Desk, Memory
from virtual_time import run_virtually

from services.domain import TakenMessage
from services.errands import Errands
from services.errors import StorageError

LOCKED = 20.0  # seconds


async def _locked() -> None:
    """Wait as a driver does whose database is locked: also when nobody wants it any more."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LOCKED
    while loop.time() < until:
        try:
            await asyncio.sleep(until - loop.time())
        except asyncio.CancelledError:
            continue


class SlowMemory(Memory):
    """A locked database."""

    async def save_state(self, company_id: str, conversation_id: str, state: Mapping[str, Any]) -> None:
        await _locked()
        await super().save_state(company_id, conversation_id, state)


class SlowBook(Book):
    """Another one."""

    async def save(self, message: TakenMessage) -> None:
        await _locked()
        await super().save(message)


def virtually(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end of everything that nobody waited for."""

    async def to_the_end() -> None:
        await main
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    run_virtually(to_the_end())


def now() -> float:
    return asyncio.get_running_loop().time()


def test_an_answer_waits_a_second_for_its_memory_and_no_longer() -> None:
    desk = Desk("en", memory=SlowMemory())

    async def talk() -> None:
        events = [event async for event in desk.secretary.greet(desk.conversation)]
        assert events
        assert now() == pytest.approx(1.0)
        assert not desk.memory.stored

    virtually(talk())
    assert list(desk.memory.stored) == ["clinic/talk"]


def test_an_interrupted_answer_is_gone_at_once_and_remembered_later() -> None:
    desk = Desk("en", memory=SlowMemory())

    async def talk() -> None:
        reading = asyncio.create_task(_read(desk))
        await asyncio.sleep(0.1)
        reading.cancel()
        await asyncio.wait([reading])
        assert now() == pytest.approx(0.1)

    virtually(talk())
    assert desk.memory.stored


async def _read(desk: Desk) -> None:
    async for _ in desk.secretary.no_input(desk.conversation, 1):
        pass


def test_a_message_that_is_not_stored_in_time_is_admitted_and_stored_behind_the_call() -> None:
    desk = Desk("en", book=SlowBook())

    async def talk() -> None:
        answer = await desk.all("can i leave a message", "i will be ten minutes late today")
        assert answer.by.detail == "save_failed"
        assert now() <= 4.0
        assert not desk.book.versions

    virtually(talk())
    assert desk.book.last.matter


def test_a_conversation_that_was_never_opened_has_no_place_for_its_memory() -> None:
    desk = Desk("en")
    desk.conversation.id = ""

    async def talk() -> None:
        assert [event async for event in desk.secretary.greet(desk.conversation)]
        assert not desk.memory.stored

    virtually(talk())


def test_an_errand_answers_fails_or_is_late() -> None:
    async def fails() -> None:
        raise StorageError("The disk is full.")

    async def run() -> None:
        errands = Errands()
        assert await errands.within(1.0, asyncio.sleep(0.5, "done")) == "done"
        with pytest.raises(StorageError, match="disk is full"):
            await errands.within(1.0, fails())
        with pytest.raises(StorageError, match=r"for 1\.5 s"):
            await errands.within(1.5, asyncio.sleep(1000))
        assert now() == pytest.approx(2.0)
        errands.leave(asyncio.sleep(3.0))
        await errands.close()
        assert now() == pytest.approx(7.0)

    virtually(run())
