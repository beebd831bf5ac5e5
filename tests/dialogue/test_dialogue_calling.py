"""A call that the secretary has placed: how it is opened, what is said to somebody who did not call, and the end."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from dialogue_desk import FULL, NOON, Desk

from services.dialogue.prompt import system_prompt
from services.domain import PastTurn

PURPOSE = "the cake you ordered is ready."


def a_desk(language: str = "en", purpose: str = PURPOSE, opening: str = "") -> Desk:
    desk = Desk(language=language, abilities=FULL, number="+79991234567")
    desk.conversation.direction = "out"
    desk.conversation.purpose, desk.conversation.opening = purpose, opening
    return desk


def heard(desk: Desk, text: str) -> None:
    desk.conversation.history.append(PastTurn("secretary", text, datetime.now(UTC)))


async def test_who_calls_and_why_is_said_first() -> None:
    greeting = await a_desk().greet()
    assert greeting.text == (
        "Hello! This is Emma, the voice secretary of Mint Dental. "
        "I am calling about this: the cake you ordered is ready."
    )
    assert greeting.by.detail == "opening"
    assert (await a_desk("ru", "готов торт").greet()).text.endswith("Звоню вот по какому вопросу: готов торт.")
    assert (await a_desk(purpose="").greet()).text.endswith("Do you have a minute?")


async def test_the_owners_opening_stands_in_for_it() -> None:
    desk = a_desk(opening="{name} from {company} here, your cake is ready.")
    assert (await desk.greet()).text == "Emma from Mint Dental here, your cake is ready."
    assert desk.secretary.opening(desk.conversation) == "Emma from Mint Dental here, your cake is ready."


async def test_asking_for_the_opening_changes_nothing() -> None:
    desk = a_desk()
    before = dict(desk.conversation.state)
    assert desk.secretary.opening(desk.conversation) == (await a_desk().greet()).text
    assert desk.conversation.state == before


async def test_the_notice_comes_before_the_opening() -> None:
    desk = a_desk()
    desk.conversation.notice = "This call is recorded."
    assert (await desk.greet()).text.startswith("This call is recorded. Hello! This is Emma")
    assert desk.secretary.opening(desk.conversation).startswith("Hello! This is Emma")


async def test_an_opening_with_a_purpose_is_kept_by_nobody() -> None:
    desk = a_desk()
    texts = [event async for event in desk.secretary.greet(desk.conversation) if hasattr(event, "fixed")]
    assert [each.fixed for each in texts] == [False]


@pytest.mark.parametrize("word", ["hello", "yes", "who is this", "yes speaking"])
async def test_a_hello_that_cuts_the_opening_hears_it_again(word: str) -> None:
    desk = a_desk()
    opening = (await desk.greet()).text
    heard(desk, "Hello! This")
    answer = await desk.say(word)
    if word == "who is this":
        assert "calling for Mint Dental" in answer.text or answer.text == opening
    else:
        assert answer.text == opening


async def test_an_opening_that_was_heard_is_not_said_again_for_a_yes() -> None:
    desk = a_desk()
    heard(desk, (await desk.greet()).text)
    assert (await desk.say("yes")).text == "Is there anything I should pass on? I can take a message."


@pytest.mark.parametrize(
    ("language", "words"), [("en", "what is it about"), ("en", "how can I help you"), ("ru", "по какому вопросу")]
)
async def test_why_we_call_is_told(language: str, words: str) -> None:
    desk = a_desk(language)
    heard(desk, (await desk.greet()).text)
    assert PURPOSE.rstrip(".") in (await desk.say(words)).text


async def test_who_calls_is_told_as_it_is() -> None:
    desk = a_desk()
    heard(desk, (await desk.greet()).text)
    answer = (await desk.say("who are you")).text
    assert "a computer program, and I am calling for Mint Dental" in answer


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "I am not interested"),
        ("en", "you have the wrong number"),
        ("ru", "вы ошиблись номером"),
        ("ru", "мне некогда"),
    ],
)
async def test_who_wants_to_be_left_alone_is(language: str, words: str) -> None:
    desk = a_desk(language)
    heard(desk, (await desk.greet()).text)
    answer = await desk.say(words)
    assert answer.ended
    assert answer.by.detail == "refused"


async def test_goodbye_does_not_thank_for_calling() -> None:
    desk = a_desk()
    heard(desk, (await desk.greet()).text)
    answer = await desk.say("goodbye")
    assert answer.ended
    assert answer.text == "Thank you for your time. Goodbye!"


async def test_silence_is_asked_about_once() -> None:
    desk = a_desk()
    first = await desk.collect(desk.secretary.no_input(desk.conversation, 1))
    second = await desk.collect(desk.secretary.no_input(desk.conversation, 2))
    assert not first.ended
    assert second.ended
    assert second.text.endswith("Sorry to have troubled you!")


async def test_a_call_back_is_offered_at_this_number() -> None:
    desk = a_desk()
    heard(desk, (await desk.greet()).text)
    answer = await desk.all("take a message please", "the cake is too small", "Peter Smith")
    assert answer.text == "Shall we call you back at this number?"


async def test_a_caller_is_not_answered_as_somebody_who_was_called() -> None:
    desk = a_desk()
    desk.conversation.direction = "in"
    assert "calling about" not in (await desk.greet()).text
    assert (await desk.say("goodbye")).text == "Thank you for calling. Goodbye!"


def test_the_model_knows_that_it_has_called_and_why() -> None:
    conversation = a_desk().conversation
    told = system_prompt(conversation, "en", NOON)
    assert "You have called this person yourself" in told
    assert PURPOSE in told
    assert "You have called" not in system_prompt(replace(conversation, direction="in"), "en", NOON)
    assert "Зачем ты звонишь" in system_prompt(a_desk("ru").conversation, "ru", NOON)
