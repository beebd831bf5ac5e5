import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.text.digits import group_digits, spoken_digits
from services.text.spoken import to_spoken

RUSSIAN = [
    ("восемь девятьсот двенадцать триста сорок пять шестьдесят семь восемьдесят девять", "89123456789"),
    ("плюс семь девятьсот двенадцать триста сорок пять шестьдесят семь восемьдесят девять", "+79123456789"),
    ("так, восемь, э, девятьсот три и ноль пять", "890305"),
    ("два нуля три семёрки", "00777"),
    ("8 912 345 67 89", "89123456789"),
    ("+7 (912) 345-67-89", "+79123456789"),
    ("восемь 912 триста сорок пять 67 восемьдесят девять", "89123456789"),
    ("один два три четыре пять", "12345"),
    ("двадцать один", "21"),
    ("двадцать ноль один", "2001"),
    ("сто двадцать три", "123"),
    ("сто двадцать тридцать", "12030"),
    ("девятьсот пять", "905"),
    ("восемьсот пять пять пять", "800555"),
    ("девятьсот ноль пять", "90005"),
    ("пять двадцать", "520"),
    ("семнадцать девяносто", "1790"),
    ("мой номер восемь восемьсот пятьсот пятьдесят пять тридцать пять тридцать пять", "88005553535"),
    ("ноль ноль семь", "007"),
    ("ноль-ноль семь", "007"),
    ("дважды пять", "55"),
    ("трижды ноль", "000"),
    ("одиннадцать двенадцать", "1112"),
    ("две семёрки и двойка", "77"),
    ("сорок", "40"),
    ("шестьсот", "600"),
    ("пожалуйста, перезвоните", None),
    ("", None),
    ("плюс", None),
]

ENGLISH = [
    ("plus seven nine one two three four five six seven eight nine", "+79123456789"),
    ("double five", "55"),
    ("triple oh seven", "0007"),
    ("double 7", "77"),
    ("oh two oh seven", "0207"),
    ("twenty one", "21"),
    ("twenty-one", "21"),
    ("twenty twenty", "2020"),
    ("nine hundred and twelve", "912"),
    ("nine hundred five hundred", "900500"),
    ("eight hundred five five five", "800555"),
    ("eight hundred fifty five", "855"),
    ("one two three, um, four and five", "12345"),
    ("my number is five five five one two three four", "5551234"),
    ("+1 (555) 123 4567", "+15551234567"),
    ("555 one two 34", "5551234"),
    ("forty two eleven", "4211"),
    ("nineteen ninety nine", "1999"),
    ("zero zero", "00"),
    ("nought", "0"),
    ("ten", "10"),
    ("o four", "04"),
    ("seven double oh three", "7003"),
    ("quadruple nine", "9999"),
    ("five twenty", "520"),
    ("please call me back", None),
    ("plus", None),
]


@pytest.mark.parametrize(("text", "figures"), RUSSIAN)
def test_russian_dictation(text: str, figures: str | None) -> None:
    assert spoken_digits(text, "ru") == figures


@pytest.mark.parametrize(("text", "figures"), ENGLISH)
def test_english_dictation(text: str, figures: str | None) -> None:
    assert spoken_digits(text, "en") == figures


GROUPS = [
    ("89123456789", "ru", "8 912 345 67 89"), ("+79123456789", "ru", "+7 912 345 67 89"),
    ("9123456789", "ru", "912 345 67 89"),
    ("1234567", "ru", "123 45 67"), ("123456", "ru", "12 34 56"), ("12345", "ru", "123 45"), ("1234", "ru", "12 34"),
    ("123", "ru", "123"), ("12", "ru", "12"), ("", "ru", ""), ("8 (800) 555-35-35", "ru", "8 800 555 35 35"),
    ("88005553535", "ru", "8 800 555 35 35"), ("+375291234567", "ru", "+375 29 123 45 67"), ("112", "ru", "112"),
    ("+15551234567", "en", "+1 555 123 4567"), ("5551234567", "en", "555 123 4567"), ("5551234", "en", "555 1234"),
    ("+79123456789", "en", "+7 912 345 67 89"), ("911", "en", "911"), ("12345", "en", "123 45"),
    ("+442071234567", "en", "+44 20 7123 4567"), ("(555) 123-4567", "en", "555 123 4567"), ("1234", "en", "12 34"),
    ("123456", "en", "12 34 56"), ("1", "en", "1"), ("no number", "en", ""),
]  # fmt: skip


@pytest.mark.parametrize(("number", "language", "written"), GROUPS)
def test_groups_for_reading_back(number: str, language: str, written: str) -> None:
    assert group_digits(number, language) == written


@settings(max_examples=100, deadline=None)
@given(
    st.from_regex(re.compile(r"\+7\d{10}|[78]9\d{9}|\d{7}", re.ASCII), fullmatch=True), st.sampled_from(["ru", "en"])
)
def test_what_is_read_back_is_heard_as_the_same_number(number: str, language: str) -> None:
    said = to_spoken(
        group_digits(number, language).replace(" ", "-") if len(number) == 7 else group_digits(number, language),
        language,
    )
    assert not any(map(str.isdigit, said))
    # each group is a pause apart: joined group by group nothing is lost
    assert "".join(spoken_digits(group, language) or "" for group in said.split(",")).lstrip("+") == number.lstrip("+")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=100), st.sampled_from(["ru", "en", ""]))
def test_never_raises(text: str, language: str) -> None:
    figures = spoken_digits(text, language)
    assert figures is None or figures.lstrip("+").isdigit()
    assert isinstance(group_digits(text, language), str)
