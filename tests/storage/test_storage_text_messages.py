"""Text messages in a real database: received once, answered once, sent part by part, deleted with their number."""

from datetime import UTC, datetime, timedelta

from services.storage.database import Database
from services.storage.texts.messages import LineTexts, TextMessages
from services.storage.texts.records import NewPart, ReceivedText, StoredPart

NOW = datetime.now(UTC)  # when this file was read: in a whole run that is minutes before its tests
NUMBER = "+79990001122"


def parts(count: int = 1) -> list[NewPart]:
    return [NewPart(f"AB{n}", 20 + n, f"text {n}", n, count, 7 if count > 1 else None) for n in range(1, count + 1)]


def received(text: str = "да", number: str = NUMBER) -> ReceivedText:
    return ReceivedText(number, text, "text", NOW, NOW)


def stored(fingerprint: str, number: str = NUMBER) -> StoredPart:
    return StoredPart(fingerprint, "07AB", NOW, number, "да")


def of_line(database: Database, line: str = "gsm", company: str = "default") -> LineTexts:
    return TextMessages(database).of_line(company, line)


async def test_a_received_part_is_stored_once_and_becomes_one_message(database: Database) -> None:
    store = of_line(database)
    assert await store.add_part(stored("f1"))
    assert await store.add_part(stored("f1"))  # there, but not in a message yet
    assert [part.fingerprint for part in await store.loose_parts()] == ["f1"]
    message = await store.add_received(received(), ["f1"])
    assert message is not None
    assert (message.text, message.status, message.direction, message.answered) == ("да", "received", "in", False)
    assert not await store.add_part(stored("f1"))
    assert await store.add_received(received(), ["f1"]) is None
    assert await store.loose_parts() == []
    assert [each.id for each in await store.unanswered()] == [message.id]


async def test_lines_and_companies_do_not_see_each_other(database: Database) -> None:
    store = of_line(database)
    await store.add_part(stored("f1"))
    for other in (of_line(database, "gsm-2"), of_line(database, company="other")):
        assert await other.loose_parts() == []
        assert await other.add_part(stored("f1"))
        assert await other.unanswered() == []
        assert await other.due(NOW + timedelta(days=1)) is None
    await store.queue(NUMBER, "hi", parts(), "")
    assert await of_line(database, "gsm-2").due(NOW + timedelta(days=1)) is None


async def test_what_is_no_text_asks_for_no_answer(database: Database) -> None:
    store = of_line(database)
    await store.add_part(stored("f1"))
    message = await store.add_received(ReceivedText("", "", "unreadable", NOW, error="cut short"), ["f1"])
    assert message is not None
    assert message.answered
    assert await store.unanswered() == []


async def test_a_message_is_answered_at_most_once(database: Database) -> None:
    store = of_line(database)
    await store.add_part(stored("f1"))
    message = await store.add_received(received(), ["f1"])
    assert message is not None
    assert [await store.begin_answer(message.id) for _ in range(2)] == [1, 2]
    answer = await store.answer(message.id, "Добрый день", parts(2), "")
    assert answer is not None
    assert (answer.reply_to, answer.purpose, answer.status, answer.number) == (message.id, "answer", "queued", NUMBER)
    assert await store.answer(message.id, "Ещё раз", parts(), "") is None
    assert await store.begin_answer(message.id) == 0
    assert await store.unanswered() == []
    recent = await store.recent(NUMBER, NOW - timedelta(hours=1))
    assert [each.direction for each in recent] == ["in", "out"]


async def test_a_message_may_be_left_unanswered(database: Database) -> None:
    store = of_line(database)
    await store.add_part(stored("f1"))
    message = await store.add_received(received(), ["f1"])
    assert message is not None
    await store.leave_unanswered(message.id, "too old")
    (kept,) = await TextMessages(database).list("default")
    assert (kept.answered, kept.error) == (True, "too old")


async def test_a_message_goes_out_part_by_part(database: Database) -> None:
    store = of_line(database)
    queued = await store.queue(NUMBER, "hi", parts(2), "test")
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert (await store.due(soon)) == queued
    first, second = await store.parts(queued.id)
    assert [first.pdu, second.pdu] == ["AB1", "AB2"]
    await store.part_trying(first.id)
    await store.part_sent(first.id, 41)
    await store.part_trying(second.id)
    await store.part_refused(second.id, soon, "no network")
    assert [part.status for part in await store.parts(queued.id)] == ["sent", "queued"]
    assert await store.due(NOW) is None
    assert await store.next_try() == soon
    await store.part_trying(second.id)
    await store.part_sent(second.id, 42)
    assert await store.next_try() is None
    message = await TextMessages(database).get("default", queued.id)
    assert message is not None
    assert (message.status, message.error, message.attempts) == ("sent", "", 1)
    assert (await store.counts(NOW - timedelta(days=1))).sent_parts == 2
    assert await store.report(41, "89990001122", delivered=True)  # as the network at home writes the number
    assert not await store.report(41, "+79990009999", delivered=True)
    assert not await store.report(99, NUMBER, delivered=True)
    assert not await store.report(41, NUMBER, delivered=True)  # told once
    assert await store.report(42, NUMBER, delivered=True)
    message = await TextMessages(database).get("default", queued.id)
    assert message is not None
    assert message.status == "delivered"
    assert message.delivered_at is not None


async def test_a_report_settles_a_doubt(database: Database) -> None:
    store = of_line(database)
    queued = await store.queue(NUMBER, "hi", parts(2), "")
    first, _ = await store.parts(queued.id)
    await store.part_trying(first.id)
    await store.part_doubtful(first.id, datetime.now(UTC) + timedelta(minutes=5), "silent")
    assert await store.report(17, NUMBER, delivered=True)
    assert [(part.status, part.doubts) for part in await store.parts(queued.id)] == [("delivered", 1), ("queued", 0)]
    due = await store.due(datetime.now(UTC))  # the next part may go at once
    assert due is not None


async def test_a_report_of_failure_fails_the_message(database: Database) -> None:
    store = of_line(database)
    queued = await store.queue(NUMBER, "hi", parts(), "")
    (part,) = await store.parts(queued.id)
    await store.part_trying(part.id)
    await store.part_sent(part.id, 5)
    assert await store.report(5, NUMBER, delivered=False, why="switched off")
    message = await TextMessages(database).get("default", queued.id)
    assert message is not None
    assert (message.status, message.error) == ("failed", "switched off")
    assert (await store.counts(NOW - timedelta(days=1))).failed == 1


async def test_lists_are_newest_first_and_can_be_narrowed(database: Database) -> None:
    store, texts = of_line(database), TextMessages(database)
    first = await store.queue(NUMBER, "one", parts(), "")
    second = await store.queue("+7999", "two", parts(), "")
    assert [each.id for each in await texts.list("default")] == [second.id, first.id]
    assert [each.id for each in await texts.list("default", number=NUMBER)] == [first.id]
    assert [each.id for each in await texts.list("default", before=second.created_at)] == [first.id]
    assert await texts.list("default", line="elsewhere") == []
    assert await texts.get("other", first.id) is None
