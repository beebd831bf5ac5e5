"""Cutting long text."""

from hypothesis import given
from hypothesis import strategies as st

from services.tts.pieces import cut, plain


@given(st.text(alphabet=st.sampled_from("аб .,!?\n—👍x"), max_size=300), st.integers(1, 40))
def test_pieces_make_up_the_text_and_keep_the_limit(text: str, limit: int) -> None:
    pieces = list(cut(text, limit))
    assert "".join(piece for _, piece in pieces) == text
    assert all(text[start : start + len(piece)] == piece and 0 < len(piece) <= limit for start, piece in pieces)


def test_sentences_go_before_clauses_before_spaces() -> None:
    text = "Да. Нет, может быть, и так или иначе"
    assert [piece for _, piece in cut(text, 12)] == ["Да. ", "Нет, ", "может быть, ", "и так или ", "иначе"]


@given(st.text())
def test_plain_text_keeps_every_position_and_can_be_encoded(text: str) -> None:
    cleaned = plain(text)
    assert len(cleaned) == len(text)
    assert "\0" not in cleaned
    cleaned.encode()


def test_words_digits_and_emoji_stay() -> None:
    assert plain("Ёлка, 25 € 👍\0\x1b\ud800") == "Ёлка, 25 € 👍   "
