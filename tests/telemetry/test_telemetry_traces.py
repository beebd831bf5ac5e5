"""Traces of calls, as a real collector receives them: over HTTP, in protobuf."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from call_events import ANSWERED_MS, NUMBER, STARTED_AT, WORDS, CallMaker, Clock, a_call, answer, question
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from otlp_collector import Collector, collecting

from services.errors import SettingsError
from services.events import CallEvent, CallEventType, EventBus
from services.parts import State
from services.telemetry.settings import TelemetrySettings
from services.telemetry.telemetry import Telemetry

START_NS = round(STARTED_AT.timestamp() * 1e9)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(autouse=True)
def quick_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry's own variables, so that no test waits for the seconds that suit a real collector."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")


@asynccontextmanager
async def tracing(bus: EventBus, endpoint: str = "") -> AsyncIterator[Telemetry]:
    telemetry = Telemetry(TelemetrySettings(metrics=False, otlp_endpoint=endpoint), bus, Clock())
    await telemetry.start("1.2.3")
    try:
        yield telemetry
    finally:
        await telemetry.close()


async def sent(collector: Collector, events: Iterator[CallEvent] | list[CallEvent]) -> list[Span]:
    """Publish `events` and return the spans that have arrived when the installation has closed."""
    bus = EventBus()
    async with tracing(bus, collector.address):
        for event in events:
            bus.publish(event)
    return collector.spans()


def known(attributes: Any) -> dict[str, object]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}


def times(span: Span) -> tuple[float, float]:
    """Return start and end in milliseconds of the call."""
    return (span.start_time_unix_nano - START_NS) / 1e6, (span.end_time_unix_nano - START_NS) / 1e6


async def test_a_call_is_a_tree_of_spans_with_their_true_times(collector: Collector) -> None:
    spans = await sent(collector, a_call())
    by_id = {span.span_id: span.name for span in spans}
    drawn = [(span.name, by_id.get(span.parent_span_id, ""), *times(span)) for span in spans]
    silent = ANSWERED_MS + 5000  # the caller's last sound
    assert sorted(drawn) == sorted(
        [
            ("call", "", 0, 20_000),
            ("secretary turn", "call", ANSWERED_MS, ANSWERED_MS + 2500),
            ("first_text", "secretary turn", ANSWERED_MS, ANSWERED_MS + 5),
            ("first_sound", "secretary turn", ANSWERED_MS + 5, ANSWERED_MS + 120),
            ("playout", "secretary turn", ANSWERED_MS + 120, ANSWERED_MS + 2500),
            ("caller turn", "call", ANSWERED_MS + 2700, silent + 300),
            ("secretary turn", "call", silent, ANSWERED_MS + 9000),
            ("end_of_turn", "secretary turn", silent, silent + 300),
            ("final_transcript", "secretary turn", silent + 300, silent + 320),
            ("first_text", "secretary turn", silent + 320, silent + 350.5),
            ("first_clause", "secretary turn", silent + 350.5, silent + 360),
            ("first_frame", "secretary turn", silent + 360, silent + 390),
            ("first_sound", "secretary turn", silent + 390, silent + 410),
            ("playout", "secretary turn", silent + 410, ANSWERED_MS + 9000),
        ]
    )
    assert len({span.trace_id for span in spans}) == 1
    assert collector.paths == ["/v1/traces"] * len(collector.paths)
    resource = collector.resource()
    assert (resource["service.name"], resource["service.version"]) == ("ai-secretary", "1.2.3")


async def test_the_attributes_tell_what_happened(collector: Collector) -> None:
    spans = await sent(collector, a_call())
    call = known(next(span for span in spans if span.name == "call").attributes)
    assert call == {
        "secretary.call_id": "c1",
        "secretary.company_id": "default",
        "secretary.channel": "gsm",
        "secretary.direction": "in",
        "secretary.language": "ru",
        "secretary.persona": "anna",
        "secretary.outcome": "answered",
        "secretary.end_reason": "caller_hangup",
        "secretary.seconds": 18.0,
    }
    last = known([span for span in spans if span.name == "secretary turn"][-1].attributes)
    assert last == {
        "secretary.turn.index": 2,
        "secretary.role": "secretary",
        "secretary.source": "model",
        "secretary.language": "ru",
        "secretary.interrupted_by": "caller",
        "gen_ai.request.model": "qwen2.5-7b",
        "gen_ai.usage.input_tokens": 200,
        "gen_ai.usage.output_tokens": 30,
    }
    played = known([span for span in spans if span.name == "playout"][-1].attributes)
    assert played == {"secretary.playout.gaps": 2, "secretary.playout.longest_gap": 0.08}
    events = next(span for span in spans if span.name == "call").events
    assert [(event.name, (event.time_unix_nano - START_NS) / 1e6) for event in events] == [
        ("answered", ANSWERED_MS),
        ("digits", 12_000),
        ("degraded", 13_000),
        ("message", 14_000),
    ]
    assert known(events[2].attributes) == {"secretary.part": "last words"}


async def test_no_word_and_no_number_leaves_the_house(collector: Collector) -> None:
    reason = f"{WORDS} and so on"
    await sent(collector, [*list(a_call())[:-1], CallMaker("c1").ended(reason=reason)])
    wire = b"".join(collector.requests)
    assert b"secretary.outcome" in wire
    for private in (WORDS, NUMBER, NUMBER.strip("+"), "пирог", "sim7600", ".ogg", "m1", "not kept"):
        assert private.encode() not in wire, private


async def test_an_answer_nobody_heard_is_timed_from_the_callers_last_sound(collector: Collector) -> None:
    call = CallMaker()
    cut = replace(answer(interrupted_by="failure"), start=8.0, end=8.0, stages={"end_of_turn": 300.0, "retry": 900.0})
    spans = await sent(
        collector,
        [call.started(), call.event(ANSWERED_MS, CallEventType.ANSWERED), call.turn(question()), call.turn(cut)],
    )
    turn = next(span for span in spans if span.name == "secretary turn")
    assert times(turn) == (ANSWERED_MS + 5000, ANSWERED_MS + 8000)
    assert turn.status.code == Status.StatusCode.STATUS_CODE_ERROR
    assert times(next(span for span in spans if span.name == "retry")) == (ANSWERED_MS + 5300, ANSWERED_MS + 5900)
    assert "playout" not in {span.name for span in spans}
    ended = next(span for span in spans if span.name == "call")
    assert known(ended.attributes)["secretary.outcome"] == "unknown", "the house closed while the call was going on"
    assert times(ended)[1] == ANSWERED_MS + 8000


async def test_a_failed_call_is_an_error_and_odd_data_leaves_the_rest(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    call = CallMaker()
    odd = call.event(3000, CallEventType.TURN, role="secretary", start="early", end=None, stages={"x": None})
    stranger = CallMaker("never-started").turn(question())
    spans = await sent(collector, [call.started(started_at="yesterday"), odd, stranger, call.ended(outcome="failed")])
    assert [span.name for span in spans] == ["call"]
    assert spans[0].status.code == Status.StatusCode.STATUS_CODE_ERROR
    assert spans[0].end_time_unix_nano - spans[0].start_time_unix_nano == 20_000 * 10**6
    assert not caplog.records


async def test_the_standard_variable_switches_it_on_and_names_the_service(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front desk")
    bus = EventBus()
    async with tracing(bus) as telemetry:
        assert [part.name for part in telemetry.parts()] == ["traces"]
        for event in a_call():
            bus.publish(event)
    assert collector.paths[0] == "/v1/traces"
    assert collector.resource()["service.name"] == "front desk"


async def test_a_wrong_standard_variable_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    telemetry = Telemetry(TelemetrySettings(otlp_endpoint="http://127.0.0.1:1"), EventBus(), Clock())
    with pytest.raises(SettingsError, match="OTEL_"):
        await telemetry.start()
    await telemetry.close()


@pytest.mark.parametrize("address", ["collector:4318", "grpc://collector:4317", "http://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="it is an address like"):
        TelemetrySettings(otlp_endpoint=address)


async def state_becomes(telemetry: Telemetry, state: State, bus: EventBus) -> None:
    """Let calls happen until the way to the collector is in `state`."""
    async with asyncio.timeout(20):
        while telemetry.parts()[0].state is not state:
            for event in a_call():
                bus.publish(event)
            await asyncio.sleep(0.05)


async def test_a_collector_that_refuses_is_told_once_and_again_when_it_takes(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    collector.status = 400
    bus = EventBus()
    async with tracing(bus, collector.address) as telemetry:
        await state_becomes(telemetry, State.DEGRADED, bus)
        taken = len(collector.paths)
        async with asyncio.timeout(20):
            while len(collector.paths) < taken + 3:
                for event in a_call():
                    bus.publish(event)
                await asyncio.sleep(0.05)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "OTLP over HTTP" in telemetry.parts()[0].remedy
        collector.status = 200
        await state_becomes(telemetry, State.READY, bus)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_without_a_collector_calls_and_the_end_go_on(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        bus = EventBus()
        async with tracing(bus, nobody) as telemetry:
            await state_becomes(telemetry, State.DEGRADED, bus)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    collector.hold.clear()
    bus = EventBus()
    async with asyncio.timeout(15), tracing(bus, collector.address):
        for number in range(500):  # many more spans than may wait
            for event in a_call(CallMaker(str(number))):
                bus.publish(event)
            await asyncio.sleep(0)
    assert collector.requests == []


async def test_two_installations_trace_apart(collector: Collector) -> None:
    with collecting() as second:
        one, other = EventBus(), EventBus()
        async with tracing(one, collector.address), tracing(other, second.address):
            one.publish(CallMaker("mine").started())
            other.publish(CallMaker("yours").started())
        calls = [known(each.spans()[0].attributes)["secretary.call_id"] for each in (collector, second)]
    assert calls == ["mine", "yours"]


async def test_a_request_is_a_span_of_whoever_asked(collector: Collector) -> None:
    whose = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with tracing(EventBus(), collector.address) as telemetry:
        telemetry.observe_request("GET", "/admin/calls/{call_id}", 200, 0.25, "request-1", whose)
        telemetry.observe_request("POST", "/v1/chat/completions", 503, 0.5, "request-2", "nonsense")
    first, second = sorted(collector.spans(), key=lambda span: span.name)
    assert (first.name, second.name) == ("GET /admin/calls/{call_id}", "POST /v1/chat/completions")
    assert first.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert first.parent_span_id.hex() == "b7ad6b7169203331"
    assert first.end_time_unix_nano - first.start_time_unix_nano == 250_000_000
    assert known(first.attributes)["secretary.request_id"] == "request-1"
    assert known(second.attributes)["http.response.status_code"] == 503
    assert second.status.code == Status.STATUS_CODE_ERROR
    assert not second.parent_span_id
