"""Whether the words of a turn end it: a judgement by rules over word lists, without any model.

The rules in their order: a number or address under dictation; a text that trails off; known closers and plain answers;
words after which nothing can end; courtesies that close; whole questions. Where none says anything, the words are open.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from services.voice.endpointing.dictation import dictated
from services.voice.endpointing.wording import Ending, Wording, without_repeats, wording, words_of

_TRAILS_OFF = re.compile(r"(?:\.\.+|[…,:;–—-])\s*$")
_CLAUSE = re.compile(r"[.!?…]+\s+")
_ANSWERS = ("", "yes_no")  # a yes to anything else is only the beginning of the answer
_FULL_NAME = 2  # words


@lru_cache(maxsize=512)
def ending_of(text: str, language: str, expects: str) -> Ending:
    """Tell how the words `text` leave the listener who asked for `expects` (see TurnSoFar).

    OPEN where the words do not tell, where there are none, and in a language without word lists. Takes well under a
    millisecond; asked again for the same words, a microsecond.
    """
    lexicon, words = wording(language), words_of(text)
    if lexicon is None or not words:
        return Ending.OPEN
    if (dictation := dictated(text, words, lexicon, expects)) is not None:
        return dictation
    short = without_repeats(words)
    if lexicon["closers"].fill(short) or _answers(short, lexicon, expects):
        return Ending.FINISHED
    if _TRAILS_OFF.search(text) or _hangs(words, lexicon):
        return Ending.UNFINISHED
    return _whole_thought(text, words, lexicon, expects)


def _answers(words: Sequence[str], lexicon: Wording, expects: str) -> bool:
    """Tell whether this is a yes or a no and nothing else, where that answers the question."""
    if expects not in _ANSWERS:
        return False
    rest = lexicon["closers"].before(words)
    short = rest or words
    return lexicon["yes_no"].fill(short) or (expects == "yes_no" and _fill_both(short, lexicon))


def _fill_both(words: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether nothing but answers is there, those included that are none unless a question was asked."""
    rest = list(words)
    while rest and (length := max(lexicon[key].at_start(rest) for key in ("yes_no", "yes_no_asked"))):
        rest = rest[length:]
    return not rest


def _hangs(words: Sequence[str], lexicon: Wording) -> bool:
    said = lexicon["courtesies"].before(words) if len(words) > 1 else list(words)
    if not said:
        return False
    if lexicon["hanging"].at_end(said) or lexicon["hanging_phrases"].at_end(said):
        return not (_asks_where_it_is(said, lexicon) or _asks_for_object(said, lexicon) or _asked_before(said, lexicon))
    if _subject_without_verb(said, lexicon):
        return True
    openings = lexicon["openings"]
    matter = openings.after(said)
    if not matter:  # a greeting is a turn of its own, "tell me please" is not
        return lexicon["bare"].is_all(said)
    return lexicon["bare"].is_all(matter) or (len(matter) < len(said) and _asks_with(matter, lexicon))


def _asks_with(matter: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether a question has only got its question word."""
    return len(matter) == 1 and (matter[0] in lexicon["question"] or matter[0] in lexicon["question_first"])


def _asks_where_it_is(words: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether a form of "to be" ends an indirect question: "could you tell me where your office is"."""
    if words[-1] not in lexicon["be"] or len(words) < 4:
        return False
    found = [at for at, word in enumerate(words[:-2]) if at and word in lexicon["question_first"]]
    return any(words[at - 1] in lexicon["asking"] for at in found)


def _asks_for_object(words: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether the last word belongs to the first: "which documents do I need", "who am I talking to"."""
    matter = lexicon["openings"].after(words)
    if len(matter) < 4 or matter[0] not in lexicon["object_questions"]:
        return False
    if lexicon["bare"].at_start(matter) > 1:  # "what time do you open on"
        return False
    pairs = pairwise(matter[1:-1])
    return any(
        (verb in lexicon["auxiliaries"] or verb in lexicon["be"]) and who in lexicon["subjects"] for verb, who in pairs
    )


def _asked_before(words: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether "tell me please" follows its question."""
    end = lexicon["requests"].at_end(words)
    return bool(end) and _asks(words[:-end], lexicon)


def _subject_without_verb(words: Sequence[str], lexicon: Wording) -> bool:
    """Tell "how do", "how do I", "and it", "чтобы она" from "where are you"."""
    if words[-1] in lexicon["auxiliaries"]:
        return len(words) < 2 or words[-2] not in lexicon["subjects"]
    if words[-1] not in lexicon["subjects"]:
        return False
    if len(words) < 2:
        return True
    asked = any(word in lexicon["question_first"] for word in words[:-2])
    if words[-2] in lexicon["be"]:
        return not asked
    return words[-2] in lexicon["auxiliaries"] or words[-2] in lexicon["links"]


def _whole_thought(text: str, words: Sequence[str], lexicon: Wording, expects: str) -> Ending:
    """Judge words that could end here."""
    end = lexicon["courtesies"].at_end(words)
    if lexicon["this_is_all"].at_end(words) or (end and end < len(words) and lexicon["openings"].after(words[:-end])):
        return Ending.FINISHED
    if expects == "message":
        return Ending.OPEN
    if expects == "name" and _is_full_name(words, lexicon):
        return Ending.FINISHED
    if text.rstrip().endswith("?"):
        return Ending.FINISHED
    clause = words_of(_CLAUSE.split(text)[-1]) or list(words)
    return Ending.FINISHED if _asks(clause, lexicon) else Ending.OPEN


def _is_full_name(words: Sequence[str], lexicon: Wording) -> bool:
    name = lexicon["name_before"].after(lexicon["openings"].after(words))
    known = any(word in lexicon["hanging"] or word in lexicon["subjects"] for word in name)
    return len(name) == _FULL_NAME and not known


def _asks(clause: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether the clause holds a question with what it asks about."""
    matter = lexicon["openings"].after(clause)
    if len(matter) < 2:
        return False
    if _asks_by_question_word(matter, lexicon) or _asks_by_order(matter, lexicon) or _asks_at_end(matter, lexicon):
        return True
    opening = clause[: len(clause) - len(matter)]
    indirect = bool(opening) and opening[-1] in lexicon["asking"]
    return indirect and matter[0] in lexicon["question_first"] and _has_content(matter[1:], lexicon)


def _asks_by_question_word(matter: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether a question word is there, in a place where it asks, with what it asks about."""
    strong = lexicon["question"].inside(matter)
    if strong and _has_content(matter[strong:], lexicon):
        return True
    for at, word in enumerate(matter[:-1]):
        if word not in lexicon["question_first"]:
            continue
        rest = matter[at + 1 :]
        indirect = at > 0 and matter[at - 1] in lexicon["asking"]
        first = at == 0 or (at == 1 and matter[0] in lexicon["hanging"])
        if first and word in lexicon["relative"] and rest[0] in lexicon["statement"]:
            continue
        if (first or indirect) and _has_content(rest, lexicon):
            return True
    return False


def _has_content(rest: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether a question word is followed by enough: "are you", "do you need", "won the game", not "street"."""
    verb = next((at for at, word in enumerate(rest) if _is_verb(word, lexicon)), None)
    if verb is not None and rest[verb] in lexicon["be"] and verb + 1 < len(rest):
        return rest[-1] not in lexicon["hanging"]
    after = rest if verb is None else rest[verb + 1 :] or rest[:verb]
    keys = ("subjects", "hanging", "inverted", "auxiliaries")
    content = sum(1 for word in after if not any(word in lexicon[key] for key in keys))
    verbless = verb is None and lexicon["auxiliaries"].any
    return content > (1 if verbless else 0)


def _is_verb(word: str, lexicon: Wording) -> bool:
    return word in lexicon["be"] or word in lexicon["auxiliaries"]


def _asks_by_order(matter: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether the words are those of a yes-or-no question: "are you open tomorrow", "есть ли парковка"."""
    if any(word in lexicon["particle"] for word in matter[1:-1]):
        return True
    begun = lexicon["asks"].at_start(matter)
    if begun and len(matter) > begun + (matter[begun - 1] in lexicon["subjects"]):
        return True
    if len(matter) < 3 or not _is_verb(matter[0], lexicon):
        return False
    if matter[1] in lexicon["subjects"] or matter[1] in lexicon["inverted"]:
        return True
    return matter[0] in lexicon["be"]


def _asks_at_end(matter: Sequence[str], lexicon: Wording) -> bool:
    """Tell whether the last words ask, or a verb in the second person does: "парковка есть", "принимаете детей"."""
    if any(word in lexicon["of_me"] for word in matter):
        return False
    end = lexicon["question_at_end"].at_end(matter) or lexicon["asks_at_end"].at_end(matter)
    if end and len(matter) > end and matter[-end - 1] not in lexicon["subjects"]:
        return True
    alone = len(matter) == 2 and matter[0] in lexicon["subjects"]
    return not alone and any(word.endswith(lexicon["asks_ending"].singles) for word in matter)
