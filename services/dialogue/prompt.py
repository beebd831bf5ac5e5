"""What a language model is told: who it is, what it may say, what was said before.

The caller's words are data: they stand in user messages only, never in the system message.
"""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.dialogue.known_facts import facts_of
from services.dialogue.scripted.facts import UNTOLD
from services.dialogue.scripted.phrases import fill
from services.dialogue.shapes import Conversation, Utterance
from services.domain import PastTurn
from services.llm.protocol import Message

MAX_TURNS = 24
MAX_CHARACTERS = 6000  # of history; about 2,000 tokens of Russian


def messages_for(conversation: Conversation, utterance: Utterance, language: str, now: datetime) -> list[Message]:
    """Build the request: one system message, the history that fits, the caller's words last.

    `language` is ru or en; `now` is UTC.
    """
    system = Message("system", system_prompt(conversation, language, now))
    turns = trimmed(_before(conversation.history, utterance))
    past = [Message("user" if turn.role == "caller" else "assistant", turn.text) for turn in turns]
    return [system, *past, Message("user", utterance.text)]


def system_prompt(conversation: Conversation, language: str, now: datetime) -> str:
    """Write the system message: persona, facts, time and the manners of speech."""
    texts, persona, company = _texts(language), conversation.persona, conversation.company
    facts = facts_of(company, language) or facts_of(company, company.language)
    known = [f"- {key}: {value}" for key, value in facts.items() if key not in UNTOLD]
    local = now.astimezone(zone_of(company.time_zone))
    parts = [
        fill(texts["who"], {"name": persona.name, "company": facts.get("name") or company.name}),
        texts[persona.gender],
        _calling(texts, conversation),
        fill(texts["character"], {"text": persona.character.strip()}) if persona.character.strip() else "",
        fill(texts["rules"], {"text": persona.rules.strip()}) if persona.rules.strip() else "",
        "\n".join([texts["facts"], *known]) if known else texts["no_facts"],
        fill(texts["now"], _moment(texts, local)),
        texts["style"],
        texts["written"] if conversation.written else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _calling(texts: dict[str, Any], conversation: Conversation) -> str:
    """Tell the model that it has called, and why: the owner's words."""
    if conversation.direction != "out":
        return ""
    purpose = conversation.purpose.strip()
    return " ".join(filter(None, [texts["calling"], fill(texts["purpose"], {"text": purpose}) if purpose else ""]))


def trimmed(history: Sequence[PastTurn]) -> list[PastTurn]:
    """Keep the newest turns within MAX_TURNS and MAX_CHARACTERS, oldest first."""
    kept: list[PastTurn] = []
    room = MAX_CHARACTERS
    for turn in reversed(history[-MAX_TURNS:]):
        room -= len(turn.text)
        if room < 0:
            break
        if turn.text.strip():
            kept.append(turn)
    kept.reverse()
    return kept


def zone_of(name: str) -> tzinfo:
    """Return the time zone, UTC for a name nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _moment(texts: dict[str, Any], local: datetime) -> dict[str, str]:
    return {
        "day": texts["days"][local.weekday()],
        "date": local.strftime(texts["date"]),
        "time": local.strftime("%H:%M"),
    }


@lru_cache(maxsize=8)
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads((files("services.dialogue") / "prompts" / f"{language}.toml").read_text("utf-8"))


def _before(history: Sequence[PastTurn], utterance: Utterance) -> Sequence[PastTurn]:
    """Leave out the caller's last turn when it is this very utterance, already remembered."""
    if history and history[-1].role == "caller" and history[-1].text == utterance.text:
        return history[:-1]
    return history
