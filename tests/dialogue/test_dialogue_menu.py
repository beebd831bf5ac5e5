"""The keyed menu: what is read out, and what a key does, in both languages."""

from dataclasses import replace

import pytest
from dialogue_desk import FULL, Desk

from services.dialogue.shapes import Abilities, Transfer
from services.domain import MenuItem

EN = (
    MenuItem("1", "prices", "say", "A cake is 20 pounds."),
    MenuItem("2", "a colleague", "transfer", "+44100"),
    MenuItem("3", "leaving a message", "message"),
    MenuItem("*", "Marina", "persona", "marina"),
)
RU = (MenuItem("1", "цены", "say", "Торт стоит тысячу рублей."), MenuItem("#", "оставить сообщение", "message"))
CONNECTS = replace(FULL, transfer=True)


def a_desk(language: str = "en", abilities: Abilities = CONNECTS) -> Desk:
    desk = Desk(language=language, abilities=abilities)
    desk.conversation.menu = EN if language == "en" else RU
    return desk


async def test_the_menu_is_read_out_behind_the_greeting() -> None:
    assert (await a_desk().greet()).text.endswith(
        "How can I help you? For prices, press 1. For a colleague, press 2. For leaving a message, press 3. "
        "For Marina, press star."
    )
    russian = await a_desk("ru").greet()
    assert russian.text.endswith("Чем могу помочь? Цены, кнопка 1. Оставить сообщение, кнопка решётка.")


async def test_a_line_without_keys_has_no_menu() -> None:
    desk = a_desk(abilities=replace(CONNECTS, digits=False))
    assert "press" not in (await desk.greet()).text
    assert not desk.secretary.takes_key(desk.conversation)


async def test_nobody_is_offered_who_cannot_be_reached() -> None:
    desk = a_desk(abilities=FULL)
    assert "colleague" not in (await desk.greet()).text
    assert "nothing on 2" in (await desk.say("#2")).text


async def test_a_key_says_what_is_on_it() -> None:
    desk = a_desk()
    assert (await desk.say("#1")).text == "A cake is 20 pounds."
    assert (await desk.say("", source="digits")).by.source == "message", "the closing # alone still takes a message"


async def test_a_key_connects() -> None:
    answer = await a_desk().say("#2")
    assert answer.effects == [Transfer("+44100")]


async def test_a_key_takes_a_message_and_from_then_on_keys_are_figures() -> None:
    desk = a_desk()
    assert desk.secretary.takes_key(desk.conversation)
    assert (await desk.say("#3")).by.source == "message"
    assert not desk.secretary.takes_key(desk.conversation)


async def test_a_key_with_nothing_on_it_repeats_the_choices_once() -> None:
    desk = a_desk()
    first, second = await desk.say("#7"), await desk.say("#8")
    assert first.text.startswith("I am sorry, there is nothing on 7. For prices, press 1.")
    assert second.text == "I am sorry, there is nothing on 8. Just tell me what you would like."
    await desk.say("#1")
    assert "For prices" in (await desk.say("#7")).text, "a right key in between begins anew"


async def test_zero_takes_a_message_where_the_menu_has_nothing_on_it() -> None:
    assert (await a_desk().say("#0")).by.source == "message"


async def test_a_chosen_persona_who_is_there_introduces_herself() -> None:
    desk = a_desk()
    marina = Desk(language="ru", persona="marina").conversation.persona
    assert (await desk.say("#*")).text.startswith("I cannot connect you"), "nobody has taken over"
    desk.conversation.persona = replace(marina, language="en", greeting="{name} here.")
    assert (await desk.say("#*")).text == f"{marina.name} here."


async def test_what_is_not_heard_leads_to_the_menu_and_not_to_keys_that_mean_something_else() -> None:
    desk = a_desk()
    await desk.say("")
    assert (await desk.say("")).text.startswith("I still cannot hear you well. For prices, press 1.")


async def test_without_ears_the_menu_stands_in_for_the_usual_keys() -> None:
    desk = a_desk(abilities=replace(CONNECTS, ears=False))
    greeting = (await desk.greet()).text
    assert "For prices, press 1." in greeting
    assert "opening hours" not in greeting
    await desk.say("")
    assert (await desk.say("#1")).text == "A cake is 20 pounds.", "also while the voice is being recorded"


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_without_a_menu_the_keys_are_what_they_were(language: str) -> None:
    desk = Desk(language=language)
    assert not desk.secretary.takes_key(desk.conversation)
    assert (await desk.say("#1")).by.source == "facts"
