"""A message while it is being taken: JSON-ready, versioned, the whole memory of the flow."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from services.domain import AudioSpan, TakenMessage

VERSION = 1


class Step(StrEnum):
    """What the secretary has asked and now waits for."""

    MATTER = "matter"
    NAME = "name"
    OFFER = "offer"  # call back at the number you are calling from?
    NUMBER = "number"
    CONFIRM = "confirm"
    FIX = "fix"  # what shall I change?
    RECORD = "record"  # the caller's voice is the message


@dataclass(slots=True)
class Draft:
    """The message so far. `partial` are figures of a number still being dictated; `settled` the questions done with.

    `call_back` is the person who is to call back at once: then only the number is asked for.
    """

    id: str
    call_id: str
    created: str
    step: Step = Step.MATTER
    matter: str = ""
    name: str = ""
    number: str = ""
    partial: str = ""
    tries: int = 0
    refused_number: bool = False
    voice: bool = False
    saved: bool = False
    call_back: str = ""
    settled: list[str] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def new(cls, call_id: str, now: datetime, span: AudioSpan | None, step: Step = Step.MATTER) -> "Draft":
        """Begin an empty message, asked for in the caller's words at `span`.

        The same words give the same id: when an answer nobody heard is taken back and given anew, the message that was
        saved meanwhile is overwritten and not left twice.
        """
        name = uuid5(NAMESPACE_OID, f"{call_id}/{span.start:.2f}") if call_id and span else uuid4()
        return cls(name.hex, call_id, now.isoformat(), step)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Draft | None":
        """Read what `to_json` wrote; None for anything else, also for another version."""
        if not data or data.get("v") != VERSION:
            return None
        try:
            values = {key: value for key, value in data.items() if key != "v"}
            spans = [(float(start), float(end)) for start, end in values.pop("spans", [])]
            settled = list(values.pop("settled", []))  # the state's own list stays as it is
            return cls(**{**values, "step": Step(values["step"]), "spans": spans, "settled": settled})
        except (TypeError, ValueError, KeyError):
            return None

    def to_json(self) -> dict[str, Any]:
        """Write the draft for `conversation.state`."""
        return {**asdict(self), "v": VERSION, "step": self.step.value, "spans": [list(each) for each in self.spans]}

    def hear(self, span: AudioSpan | None) -> None:
        """Remember where the caller's voice lies in the recording."""
        if span is not None and (span.start, span.end) not in self.spans:
            self.spans.append((span.start, span.end))

    def settle(self, slot: str) -> None:
        """Note that a question is done with, answered or not."""
        if slot not in self.settled:
            self.settled.append(slot)
        self.tries = 0

    def reopen(self, slot: str) -> None:
        """Ask a question again."""
        self.settled = [each for each in self.settled if each != slot]
        self.tries, self.partial = 0, ""

    @property
    def audio(self) -> tuple[AudioSpan, ...]:
        """The spans as the rest of the house knows them."""
        return tuple(AudioSpan(start, end) for start, end in self.spans)

    def worth_keeping(self, *, keep_audio: bool) -> bool:
        """Tell whether the owner would learn anything from it."""
        return bool(self.matter or self.name or self.number or (keep_audio and self.spans))

    def taken(
        self, company_id: str, conversation_id: str, language: str, *, confirmed: bool, keep_audio: bool
    ) -> TakenMessage:
        """Return the message as the book keeps it."""
        return TakenMessage(
            id=self.id,
            company_id=company_id,
            conversation_id=conversation_id,
            call_id=self.call_id,
            language=language,
            name=self.name,
            number=self.number,
            matter=self.matter,
            confirmed=confirmed,
            spans=self.audio if keep_audio else (),
            created_at=_moment(self.created),
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
