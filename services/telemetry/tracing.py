"""Calls as OpenTelemetry spans: a span a call, a child span a turn, and in an answer one span a stage.

Every time is reckoned from the call's start by the monotonic offsets in its events, so that a trace is exact to the
millisecond, also when the machine's clock is set while somebody speaks. Imports OpenTelemetry's API.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from services.clock import Clock
from services.events import CallEvent, CallEventType
from services.telemetry import turns
from services.telemetry.under_way import CallsUnderWay

Attributes = dict[str, str | bool | int | float]

# Event data -> attribute. Nothing else leaves the house: no text, no number, no detail of an error (it may quote).
_CALL = {
    "channel": "secretary.channel",
    "direction": "secretary.direction",
    "language": "secretary.language",
    "persona": "secretary.persona",
}
_TURN = {
    "index": "secretary.turn.index",
    "role": "secretary.role",
    "source": "secretary.source",
    "language": "secretary.language",
    "score": "secretary.score",
    "confidence": "secretary.confidence",
    "interrupted_by": "secretary.interrupted_by",
}
# Names of OpenTelemetry's semantic conventions for generative AI.
_MODEL = {
    "model": "gen_ai.request.model",
    "tokens_in": "gen_ai.usage.input_tokens",
    "tokens_out": "gen_ai.usage.output_tokens",
}
_LONGEST_NAME = 80
_END = {"outcome": "secretary.outcome", "reason": "secretary.end_reason", "seconds": "secretary.seconds"}


@dataclass(slots=True)
class _Call:
    """A call's open span; `began` is nanoseconds since the epoch, the rest milliseconds since `began`."""

    span: Span
    context: Context
    began: int
    answered: float | None = None
    caller_silent: float | None = None  # the caller's last sound
    last: float = 0.0

    def at(self, ms: float) -> int:
        return self.began + round(ms * 1e6)


class CallTracer:
    """Turns the events of calls into spans, each ended with its true time; `close` ends what is still open."""

    def __init__(self, tracer: Tracer, clock: Clock) -> None:
        self._tracer = tracer
        self._clock = clock
        self._under_way: CallsUnderWay[_Call] = CallsUnderWay(clock, self._end_lost)

    def on_event(self, event: CallEvent) -> None:
        """Note an event; the spans of a call whose start was not seen are left out."""
        if event.type is CallEventType.STARTED:
            self._under_way.begin(event.call_id, self._start(event))
            return
        call = self._under_way.get(event.call_id)
        if call is None:
            return
        call.last = event.at_ms
        match event.type:
            case CallEventType.ANSWERED:
                call.answered = event.at_ms
                call.span.add_event("answered", timestamp=call.at(event.at_ms))
            case CallEventType.TURN:
                self._turn(call, event)
            case CallEventType.DEGRADED:
                part = str(event.data.get("part"))[:_LONGEST_NAME]
                call.span.add_event("degraded", {"secretary.part": part}, call.at(event.at_ms))
            case CallEventType.MESSAGE | CallEventType.DIGITS:
                call.span.add_event(event.type.value, timestamp=call.at(event.at_ms))
            case CallEventType.ENDED:
                self._under_way.end(event.call_id)
                self._end(call, event)
            case _:
                pass

    def close(self) -> None:
        """End the spans of calls that are still going on, where their last event was."""
        self._under_way.give_up_the_lost(all_of_them=True)

    def _start(self, event: CallEvent) -> _Call:
        began = _nanoseconds(event.data.get("started_at")) or time.time_ns()
        attributes = _chosen(_CALL, event.data)
        attributes |= {"secretary.call_id": event.call_id, "secretary.company_id": event.company_id}
        span = self._tracer.start_span("call", Context(), SpanKind.SERVER, attributes, start_time=began)
        return _Call(span, set_span_in_context(span, Context()), began)

    def _end(self, call: _Call, event: CallEvent) -> None:
        call.span.set_attributes(_chosen(_END, event.data))
        if event.data.get("outcome") == "failed":
            call.span.set_status(Status(StatusCode.ERROR))
        call.span.end(call.at(event.at_ms))

    def _end_lost(self, call: _Call) -> None:
        call.span.set_attribute("secretary.outcome", "unknown")
        call.span.end(call.at(call.last))

    def _turn(self, call: _Call, event: CallEvent) -> None:
        data = event.data
        ends = turns.number(data.get("end"))
        starts = turns.number(data.get("start"))
        if ends is None or starts is None:
            return
        # Turns count from the answer; where that was not seen, from what makes this turn end with its event.
        answered = event.at_ms - ends * 1000 if call.answered is None else call.answered
        start, end = answered + starts * 1000, answered + max(ends, starts) * 1000
        if data.get("role") == "secretary":
            self._answer(call, data, start, end)
            return
        call.caller_silent = end - turns.SPAN_MARGIN * 1000
        span = self._span("caller turn", call, start, call.context, _chosen(_TURN, data))
        span.end(call.at(end))

    def _answer(self, call: _Call, data: Mapping[str, Any], start: float, end: float) -> None:
        """Draw an answer with its stages one after the other, and its sound behind them."""
        marks = {name: seconds * 1000 for name, seconds in turns.stages(data).items()}
        origin = _origin(call, marks, start, end)
        began = min([origin, *(origin + at for at in marks.values())])
        gaps, longest = turns.playout(data)
        attributes = _chosen(_TURN, data)
        if data.get("model"):
            attributes |= _chosen(_MODEL, data)
        turn = self._span("secretary turn", call, began, call.context, attributes)
        inside = set_span_in_context(turn, Context())
        reached = began
        for name, at in marks.items():
            stage = self._span(name, call, reached, inside)
            reached = origin + at
            stage.end(call.at(reached))
        if turns.FIRST_SOUND in marks:
            sound: Attributes = {"secretary.playout.gaps": gaps, "secretary.playout.longest_gap": longest}
            speech = self._span("playout", call, start, inside, sound)
            speech.end(call.at(max(start, end)))
        if data.get("interrupted_by") == "failure":
            turn.set_status(Status(StatusCode.ERROR))
        turn.end(call.at(max(end, reached)))

    def _span(
        self, name: str, call: _Call, start: float, parent: Context, attributes: Attributes | None = None
    ) -> Span:
        return self._tracer.start_span(name, parent, attributes=attributes, start_time=call.at(start))


def _origin(call: _Call, marks: Mapping[str, float], start: float, end: float) -> float:
    """Return when the clock of an answer's stages started, in milliseconds of the call.

    A turn starts with its first sound, which is also a stage. An answer nobody heard had none: it is counted from the
    caller's last sound, or back from its own end.
    """
    if turns.FIRST_SOUND in marks:
        return start - marks[turns.FIRST_SOUND]
    if turns.END_OF_TURN in marks and call.caller_silent is not None:
        return call.caller_silent
    return end - max(marks.values(), default=0.0)


def _chosen(names: Mapping[str, str], data: Mapping[str, Any]) -> Attributes:
    """Return the attributes that `data` has a figure or a name for; whatever has a space in it is words, and stays."""
    chosen: Attributes = {}
    for key, name in names.items():
        value = data.get(key)
        if isinstance(value, int | float) or (isinstance(value, str) and _is_name(value)):
            chosen[name] = value
    return chosen


def _is_name(value: str) -> bool:
    return 0 < len(value) <= _LONGEST_NAME and not any(map(str.isspace, value))


def _nanoseconds(moment: object) -> int | None:
    try:
        return round(datetime.fromisoformat(str(moment)).timestamp() * 1e9)
    except ValueError:
        return None
