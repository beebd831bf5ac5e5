import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.text.chunker import SpeechChunker
from services.text.clean import strip_markup

CASES = [
    ("**Привет**, _мир_!", "Привет, мир!"),
    ("***важно*** и ~~старое~~", "важно и старое"),
    ("# Цены\n- **Стрижка** — 500 ₽\n1. Первый", "Цены\nСтрижка — 500 ₽\n1. Первый"),
    ("* пункт\n+ другой\n• третий", "пункт\nдругой\nтретий"),
    ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b\n1, 2"),
    ("[сайт](https://a.ru/x_(y)) и `код`", "сайт и код"),
    ("![план зала](a.png) здесь", "план зала здесь"),
    ("<b>Да</b><br>нет &amp; может", "Да\nнет & может"),
    ("Да 😀 конечно 👍🏽!", "Да конечно!"),
    ("**незакрытый", "незакрытый"),
    ("закрытый** дальше", "закрытый дальше"),
    ("```python\nprint(1)\n```", "print(1)"),
    ("```python", ""),
    ("2 * 3 и snake_case", "2 × 3 и snake_case"),
    ("! Да.", "Да."),
    (".. сейчас", "сейчас"),
    ("» Дальше", "Дальше"),
    ("...", ""),
    ("👍", ""),
    ("---", ""),
    ("> цитата", "цитата"),
    ("- [ ] задача", "задача"),
    ("два  пробела", "два пробела"),
    ("-5 °C", "-5 °C"),
    ("Цена 5 < 6 и 7 > 3", "Цена 5 < 6 и 7 > 3"),
    (r"\*звезда\*", "звезда"),
    ("<https://a.ru>", "https://a.ru"),
    ("50% скидка (сегодня)", "50% скидка (сегодня)"),
]


@pytest.mark.parametrize(("written", "plain"), CASES)
def test_markup_is_taken_out(written: str, plain: str) -> None:
    assert strip_markup(written) == plain


def test_bold_across_chunks_is_never_spoken() -> None:
    chunker = SpeechChunker("ru")
    text = "**Здравствуйте! Мы открыты.** Приходите *завтра* с утра."
    chunks = [chunk for character in text for chunk in chunker.push(character)] + chunker.flush()
    plain = " ".join(filter(None, map(strip_markup, chunks)))
    assert plain == "Здравствуйте! Мы открыты. Приходите завтра с утра."


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.text(alphabet="*_`#<>[]()|!~-.\n a1", max_size=80)))
def test_never_raises_and_speaks_no_stars(text: str) -> None:
    assert "*" not in strip_markup(text.replace("&", "").replace("\\", ""))
