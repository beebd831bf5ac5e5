"""The phone rings while the books cannot be read: it is answered all the same, in time, by whom they named last."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from virtual_time import run_virtually
from voice_desk import Books, a_desk
from voice_fakes import Act, FakeLine, FakeSecretary, MemoryLog, a_persona

from services.domain import CompanyProfile, OpenedConversation, Persona
from services.errors import SecretaryError, StorageError
from services.voice.preparation import PATIENCE, Preparation
from services.voice.reception import Reception

Trouble = Callable[[], Awaitable[None]]


async def hangs() -> None:
    """Wait as a driver does whose database is locked: also when nobody wants the answer any more."""
    loop = asyncio.get_running_loop()
    until = loop.time() + 40
    while loop.time() < until:
        try:
            await asyncio.sleep(until - loop.time())
        except asyncio.CancelledError:
            continue


async def refuses() -> None:
    raise StorageError("The disk is full.")


async def surprises() -> None:
    raise ConnectionRefusedError("nobody listens there")


class Shaky(Books):
    """Books that work until they are `broken`: the trouble that each question runs into."""

    def __init__(self) -> None:
        self.broken: dict[str, Trouble] = {}

    async def _ask(self, question: str) -> None:
        if trouble := self.broken.get(question):
            await trouble()

    async def profile(self, company_id: str) -> CompanyProfile | None:
        await self._ask("profile")
        return await super().profile(company_id) if company_id == "default" else None

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        await self._ask("persona")
        return a_persona(language)

    async def open(self, company_id: str, channel: str, number: str, language: str, persona: str) -> OpenedConversation:
        await self._ask("open")
        return OpenedConversation("thread", returning=True)

    async def hints(self, company_id: str, language: str) -> list[str]:
        await self._ask("hints")
        return []


def all_of(trouble: Trouble) -> dict[str, Trouble]:
    return dict.fromkeys(("profile", "persona", "open", "hints"), trouble)


def a_preparation(books: Shaky) -> Preparation:
    return Preparation(
        a_desk(
            Path(),
            MemoryLog(),
            companies=books,
            personas=books,
            conversations=books,
            hints=books,
            languages=("en", "ru"),
        )
    )


def virtually(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end of everything that nobody waited for."""

    async def to_the_end() -> None:
        await main
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    run_virtually(to_the_end())


@pytest.mark.parametrize("broken", [{"open": hangs}, {"profile": hangs}, {"persona": refuses}, all_of(surprises)])
def test_whoever_was_named_last_answers_in_time(broken: dict[str, Trouble]) -> None:
    async def ring() -> None:
        books, line = Shaky(), FakeLine([])
        preparation = a_preparation(books)
        known, trouble = await preparation.conversation(line)
        assert (known.id, known.returning, trouble) == ("thread", True, "")
        books.broken = broken
        rang = asyncio.get_running_loop().time()
        conversation, trouble = await preparation.conversation(line)
        assert asyncio.get_running_loop().time() - rang <= PATIENCE + 0.01
        assert trouble
        assert (conversation.id, conversation.returning, conversation.history) == ("", False, [])
        assert (conversation.company, conversation.persona) == (known.company, known.persona)
        assert list(await preparation.tongues(conversation)) == ["en", "ru"]
        assert asyncio.get_running_loop().time() - rang <= PATIENCE + 0.01

    virtually(ring())


def test_books_that_are_mended_are_read_again() -> None:
    async def ring() -> None:
        books, line = Shaky(), FakeLine([])
        preparation = a_preparation(books)
        await preparation.conversation(line)
        books.broken = all_of(refuses)
        assert (await preparation.conversation(line))[1] == "The disk is full."
        books.broken = {}
        conversation, trouble = await preparation.conversation(line)
        assert (conversation.id, trouble) == ("thread", "")

    virtually(ring())


@pytest.mark.parametrize("trouble", [hangs, refuses, surprises])
def test_a_company_that_was_never_read_cannot_be_answered_for(trouble: Trouble) -> None:
    async def ring() -> None:
        books = Shaky()
        books.broken = all_of(trouble)
        with pytest.raises(StorageError):
            await a_preparation(books).conversation(FakeLine([]))

    virtually(ring())


def test_an_unknown_company_is_not_answered_for_from_memory() -> None:
    async def ring() -> None:
        books, line = Shaky(), FakeLine([])
        preparation = a_preparation(books)
        await preparation.conversation(line)
        line.info = replace(line.info, company_id="another")
        with pytest.raises(SecretaryError, match="no company"):
            await preparation.conversation(line)

    virtually(ring())


async def test_a_call_is_held_and_stored_though_every_book_is_shut(tmp_path: Path) -> None:
    books, log, secretary = Shaky(), MemoryLog(), FakeSecretary()
    desk = a_desk(tmp_path, log, secretary=secretary, companies=books, personas=books, conversations=books, hints=books)
    reception, line = Reception(desk), FakeLine([Act(1.0, hang_up=True)])
    await reception.warm(line.info, line.rate, line.capabilities)
    books.broken = all_of(refuses)
    await reception.take(line)
    assert [event.type.value for event in log.events] == [
        "started", "degraded", "answered", "recorded", "turn", "ended"
    ]  # fmt: skip
    assert log.events[0].data["conversation_id"] == ""
    assert log.events[1].data == {"part": "database", "detail": "The disk is full."}
    assert log.events[-1].data["outcome"] == "answered"
