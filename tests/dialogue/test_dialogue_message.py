"""Taking a message: every way callers give, change, interrupt and withdraw one."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dialogue_desk import FULL, Desk

from services.dialogue.shapes import KeepAudio, Utterance
from services.domain import AudioSpan, TakenMessage

RU_START = ("оставить сообщение", "я опоздаю на полчаса", "иван петров")
EN_START = ("can i leave a message", "i will be half an hour late", "John Smith")

TALKS = tomllib.loads((Path(__file__).parent / "message_talks.toml").read_text("utf-8"))["talk"]
each_talk = pytest.mark.parametrize("talk", TALKS, ids=[f"{talk['language']} {talk['title']}" for talk in TALKS])


def check(talk: dict[str, Any], taken: TakenMessage) -> None:
    assert talk["matter"] in taken.matter
    assert (taken.name, taken.number, taken.confirmed) == (talk["name"], talk["number"], talk["confirmed"])


@each_talk
async def test_a_message_is_taken(talk: dict[str, Any]) -> None:
    desk = Desk(talk["language"], talk["from"])
    await desk.greet()
    answer = await desk.all(*talk["says"])
    taken = desk.book.last
    check(talk, taken)
    assert desk.book.ids == {taken.id}
    assert desk.conversation.state.get("draft") is None
    assert answer.kept == KeepAudio(taken.id, taken.spans)
    assert taken.spans


@each_talk
async def test_a_restart_before_every_turn_changes_nothing(talk: dict[str, Any]) -> None:
    desk = Desk(talk["language"], talk["from"])
    await desk.greet()
    for line in talk["says"]:
        desk.restart()
        await desk.say(line)
    check(talk, desk.book.last)


async def test_the_number_is_read_back_in_groups() -> None:
    desk = Desk("ru")
    answer = await desk.all(*RU_START, "89161234567")
    assert "8 916 123 45 67" in answer.text
    assert "Иван Петров" in answer.text
    assert "я опоздаю на полчаса" in answer.text


async def test_each_group_is_echoed_as_it_was_dictated() -> None:
    desk = Desk("ru")
    first = await desk.all(*RU_START, "восемь девятьсот шестнадцать")
    second = await desk.say("сто двадцать три")
    assert first.text.startswith("8, 916")
    assert second.text.startswith("123")


async def test_what_is_said_is_saved_before_the_next_word_is_spoken() -> None:
    desk = Desk("en", "+442079460000")
    await desk.say("can i leave a message")
    assert desk.book.versions == [] or not desk.book.last.matter
    stream = desk.secretary.reply(desk.conversation, Utterance("the boiler is leaking", "en", span=AudioSpan(5.0, 6.0)))
    await anext(stream)
    await stream.aclose()  # the caller hangs up before a word of the answer
    assert desk.book.last.matter == "the boiler is leaking"
    assert not desk.book.last.confirmed


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("ru", (*RU_START, "отмена")),
        ("ru", (*RU_START, "я передумал")),
        ("ru", ("оставить сообщение", "я опоздаю", "не надо")),
        ("ru", (*RU_START, "8 916 123 45 67", "не надо ничего передавать")),
        ("en", (*EN_START, "cancel")),
        ("en", ("can i leave a message", "i am late", "never mind")),
    ],
)
async def test_a_changed_mind_takes_everything_back(language: str, lines: tuple[str, ...]) -> None:
    desk = Desk(language)
    answer = await desk.all(*lines)
    assert desk.book.versions == []
    (message_id,) = desk.book.discarded
    assert answer.kept == KeepAudio(message_id, ())
    assert answer.by.detail == "cancelled"
    assert not answer.ended
    assert desk.conversation.state.get("draft") is None


async def test_a_message_that_cannot_be_taken_back_is_not_said_to_be() -> None:
    desk = Desk("en")
    await desk.all(*EN_START)
    desk.book.broken = True
    answer = await desk.say("cancel")
    assert answer.by.detail == "discard_failed"
    assert answer.kept is None
    desk.book.broken = False
    assert (await desk.say("cancel")).by.detail == "cancelled"
    assert desk.book.versions == []


async def test_nothing_is_saved_when_the_mind_changes_at_once() -> None:
    desk = Desk("en")
    await desk.all("can i leave a message", "cancel")
    assert desk.book.versions == []


async def test_a_question_in_between_is_answered_and_the_flow_goes_on() -> None:
    desk = Desk("ru", "+79161234567")
    answer = await desk.all("оставить сообщение", "я опоздаю", "а до скольки вы работаете")
    assert answer.by.source == "faq"
    assert answer.by.detail == "seed-ru-hours"
    assert "20:00" in answer.text
    assert "зовут" in answer.text.split("Вернёмся к сообщению.")[1]


async def test_unrecognised_answers_are_kept_as_voice() -> None:
    desk = Desk("ru")
    answer = await desk.all("оставить сообщение", "", "")
    assert "запись вашего голоса" in answer.text
    answer = await desk.all("", "", "", "")
    assert desk.book.last.matter == ""
    assert len(desk.book.last.spans) == 6
    assert "запись вашего голоса" in answer.text
    answer = await desk.say("да")
    assert desk.book.last.confirmed


async def test_without_a_recorder_no_voice_is_promised() -> None:
    desk = Desk("ru", abilities=replace(FULL, keep_audio=False))
    for _ in range(12):
        answer = await desk.say("оставить сообщение" if not desk.conversation.state.get("draft") else "")
        assert "голос" not in answer.text
        assert answer.kept is None
    assert all(not each.spans for each in desk.book.versions)


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_not_understood_never_loops_for_ever(language: str) -> None:
    desk = Desk(language, abilities=replace(FULL, keep_audio=False))
    await desk.say("оставить сообщение" if language == "ru" else "leave a message")
    for _ in range(25):
        answer = await desk.say("")
        if answer.ended:
            return
    pytest.fail("the secretary asked for ever")


async def test_silence_in_the_middle_asks_again_and_then_parts() -> None:
    desk = Desk("ru")
    await desk.all("оставить сообщение", "я опоздаю")
    first = await desk.collect(desk.secretary.no_input(desk.conversation, 1))
    assert "зовут" in first.text or "имя" in first.text
    assert not first.ended
    last = await desk.collect(desk.secretary.no_input(desk.conversation, 3))
    assert last.ended
    assert "передам" in last.text
    assert desk.book.last.matter == "я опоздаю"


async def test_a_book_that_fails_is_admitted_and_nothing_is_lost() -> None:
    desk = Desk("en", "+442079460000")
    await desk.all("can i leave a message", "the boiler leaks", "John")
    desk.book.broken = True
    answer = await desk.say("yes")
    assert "could not be saved" in answer.text
    assert answer.kept is None
    desk.book.broken = False
    await desk.say("yes")
    assert desk.book.last.matter == "the boiler leaks"


async def test_a_book_that_fails_at_the_last_word_can_be_tried_again() -> None:
    desk = Desk("en", "+442079460000")
    await desk.all("can i leave a message", "the boiler leaks", "John", "yes")
    desk.book.broken = True
    assert "could not be saved" in (await desk.say("yes")).text
    desk.book.broken = False
    desk.restart()
    await desk.say("yes")
    assert desk.book.last.matter == "the boiler leaks"
    assert desk.book.last.confirmed


async def test_an_unreadable_draft_is_let_go() -> None:
    desk = Desk("en")
    desk.conversation.state = {"v": 1, "draft": {"v": 99, "step": "dance"}}
    answer = await desk.say("what are your opening hours")
    assert answer.by.detail == "seed-en-hours"


async def test_a_new_call_begins_afresh_but_knows_the_name() -> None:
    desk = Desk("ru", "+79161234567", returning=True)
    await desk.all(*RU_START, "да", "да")
    answer = await desk.greet()
    assert "Иван Петров" in answer.text
    assert (await desk.say("где вы находитесь")).by.source == "faq"
