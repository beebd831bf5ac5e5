"""What is said over the secretary: a listener's sign, or a wish that it stops."""

import tomllib
from importlib.resources import files

import pytest

from services.voice.backchannel import is_backchannel, means_stop

LISTENING = {
    "ru": "угу|Угу, угу.|ага|да-да|да да да|так|понятно|хорошо|ясно|да понятно|я понял|м-м|ну да|всё ясно|Ага, ясно.",
    "en": "mhm|uh-huh|uh huh|yeah|Yes.|right|ok|okay|I see.|all right|yeah yeah yeah yeah|right okay|got it|mm-hmm",
}
STOPPING = {
    "ru": "стоп|хватит|подождите|погодите|нет|Нет, нет.|да подождите|не надо|секунду|стоп стоп стоп",
    "en": "stop|wait|no|No, no, no!|hold on|yes but|ok stop|wait a minute|excuse me",
}
SPEAKING = {
    "ru": "а сколько стоит|да а во сколько|меня зовут иван|ага ясно хорошо да|какой адрес",
    "en": "what about sunday|ok so what is the price|my name is john|where|yeah right okay sure fine",
}


def each(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(language, text) for language, texts in table.items() for text in texts.split("|")]


@pytest.mark.parametrize(("language", "text"), each(LISTENING))
def test_a_sign_of_listening_stops_nothing(language: str, text: str) -> None:
    assert is_backchannel(text, language)
    assert not means_stop(text, language)


@pytest.mark.parametrize(("language", "text"), each(STOPPING))
def test_a_short_word_that_interrupts(language: str, text: str) -> None:
    assert means_stop(text, language)
    assert not is_backchannel(text, language)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_no_word_means_both(language: str) -> None:
    words = tomllib.loads((files("services.voice.endpointing") / "turn_words" / f"{language}.toml").read_text("utf-8"))
    assert not {*words["backchannel"].split(), *words["backchannel_phrases"]} & {*words["stop"]}


@pytest.mark.parametrize(("language", "text"), each(SPEAKING))
def test_speech_of_their_own_is_neither(language: str, text: str) -> None:
    assert not is_backchannel(text, language)
    assert not means_stop(text, language)


@pytest.mark.parametrize("text", ["", "...", "oui"])
def test_nothing_and_an_unknown_language_are_neither(text: str) -> None:
    assert not is_backchannel(text, "fr")
    assert not means_stop(text, "fr")
    assert not is_backchannel("", "en")
