"""A conversation by text message: nobody speaks, hears or calls in what the secretary writes."""

import re

import pytest
from dialogue_desk import NOON, Desk

from services.dialogue.prompt import system_prompt
from services.dialogue.scripted.phrases import phrases_of
from services.dialogue.shapes import Abilities

SPOKEN = {
    "ru": re.compile(r"слуша|слыш|\bзвоните|звонок|голос|трубк|скажите|говор|диктуй|клавиатур|кнопк"),
    "en": re.compile(r"hear|listen|calling|voice|speak|\bsay\b|press|key it|hang up"),
}


def a_desk(language: str) -> Desk:
    desk = Desk(language=language, abilities=Abilities(ears=True, hang_up=False), number="+79991234567")
    desk.conversation.channel = "sms"
    return desk


@pytest.mark.parametrize("language", ["ru", "en"])
def test_no_written_phrase_speaks_of_sound(language: str) -> None:
    written = {key: texts for key, texts in phrases_of(language).items() if key.endswith("_written")}
    assert written
    assert [text for texts in written.values() for text in texts if SPOKEN[language].search(text.lower())] == []


@pytest.mark.parametrize(
    ("language", "turns"),
    [
        (
            "ru",
            [
                "алло, вы меня слышите?",
                "говорите по-русски?",
                "оставить сообщение",
                "хочу поменять время записи на завтра",
                "Иван Петров",
                "да",
                "да",
                "спасибо",
                "до свидания",
            ],
        ),
        (
            "en",
            [
                "hello, can you hear me?",
                "do you speak English?",
                "leave a message",
                "I want to move my appointment to tomorrow",
                "John Smith",
                "yes",
                "yes",
                "thanks",
                "goodbye",
            ],
        ),
    ],
)
async def test_a_whole_conversation_in_writing(language: str, turns: list[str]) -> None:
    desk = a_desk(language)
    said = [(await desk.say(turn, source="typed")).text for turn in turns]
    assert [text for text in said if SPOKEN[language].search(text.lower())] == []
    assert any({"ru": "на этот номер", "en": "at this number"}[language] in text for text in said)


async def test_on_the_phone_the_words_stay() -> None:
    desk = a_desk("en")
    desk.conversation.channel = "gsm"
    assert "hear you" in (await desk.say("can you hear me?", source="typed")).text


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_model_is_told_that_it_writes(language: str) -> None:
    desk = a_desk(language)
    told = {"ru": "тебя не слышат", "en": "not heard"}[language]
    assert told in system_prompt(desk.conversation, language, NOON)
    desk.conversation.channel = "gsm"
    assert told not in system_prompt(desk.conversation, language, NOON)
