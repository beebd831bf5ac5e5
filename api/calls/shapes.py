"""Calls as the API shows them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.domain import Turn
from services.storage.calls.records import CallRecord

Outcome = Literal[
    "answered", "missed", "rejected", "busy", "no_answer", "voicemail", "cancelled", "failed", "cut", "ongoing"
]

PRINTED = r"[^\x00-\x1f\x7f]"
"""What a name may hold, as a pattern; control characters are in none, and no database takes them all."""

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_BETWEEN = re.compile(r"[ ()./-]+")


def _number(value: str) -> str:
    """Return a number as it is dialled. Raises ValueError for service codes, commands and everything else."""
    number = _BETWEEN.sub("", value)
    if not _NUMBER.fullmatch(number):
        raise ValueError("write a phone number in digits, with + before the country")
    return number


def _spelling(value: str) -> str:
    """Return a number as it is stored: without what stands between its digits; a name in letters as it is."""
    number = _BETWEEN.sub("", value)
    return number if _NUMBER.fullmatch(number) else value.strip()


ContactNumber = Annotated[
    str, Field(max_length=64, pattern=rf"^{PRINTED}*[^\s\x00-\x1f]{PRINTED}*$"), AfterValidator(_spelling)
]
"""Whom a call or message is from or to: a number, or the name of a sender or an account."""

PhoneNumber = Annotated[str, Field(max_length=40, examples=["+79161234567"]), AfterValidator(_number)]


Name = Annotated[str, Field(max_length=64, pattern=rf"^{PRINTED}*$")]
Sentence = Annotated[str, Field(max_length=500, pattern=rf"^{PRINTED}*$")]


class CallRequest(BaseModel):
    """A call to place. Empty: the first line that can, the line's own persona; the secretary says who calls and why."""

    model_config = ConfigDict(extra="forbid")

    to: PhoneNumber
    line: Annotated[Name, Field(examples=["gsm"])] = ""
    persona: Annotated[Name, Field(examples=["anna"])] = ""
    purpose: Annotated[Sentence, Field(examples=["Remind of the appointment tomorrow at ten."])] = ""
    opening: Annotated[Sentence, Field(examples=["Good afternoon, this is the dental clinic."])] = ""


class CallPlaced(BaseModel):
    """A call that has begun; how it comes out is told by GET /admin/calls/{id} and the live feed."""

    id: str


class Digits(BaseModel):
    """Keys to press."""

    model_config = ConfigDict(extra="forbid")

    digits: Annotated[str, Field(pattern=r"^[0-9*#A-Da-d]{1,32}$", examples=["1#"])]


class TransferTo(BaseModel):
    """The person who takes over; empty: the one that the line's policy names."""

    model_config = ConfigDict(extra="forbid")

    to: PhoneNumber | Literal[""] = ""


class CallSummary(BaseModel):
    """A call; `ended_at` is null and `outcome` "ongoing" while it goes on. `seconds` count from the answer."""

    id: str
    channel: str
    line: str
    direction: str
    number: str
    language: str
    persona: str
    purpose: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    seconds: float
    outcome: str
    end_reason: str
    recorded: bool


class TurnShown(BaseModel):
    """A turn of a call, see services.domain.Turn."""

    model_config = ConfigDict(from_attributes=True)

    index: int
    role: Literal["caller", "secretary"]
    intended: str
    heard: str
    language: str
    start: float
    end: float
    source: str
    detail: str
    score: float | None
    confidence: float | None
    words: list[dict[str, Any]]
    persona: str
    persona_version: int
    model: str
    tools: list[str]
    tokens_in: int
    tokens_out: int
    stages: Mapping[str, float]
    playout: Mapping[str, float]
    interrupted_by: str


class CallDetail(CallSummary):
    """A call with all that was said."""

    conversation_id: str
    stats: Mapping[str, Any]
    turns: list[TurnShown]


def summary(call: CallRecord) -> CallSummary:
    """Return what lists show of a call."""
    return CallSummary(**_common(call))


def detail(call: CallRecord, turns: tuple[Turn, ...]) -> CallDetail:
    """Return all there is of a call."""
    shown = [TurnShown.model_validate(turn) for turn in turns]
    return CallDetail(**_common(call), conversation_id=call.conversation_id, stats=call.stats, turns=shown)


def _common(call: CallRecord) -> dict[str, Any]:
    values = {name: getattr(call, name) for name in CallSummary.model_fields if hasattr(call, name)}
    outcome = call.outcome if call.ended_at else "ongoing"
    return {**values, "outcome": outcome, "recorded": bool(call.recording_path)}
