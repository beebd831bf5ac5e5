"""Answers begun while the caller may still go on: said at once, stored only when they have surely finished."""

import asyncio
import json
import tomllib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from dialogue_desk import Desk, Entries, StillClock
from openai_server import FakeServer, Wait, ending, running, words

from services.dialogue.secretary import Secretary
from services.dialogue.shapes import AnsweredBy, EndCall, KeepAudio, ReplyEvent, ReplyText, Utterance
from services.domain import AudioSpan
from services.engines import EngineContext
from services.knowledge.faq import FaqMatcher
from services.knowledge.seed import seed_faq
from services.llm.openai_compatible import ENGINE
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies

TALKS = tomllib.loads((Path(__file__).parent / "message_talks.toml").read_text("utf-8"))["talk"]
SPAN = AudioSpan(2.0, 4.0)
BLOCKED = 0.3  # seconds after which a reply is taken to be waiting; nothing in these tests thinks as long
NUMBER = "+442079460000"


@dataclass
class Office:
    """A secretary over a real database, in one conversation."""

    database: Database
    desk: Desk
    secretary: Secretary

    async def stored_state(self) -> dict[str, Any]:
        opened = await Conversations(self.database).open("default", "phone", NUMBER, "en", "emma")
        return dict(opened.state)

    async def messages(self) -> list[str]:
        return [each.matter for each in await Messages(self.database).list("default")]

    def reply(self, text: str, certain: asyncio.Event | None) -> AsyncGenerator[ReplyEvent, None]:
        return self.secretary.reply(self.desk.conversation, Utterance(text, "en", span=SPAN), certain)

    async def say(self, text: str) -> list[ReplyEvent]:
        return [event async for event in self.reply(text, None)]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    database = Database(sqlite_url(tmp_path / "data"))
    await database.migrate()
    await Companies(database).ensure_default("Mint Dental", "en", "UTC", {})
    conversations = Conversations(database)
    desk, opened = Desk("en"), await conversations.open("default", "phone", NUMBER, "en", "emma")
    talk = desk.conversation
    talk.id, talk.company, talk.number = opened.id, replace(talk.company, id="default"), NUMBER
    faq = FaqMatcher(Entries(seed_faq("en")))
    yield Office(database, desk, Secretary(faq, None, conversations, Messages(database), StillClock()))
    await database.close()


async def until_blocked(events: AsyncGenerator[ReplyEvent, None]) -> tuple[list[ReplyEvent], asyncio.Task[ReplyEvent]]:
    """Read what comes before the reply waits; return it, and the reading that is under way."""
    found: list[ReplyEvent] = []
    while True:
        reading = asyncio.ensure_future(anext(events))
        done, _ = await asyncio.wait([reading], timeout=BLOCKED)
        if not done:
            return found, reading
        found.append(reading.result())


async def drop(reading: asyncio.Task[ReplyEvent], events: AsyncGenerator[ReplyEvent, None]) -> None:
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await events.aclose()


async def test_an_answer_is_said_on_trial_and_remembered_when_it_is_certain(office: Office) -> None:
    certain = asyncio.Event()
    async with aclosing(office.reply("what are your opening hours", certain)) as events:
        found, reading = await until_blocked(events)
        assert [type(each) for each in found] == [AnsweredBy, ReplyText]
        assert await office.stored_state() == {}
        certain.set()
        with pytest.raises(StopAsyncIteration):
            await reading
    assert "20:00" in (await office.stored_state())["last"]


async def test_a_dropped_trial_leaves_nothing(office: Office) -> None:
    await office.say("thank you")
    before = dict(office.desk.conversation.state)
    stored = await office.stored_state()
    for text in ("can i speak to a person", "can i leave a message", "tell them i am late please", "goodbye"):
        events = office.reply(text, asyncio.Event())
        _, reading = await until_blocked(events)
        await drop(reading, events)
        office.desk.conversation.state = dict(before)
        assert await office.stored_state() == stored
        assert await office.messages() == []
    assert office.desk.conversation.state == stored


async def test_a_trial_closed_while_it_speaks_leaves_nothing(office: Office) -> None:
    events = office.reply("what are your opening hours", asyncio.Event())
    assert isinstance(await anext(events), AnsweredBy)
    assert isinstance(await anext(events), ReplyText)
    await events.aclose()
    assert await office.stored_state() == {}


async def test_what_a_caller_leaves_is_stored_before_a_word_is_said_of_it(office: Office) -> None:
    certain = asyncio.Event()
    await office.say("can i leave a message")
    async with aclosing(office.reply("the boiler is leaking again", certain)) as events:
        found, reading = await until_blocked(events)
        assert found == []
        assert await office.messages() == []
        certain.set()
        assert isinstance(await reading, KeepAudio)
        assert await office.messages() == ["the boiler is leaking again"]
        assert isinstance(await anext(events), AnsweredBy)
        assert isinstance(await anext(events), ReplyText)
        assert (await office.stored_state())["draft"]["matter"] == "the boiler is leaking again"


async def test_a_message_is_taken_back_only_when_it_is_certain(office: Office) -> None:
    certain = asyncio.Event()
    await office.say("can i leave a message")
    await office.say("the boiler is leaking again")
    async with aclosing(office.reply("cancel", certain)) as events:
        found, reading = await until_blocked(events)
        assert found == []
        assert await office.messages() == ["the boiler is leaking again"]
        certain.set()
        assert isinstance(await reading, KeepAudio)
        assert await office.messages() == []


async def test_a_goodbye_hangs_up_only_when_it_is_certain(office: Office) -> None:
    certain = asyncio.Event()
    async with aclosing(office.reply("goodbye", certain)) as events:
        found, reading = await until_blocked(events)
        assert [type(each) for each in found] == [AnsweredBy, ReplyText]
        certain.set()
        assert await reading == EndCall()


async def test_without_a_trial_an_answer_is_remembered_behind_its_words(office: Office) -> None:
    async with aclosing(office.reply("what are your opening hours", None)) as events:
        assert isinstance(await anext(events), AnsweredBy)
        assert isinstance(await anext(events), ReplyText)
        assert await office.stored_state() == {}
    assert "20:00" in (await office.stored_state())["last"]  # also where the caller interrupts


@pytest.mark.parametrize("talk", TALKS, ids=[f"{talk['language']} {talk['title']}" for talk in TALKS])
async def test_every_turn_tried_and_dropped_first_makes_the_same_message(talk: dict[str, Any]) -> None:
    desk = Desk(talk["language"], talk["from"])
    await desk.greet()
    await desk.secretary._faq.hints("clinic", "ru")  # the index is built: no thread is waited for below
    for line in talk["says"]:
        before, stored, versions = dict(desk.conversation.state), dict(desk.memory.stored), list(desk.book.versions)
        deep = json.dumps(before)
        for tried in (line, line + " и ещё", "да", "yes", "до свидания", "cancel", "отмена"):
            span = AudioSpan(desk.seconds, desk.seconds + 1.0)
            utterance = Utterance(tried, talk["language"], "digits" if line.startswith("#") else "speech", span=span)
            events = desk.secretary.reply(desk.conversation, utterance, asyncio.Event())
            reading = asyncio.ensure_future(anext(events))
            for _ in range(10):
                await asyncio.sleep(0)
            await drop(reading, events)
            assert (desk.memory.stored, desk.book.versions) == (stored, versions)
            desk.conversation.state = dict(before)  # a shallow copy is enough
        assert json.dumps(desk.conversation.state) == deep
        await desk.say(line)
    taken = desk.book.last
    assert (taken.name, taken.number, taken.confirmed) == (talk["name"], talk["number"], talk["confirmed"])
    assert talk["matter"] in taken.matter


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with running() as fake:
        yield fake


async def test_a_model_writes_on_trial_and_is_told_to_stop(server: FakeServer) -> None:
    model = await ENGINE.load(EngineContext(Path(), Path(), {"base_url": server.url, "model": "tiny-1"}))
    try:
        desk = Desk("ru", model=model)
        server.answers = [[*words("Из-за "), Wait(), *ending()]]
        events = desk.secretary.reply(desk.conversation, Utterance("почему трава зеленая", "ru"), asyncio.Event())
        assert await anext(events) == AnsweredBy("model")
        assert await anext(events) == ReplyText("Из-за ")
        await events.aclose()
        await asyncio.wait_for(server.left.wait(), 5)
        assert desk.memory.stored == {}
    finally:
        await model.close()


async def test_a_models_whole_answer_waits_for_certainty_to_be_remembered(server: FakeServer) -> None:
    model = await ENGINE.load(EngineContext(Path(), Path(), {"base_url": server.url, "model": "tiny-1"}))
    try:
        desk, certain = Desk("ru", model=model), asyncio.Event()
        server.answers = [[*words("Из-за ", "хлорофилла."), *ending()]]
        utterance = Utterance("почему трава зеленая", "ru")
        async with aclosing(desk.secretary.reply(desk.conversation, utterance, certain)) as events:
            found, reading = await until_blocked(events)
            assert "".join(each.text for each in found if isinstance(each, ReplyText)) == "Из-за хлорофилла."
            assert desk.memory.stored == {}
            certain.set()
            with pytest.raises(StopAsyncIteration):
                await reading
        assert json.loads(desk.memory.stored["clinic/talk"])["last"] == "Из-за хлорофилла."
    finally:
        await model.close()
