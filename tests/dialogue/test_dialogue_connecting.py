"""A person is asked for: connected, called back, or a message taken, as the line can."""

from dataclasses import replace

from dialogue_desk import FULL, Desk

from services.dialogue.shapes import Abilities, EndCall, Transfer

CONNECTS = replace(FULL, transfer=True)
CALLS_BACK = replace(FULL, call_back=True)


def a_desk(abilities: Abilities, *, number: str = "", to: str = "+44100", language: str = "en") -> Desk:
    desk = Desk(language=language, abilities=abilities, number=number)
    desk.conversation.transfer_to = to
    return desk


async def test_the_calls_own_person_is_connected_with_rather_than_the_companys() -> None:
    desk = Desk(language="en", abilities=CONNECTS, facts={"en": {"transfer": "100"}, "ru": {"transfer": "100"}})
    assert (await desk.say("put me through")).effects == [Transfer("100")]
    desk.conversation.transfer_to = "+44100"
    assert (await desk.say("put me through")).effects == [Transfer("+44100")]


async def test_a_line_that_calls_back_says_so_and_parts() -> None:
    answer = await a_desk(CALLS_BACK, number="+79991234567").say("put me through")
    assert answer.text.startswith("I will ask a colleague to call you back now")
    assert answer.effects == [Transfer("+44100"), EndCall("call_back")]


async def test_a_withheld_number_is_asked_for_and_confirmed_before_anybody_is_told() -> None:
    desk = a_desk(CALLS_BACK)
    asked = await desk.say("put me through")
    assert asked.text.endswith("what number shall they call?")
    assert not [each for each in asked.effects if isinstance(each, Transfer)]
    confirm = await desk.say("plus four four two zero seven nine four six zero one one two")
    assert confirm.text.endswith("Is that right?")
    done = await desk.say("yes")
    transfer = next(each for each in done.effects if isinstance(each, Transfer))
    assert transfer.to == "+44100"
    assert transfer.number.endswith("2079460112")
    assert done.ended
    assert desk.book.last.number == transfer.number, "the owner has it in writing, too"
    assert desk.book.last.confirmed


async def test_a_withheld_number_may_be_keyed_and_corrected() -> None:
    desk = a_desk(CALLS_BACK, language="ru")
    await desk.say("соедините с оператором")
    assert not desk.secretary.takes_key(desk.conversation)
    await desk.say("#89161234567")
    assert "по какому номеру" in (await desk.say("нет")).text
    await desk.say("#89167654321")
    done = await desk.say("да, верно")
    assert Transfer("+44100", "89167654321") in done.effects


async def test_a_caller_who_gives_no_number_is_not_promised_a_call() -> None:
    desk = a_desk(CALLS_BACK)
    await desk.say("put me through")
    answer = await desk.say("I would rather not")
    assert answer.text.startswith("Without a number nobody can call you back.")
    assert not [each for each in answer.effects if isinstance(each, Transfer)]
    assert desk.book.versions == []


async def test_a_line_that_can_do_neither_offers_a_message() -> None:
    answer = await a_desk(FULL).say("put me through")
    assert answer.text.startswith("I cannot connect you")
    assert (await a_desk(CALLS_BACK, to="").say("put me through")).text == answer.text


async def test_what_she_can_do_is_told_as_it_is() -> None:
    assert "call you back" in (await a_desk(CALLS_BACK).say("what can you do")).text
    assert "connect you" in (await a_desk(CONNECTS).say("what can you do")).text


async def test_a_promise_that_failed_is_taken_back_and_a_message_offered() -> None:
    desk = a_desk(CONNECTS)
    await desk.say("put me through")
    sorry = await desk.collect(desk.secretary.not_connected(desk.conversation))
    assert sorry.text.startswith("I cannot connect you")
    assert (await desk.say("yes")).by.source == "message"
