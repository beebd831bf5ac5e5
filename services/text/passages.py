"""A whole text -> the pieces in which a line gives it to the mouth."""

from services.text.chunker import SpeechChunker
from services.text.clean import strip_markup
from services.text.spoken import to_spoken


def passages(text: str, language: str) -> list[str]:
    """Return the spoken form of each piece that the speaking half of a call cuts `text` into.

    These are the texts under which the mouth's cache finds a fixed text again, so they are what to speak ahead. About a
    millisecond a sentence: many texts belong in a thread.
    """
    chunker = SpeechChunker(language)
    written = filter(None, map(strip_markup, [*chunker.push(text), *chunker.flush()]))
    return [spoken for each in written if (spoken := to_spoken(each, language)).strip()]
