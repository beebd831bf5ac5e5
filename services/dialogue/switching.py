"""Which language a call goes on in: the caller's, where the ears can tell, and never for a word or two.

The ears and the letters must agree: ears that hear one language report it whatever is said, and ears for several guess
badly at a single word. Names, brands and courtesies are foreign without meaning a change of language.
"""

from collections.abc import Collection

from services.dialogue.expecting import expected
from services.dialogue.scripted.languages import SOME, small_word, wished_language, words_in, written_language
from services.dialogue.scripted.notes import Notes
from services.dialogue.shapes import Conversation, Utterance

CLEAR = 3  # words in another language that are no accident
NAMELIKE = 5  # the same where a name was asked for: names are foreign
SURE = 0.5  # of the ears' confidence; a turn below it is half heard


def switched_language(conversation: Conversation, utterance: Utterance, served: Collection[str]) -> str:
    """Return the language to go on in, "" for no change. Reads only; quick.

    `served` are the languages that this call's ears hear and a persona of the company speaks. The language changes:

    - when it is asked for in either language ("do you speak English?", «можно по-русски?»), if it is served;
    - for speech, when the ears report another served language, all words are in its alphabet, and it is clear: three
      words, or two of which one is a small word ("what time"), heard with a confidence of at least 0.5 where the ears
      tell one. Two words of another kind, or more heard unsurely, count when the caller's turn before was in that
      alphabet too. Where a name was asked for it takes five words heard surely;
    - for typed text, by `written_language`, but not in the middle of a message, which may be foreign.

    Keys, noise, single words and mixed alphabets change nothing. Change `conversation.language` and
    `conversation.persona` together, and before the answer is asked for.
    """
    if utterance.source == "digits" or not utterance.understood:
        return ""
    wanted = wished_language(utterance.text)
    if not wanted and utterance.source == "typed":
        wanted = written_language(utterance.text) if Notes(dict(conversation.state)).draft is None else ""
    elif not wanted and _is_spoken(utterance.language, conversation, utterance):
        wanted = utterance.language
    return wanted if wanted in served and wanted != conversation.language else ""


def _is_spoken(language: str, conversation: Conversation, utterance: Utterance) -> bool:
    """Tell whether the turn is clearly in the language that the ears report."""
    words = words_in(language, utterance.text)
    surely = utterance.confidence is None or utterance.confidence >= SURE
    if expected(conversation.state) == "name":
        return surely and words >= NAMELIKE
    if surely and (words >= CLEAR or (words == SOME and small_word(language, utterance.text))):
        return True
    return words >= SOME and words_in(language, _before(conversation, utterance)) >= SOME


def _before(conversation: Conversation, utterance: Utterance) -> str:
    """Return the caller's turn before this one, which may stand in the history already."""
    turns = [turn.text for turn in conversation.history if turn.role == "caller"]
    if conversation.history and conversation.history[-1].role == "caller" and turns[-1] == utterance.text:
        turns.pop()
    return turns[-1] if turns else ""
