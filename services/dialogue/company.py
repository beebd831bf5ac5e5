"""The sample company: its name and facts, package data that the owner rewrites."""

import tomllib
from importlib.resources import files

LANGUAGES = ("ru", "en")


def seed_company(language: str = "ru") -> tuple[str, dict[str, dict[str, str]]]:
    """Return the sample company's name in `language` and its facts by language, then key.

    Each language's facts also hold "name", so that a caller in another language hears a name it can pronounce.
    """
    facts: dict[str, dict[str, str]] = {}
    for each in LANGUAGES:
        data = tomllib.loads((files("services.dialogue") / "company" / f"{each}.toml").read_text("utf-8"))
        facts[each] = {"name": data["name"], **data["facts"]}
    return facts.get(language, facts[LANGUAGES[0]])["name"], facts
