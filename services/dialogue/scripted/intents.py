"""What a caller wants, by patterns of words: data per language, no model needed."""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files

from services.knowledge.words import folded

_GAP = r"(?:\w+ ){0,2}?"
_OTHER = re.compile(r"[^\w ]+")


class Intents:
    """The intents of one language."""

    def __init__(self, language: str) -> None:
        data = tomllib.loads((files("services.dialogue.scripted") / "intents" / f"{language}.toml").read_text("utf-8"))
        lead = rf"^(?:(?:{'|'.join(data.pop('lead'))}) )*"
        self._patterns = {
            name: re.compile("|".join(_compiled(each, lead) for each in patterns)) for name, patterns in data.items()
        }

    def means(self, name: str, text: str) -> bool:
        """Tell whether `text` expresses the intent `name`."""
        return self._patterns[name].search(plain(text)) is not None

    def first(self, names: tuple[str, ...], text: str) -> str:
        """Return the first of `names` that `text` expresses, "" for none."""
        words = plain(text)
        return next((name for name in names if self._patterns[name].search(words)), "")


def plain(text: str) -> str:
    """Lower-case words separated by single spaces, as the patterns expect them."""
    return " ".join(_OTHER.sub(" ", folded(text)).split())


def _compiled(pattern: str, lead: str) -> str:
    start = lead if pattern.startswith("^") else r"\b"
    end = r"$" if pattern.endswith("$") else r"\b"
    words = pattern.strip("^$").split()
    return (
        start
        + f" {_GAP}".join(re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "") for word in words)
        + end
    )


@lru_cache(maxsize=8)
def intents_of(language: str) -> Intents:
    """Return the intents of a language in `phrases.LANGUAGES`."""
    return Intents(language)
