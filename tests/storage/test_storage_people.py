"""Companies, personas, FAQ, conversations and messages."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.clock import Clock
from services.dialogue.ports import ConversationMemory, MessageBook
from services.domain import AudioSpan, FaqEntry, Persona, TakenMessage, Turn
from services.errors import NotFoundError, StorageError
from services.events import CallEvent, CallEventType
from services.knowledge.shapes import FaqSource
from services.storage.calls.calls import CallStore
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.content.faq import FaqEntries
from services.storage.content.personas import Personas
from services.storage.database import Database
from services.storage.people.companies import Companies
from services.storage.tables import PersonaRow

ANNA = Persona("anna", "Анна", "ru", "female", "Здравствуйте!", "Спокойная.", rules="Не торопить.", temperature=0.3)
BORIS = Persona("boris", "Борис", "ru", "male", "Добрый день!", "Весёлый.")
ALICE = Persona(
    "alice", "Alice", "en", "female", "Hello!", "Calm.", voice="piper:amy", version=3, fillers=("One moment.", "Well,")
)
SATURDAY = FaqEntry("f1", "Вы работаете в субботу?", "Да, до трёх.", "ru", ("суббота", "выходные"))
PARKING = FaqEntry("f2", "Is there parking?", "Yes, behind the house.", "en")
MESSAGE = TakenMessage(
    id="m1",
    company_id="default",
    conversation_id="v1",
    call_id="c1",
    language="ru",
    name="Пётр",
    number="+79161234567",
    matter="Перезвоните про торт",
    confirmed=True,
    spans=(AudioSpan(1.5, 4.25), AudioSpan(6.0, 9.5)),
    created_at=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
)


class SteppingClock:
    """A clock whose every reading is one second later."""

    def __init__(self) -> None:
        self._now = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return self._now.timestamp()

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


async def test_the_repositories_fit_the_ports_of_the_rooms_above(database: Database) -> None:
    clock: Clock = SteppingClock()
    source: FaqSource = FaqEntries(database, clock)
    book: MessageBook = Messages(database, clock)
    memory: ConversationMemory = Conversations(database, clock)
    await book.save(MESSAGE)
    assert await source.entries("default") == []
    with pytest.raises(StorageError):
        await memory.save_state("default", "nowhere", {})


async def test_the_default_company_is_made_once(database: Database) -> None:
    companies = Companies(database)
    again = await companies.ensure_default("Another name", "en", "UTC", {})
    assert (again.id, again.name, again.language, again.time_zone) == ("default", "Bakery", "ru", "Europe/Moscow")
    assert again.fact("hours", "ru") == "с 9 до 18"
    await companies.update_facts("default", {"en": {"hours": "9 to 6"}})
    changed = await companies.profile("default")
    assert changed is not None
    assert changed.facts == {"en": {"hours": "9 to 6"}}
    assert await companies.profile("nobody") is None
    with pytest.raises(StorageError, match="no company"):
        await companies.update_facts("nobody", {})


async def test_personas_are_seeded_once_and_found_by_slug_and_language(database: Database) -> None:
    personas = Personas(database)
    await personas.seed("default", [BORIS, ANNA])
    await personas.seed("default", [replace(BORIS, name="Changed"), ALICE])
    assert await personas.all("default") == [ALICE, ANNA, BORIS]
    assert await personas.get("default", "anna") == ANNA
    assert await personas.get("default", "nobody") is None
    assert await personas.for_language("default", "ru") == BORIS
    assert await personas.for_language("default", "en") == ALICE
    assert await personas.for_language("default", "de") is None


async def test_a_persona_from_before_there_were_fillers_is_given_them_unless_it_was_edited(database: Database) -> None:
    personas = Personas(database, SteppingClock())
    await personas.seed("default", [ANNA, BORIS])
    async with database.write() as session:
        row = (
            await session.scalars(
                select(PersonaRow).where(PersonaRow.company_id == "default", PersonaRow.slug == "boris")
            )
        ).one()
        row.greeting, row.updated_at = "Да?", row.updated_at + timedelta(days=1)
    phrases = ("Минуту.", "Сейчас посмотрю.")
    await personas.seed(
        "default", [replace(each, fillers=phrases, greeting="Новое", version=2) for each in (ANNA, BORIS)]
    )
    assert await personas.all("default") == [replace(ANNA, fillers=phrases), replace(BORIS, greeting="Да?")]
    await personas.seed("default", [replace(ANNA, fillers=("Другое.",))])
    assert await personas.get("default", "anna") == replace(ANNA, fillers=phrases)


async def test_personas_of_another_company_are_not_seen(database: Database) -> None:
    personas = Personas(database)
    await personas.seed("default", [ANNA])
    assert await personas.all("other") == []
    assert await personas.get("other", "anna") is None
    assert await personas.for_language("other", "ru") is None
    await personas.seed("other", [replace(ANNA, name="Их Анна")])
    assert await personas.get("default", "anna") == ANNA


async def test_the_faq_is_seeded_only_into_a_company_that_never_had_one(database: Database) -> None:
    faq = FaqEntries(database, SteppingClock())
    await faq.seed("default", [])
    await faq.seed("default", [SATURDAY])
    await faq.seed("default", [PARKING])
    assert await faq.entries("default") == [SATURDAY]
    await faq.remove("default", "f1")
    await faq.seed("default", [SATURDAY])
    assert await faq.entries("default") == []


async def test_every_change_of_the_faq_moves_its_revision(database: Database) -> None:
    faq = FaqEntries(database, SteppingClock())
    seen = [await faq.revision("default")]
    await faq.seed("default", [SATURDAY])
    seen.append(await faq.revision("default"))
    await faq.add("default", PARKING)
    seen.append(await faq.revision("default"))
    await faq.remove("default", "f2")
    seen.append(await faq.revision("default"))
    await faq.add("default", PARKING)
    seen.append(await faq.revision("default"))
    assert len(set(seen)) == 5
    assert await faq.revision("default") == seen[-1]
    await faq.add("default", replace(PARKING, id="f3", enabled=False))
    assert await faq.entries("default") == [SATURDAY, PARKING]


async def test_the_faq_of_another_company_is_not_seen_or_changed(database: Database) -> None:
    faq = FaqEntries(database)
    await faq.add("default", SATURDAY)
    revision = await faq.revision("default")
    assert await faq.entries("other") == []
    assert await faq.revision("other") == "0"
    with pytest.raises(NotFoundError):
        await faq.remove("other", "f1")
    assert (await faq.entries("default"), await faq.revision("default")) == ([SATURDAY], revision)
    with pytest.raises(StorageError):
        await faq.add("nobody", PARKING)
    with pytest.raises(StorageError, match="contradicts"):
        await faq.add("other", SATURDAY)
    assert await faq.revision("other") == "0"


async def append_turn(database: Database, call_id: str, conversation_id: str, texts: list[str]) -> None:
    calls = CallStore(database, SteppingClock())
    data = {
        "conversation_id": conversation_id,
        "channel": "gsm",
        "started_at": f"2026-05-0{call_id[-1]}T10:00:00+00:00",
    }
    await calls.append(CallEvent("default", call_id, 0, 0, CallEventType.STARTED, data))
    for index, heard in enumerate(texts):
        turn = Turn(index, "secretary" if index % 2 else "caller", "meant", heard, "ru", 0.0, 1.0)
        await calls.append(CallEvent("default", call_id, index + 1, index, CallEventType.TURN, asdict(turn)))


async def test_a_contact_who_comes_again_is_known(database: Database) -> None:
    conversations = Conversations(database)
    first = await conversations.open("default", "gsm", "+7916", "ru", "anna")
    assert (first.returning, first.history, first.state) == (False, (), {})
    await append_turn(database, "c1", first.id, ["раз", "два", ""])
    await append_turn(database, "c2", first.id, ["три", "четыре"])
    await conversations.save_state("default", first.id, {"taking": {"имя": "Пётр", "step": 2}})

    again = await conversations.open("default", "gsm", "+7916", "en", "alice")
    assert (again.id, again.returning) == (first.id, True)
    assert [(turn.role, turn.text) for turn in again.history] == [
        ("caller", "раз"),
        ("secretary", "два"),
        ("caller", "три"),
        ("secretary", "четыре"),
    ]
    assert again.history[2].at == datetime(2026, 5, 2, 10, 0, tzinfo=UTC)
    assert again.state == {"taking": {"имя": "Пётр", "step": 2}}

    short = await conversations.open("default", "gsm", "+7916", "ru", "anna", history_limit=2)
    assert [turn.text for turn in short.history] == ["три", "четыре"]
    none = await conversations.open("default", "gsm", "+7916", "ru", "anna", history_limit=0)
    assert (none.returning, none.history) == (True, ())


async def test_threads_are_kept_apart(database: Database) -> None:
    conversations = Conversations(database)
    first = await conversations.open("default", "gsm", "+7916", "ru", "anna")
    await append_turn(database, "c1", first.id, ["раз"])
    await conversations.save_state("default", first.id, {"secret": True})
    foreign = await conversations.open("other", "gsm", "+7916", "ru", "anna")
    widget = await conversations.open("default", "widget", "+7916", "ru", "anna")
    withheld = [await conversations.open("default", "gsm", "", "ru", "anna") for _ in range(2)]
    opened = [first, foreign, widget, *withheld]
    assert len({each.id for each in opened}) == 5
    assert not any(each.returning or each.history or each.state for each in opened[1:])
    with pytest.raises(StorageError, match="no conversation"):
        await conversations.save_state("other", first.id, {})
    assert (await conversations.open("default", "gsm", "+7916", "ru", "anna")).state == {"secret": True}


async def test_a_message_is_kept_corrected_and_given_its_sound(database: Database) -> None:
    messages = Messages(database)
    await messages.save(MESSAGE)
    assert await messages.list("default") == [MESSAGE]
    await messages.set_audio("default", "m1", "messages/m1.ogg")
    await messages.mark_seen("default", "m1")
    assert await messages.list("default", only_new=True) == []

    await messages.save(replace(MESSAGE, name="Павел", created_at=None))
    corrected = replace(MESSAGE, name="Павел", audio_path="messages/m1.ogg")
    assert await messages.list("default", only_new=True) == [corrected]

    await messages.save(replace(MESSAGE, id="m2", created_at=None))
    assert [message.id for message in await messages.list("default")] == ["m2", "m1"]
    assert [message.id for message in await messages.list("default", limit=1)] == ["m2"]


async def test_a_message_taken_back_is_gone_and_only_of_its_company(database: Database) -> None:
    messages = Messages(database)
    await messages.save(MESSAGE)
    await messages.discard("other", "m1")
    assert await messages.list("default") == [MESSAGE]
    await messages.discard("default", "m1")
    await messages.discard("default", "m1")
    assert await messages.list("default") == []


async def test_messages_of_another_company_are_not_seen_or_changed(database: Database) -> None:
    messages = Messages(database)
    await messages.save(MESSAGE)
    assert await messages.list("other") == []
    with pytest.raises(StorageError, match="no message"):
        await messages.set_audio("other", "m1", "x.ogg")
    with pytest.raises(StorageError, match="no message"):
        await messages.mark_seen("other", "m1")
    with pytest.raises(StorageError, match="contradicts"):
        await messages.save(replace(MESSAGE, company_id="other", matter="spoilt"))
    assert await messages.list("default") == [MESSAGE]
