"""The data of the dialogue: phrases, intents, slots, personas, companies; and what importing it costs."""

import re
import subprocess
import sys
import tomllib
from importlib.resources import files

import pytest
from dialogue_desk import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dialogue.company import seed_company
from services.dialogue.personas import seed_personas
from services.dialogue.scripted.intents import intents_of
from services.dialogue.scripted.phrases import phrases_of
from services.dialogue.scripted.slots import slots_of
from services.knowledge.seed import seed_faq
from services.knowledge.words import words_of


def test_both_languages_have_the_same_phrases_with_the_same_fields() -> None:
    ru, en = phrases_of("ru"), phrases_of("en")
    assert ru.keys() == en.keys()
    for key in ru:
        fields = [{field for text in each[key] for field in re.findall(r"\{(\w+)\}", text)} for each in (ru, en)]
        assert fields[0] == fields[1], key


def test_every_phrase_is_used_and_every_used_one_is_there() -> None:
    folder = files("services.dialogue")
    code = "".join(
        each.read_text("utf-8")
        for place in (folder, folder / "scripted")
        for each in place.iterdir()
        if each.name.endswith(".py")
    )
    named = set(re.findall(r'"([a-z_]+)"', code)) | set(re.findall(r"'([a-z_]+)'", code))
    assert {each.removesuffix("_out").removesuffix("_written") for each in phrases_of("ru")} <= named
    asked = set(re.findall(r'\.say\(\s*"([a-z_]+)"', code))
    assert asked <= set(phrases_of("ru"))


def test_both_languages_have_the_same_intents() -> None:
    folder = files("services.dialogue.scripted") / "intents"
    ru, en = (tomllib.loads((folder / f"{each}.toml").read_text("utf-8")) for each in ("ru", "en"))
    assert ru.keys() == en.keys()


@pytest.mark.parametrize("language", ["ru", "en"])
@given(text=st.text(max_size=120))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_without_failing(language: str, text: str) -> None:
    intents_of(language).first(("goodbye", "cancel", "yes", "no", "question"), text)
    slots = slots_of(language)
    assert len(slots.name(text).split()) <= 3
    slots.matter(text)


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("ru", "меня зовут анна-мария петрова", "Анна-Мария Петрова"),
        ("ru", "это Пётр", "Пётр"),
        ("ru", "Иванов Иван Иванович", "Иванов Иван Иванович"),
        ("ru", "да, запишите, Сергей", "Сергей"),
        ("ru", "не скажу", ""),
        ("ru", "а зачем вам это", ""),
        ("en", "it's Mary O'Neil", "Mary O'Neil"),
        ("en", "John here", "John"),
        ("en", "well, my name is Bob and I need the invoice", "Bob"),
        ("en", "why do you need that", ""),
        ("en", "four one five", ""),
    ],
)
def test_names(language: str, text: str, name: str) -> None:
    assert slots_of(language).name(text) == name


def test_personas() -> None:
    personas = seed_personas()
    assert [(each.slug, each.language) for each in personas] == [("anna", "ru"), ("marina", "ru"), ("emma", "en")]
    assert len({each.character for each in personas}) == 3
    assert all("{company}" in each.greeting and "{name}" in each.greeting for each in personas)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_company_and_its_faq_agree(language: str) -> None:
    name, facts = seed_company(language)
    assert name == facts[language]["name"]
    answers = {entry.id: entry.answer for entry in seed_faq(language)}
    assert facts[language]["hours"] == answers[f"seed-{language}-hours"]
    assert facts[language]["address"] == answers[f"seed-{language}-address"]
    for figure in re.findall(r"\d+", facts[language]["prices"]):
        assert figure in answers[f"seed-{language}-prices"]
    assert facts[language]["phone"]


def test_importing_the_secretary_is_cheap() -> None:
    heavy = "sqlalchemy fastapi starlette openai pymorphy3 onnxruntime vosk httpx services.storage services.stt".split()
    code = f"import sys, services.dialogue.secretary; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_mind_loads_no_client() -> None:
    code = "import sys, services.llm.manager, services.llm.openai_compatible; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_no_caller_waits_for_words_to_be_compiled() -> None:
    Desk("en")
    for read in (intents_of, slots_of, phrases_of, words_of):
        before = read.cache_info().misses
        for language in ("ru", "en"):
            read(language)
        assert read.cache_info().misses == before
