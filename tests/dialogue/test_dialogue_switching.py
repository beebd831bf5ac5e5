"""The caller changes the language: when the call follows, and what becomes of it."""

from dataclasses import replace
from typing import Any

import pytest
from dialogue_desk import NOON, Desk
from hypothesis import given
from hypothesis import strategies as st

from services.dialogue.personas import seed_personas
from services.dialogue.prompt import system_prompt
from services.dialogue.scripted.languages import wished_language
from services.dialogue.shapes import Utterance
from services.dialogue.switching import switched_language
from services.domain import PastTurn

BOTH = frozenset({"ru", "en"})
PERSONAS = {"ru": "anna", "en": "emma"}


def switch(desk: Desk, language: str) -> None:
    """Change the call's language as the voice room does: the language and the persona together."""
    desk.conversation.language = desk.language = language
    desk.conversation.persona = next(each for each in seed_personas() if each.slug == PERSONAS[language])


def heard(desk: Desk, text: str, language: str, served: frozenset[str] = BOTH, **more: Any) -> str:
    return switched_language(desk.conversation, Utterance(text, language, **more), served)


@pytest.mark.parametrize(
    ("language", "text", "told", "confidence", "goes_on"),
    [
        ("ru", "hello I would like to make an appointment", "en", None, "en"),
        ("ru", "what are your opening hours", "en", 0.8, "en"),
        ("ru", "what time", "en", 0.8, "en"),
        ("en", "здравствуйте до скольки вы работаете", "ru", 0.7, "ru"),
        ("en", "сколько стоит", "ru", None, "ru"),
        ("ru", "okay", "en", 0.9, ""),
        ("ru", "Philips Zoom", "en", 0.9, ""),
        ("ru", "thank you", "en", 0.9, ""),
        ("en", "продолжение следует", "ru", 0.9, ""),  # what Whisper hears in noise
        ("en", "да", "ru", 0.9, ""),
        ("ru", "what are your opening hours", "en", 0.3, ""),
        ("ru", "можно на Philips Zoom посмотреть", "en", 0.9, ""),
        ("ru", "можно отбелить зубы", "en", 0.9, ""),  # the ears say English, the letters do not
        ("en", "what are your opening hours", "ru", 0.9, ""),
        ("ru", "what are your opening hours", "ru", 0.9, ""),  # ears that hear one language only
        ("ru", "was kostet eine Füllung bei Ihnen", "de", 0.9, ""),
        ("ru", "8 916 123 45 67", "en", 0.9, ""),
        ("ru", "", "en", None, ""),
    ],
)
def test_what_is_clear_enough(language: str, text: str, told: str, confidence: float | None, goes_on: str) -> None:
    assert heard(Desk(language), text, told, confidence=confidence) == goes_on


@pytest.mark.parametrize(
    ("before", "goes_on"),
    [
        ("good morning", "en"),
        ("what are your hours", "en"),
        ("okay", ""),
        ("сколько стоит пломба", ""),
        ("can вы", ""),
    ],
)
def test_half_clear_twice_in_a_row_is_clear(before: str, goes_on: str) -> None:
    desk = Desk("ru")
    desk.conversation.history = [PastTurn("caller", before, NOON), PastTurn("secretary", "Простите?", NOON)]
    assert heard(desk, "teeth cleaning", "en", confidence=0.4) == goes_on
    desk.conversation.history = [PastTurn("caller", "teeth cleaning", NOON)]  # this very turn, already remembered
    assert heard(desk, "teeth cleaning", "en", confidence=0.4) == ""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("do you speak English?", "en"),
        ("sorry do you speak english please", "en"),
        ("English please", "en"),
        ("I don't speak Russian", "en"),
        ("can we speak Russian", "ru"),
        ("does anyone there speak Russian", "ru"),
        ("вы говорите по-английски?", "en"),
        ("можно на английском", "en"),
        ("я не понимаю по-русски", "en"),
        ("а вы по-русски говорите", ""),
        ("говорите по-русски пожалуйста", "ru"),
        ("по-русски можно", "ru"),
        ("давайте по русски", "ru"),
        ("передайте врачу что я плохо говорю по английски и поэтому опоздаю", ""),
        ("does the doctor speak english", ""),
        ("how much is a course of english lessons", ""),
        ("сколько стоят курсы английского", ""),
    ],
)
def test_wishes(text: str, wanted: str) -> None:
    assert wished_language(text) == wanted
    if wanted:
        for language in BOTH:
            for told in BOTH:  # asked for in whatever language, and whatever the ears make of it
                assert heard(Desk(language), text, told) == (wanted if wanted != language else "")


def test_what_is_not_served_is_not_gone_on_in() -> None:
    for text in ("do you speak English", "what are your opening hours on Monday"):
        assert heard(Desk("ru"), text, "en", frozenset({"ru"})) == ""


def test_keys_and_typed_text() -> None:
    desk = Desk("ru")
    assert heard(desk, "1", "en", source="digits") == ""
    assert heard(desk, "what are your opening hours", "ru", source="typed") == "en"
    assert heard(desk, "Philips Zoom", "ru", source="typed") == ""
    desk.conversation.state = {"v": 1, "draft": {"v": 1}}
    assert heard(desk, "the tooth is hurting again", "ru", source="typed") == ""
    assert heard(desk, "do you speak english", "ru", source="typed") == "en"


async def test_a_foreign_name_changes_nothing() -> None:
    desk = Desk("ru")
    await desk.all("оставить сообщение", "я опоздаю")
    assert heard(desk, "John Ronald Reuel Tolkien", "en", confidence=0.9) == ""
    assert heard(desk, "sorry I do not understand you", "en", confidence=0.9) == "en"


@given(
    text=st.text(alphabet="abc абв 12 .?'", max_size=40),
    told=st.sampled_from(["ru", "en", "de", ""]),
    source=st.sampled_from(["speech", "typed", "digits"]),
    confidence=st.none() | st.floats(0, 1),
)
def test_letters_never_lie(text: str, told: str, source: Any, confidence: float | None) -> None:
    for language in BOTH:
        found = heard(Desk(language), text, told, source=source, confidence=confidence)
        assert found in {"", *BOTH} - {language}
        if found == "en":
            assert not set("абв") & set(text)
        if found == "ru":
            assert not set("abc") & set(text)


async def test_a_call_goes_on_in_the_new_language_with_all_it_knows() -> None:
    desk = Desk("ru")
    await desk.greet()
    desk.conversation.history = [PastTurn("caller", "где вы находитесь", NOON)]
    switch(desk, "en")
    answer = await desk.say("what are your opening hours")
    assert answer.by.detail == "seed-en-hours"
    assert (await desk.say("why is the grass green")).text.startswith("I am afraid")
    assert "Mint Dental" in system_prompt(desk.conversation, "en", NOON)
    assert len(desk.conversation.history) == 1
    nobody = await desk.collect(desk.secretary.no_input(desk.conversation, 1))
    assert nobody.text == "Are you still there?"
    switch(desk, "ru")
    assert (await desk.say("до скольки вы работаете")).by.detail == "seed-ru-hours"


async def test_a_foreign_word_is_answered_in_the_calls_language() -> None:
    desk = Desk("ru")
    answer = await desk.say("okay", language="en")
    assert any(letter in answer.text for letter in "аеиоу")


async def test_a_message_goes_on_in_the_new_language() -> None:
    desk = Desk("ru", "+79161234567")
    await desk.all("оставить сообщение", "я опоздаю на полчаса")
    switch(desk, "en")
    asked = await desk.say("sorry can we speak English please")
    assert asked.text.startswith("Yes, I speak English. Back to your message.")
    assert "name" in asked.text
    assert "number" in (await desk.say("my name is John Smith")).text
    read_back = (await desk.say("yes please")).text
    assert read_back.startswith("Let me check. The message: я опоздаю на полчаса. Your name is John Smith.")
    await desk.say("yes that's right")
    taken = desk.book.last
    assert (taken.matter, taken.name, taken.number) == ("я опоздаю на полчаса", "John Smith", "+79161234567")
    assert (taken.confirmed, len(desk.book.ids)) == (True, 1)


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "sorry do you speak English?", "Yes, I speak English. I am listening."),
        ("ru", "вы говорите по-русски?", "Да, я говорю по-русски. Слушаю вас."),
        ("en", "вы говорите по-английски?", "Yes, I speak English. I am listening."),  # switched before the answer
    ],
)
async def test_a_wish_that_is_met(language: str, text: str, words: str) -> None:
    assert (await Desk(language).say(text)).text == words


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("ru", "вы говорите по-английски?", "понимаю только по-русски"),
        ("ru", "do you speak English?", "понимаю только по-русски"),
        ("en", "can we speak Russian?", "only understand English"),
    ],
)
async def test_a_wish_that_cannot_be_met_is_answered_honestly(language: str, text: str, words: str) -> None:
    desk = Desk(language)
    answer = await desk.say(text)
    assert words in answer.text
    assert ("Our doctors" in answer.text or "Наши врачи" in answer.text) is ("do you" not in text)  # the owner's answer
    assert (await desk.say("да" if language == "ru" else "yes")).by.detail in ("matter", "name")
    desk = Desk(language)
    await desk.say("оставить сообщение" if language == "ru" else "leave a message")
    answer = await desk.say(text)
    assert words in answer.text
    assert desk.conversation.state["draft"]["step"] == "matter"


async def test_typed_wishes_need_no_ears() -> None:
    desk = Desk("ru")
    assert (await desk.say("по-английски пожалуйста", source="typed")).text == "Yes, I speak English. I am listening."
    assert "Garden" in (await desk.say("address", source="typed")).text
    assert "Да, я говорю по-русски." in (await desk.say("can we speak russian", source="typed")).text


async def test_who_types_english_and_then_speaks_is_answered_as_the_call_is_held() -> None:
    desk = Desk("ru")
    assert "Garden" in (await desk.say("where are you located", source="typed")).text
    assert "Садовой" in (await desk.say("где вы находитесь")).text
    assert "language" not in desk.conversation.state


async def test_what_was_said_before_the_change_is_not_repeated_by_the_wrong_voice() -> None:
    desk = Desk("ru")
    await desk.say("где вы находитесь")
    switch(desk, "en")
    assert (await desk.say("sorry, could you say that again")).text == "Yes, I speak English. I am listening."
    await desk.say("where are you located")
    assert "Garden" in (await desk.say("say that again please")).text


async def test_the_greeting_is_in_the_conversations_language() -> None:
    desk = Desk("ru")
    switch(desk, "en")
    assert (await desk.greet()).text.startswith("Hello! Mint Dental, this is Emma")
    desk.conversation.persona = replace(desk.conversation.persona, language="ru")
    assert (await desk.greet()).text.startswith("Hello! Mint Dental, this is Emma")
