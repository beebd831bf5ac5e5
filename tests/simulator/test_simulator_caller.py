"""The scripted caller against a secretary of few lines that knows when to speak."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from telephony.simulator import CallerEvent, ScriptedCaller, SimulatorError, demo_turns


def tone(seconds: float, level: int = 6000) -> NDArray[np.int16]:
    time_axis = np.arange(round(seconds * 8000)) / 8000
    return (level * np.sin(2 * np.pi * 300 * time_axis)).astype(np.int16)


def quiet(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * 8000), np.int16)


async def secretary(b: Any, gaps: list[float]) -> None:
    """Greet at once, then answer `gap` seconds after each time the line has fallen quiet for 0.2 s."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    due: list[tuple[float, NDArray[np.int16]]] = [(0.1, tone(0.4))]
    plan = np.concatenate([quiet(due[0][0]), due[0][1]])
    written, spoken, loud_at = 0, False, 0.0
    while True:
        await asyncio.sleep(0.02)
        tail = np.frombuffer(bytes(b.audio.data[-640:]), "<i2")
        now = loop.time() - start
        if np.abs(tail.astype(int)).max(initial=0) > 500:
            spoken, loud_at = True, now
        elif spoken and gaps and now - loud_at > 0.2:
            spoken = False
            pause = max(0.0, (now + gaps.pop(0)) * 8000 - plan.size)
            plan = np.concatenate([plan, np.zeros(int(pause), np.int16), tone(0.3)])
        while written < (now + 0.04) * 8000:
            frame = plan[written : written + 160]
            try:
                b.audio_write(np.pad(frame, (0, 160 - frame.size)).tobytes())
            except OSError:
                return
            written += 160
        plan = np.pad(plan, (0, max(0, written - plan.size)))


async def call_with(b: Any, turns: Any, gaps: list[float], **options: Any) -> tuple[Any, list[Any]]:
    import os

    b.audio_write = lambda data: os.write(b.audio.fd, data)
    call = await b.sim.ring()
    caller = asyncio.ensure_future(ScriptedCaller(call, turns, **options).run())
    await b.at.until(r"\+CLIP.*")
    await b.at.ask("ATA")
    await b.at.ask("AT+CPCMREG=1")
    speaking = asyncio.ensure_future(secretary(b, gaps))
    try:
        return call, await caller
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)


async def test_two_turns_with_their_latency(bench: Callable[..., Any]) -> None:
    events: list[CallerEvent] = []
    turns = [np.concatenate([tone(0.5), quiet(0.3)]), tone(0.3)]
    async with bench() as b:
        call, exchanges = await call_with(b, turns, [0.2, 0.2], pause=0.3, on_event=events.append)
        assert [exchange.answered for exchange in exchanges] == [True, True]
        stereo = call.recording()
        for exchange in exchanges:
            # The trailing silence of the first turn is not part of its speech.
            assert exchange.response_seconds is not None
            assert exchange.response_seconds > 0.2
            ended = round((exchange.speech_ended_at - call.time_of(0)) * 8000)
            first = round((exchange.first_sound_at - call.time_of(0)) * 8000)
            assert abs(int(stereo[ended - 1, 0])) >= 60
            assert np.abs(stereo[ended : ended + 1200, 0]).max() < 60
            assert abs(int(stereo[first, 1])) >= 184
            assert np.abs(stereo[ended:first, 1]).max() < 184
        assert call.ended_by == "caller"
    kinds = [event.kind for event in events]
    assert kinds[:3] == ["answered", "heard", "quiet"]
    assert kinds[-2:] == ["hangs up", "ended"]
    assert kinds.count("spoke") == 2


async def test_no_answer_and_early_end(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        _, exchanges = await call_with(b, [tone(0.1), tone(0.1)], [], pause=0.2, patience=0.3)
        assert [(exchange.answered, exchange.response_seconds) for exchange in exchanges] == [(False, None)] * 2
        await b.at.until("NO CARRIER")
        await b.at.ask("AT+CPCMREG=0")
    async with bench("caller-hangs-up-mid-sentence") as b:
        call, exchanges = await call_with(b, [tone(0.2), tone(0.2)], [0.0], pause=0.2, patience=0.4)
        assert call.ended_by == "caller"
        assert not exchanges[-1].answered


async def test_digits_are_a_turn(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        _, exchanges = await call_with(b, ["12#"], [0.1], pause=0.2)
        assert exchanges[0].answered
        assert exchanges[0].response_seconds is not None
        assert exchanges[0].response_seconds > 0.1
        seen = await b.at.until("NO CARRIER")
        assert [line for line in seen if line.startswith("+RXDTMF")] == ["+RXDTMF: 1", "+RXDTMF: 2", "+RXDTMF: #"]


async def test_nobody_answers(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.sim.ring()
        with pytest.raises(TimeoutError):
            await ScriptedCaller(call, [], ring_patience=0.2).run()
        assert (await b.at.until("MISSED.*"))[-1].startswith("MISSED_CALL")
        with pytest.raises(SimulatorError):
            call.speak(tone(0.1))


def test_the_shipped_caller_speaks() -> None:
    turns = demo_turns()
    assert len(turns) >= 2
    for turn in turns:
        assert turn.dtype == np.int16
        assert turn.size > 4000
        assert np.abs(turn.astype(int)).max() > 2000
    with pytest.raises(SimulatorError):
        demo_turns("xx")
