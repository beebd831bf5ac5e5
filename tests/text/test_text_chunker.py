import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.sentence_cases import CASES
from services.text.chunker import SpeechChunker


def cut(text: str, language: str, size: int, first_clause_chars: int = 0) -> list[str]:
    chunker = SpeechChunker(language, first_clause_chars=first_clause_chars)
    chunks = [chunk for at in range(0, len(text), size) for chunk in chunker.push(text[at : at + size])]
    return chunks + chunker.flush()


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def without_spaces(text: str) -> str:
    return re.sub(r"\s+", "", text)


def word_ends(chunks: list[str]) -> set[int]:
    """Say where chunks end, counted in letters and figures."""
    ends, at = set(), 0
    for chunk in chunks:
        at += len(letters(chunk))
        ends.add(at)
    return ends


@pytest.mark.parametrize(("language", "sentences"), CASES, ids=[" ".join(case)[:40] for _, case in CASES])
def test_hard_sentences_whole_and_in_tokens(language: str, sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert cut(text, language, len(text)) == sentences
    for size in (1, 3):
        chunks = cut(text, language, size)
        assert [letters(chunk) for chunk in chunks] == [letters(sentence) for sentence in sentences]
        assert without_spaces("".join(chunks)) == without_spaces(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ru", "Приходите завтра."),
        ("ru", "Здравствуйте!"),
        ("ru", "Вы придёте?"),
        ("ru", "Да."),
        ("ru", "Мы ждём вас."),
        ("ru", "Это на улице (слева от входа) прямо."),
        ("en", "We are glad to help."),
        ("en", "Really?"),
        ("en", "See you soon!"),
        ("en", "I can help you."),
    ],
)
def test_a_certain_end_does_not_wait(language: str, text: str) -> None:
    chunker = SpeechChunker(language, first_clause_chars=0)
    assert chunker.push(text[:-1]) == []
    assert chunker.push(text[-1]) == [text]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ru", "в 2026 г."), ("ru", "на ул."), ("ru", "Это А."), ("ru", "стоит 3."), ("ru", "дата 12."),
        ("ru", "т. е."), ("ru", "сайт компания."), ("ru", "Сказал: «Приходите."), ("ru", "пишите на info@mail."),
        ("ru", "1."), ("ru", "наш сайт romashka."), ("ru", "и т. д."),
        ("en", "Call Mr."), ("en", "some, e.g."), ("en", "at 5 p.m."), ("en", "visit example."), ("en", "costs 3."),
        ("en", "in the U.S."), ("en", 'He said "Come.'), ("en", "see https://a.b/c?"), ("en", "1."),
    ],
)  # fmt: skip
def test_an_uncertain_end_waits(language: str, text: str) -> None:
    chunker = SpeechChunker(language, first_clause_chars=0)
    assert chunker.push(text) == []
    assert chunker.flush() == [text]


@pytest.mark.parametrize(
    ("language", "text", "first"),
    [
        ("ru", "Конечно, я могу записать вас на завтра, если хотите.", "Конечно, я могу записать вас на завтра,"),
        ("ru", "Стрижка у наших мастеров — это недорого и быстро.", "Стрижка у наших мастеров —"),
        ("ru", "Вот что мы можем вам предложить: окраску и укладку.", "Вот что мы можем вам предложить:"),
        ("en", "Of course I can book you in, if you tell me when.", "Of course I can book you in,"),
        ("en", "Yes, let me look at the calendar; one moment.", "Yes, let me look at the calendar;"),
    ],
)
def test_the_first_chunk_may_be_a_clause_at_once(language: str, text: str, first: str) -> None:
    chunker = SpeechChunker(language)
    assert chunker.push(first[:-1]) == []
    assert chunker.push(first[-1]) == [first]
    assert chunker.push(text[len(first) :]) == [text[len(first) :].strip()]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ru", "Наша компания находится на улице Ленина, 5."),
        ("ru", "Наша цена за эту услугу всего 1,5 тысячи рублей"),
        ("ru", "Мы записали вас на субботу, 21 ноября."),
        ("ru", "Свободно в 10, 12 и 15 часов, выбирайте."),
        ("en", "Our office stands on Main Street, 12, downtown."),
        ("en", "We have booked you for Saturday, November 21, 2026."),
        ("en", "We are open daily from 10:30 to 18:00"),
    ],
)
def test_no_clause_inside_figures_addresses_and_dates(language: str, text: str) -> None:
    assert len(cut(text, language, 1, first_clause_chars=24)) == 1


def test_only_the_first_chunk_is_a_clause_and_flush_begins_anew() -> None:
    chunker = SpeechChunker("en")
    text = "Of course I can help you, my friend. When I look at it closely, I see nothing wrong."
    first = ["Of course I can help you,", "my friend.", "When I look at it closely, I see nothing wrong."]
    assert chunker.push(text) + chunker.flush() == first
    assert chunker.push(text) + chunker.flush() == first


def test_long_sentences_are_cut_at_clauses_and_never_in_words_or_numbers() -> None:
    clause = "мы работаем каждый день без выходных и праздников"
    chunks = cut(", ".join([clause] * 12) + ".", "ru", 1)
    assert len(chunks) > 2
    assert all(len(chunk) <= 220 for chunk in chunks)
    assert all(chunk.endswith((",", ".")) for chunk in chunks)
    words = "слово " * 100 + "1 500 000 " * 20
    assert all(chunk.split()[0] in ("слово", "1") for chunk in cut(words, "ru", 7))
    assert without_spaces("".join(cut(words, "ru", 7))) == without_spaces(words)
    assert cut("а" * 1000, "ru", 10) == ["а" * 1000]


def test_lines_end_chunks_and_list_markers_do_not() -> None:
    text = "Вот список:\n- первый пункт\n- второй пункт\n\n1.\nТретий"
    assert cut(text, "ru", 1) == ["Вот список:", "- первый пункт", "- второй пункт", "1. Третий"]


def test_marks_of_the_same_token_stay_with_their_sentence() -> None:
    chunker = SpeechChunker("ru")
    assert chunker.push("Правда?!") == ["Правда?!"]
    assert chunker.push(" Да") == []
    assert chunker.flush() == ["Да"]


SENTENCES = {language: [one for known, case in CASES if known == language for one in case] for language in ("ru", "en")}
TOKEN_SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def in_tokens(text: str, language: str, sizes: list[int], **lengths: int) -> list[str]:
    chunker = SpeechChunker(language, **lengths)
    chunks, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        chunks += chunker.push(text[at : at + size])
        at, turn = at + size, turn + 1
    return chunks + chunker.flush()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["ru", "en"]), st.data(), TOKEN_SIZES)
def test_ends_are_among_the_ends_of_single_characters(language: str, data: st.DataObject, sizes: list[int]) -> None:
    text = " ".join(data.draw(st.lists(st.sampled_from(SENTENCES[language]), max_size=6)))
    by_character = in_tokens(text, language, [1], first_clause_chars=0)
    chunks = in_tokens(text, language, sizes, first_clause_chars=0)
    assert word_ends(chunks) <= word_ends(by_character)
    assert without_spaces("".join(chunks)) == without_spaces("".join(by_character)) == without_spaces(text)


PIECES = st.sampled_from(
    [*"абвАБ ab.AB. ,,..!?…:;—-«»()\"'*\n123", "слово", "г.", "Mr.", "ул. ", "word", " Да. ", "3.5", "т. д. "]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(PIECES, max_size=120).map("".join),
    st.sampled_from(["ru", "en", "de"]),
    TOKEN_SIZES,
    st.sampled_from([0, 5, 24]),
)
def test_nothing_is_lost_however_it_is_cut(text: str, language: str, sizes: list[int], clause: int) -> None:
    chunks = in_tokens(text, language, sizes, first_clause_chars=clause, max_chars=50)
    assert without_spaces("".join(chunks)) == without_spaces(text)
    assert all(chunks)


@pytest.mark.parametrize(
    "tokens", [["See the thing", ".pdf", " now."], ["Wait", "...", " a moment."], ["We like asp.net", " very much."]]
)
def test_what_stands_behind_a_stop_in_its_token_is_used(tokens: list[str]) -> None:
    chunker = SpeechChunker("en", first_clause_chars=0)
    assert [chunk for token in tokens for chunk in chunker.push(token)] == ["".join(tokens)]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_passes_unharmed(text: str) -> None:
    assert without_spaces("".join(cut(text, "ru", 4, 24))) == without_spaces(text)
