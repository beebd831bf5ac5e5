"""The nouns every room shares: small frozen records that storage keeps and the secretary works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose rows may be touched: one company's and, with an owner (a user's id), only what belongs to that user.

    Repositories of what users own take it in place of the company, so that no router can forget the owner.
    """

    company_id: str
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class AudioSpan:
    """A stretch of the caller's own audio, in seconds since the call was answered."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Persona:
    """Who the secretary is. Data: seeded from TOML files, kept in the database, edited by the owner.

    `voice` is "" for the best voice of the language, or "engine:voice name"; `fillers` are the short phrases that
    bridge a slow answer ("One moment, please."), spoken in turn.
    """

    slug: str
    name: str
    language: str
    gender: Literal["female", "male"]
    greeting: str
    character: str
    rules: str = ""
    voice: str = ""
    temperature: float = 0.6
    max_tokens: int = 300
    version: int = 1
    fillers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompanyProfile:
    """What the secretary may tell about the company: `facts` by language, then key (hours, address, prices, phone).

    `hours` are its opening hours by weekday, such as {"monday": "09:00-13:00,14:00-18:00"}, `holidays` days with hours
    of their own by date ("": closed); with `address` they are told where no fact of the owner's says it.
    """

    id: str
    name: str
    language: str
    time_zone: str
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    address: str = ""
    hours: Mapping[str, str] = field(default_factory=dict)
    holidays: Mapping[str, str] = field(default_factory=dict)

    def fact(self, key: str, language: str) -> str:
        """Return the fact `key` in `language`, "" when the owner has not given it."""
        return self.facts.get(language, {}).get(key, "")


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """A question with its answer; `alternatives` are other ways to ask it."""

    id: str
    question: str
    answer: str
    language: str
    alternatives: tuple[str, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One remembered turn: the caller's words, or what the secretary said as far as it was heard."""

    role: Literal["caller", "secretary"]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a call as it is stored.

    `intended` is what the secretary meant to say and `heard` what was really played (equal for the caller);
    `start` and `end` are seconds since the answer; `stages` are milliseconds since the caller's speech ended, by stage
    name (services.voice.latency); `interrupted_by` is "", or what cut it: caller, digits, hangup, max_call, transfer,
    failure; `words` are {text, start, end, confidence}; `playout` tells of the secretary's sound: `gaps` (silences over
    60 ms between the first and the last frame that nobody meant), `longest_gap` in milliseconds.
    """

    index: int
    role: Literal["caller", "secretary"]
    intended: str
    heard: str
    language: str
    start: float
    end: float
    source: str = ""
    detail: str = ""
    score: float | None = None
    confidence: float | None = None
    words: tuple[Mapping[str, Any], ...] = ()
    persona: str = ""
    persona_version: int = 0
    model: str = ""
    tools: tuple[str, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    stages: Mapping[str, float] = field(default_factory=dict)
    playout: Mapping[str, float] = field(default_factory=dict)
    interrupted_by: str = ""


@dataclass(frozen=True, slots=True)
class TakenMessage:
    """A message left for the owner. Any text field may be "" when only the caller's voice was kept."""

    id: str
    company_id: str
    conversation_id: str
    call_id: str
    language: str
    name: str
    number: str
    matter: str
    confirmed: bool
    spans: tuple[AudioSpan, ...] = ()
    audio_path: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One choice of a keyed menu ("for prices press 1").

    `label` is what the choice is called when the menu is read out; `action` is what the key does: `say` speaks `value`,
    `persona` goes on with the persona of that slug, `message` takes a message, `transfer` connects with the number
    `value` ("": the line's own person).
    """

    key: str
    label: str
    action: Literal["say", "persona", "message", "transfer"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What the owner has laid down for one call; decided before it is answered, the same to its end.

    `voice` and `greeting` stand in for the persona's ("" keeps them; the greeting may hold {company} and {name}).
    `notice` is heard whole before anything else, and the recording holds silence until then; `record` None and
    `max_seconds` None are as the voice settings say. `transfer_to` is the person a caller may be connected with, and
    with `transfer_first` is, right behind the greeting.
    On an outgoing call `opening` is the first thing said in place of the greeting, and `purpose` what the call is for.
    """

    voice: str = ""
    greeting: str = ""
    notice: str = ""
    record: bool | None = None
    max_seconds: float | None = None
    menu: tuple[MenuItem, ...] = ()
    transfer_to: str = ""
    transfer_first: bool = False
    purpose: str = ""
    opening: str = ""


@dataclass(frozen=True, slots=True)
class OpenedConversation:
    """What storage knows of a conversation when a contact comes (again)."""

    id: str
    returning: bool
    history: tuple[PastTurn, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
