"""What may lie on disk as sound: the owner's texts and ours, and nothing about a caller."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dialogue_desk import FULL, Desk
from openai_server import ending, running, words

from services.dialogue.scripted.fixed import FixedText, is_fixed, together
from services.dialogue.scripted.phrases import phrases_of
from services.dialogue.shapes import ReplyText, Utterance
from services.engines import EngineContext
from services.knowledge.seed import seed_faq
from services.llm.openai_compatible import ENGINE

TALKS = tomllib.loads((Path(__file__).parent / "message_talks.toml").read_text("utf-8"))["talk"]
LINES = {
    "ru": ("почему трава зеленая", "где вы находитесь и до скольки вы работаете", "спасибо", "вы робот", "#1", "", ""),
    "en": ("why is the grass green", "where are you and when are you open", "thanks", "are you a bot", "#1", "", ""),
}


def owners_texts(language: str) -> list[str]:
    """Every sentence that exists before anybody calls, longest first."""
    desk = Desk(language)
    names = {"company": desk.conversation.company.fact("name", language), "persona": desk.conversation.persona.name}
    texts = [text for variants in phrases_of(language).values() for text in variants]
    texts += [desk.conversation.persona.greeting.replace("{name}", names["persona"])]
    texts += [entry.answer for entry in seed_faq(language)] + [*desk.conversation.company.facts[language].values()]
    texts = [re.sub(r"\(([^()/]*)/([^()/]*)\)", r"\1", each) for each in texts]
    texts = [each.replace("{company}", names["company"]).replace("{persona}", names["persona"]) for each in texts]
    asking = [phrases_of(language)[key] for key in ("ask_name", "ask_number", "offer_number", "ask_matter", "ask_what")]
    nested = [each.replace("{ask}", ask) for each in texts if "{ask}" in each for asks in asking for ask in asks]
    return sorted([*texts, *nested], key=len, reverse=True)


async def fixed_texts(desk: Desk, lines: tuple[str, ...]) -> list[str]:
    """Talk, and return what was said as fixed."""
    events = [event async for event in desk.secretary.greet(desk.conversation)]
    for line in lines:
        source = "digits" if line.startswith("#") else "speech"
        utterance = Utterance(line.removeprefix("#"), desk.language, source)  # type: ignore[arg-type]
        events += [event async for event in desk.secretary.reply(desk.conversation, utterance)]
    events += [event async for event in desk.secretary.no_input(desk.conversation, 1)]
    return [event.text for event in events if isinstance(event, ReplyText) and event.fixed]


@pytest.mark.parametrize("talk", TALKS, ids=[f"{talk['language']} {talk['title']}" for talk in TALKS])
async def test_fixed_texts_hold_nothing_that_was_not_there_before_the_call(talk: dict[str, Any]) -> None:
    desk = Desk(talk["language"], talk["from"])
    fixed = await fixed_texts(desk, (*LINES[talk["language"]], *talk["says"]))
    assert len(fixed) >= 5
    known = owners_texts(talk["language"])
    for text in fixed:
        rest = text
        for each in known:
            rest = rest.replace(each, " ")
        assert not rest.strip(), (text, rest)


@pytest.mark.parametrize(
    ("lines", "fixed"),
    [
        ((), True),
        (("what are your opening hours",), True),
        (("what is your phone number",), True),
        (("why is the grass green",), True),
        (("are you a robot",), True),
        (("can i leave a message",), True),
        (("can i leave a message", "i am late"), True),
        (("can i leave a message", "i am late", "John", "one two three"), False),
        (("can i leave a message", "i am late", "John", "no need"), False),
        (("can i leave a message", "i am late", "John", "no need", "yes"), True),
        (("what are your opening hours", "repeat that"), False),
    ],
)
async def test_what_is_fixed(lines: tuple[str, ...], fixed: bool) -> None:
    desk = Desk("en")
    events = [event async for event in desk.secretary.greet(desk.conversation)]
    for line in lines:
        events = [event async for event in desk.secretary.reply(desk.conversation, Utterance(line, "en"))]
    texts = [event for event in events if isinstance(event, ReplyText)]
    assert [each.fixed for each in texts] == [fixed]
    assert type(texts[0].text) is str


async def test_a_greeting_with_a_callers_name_is_not_fixed() -> None:
    for name, fixed in (("", True), ("John Smith", False)):
        desk = Desk("en", returning=True)
        desk.conversation.state = {"v": 1, "name": name}
        events = [event async for event in desk.secretary.greet(desk.conversation)]
        assert [event.fixed for event in events if isinstance(event, ReplyText)] == [fixed]


async def test_a_models_words_are_not_fixed() -> None:
    async with running() as server:
        model = await ENGINE.load(EngineContext(Path(), Path(), {"base_url": server.url, "model": "tiny-1"}))
        server.answers = [[*words("Because ", "of chlorophyll."), *ending()]]
        desk = Desk("en", model=model)
        utterance = Utterance("why is the grass green", "en")
        events = [event async for event in desk.secretary.reply(desk.conversation, utterance)]
        await model.close()
    assert [event.fixed for event in events if isinstance(event, ReplyText)] == [False, False]


async def test_the_earless_greeting_is_fixed() -> None:
    desk = Desk("ru", abilities=replace(FULL, ears=False))
    events = [event async for event in desk.secretary.greet(desk.conversation)]
    assert [event.fixed for event in events if isinstance(event, ReplyText)] == [True]


def test_only_a_text_somebody_vouched_for_is_fixed() -> None:
    text = FixedText("Hello")
    assert is_fixed(text, together(text, FixedText(), text))
    assert together(text, text) == "Hello Hello"
    assert not is_fixed(together(text, "John"))
    assert not is_fixed(f"{text}")
    assert not is_fixed(text + "!")
    assert not is_fixed(text.strip())
