"""Calls as Prometheus figures: counters, the gauge of calls under way, and histograms of where the time went."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from services.clock import Clock
from services.events import CallEvent, CallEventType
from services.telemetry import turns
from services.telemetry.under_way import CallsUnderWay

# Seconds: fine where a caller feels the difference (0.2 to 1 s), from one frame of sound to a wait nobody sits through.
BUCKETS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

_COMPANIES = 1000
_NAMES = 40
_LONGEST_NAME = 64


class _Bounded:
    """Lets so many different values of a label through, and calls the rest "other": each is a series for ever."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def __call__(self, value: object) -> str:
        name = str(value or "none")[:_LONGEST_NAME]
        if name not in self._known:
            if len(self._known) >= self._limit:
                return "other"
            self._known.add(name)
        return name


@dataclass(frozen=True, slots=True)
class _Call:
    company: str
    channel: str


class CallMetrics:
    """The figures of one installation, in a registry of their own; `on_event` takes each event of the bus once.

    Labels are bounded: the company, and names of ours (channel, outcome, role, source, reason, part, stage); never a
    call, a caller or a text. Times are in seconds.
    """

    def __init__(self, clock: Clock) -> None:
        # Else every series has a second one with the time of its making, which Prometheus itself never asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        self._under_way: CallsUnderWay[_Call] = CallsUnderWay(clock, self._gone)
        self._company = _Bounded(_COMPANIES)
        self._name = {
            label: _Bounded(_NAMES) for label in ("channel", "outcome", "role", "source", "reason", "part", "stage")
        }

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"secretary_{name}", meaning, ["company_id", *labels], registry=registry)

        def histogram(name: str, meaning: str, *labels: str) -> Histogram:
            return Histogram(
                f"secretary_{name}_seconds", meaning, ["company_id", *labels], registry=registry, buckets=BUCKETS
            )

        self._calls = counter("calls", "Calls that have ended", "channel", "outcome")
        self._turns = counter("turns", "Turns of callers and of the secretary", "role", "source")
        self._interruptions = counter("interruptions", "Answers that were cut, by what cut them", "reason")
        self._degraded = counter("degraded", "Failures of a part inside a call", "part")
        self._messages = counter("messages", "Messages taken with the caller's voice")
        self._gaps = counter("playout_gaps", "Silences over 60 ms inside the secretary's speech that nobody meant")
        self._open = Gauge("secretary_calls_under_way", "Calls going on now", ["company_id"], registry=registry)
        self._response = histogram("response", "From the end of the caller's speech to the first sound back", "source")
        self._greeting = histogram("greeting", "From the answered call to the greeting's first sound")
        self._stages = histogram("stage", "From the end of the caller's speech to a stage of the answer", "stage")
        self._handlers: dict[CallEventType, Callable[[str, CallEvent], None]] = {
            CallEventType.STARTED: self._on_started,
            CallEventType.TURN: self._on_turn,
            CallEventType.MESSAGE: lambda company, _: self._messages.labels(company).inc(),
            CallEventType.DEGRADED: self._on_degraded,
            CallEventType.ENDED: self._on_ended,
        }

    def on_event(self, event: CallEvent) -> None:
        """Count an event."""
        handler = self._handlers.get(event.type)
        if handler is not None:
            self._under_way.get(event.call_id)
            handler(self._company(event.company_id), event)

    def figures(self) -> bytes:
        """Return everything in Prometheus' text format. Takes a while with many companies: call it in a thread."""
        return generate_latest(self._registry)

    def tidy(self) -> None:
        """Take the calls whose end was missed out of the gauge."""
        self._under_way.give_up_the_lost()

    def _on_started(self, company: str, event: CallEvent) -> None:
        self._under_way.begin(event.call_id, _Call(company, self._name["channel"](event.data.get("channel"))))
        self._open.labels(company).inc()

    def _on_ended(self, company: str, event: CallEvent) -> None:
        call = self._under_way.end(event.call_id)
        if call is not None:
            self._gone(call)
        channel = call.channel if call else self._name["channel"]("")
        self._calls.labels(company, channel, self._name["outcome"](event.data.get("outcome"))).inc()

    def _gone(self, call: _Call) -> None:
        self._open.labels(call.company).dec()

    def _on_degraded(self, company: str, event: CallEvent) -> None:
        self._degraded.labels(company, self._name["part"](event.data.get("part"))).inc()

    def _on_turn(self, company: str, event: CallEvent) -> None:
        data = event.data
        source = self._name["source"](data.get("source"))
        self._turns.labels(company, self._name["role"](data.get("role")), source).inc()
        if data.get("role") != "secretary":
            return
        if reason := data.get("interrupted_by"):
            self._interruptions.labels(company, self._name["reason"](reason)).inc()
        gaps, _ = turns.playout(data)
        self._gaps.labels(company).inc(max(gaps, 0))
        self._time(company, source, turns.stages(data))

    def _time(self, company: str, source: str, stages: dict[str, float]) -> None:
        sound = stages.get(turns.FIRST_SOUND)
        if source == "greeting" and sound is not None:
            self._greeting.labels(company).observe(sound)
        # Only an answer to something said has waited for the end of a turn; the rest speaks of its own accord.
        if turns.END_OF_TURN not in stages:
            return
        for stage, seconds in stages.items():
            self._stages.labels(company, self._name["stage"](stage)).observe(seconds)
        if sound is not None:
            self._response.labels(company, source).observe(sound)
