"""What the gatekeeper answers with."""

from dataclasses import dataclass
from typing import Literal

from services.domain import CallTerms


@dataclass(frozen=True, slots=True)
class Forward:
    """A call goes on to a person: `to` is ready to be dialled (E.164, or a short number the owner wrote).

    "sms": the caller hears that a colleague will call back, and `to` gets a message with the caller's number.
    "line": the line named `line` dials `to` and both are joined.
    """

    to: str
    how: Literal["sms", "line"]
    line: str = ""


@dataclass(frozen=True, slots=True)
class Admit:
    """Answer the call after `rings`; `number` is the caller's in E.164 ("" withheld): note it in LineInfo.

    `persona` and `language` are "" for those of the house. `forward` is set when the call goes to a person at once,
    `on_request` when the caller may ask for one (then `terms.transfer_to` is the same number).
    """

    persona: str
    language: str
    rings: int
    terms: CallTerms
    forward: Forward | None = None
    on_request: Forward | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not answer: reject the call, or, with `ring_out`, let it ring until the caller gives up."""

    reason: Literal["blocked", "not_allowed", "closed", "too_many"]
    ring_out: bool = False
    number: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """The call may be placed; `number` is what to dial: E.164, or a short number that the owner listed."""

    number: str
    persona: str
    language: str
    terms: CallTerms
    on_request: Forward | None = None
