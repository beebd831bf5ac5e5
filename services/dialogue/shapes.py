"""What crosses the border of the dialogue: utterances in, reply events out, and the memory it works on."""

from dataclasses import dataclass, field
from typing import Any, Literal

from services.domain import AudioSpan, CompanyProfile, MenuItem, PastTurn, Persona

WRITTEN_CHANNELS = frozenset({"sms", "chat", "api"})


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn of the caller.

    `text` is "" when somebody spoke and nothing was understood (no ears for the language, or noise); `source` tells
    speech from typed text and keyed digits (then `text` holds the digits, without the closing #); `confidence` is the
    ears' 0..1 or None; `span` says where the caller's voice lies in the recording.
    """

    text: str
    language: str
    source: Literal["speech", "typed", "digits"] = "speech"
    confidence: float | None = None
    span: AudioSpan | None = None

    @property
    def understood(self) -> bool:
        """True when there are words to work with."""
        return bool(self.text.strip())


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of the answer in the order of speaking; pieces join without added spaces, as a model writes them.

    `fixed` tells a text that is the owner's or ours and holds nothing about the caller: its sound may be kept on disk.
    `interruptible` False is for passages that must be heard to the end (a legal notice).
    """

    text: str
    fixed: bool = False
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up after the last word has been played."""

    reason: str = "goodbye"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect the caller with somebody else after the last word has been played.

    On a line that only calls back (`Abilities.call_back`) `to` is asked to call: `number`, where the caller has told
    one, else the line's own knowledge of who called.
    """

    to: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Send DTMF digits to the other side."""

    digits: str


@dataclass(frozen=True, slots=True)
class KeepAudio:
    """Keep these stretches of the caller's voice as the sound of a taken message."""

    message_id: str
    spans: tuple[AudioSpan, ...]


Effect = EndCall | Transfer | SendDigits | KeepAudio


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Where the answer came from, for the turn's row: `source` and what of it ("faq" with the entry's id and score).

    When it comes twice in a reply the last one counts (a model's tokens are known at the end only).
    """

    source: Literal["greeting", "faq", "facts", "message", "model", "scripted"]
    detail: str = ""
    score: float | None = None
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


ReplyEvent = ReplyText | Effect | AnsweredBy


@dataclass(frozen=True, slots=True)
class LikelyTexts:
    """What a new caller is likely to hear, the likeliest first: `texts` as they are yielded, and the `fillers`."""

    texts: tuple[str, ...]
    fillers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this line and this installation can do now, so that nothing is offered that cannot be done.

    `transfer` connects the caller with a person; `call_back` is less: a person calls the caller back.
    """

    ears: bool = True
    digits: bool = False
    transfer: bool = False
    call_back: bool = False
    hang_up: bool = True
    keep_audio: bool = False


@dataclass(slots=True)
class Conversation:
    """A dialogue with one contact, as the secretary sees it.

    `number` is the contact's phone number, "" when withheld or unknown; `returning` is True when this contact has
    spoken with the company before; `history` holds the remembered turns, oldest first; `state` is the secretary's
    own JSON-ready memory (a message being taken), persisted after each reply and never only in RAM.

    `direction` "out" is a call that the secretary has placed herself: `opening` is the first thing she says then ("":
    who calls and the `purpose`). `notice`, `menu` and `transfer_to` are the call's own ("" and none: the company's
    facts, no menu).
    """

    id: str
    company: CompanyProfile
    persona: Persona
    language: str
    channel: str
    number: str = ""
    returning: bool = False
    call_id: str = ""
    abilities: Abilities = Abilities()
    direction: Literal["in", "out"] = "in"
    purpose: str = ""
    opening: str = ""
    notice: str = ""
    menu: tuple[MenuItem, ...] = ()
    transfer_to: str = ""
    transfer_first: bool = False
    history: list[PastTurn] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def written(self) -> bool:
        """True where nobody speaks or hears: a channel of messages."""
        return self.channel in WRITTEN_CHANNELS
