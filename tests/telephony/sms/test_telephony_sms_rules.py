"""Which texts get an answer, and how an answer is made to fit."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.storage.texts.records import TextMessage
from telephony.sms.rules import SAME_TEXTS, SmsRules, fitting, reason_for_silence
from telephony.sms.statuses import status_sentence
from telephony.sms.submit import parts_needed

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RULES = SmsRules(answers_per_hour=2)


def text(words: str, *, number: str = "+79990001122", minutes: float = 0.0, out: bool = False) -> TextMessage:
    at = NOW - timedelta(minutes=minutes)
    purpose = "answer" if out else ""
    return TextMessage(
        words,
        "default",
        "gsm",
        "out" if out else "in",
        number,
        words,
        "sent" if out else "received",
        at,
        purpose=purpose,
    )


@pytest.mark.parametrize("number", ["+79990001122", "79990001122", "+4915112345678"])
def test_people_get_an_answer(number: str) -> None:
    message = text("Вы открыты?", number=number)
    assert reason_for_silence(message, [message], RULES, NOW) == ""


@pytest.mark.parametrize("number", ["900", "SBERBANK", "Beeline", "*100#", "", "+7"])
def test_services_get_none(number: str) -> None:
    message = text("Вы открыты?", number=number)
    assert "service" in reason_for_silence(message, [message], RULES, NOW)


def test_the_hour_s_limit_counts_answers_only() -> None:
    message = text("ещё")
    before = [text("а", minutes=50, out=True), text("б", minutes=61, out=True)]
    assert reason_for_silence(message, [*before, message], RULES, NOW) == ""
    assert "within an hour" in reason_for_silence(
        message, [*before, text("в", minutes=5, out=True), message], RULES, NOW
    )


def test_the_same_words_again_and_again_get_none() -> None:
    message = text("Я за  рулём")
    copies = [text("я за рулём", minutes=n) for n in range(SAME_TEXTS)]
    assert reason_for_silence(message, [*copies[1:], message], RULES, NOW) == ""
    assert "machine" in reason_for_silence(message, [*copies, message], RULES, NOW)


def test_blocked_and_empty_ones_get_none() -> None:
    message = text("Вы открыты?")
    assert "blocked" in reason_for_silence(message, [], SmsRules(blocked=True), NOW)
    assert "no words" in reason_for_silence(text(" \n"), [], RULES, NOW)


def test_an_answer_that_fits_stays_as_it_is() -> None:
    assert fitting("  Да, до шести.  ", 1) == "Да, до шести."


def test_an_answer_is_cut_at_a_sentence_or_a_word() -> None:
    sentences = "Первое предложение. Второе предложение. Третье предложение, которое уже не поместится."
    assert fitting(sentences, 1) == "Первое предложение. Второе предложение."
    words = fitting("слово " * 40, 1)
    assert words.endswith("слово...")
    assert parts_needed(words) == 1


@given(st.text(max_size=600), st.integers(1, 3))
def test_every_answer_fits(words: str, parts: int) -> None:
    words = words.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
    assert parts_needed(fitting(words, parts)) <= parts


@given(st.integers(0, 255))
def test_every_status_has_a_sentence(status: int) -> None:
    assert status_sentence(status).endswith(".")
