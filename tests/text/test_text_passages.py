import pytest

from services.text.chunker import SpeechChunker
from services.text.passages import passages


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "en",
            "Hello, this is Emma. **How** can I help? ...",
            ["Hello, this is Emma.", "How can I help?"],
        ),
        ("en", "We open at 9:00.", ["We open at nine o'clock."]),
        ("ru", "Доброе утро, это Анна. Ждём вас к 10:00.", ["Доброе утро, это Анна.", "Ждём вас к десяти часам."]),
        ("ru", " \n", []),
    ],
)
def test_a_text_in_the_pieces_that_are_spoken(language: str, text: str, expected: list[str]) -> None:
    assert passages(text, language) == expected


def test_what_comes_word_by_word_is_found_as_what_comes_at_once() -> None:
    text = "Good morning, you have reached the bakery on Mill Street. We are open until 18:00. Anything else?"
    chunker = SpeechChunker("en")
    chunks = [chunk for word in text.split(" ") for chunk in chunker.push(f"{word} ")] + chunker.flush()
    assert [len(passages(each, "en")) for each in chunks] == [1] * len(chunks)
    assert [passages(each, "en")[0] for each in chunks] == passages(text, "en")
