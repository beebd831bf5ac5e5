"""Text as it is written -> text as it is said, so that no voice has to guess at figures and abbreviations."""

import structlog

from services.text.clean import strip_markup

log = structlog.get_logger()


def to_spoken(text: str, language: str) -> str:
    """Give the spoken form of a sentence in `language` ("ru", "en-US"); other languages stay as they are.

    Never raises: what is not understood stays as it is. A sentence takes about a millisecond once `warm_up` ran;
    before it, the first Russian sentence loads a dictionary.
    """
    try:
        if language[:2].lower() == "ru":
            from services.text.spoken_ru import speak as speak_ru

            return speak_ru(text)
        if language[:2].lower() == "en":
            from services.text.spoken_en import speak as speak_en

            return speak_en(text)
    except Exception:  # a sentence said oddly is better than a call gone silent
        log.exception("text.spoken_failed", language=language, characters=len(text))
    return text


def warm_up(language: str) -> None:
    """Load the dictionaries of `language` and fill the caches; takes up to a second: call it in a thread."""
    samples = {
        "ru": "С 9:00 до 18:00, 21 ноября 2026 г., от 1500 ₽, 2,5 км, 15%, тел. +7 (999) 123-45-67, ул. Ленина, д. 5.",
        "en": "From 9:00 to 18:00 on Nov 21, 2026, $1,500.50, 15%, 2.5 km, call +1 555 123 4567.",
    }
    if language[:2].lower() == "ru":
        from services.text.grammar_ru import cardinal

        for number in range(100):
            for case in "nga":
                cardinal(number, case)
    strip_markup("да 😀")  # loads the table of emoji
    to_spoken(samples.get(language[:2].lower(), ""), language)
