"""The figures of calls, read as Prometheus reads them."""

import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from call_events import NUMBER, WORDS, CallMaker, Clock, a_call, answer, greeting
from prometheus_client.parser import text_string_to_metric_families

from services.events import CallEventType, EventBus
from services.telemetry import turns
from services.telemetry.metrics import BUCKETS
from services.telemetry.settings import TelemetrySettings
from services.telemetry.telemetry import Telemetry
from services.telemetry.under_way import LIMIT, QUIET_SECONDS
from services.voice.hearing.listener import PRE_ROLL
from services.voice.latency import Stage

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def measuring(bus: EventBus, clock: Clock | None = None) -> AsyncIterator[Telemetry]:
    telemetry = Telemetry(TelemetrySettings(), bus, clock or Clock())
    await telemetry.start()
    try:
        yield telemetry
    finally:
        await telemetry.close()


async def read(telemetry: Telemetry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return {(name, labels): value}."""
    text = (await telemetry.figures()).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, company_id: str = "default", **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"secretary_{name}", frozenset({"company_id": company_id, **labels}.items())


async def test_a_call_is_counted_and_timed() -> None:
    bus = EventBus()
    async with measuring(bus) as telemetry:
        for event in a_call():
            bus.publish(event)
        found = await read(telemetry)
    expected: Mapping[tuple[str, frozenset[tuple[str, str]]], float] = {
        key("calls_total", channel="gsm", outcome="answered"): 1,
        key("calls_under_way"): 0,
        key("turns_total", role="secretary", source="greeting"): 1,
        key("turns_total", role="caller", source="speech"): 1,
        key("turns_total", role="secretary", source="model"): 1,
        key("interruptions_total", reason="caller"): 1,
        key("degraded_total", part="last words"): 1,
        key("messages_total"): 1,
        key("playout_gaps_total"): 2,
        key("greeting_seconds_sum"): 0.12,
        key("response_seconds_count", source="model"): 1,
        key("response_seconds_sum", source="model"): 0.41,
        key("response_seconds_bucket", source="model", le="0.4"): 0,
        key("response_seconds_bucket", source="model", le="0.5"): 1,
        key("stage_seconds_sum", stage="end_of_turn"): 0.3,
        key("stage_seconds_sum", stage="first_text"): 0.3505,
        key("stage_seconds_count", stage="first_sound"): 1,
    }
    assert {each: found.get(each) for each in expected} == pytest.approx(expected)
    assert key("response_seconds_count", source="greeting") not in found, "nobody had said anything"


async def test_calls_under_way_go_up_and_down_by_company() -> None:
    bus = EventBus()
    calls = [CallMaker("c1"), CallMaker("c2"), CallMaker("c3", "other")]
    async with measuring(bus) as telemetry:
        for call in calls:
            bus.publish(call.started())
        found = await read(telemetry)
        assert (found[key("calls_under_way")], found[key("calls_under_way", "other")]) == (2, 1)
        bus.publish(calls[0].ended(outcome="failed"))
        bus.publish(calls[2].ended())
        found = await read(telemetry)
        assert (found[key("calls_under_way")], found[key("calls_under_way", "other")]) == (1, 0)
        assert found[key("calls_total", channel="gsm", outcome="failed")] == 1


async def test_two_installations_in_one_process_count_apart() -> None:
    first, second = EventBus(), EventBus()
    async with measuring(first) as one, measuring(second) as other:
        for event in a_call():
            first.publish(event)
        assert (await read(one))[key("messages_total")] == 1
        assert key("messages_total") not in await read(other)


async def test_nothing_that_was_said_and_no_number_or_call_is_in_the_figures() -> None:
    bus = EventBus()
    async with measuring(bus) as telemetry:
        for event in a_call(CallMaker("a-very-own-call-id")):
            bus.publish(event)
        text = (await telemetry.figures()).decode()
    assert "secretary_turns_total" in text
    for private in (WORDS, NUMBER.strip("+"), "a-very-own-call-id", "m1", ".ogg"):
        assert private not in text


async def test_a_stage_that_is_not_known_yet_is_measured_too() -> None:
    bus, call = EventBus(), CallMaker()
    async with measuring(bus) as telemetry:
        bus.publish(call.started())
        bus.publish(call.turn(answer(stages={"head_start": 120.0, "end_of_turn": 250.0})))
        found = await read(telemetry)
    assert found[key("stage_seconds_sum", stage="head_start")] == 0.12


async def test_the_names_of_a_label_are_bounded() -> None:
    bus, call = EventBus(), CallMaker()
    async with measuring(bus) as telemetry:
        for number in range(200):
            bus.publish(call.event(number, CallEventType.DEGRADED, part=f"part {number} " + "x" * 500))
        found = await read(telemetry)
    parts = {
        dict(labels)["part"]: value for (name, labels), value in found.items() if name == "secretary_degraded_total"
    }
    assert len(parts) == 41
    assert parts["other"] == 160
    assert max(map(len, parts)) == 64


async def test_odd_data_is_passed_over_and_the_next_event_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    bus, call = EventBus(), CallMaker()
    odd: list[dict[str, object]] = [
        {},
        {"role": "secretary", "stages": None, "playout": 3},
        {"role": "secretary", "stages": {"end_of_turn": math.nan, "first_sound": "soon"}, "playout": {"gaps": -4}},
        {"role": ["secretary"], "source": object(), "interrupted_by": 7},
    ]
    async with measuring(bus) as telemetry:
        for data in odd:
            bus.publish(call.event(1, CallEventType.TURN, **data))
        bus.publish(call.turn(greeting()))
        found = await read(telemetry)
    assert found[key("turns_total", role="secretary", source="greeting")] == 1
    assert found[key("playout_gaps_total")] == 0
    assert not caplog.records


async def test_a_call_whose_end_was_missed_leaves_the_gauge() -> None:
    bus, clock = EventBus(), Clock()
    async with measuring(bus, clock) as telemetry:
        lost, alive = CallMaker("lost"), CallMaker("alive")
        bus.publish(alive.started())
        bus.publish(lost.started())
        assert (await read(telemetry))[key("calls_under_way")] == 2
        clock.seconds = QUIET_SECONDS / 2
        bus.publish(alive.turn(greeting()))
        await asyncio.sleep(0)
        clock.seconds = QUIET_SECONDS + 1
        assert (await read(telemetry))[key("calls_under_way")] == 1
        bus.publish(lost.ended())
        assert (await read(telemetry))[key("calls_under_way")] == 1
        for number in range(LIMIT + 5):
            bus.publish(CallMaker(str(number)).started())
            await asyncio.sleep(0)
        assert (await read(telemetry))[key("calls_under_way")] == LIMIT


async def test_what_happened_before_the_end_is_still_counted() -> None:
    bus = EventBus()
    telemetry = Telemetry(TelemetrySettings(), bus, Clock())
    await telemetry.start()
    for event in a_call():
        bus.publish(event)
    await telemetry.close()
    assert b'secretary_messages_total{company_id="default"} 1.0' in await telemetry.figures()


def test_what_is_known_of_turns_here_is_what_the_voice_says_of_them() -> None:
    assert turns.END_OF_TURN == Stage.END_OF_TURN
    assert turns.FIRST_SOUND == Stage.FIRST_SOUND
    assert turns.SPAN_MARGIN == PRE_ROLL


def test_the_buckets_reach_from_a_frame_to_a_wait_nobody_sits_through() -> None:
    assert (BUCKETS[0], BUCKETS[-1]) == (0.02, 10.0)
    assert list(BUCKETS) == sorted(set(BUCKETS))


def test_switched_off_it_imports_nothing_and_watches_nothing() -> None:
    code = """
import asyncio, sys
from services.clock import LoopClock
from services.events import CallEvent, CallEventType, EventBus
from services.telemetry.settings import TelemetrySettings
from services.telemetry.telemetry import Telemetry
async def main():
    telemetry = Telemetry(TelemetrySettings(metrics=False), EventBus(), LoopClock())
    await telemetry.start()
    assert len(asyncio.all_tasks()) == 1
    assert await telemetry.figures() == b"" and telemetry.parts() == []
    await telemetry.close()
asyncio.run(main())
heavy = {name.split(".")[0] for name in sys.modules} & {"prometheus_client", "opentelemetry", "requests", "google"}
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
