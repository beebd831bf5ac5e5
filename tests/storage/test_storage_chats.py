"""The chats' repository, on every database."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from services.dialogue.personas import seed_personas
from services.domain import Reach
from services.errors import ConflictError, NotFoundError, StaleError
from services.storage.chats.chats import Chats
from services.storage.chats.records import ChatMessage
from services.storage.content.personas import Personas
from services.storage.database import Database

MINE, COMPANY, ELSEWHERE = Reach("default", "u1"), Reach("default"), Reach("other")


def answer(text: str) -> ChatMessage:
    return ChatMessage("", 0, "assistant", text, datetime.now(UTC), "model", "tiny", 3, 4, cut=False)


@pytest.fixture
async def chats(database: Database) -> Chats:
    await Personas(database).seed("default", seed_personas())
    return Chats(database)


async def texts(chats: Chats, chat_id: str) -> Sequence[str]:
    found, _ = await chats.messages(MINE, chat_id)
    return [each.text for each in reversed(found)]


async def test_a_question_and_its_answer_are_kept_with_the_secretarys_memory(chats: Chats) -> None:
    chat = await chats.create("default", "u1", "Riddles", "Be a poet.", "emma")
    asked = await chats.begin_answer("default", chat.id, "Why?")
    assert asked is not None
    assert (asked.number, asked.role) == (1, "user")
    assert (await chats.open(MINE, chat.id, 10)).busy
    kept = await chats.end_answer("default", chat.id, answer("Because."), {"n": 2}, {"n": 1})
    assert kept is not None
    thread = await chats.open(MINE, chat.id, 10)
    assert (thread.state, thread.state_before, thread.busy) == ({"n": 2}, {"n": 1}, False)
    assert thread.messages == (asked, kept)
    assert thread.persona.slug == "emma"
    assert thread.company.id == "default"


async def test_one_answer_at_a_time_whichever_process_writes_it(chats: Chats) -> None:
    chat = await chats.create("default", "u1", "", "", "emma")
    await chats.begin_answer("default", chat.id, "One")
    with pytest.raises(ConflictError):
        await chats.begin_answer("default", chat.id, "Two")
    assert await texts(chats, chat.id) == ["One"]
    await chats.end_answer("default", chat.id, None, {}, {})
    await chats.begin_answer("default", chat.id, "Two")
    assert await texts(chats, chat.id) == ["One", "Two"]


async def test_a_new_answer_takes_the_place_of_the_old(chats: Chats) -> None:
    chat = await chats.create("default", "u1", "", "", "emma")
    await chats.begin_answer("default", chat.id, "Why?")
    first = await chats.end_answer("default", chat.id, answer("First."), {}, {})
    assert first is not None
    await chats.begin_answer("default", chat.id, None)
    await chats.end_answer("default", chat.id, answer("Second."), {}, {}, [first.id])
    assert await texts(chats, chat.id) == ["Why?", "Second."]


async def test_nothing_is_reached_from_outside(chats: Chats) -> None:
    chat = await chats.create("default", "u1", "Mine", "", "emma")
    for reach in (Reach("default", "u2"), ELSEWHERE, Reach("other", "u1")):
        assert await chats.list(reach) == ([], None)
        for attempt in (
            chats.get(reach, chat.id),
            chats.open(reach, chat.id, 5),
            chats.messages(reach, chat.id),
            chats.edit(reach, chat.id, None, title="Yours"),
            chats.remove(reach, chat.id),
        ):
            with pytest.raises(NotFoundError, match="no such chat"):
                await attempt
    with pytest.raises(NotFoundError):
        await chats.begin_answer("other", chat.id, "Hello?")
    assert await chats.get(COMPANY, chat.id) == chat


async def test_an_edit_of_an_old_version_is_refused(chats: Chats) -> None:
    chat = await chats.create("default", "u1", "Mine", "", "emma")
    assert (await chats.edit(MINE, chat.id, 1, title="Ours")).version == 2
    with pytest.raises(StaleError):
        await chats.edit(MINE, chat.id, 1, title="Theirs")
    assert (await chats.edit(MINE, chat.id, 2, title="Ours")).version == 2


async def test_an_answer_to_a_chat_that_was_deleted_meanwhile_goes_nowhere(chats: Chats) -> None:
    chat = await chats.create("default", "u1", "", "", "gone")
    await chats.begin_answer("default", chat.id, "Why?")
    assert (await chats.open(MINE, chat.id, 5)).persona.language == "ru"  # its own persona is not there
    await chats.remove(MINE, chat.id)
    assert await chats.end_answer("default", chat.id, answer("Because."), {}, {}) is None
