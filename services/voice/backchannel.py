"""What a caller says over the secretary: a sign that they listen, a farewell, or a wish that it stops."""

from services.voice.endpointing.wording import without_repeats, wording, words_of

_MOST_WORDS = 3  # of different ones in a row: more is somebody who speaks


def is_backchannel(text: str, language: str) -> bool:
    """Tell whether `text` is only an uh-huh: listener's words alone or repeated, three at most.

    Any other word beside them makes it speech ("yes but", "да нет"). False for no words at all, and in a language
    without word lists.
    """
    lexicon = wording(language)
    words = without_repeats(words_of(text))
    if lexicon is None or not words or len(words) > _MOST_WORDS:
        return False
    rest = words
    while rest and (length := lexicon["backchannel_phrases"].at_start(rest) or lexicon["backchannel"].at_start(rest)):
        rest = rest[length:]
    return not rest


def is_farewell(text: str, language: str, *, so_far: bool = False) -> bool:
    """Tell whether `text` only parts ("okay, thank you, bye"), or may do so when it goes on (`so_far`).

    False for no words at all, and in a language without word lists.
    """
    lexicon = wording(language)
    rest = without_repeats(words_of(text))
    if lexicon is None or not rest:
        return False
    parting = (lexicon["farewell"], lexicon["backchannel_phrases"], lexicon["backchannel"])
    while length := max(phrases.at_start(rest) for phrases in parting):
        rest = rest[length:]
    return not rest or (so_far and lexicon["farewell"].begun_by(rest))


def means_stop(text: str, language: str) -> bool:
    """Tell whether `text` begins with a word that interrupts at once, however short: "стоп", "подождите", "no".

    Listener's words may come before it ("да подождите"). A language without word lists knows none.
    """
    lexicon = wording(language)
    if lexicon is None:
        return False
    words = without_repeats(words_of(text))
    return any(lexicon["stop"].at_start(rest) for rest in (words, lexicon["backchannel"].after(words)))
