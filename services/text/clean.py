"""Take out of a chunk what is there for the eye only: markdown, HTML, emoji, rules and table bars."""

import html
import re

_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.M), words)
    for pattern, words in (
        (r"^\s*(?:```|~~~)[^\s`]*[ \t]*$", ""),  # a fence alone on its line, with its language
        (r"```\w*\n?|~~~", " "),
        (r"<!--.*?-->", " "),
        (r"<((?:https?://|mailto:)[^\s<>]+)>", r"\1"),
        (r"\\([*_`~])", r"\1"),  # what follows takes it out anyway
        (r"<(?:br|hr)\s*/?>|</(?:p|div|li|tr|h\d)>", "\n"),
        (r"</?[A-Za-z][^<>]*>", ""),
        (r"!\[([^\]]*)\]\([^()]*\)", r"\1"),  # a picture: its description
        (r"\[([^\]]+)\]\((?:[^()]|\([^()]*\))*\)", r"\1"),  # a link: its text
        (r"\[([^\]]+)\]\[[^\]]*\]", r"\1"),
        (r"\[\^[^\]]*\]", ""),
        (r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*:?-*:?\s*$", ""),  # the rule of a table
        (r"^[ \t]*\||\|[ \t]*$", ""),
        (r"[ \t]*\|[ \t]*", ", "),
        (r"^\s{0,3}(?:[-*_]\s*){3,}$", ""),  # a horizontal rule
        (r"^\s{0,3}#{1,6}\s+", ""),
        (r"\s+#{1,6}\s*$", ""),
        (r"^\s*(?:>\s?)+", ""),
        (r"^\s*[-*+•▪◦‣●–—]\s+(?:\[[ xX]\]\s+)?", ""),
        (r"^\s*(\d{1,3})[.)]\s+", r"\1. "),
        (r"`+", ""),
        (r"~~", ""),
        (r"(?<![\w*])_{1,3}(?=\S)|(?<=\S)_{1,3}(?![\w*])", ""),  # snake_case stays
        (r"(?<=\d)\s*\*\s*(?=\d)", " × "),
        (r"\*+", ""),
        (r"\\([\\`*_{}\[\]()#+.!|-])", r"\1"),
        (r"^[\s.?!…)\]}»”,;:]+(?=\s|$)", ""),  # marks left over from the chunk before
        (r"^[.!?…»”]+\s*(?=\w)", ""),
        (r"[ \t\u00a0\u202f]+", " "),
        (r" +([,.!?;:…])", r"\1"),
        (r"\s*\n\s*", "\n"),
    )
)
_SPEAKABLE = re.compile(r"\w|[%$€£₽°№]")


def strip_markup(text: str) -> str:
    """Return the words of a chunk as plain text, "" when there is nothing to say.

    Works on whole answers and on the chunks of a stream alike: a "**" or a code mark that is opened in one chunk and
    closed in another is taken out of both. Never raises.
    """
    if "&" in text:
        text = html.unescape(text)
    text = _without_emoji(text)
    for pattern, words in _STEPS:
        text = pattern.sub(words, text)
    text = text.strip()
    return text if _SPEAKABLE.search(text) else ""


def _without_emoji(text: str) -> str:
    if text.isascii():
        return text
    import emoji

    keep = "©®™"  # they are read aloud, and no smileys
    return emoji.replace_emoji(text, lambda found, _: found if found[:1] in keep else " ").replace("\ufe0f", "")
