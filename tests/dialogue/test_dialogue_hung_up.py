"""The caller hangs up: what was being said is still kept, and nobody is answered."""

import copy
from dataclasses import replace

from dialogue_desk import FULL, Desk

from services.dialogue.shapes import KeepAudio, ReplyEvent, Utterance
from services.domain import AudioSpan


async def hang_up(desk: Desk, text: str | None) -> list[ReplyEvent]:
    span = AudioSpan(30.0, 32.0)
    last = None if text is None else Utterance(text, desk.language, span=span)
    return [event async for event in desk.secretary.hung_up(desk.conversation, last)]


async def test_the_last_words_of_a_message_are_kept() -> None:
    desk = Desk("en")
    await desk.say("can i leave a message")
    (kept,) = await hang_up(desk, "the boiler is leaking")
    assert desk.book.last.matter == "the boiler is leaking"
    assert not desk.book.last.confirmed
    assert kept == KeepAudio(desk.book.last.id, (AudioSpan(30.0, 32.0),))


async def test_a_line_without_ears_keeps_the_voice() -> None:
    desk = Desk("ru", "+79161234567", abilities=replace(FULL, ears=False))
    await desk.greet()
    (kept,) = await hang_up(desk, "")
    assert kept == KeepAudio(desk.book.last.id, (AudioSpan(30.0, 32.0),))
    assert desk.book.last.number == "+79161234567"


async def test_nothing_is_made_of_a_question_nobody_waits_for() -> None:
    desk = Desk("en")
    await desk.greet()
    assert await hang_up(desk, "what are your opening hours") == []
    assert await hang_up(desk, None) == []
    assert desk.book.versions == []


async def test_keys_pressed_before_hanging_up_become_the_messages_number() -> None:
    desk = Desk("en")
    await desk.all("I would like to leave a message", "my tooth hurts", "John Smith")
    last = Utterance("89161234567", "en", "digits")
    async for _ in desk.secretary.hung_up(desk.conversation, last):
        pass
    assert desk.book.last.number.endswith("9161234567")


async def test_an_answer_taken_back_and_given_anew_leaves_one_message() -> None:
    desk = Desk("ru", abilities=replace(FULL, ears=False))
    await desk.greet()
    before = copy.deepcopy(desk.conversation.state)
    first, whole = AudioSpan(2.0, 4.0), AudioSpan(2.0, 7.5)
    for span in (first, whole):  # nobody heard the first answer: the caller went on, and it is one turn
        desk.conversation.state = copy.deepcopy(before)
        await desk.collect(desk.secretary.reply(desk.conversation, Utterance("", "ru", "speech", span=span)))
    assert len({message.id for message in desk.book.versions}) == 1
    assert desk.book.last.spans == (whole,)
