"""The events of a call as services.voice publishes them, for those who watch the bus."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from services.domain import Turn
from services.events import CallEvent, CallEventType

STARTED_AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
NUMBER = "+79161234567"
WORDS = "лимонный"  # in everything that anybody says here
ANSWERED_MS = 2000
STAGES = {
    "end_of_turn": 300.0,
    "final_transcript": 320.0,
    "first_text": 350.5,
    "first_clause": 360.0,
    "first_frame": 390.0,
    "first_sound": 410.0,
}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return STARTED_AT + timedelta(seconds=self.seconds)


class CallMaker:
    """Numbers the events of one call."""

    def __init__(self, call_id: str = "c1", company_id: str = "default") -> None:
        self.call_id = call_id
        self.company_id = company_id
        self._sequence = 0

    def event(self, at_ms: int, kind: CallEventType, **data: Any) -> CallEvent:
        """Make the call's next event."""
        self._sequence += 1
        return CallEvent(self.company_id, self.call_id, self._sequence, at_ms, kind, data)

    def started(self, **data: Any) -> CallEvent:
        """Make the first event."""
        known = {
            "channel": "gsm",
            "direction": "in",
            "number": NUMBER,
            "line": "sim7600",
            "language": "ru",
            "persona": "anna",
            "conversation_id": "v1",
            "started_at": STARTED_AT.isoformat(),
        }
        return self.event(0, CallEventType.STARTED, **{**known, **data})

    def turn(self, turn: Turn) -> CallEvent:
        """Make the event of a turn, at its end."""
        return self.event(ANSWERED_MS + round(turn.end * 1000), CallEventType.TURN, **asdict(turn))

    def ended(self, at_ms: int = 20_000, outcome: str = "answered", reason: str = "caller_hangup") -> CallEvent:
        """Make the last event."""
        return self.event(at_ms, CallEventType.ENDED, outcome=outcome, reason=reason, seconds=18.0, stats={})


def greeting() -> Turn:
    """Return the secretary's first turn: its sound 120 ms after the answer."""
    text = f"Здравствуйте, {WORDS} пирог!"
    return Turn(
        0, "secretary", text, text, "ru", 0.12, 2.5, "greeting", stages={"first_text": 5.0, "first_sound": 120.0}
    )


def question() -> Turn:
    """Return what the caller asks from 3.0 to 5.0 s, with the margin of silence that a caller's turn has."""
    text = f"Сколько стоит {WORDS} пирог?"
    words = ({"text": WORDS, "start": 3.5, "end": 4.0, "confidence": 0.9},)
    return Turn(1, "caller", text, text, "ru", 2.7, 5.3, "speech", confidence=0.9, words=words)


def answer(**changes: Any) -> Turn:
    """Return the answer: first heard 410 ms after the caller's last sound, spoken to 9.0 s."""
    text = f"Один {WORDS} пирог стоит тысячу."
    values: dict[str, Any] = {
        "source": "model",
        "detail": text,
        "persona": "anna",
        "persona_version": 1,
        "model": "qwen2.5-7b",
        "tokens_in": 200,
        "tokens_out": 30,
        "stages": STAGES,
        "playout": {"gaps": 2, "longest_gap": 80.0},
    }
    return Turn(2, "secretary", text, text, "ru", 5.41, 9.0, **{**values, **changes})


def a_call(maker: CallMaker | None = None) -> Iterator[CallEvent]:
    """Make a whole call: greeted, asked, answered with an interruption, a part degraded, a message kept."""
    call = maker or CallMaker()
    yield call.started()
    yield call.event(ANSWERED_MS, CallEventType.ANSWERED)
    yield call.event(ANSWERED_MS + 130, CallEventType.SAYING, text=greeting().intended)
    yield call.turn(greeting())
    yield call.event(6000, CallEventType.INTERIM, role="caller", text=WORDS)
    yield call.turn(question())
    yield call.event(10_900, CallEventType.INTERRUPTED, turn=2, by="caller")
    yield call.turn(answer(interrupted_by="caller"))
    yield call.event(12_000, CallEventType.DIGITS, digits=NUMBER)
    yield call.event(13_000, CallEventType.DEGRADED, part="last words", detail=f"not kept: {WORDS} {NUMBER}")
    yield call.event(14_000, CallEventType.MESSAGE, message_id="m1")
    yield call.event(14_100, CallEventType.RECORDED, path="recordings/2026/05/c1.ogg")
    yield call.ended()
