"""Each fault is really seen at the ports."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


async def test_audio_refused_twice(bench: Callable[..., Any]) -> None:
    async with bench("audio-refused-twice") as b:
        call = await b.sim.ring()
        await b.at.until(r"\+CLIP.*")
        await b.at.ask("ATA")
        await call.answered(1)
        answers = [await b.at.ask("AT+CPCMREG=1") for _ in range(3)]
        assert answers == [["ERROR"], ["ERROR"], ["OK"]]


async def test_odd_bytes_lose_nothing(bench: Callable[..., Any]) -> None:
    async with bench("odd-bytes") as b:
        call = await b.talk()
        speech = np.arange(1000, 3400, dtype=np.int16)
        call.speak(speech)
        await asyncio.sleep(0.7)
        assert sum(size % 2 for _, size in b.audio.chunks) > 10
        samples = np.frombuffer(bytes(b.audio.data[: len(b.audio.data) & ~1]), "<i2")
        first = int(np.argmax(samples == 1000))
        assert (samples[first : first + speech.size] == speech).all()


async def test_chunks_of_40_ms(bench: Callable[..., Any]) -> None:
    async with bench("chunks-40ms") as b:
        await b.talk()
        await asyncio.sleep(0.3)
        assert {size for _, size in b.audio.chunks} <= {640, 1280}


async def test_junk_and_half_lines(bench: Callable[..., Any]) -> None:
    async with bench("junk") as b:
        await b.sim.ring()
        seen = await b.at.until(r"\+CLIP.*")
        assert "RING" in seen
        assert any(set(line.encode("latin-1")) <= {0x00, 0x7E, 0x81, 0xC3, 0xFF} for line in seen)


async def test_no_clip(bench: Callable[..., Any]) -> None:
    async with bench("no-clip") as b:
        await b.sim.ring()
        assert set(await b.at.quiet(0.3)) == {"RING"}


async def test_withheld(bench: Callable[..., Any]) -> None:
    async with bench("withheld") as b:
        call = await b.sim.ring("+79991234567")
        assert await b.at.take(2) == ["RING", '+CLIP: "",128,,,,1']
        assert call.number == ""


async def test_late_no_carrier(bench: Callable[..., Any]) -> None:
    async with bench("late-no-carrier") as b:
        call = await b.talk()
        await call.hang_up()
        assert len(await b.at.quiet(0.15)) == 1
        assert await b.at.line() == "NO CARRIER"
        await b.at.ask("AT+CPCMREG=0")
        await b.talk()
        assert (await b.at.ask("AT+CHUP"))[-1] == "OK"
        assert await b.at.quiet(0.1) == []
        assert await b.at.line() == "NO CARRIER"


async def test_begin_after_ok(bench: Callable[..., Any]) -> None:
    async with bench("begin-after-ok") as b:
        await b.sim.ring()
        await b.at.until(r"\+CLIP.*")
        assert await b.at.ask("ATA") == ["OK"]
        assert await b.at.ask("AT+CPCMREG=1") == ["+CME ERROR: 3"]
        assert await b.at.line() == "VOICE CALL: BEGIN"
        assert await b.at.ask("AT+CPCMREG=1") == ["OK"]


async def test_cpcmreg_off_needs_1(bench: Callable[..., Any]) -> None:
    async with bench("cpcmreg-off-needs-1") as b:
        await b.talk()
        assert await b.at.ask("AT+CPCMREG=0") == ["ERROR"]
        assert await b.at.ask("AT+CPCMREG=0,1") == ["OK"]


async def test_caller_hangs_up_mid_sentence(bench: Callable[..., Any]) -> None:
    async with bench("caller-hangs-up-mid-sentence") as b:
        call = await b.talk()
        await b.audio.play(np.full(8000, 4000, np.int16).tobytes())
        assert await call.ended(1) == "caller"
        loud = sum(int((chunk.samples != 0).any()) for chunk in call.heard)
        assert loud == 35
        assert (await b.at.take(2))[1] == "NO CARRIER"


async def test_silent_loss(bench: Callable[..., Any]) -> None:
    async with bench("silent-loss", pace=0.2) as b:
        call = await b.talk()
        assert await call.ended(2) == "network"
        before = len(b.audio.data)
        assert await b.at.quiet(0.2) == []
        assert len(b.audio.data) > before
        assert await b.at.ask("AT+CLCC") == ["OK"]
        await b.at.ask("AT+CHUP")
        await b.at.ask("AT+CPCMREG=0")
        again = await b.talk()
        assert again.is_active


async def test_port_vanishes_and_comes_back(bench: Callable[..., Any]) -> None:
    async with bench("port-vanishes", reset_seconds=0.2, pace=0.2) as b:
        call = await b.talk()
        assert await call.ended(2) == "modem"
        with pytest.raises(FileNotFoundError):
            type(b.at)(b.sim.at_port)
        assert (await b.at.until(r"\(gone\)"))[-1] == "(gone)"
        with pytest.raises(OSError, match="error"):
            os.write(b.at.fd, b"AT\r")
        await asyncio.sleep(0.3)
        b.at.close()
        b.at = type(b.at)(b.sim.at_port)
        await b.at.until("PB DONE")
        assert await b.at.ask("AT") == ["AT", "OK"]


async def test_doubled_cr(bench: Callable[..., Any]) -> None:
    async with bench("doubled-cr") as b:
        await b.at.ask("AT")
        assert b.at.raw.endswith(b"\r\r\nOK\r\r\n")


async def test_slow_answers(bench: Callable[..., Any]) -> None:
    async with bench("slow-answers", start=False) as b:
        began = time.monotonic()
        await b.at.ask("AT")
        assert time.monotonic() - began >= 0.7


async def test_sim_busy_then_ready(bench: Callable[..., Any]) -> None:
    async with bench("sim-busy", start=False) as b:
        await b.at.ask("ATE0")
        await b.at.ask("AT+CMEE=1")
        answers = [(await b.at.ask("AT+CPIN?"))[0] for _ in range(4)]
        assert answers == ["+CME ERROR: 14"] * 3 + ["+CPIN: READY"]


async def test_no_sim(bench: Callable[..., Any]) -> None:
    async with bench("no-sim") as b:
        assert await b.at.ask("AT+CPIN?") == ["+CME ERROR: 10"]
        assert await b.at.ask("AT+CREG?") == ["+CREG: 1,0", "OK"]
        assert await b.at.ask("AT+COPS?") == ["+COPS: 0", "OK"]
        assert await b.at.ask("AT+CSQ") == ["+CSQ: 99,99", "OK"]


async def test_pin_needed(bench: Callable[..., Any]) -> None:
    async with bench("pin-needed") as b:
        assert await b.at.ask("AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
        assert await b.at.ask("AT+CIMI") == ["+CME ERROR: 11"]
        assert await b.at.ask("AT+CPIN=9999") == ["+CME ERROR: 16"]
        assert await b.at.ask('AT+CPIN="1234"') == ["OK"]
        assert await b.at.take(2) == ["+CPIN: READY", "+CREG: 1"]
        assert await b.at.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]


async def test_network_lost_and_back(bench: Callable[..., Any]) -> None:
    async with bench("network-lost", pace=0.2) as b:
        call = await b.talk()
        assert await call.ended(2) == "network"
        lines = await b.at.take(3)
        assert lines[0] == "+CREG: 2"
        assert lines[2] == "NO CARRIER"
        assert await b.at.ask("AT+CREG?") == ["+CREG: 1,2", "OK"]
        assert await b.at.line() == "+CREG: 1"


async def test_wedged_audio_blocks_the_writer(bench: Callable[..., Any]) -> None:
    async with bench("wedged-audio", reset_seconds=0.1) as b:
        await b.talk()
        with pytest.raises(BlockingIOError):
            await b.audio.play(bytes(320 * 120), ahead=0.2)


async def tries_of_audio(b: Any) -> int:
    """Answer a call and open the path; how many commands that took."""
    call = await b.sim.ring()
    await b.at.until(r"\+CLIP.*")
    await b.at.ask("ATA")
    await call.answered(1)
    tries = 1
    while await b.at.ask("AT+CPCMREG=1") != ["OK"]:
        tries += 1
    return tries


async def hang_up(b: Any) -> None:
    await b.at.ask("AT+CHUP")
    await b.at.ask("AT+CPCMREG=0")


async def test_audio_refused_often(bench: Callable[..., Any]) -> None:
    async with bench("audio-refused-often") as b:
        for _ in range(2):
            assert await tries_of_audio(b) == 9
            await hang_up(b)


async def test_audio_wears_out_until_a_reset(bench: Callable[..., Any]) -> None:
    async with bench("audio-wears-out", reset_seconds=0.1) as b:
        for tries in (1, 4, 7):
            assert await tries_of_audio(b) == tries
            await b.audio.play(bytes(320 * 5))
            await hang_up(b)
        assert await tries_of_audio(b) == 10
        with pytest.raises(BlockingIOError):
            await b.audio.play(bytes(320 * 120), ahead=9.0)
        await b.at.ask("AT+CRESET")
        await b.at.until(r"\(gone\)")
        await b.sim.reachable(2)
        b.reopen()
        await b.at.until("PB DONE")
        await b.start_up()
        assert await tries_of_audio(b) == 1


async def test_mute_audio_takes_all_and_plays_nothing(bench: Callable[..., Any]) -> None:
    async with bench("mute-audio") as b:
        call = await b.talk()
        speech = np.full(8000, 4000, np.int16)
        await b.audio.play(speech.tobytes())
        await asyncio.sleep(0.1)
        assert 20 <= sum(int((chunk.samples != 0).any()) for chunk in call.heard) <= 26
        call.speak(speech)
        b.audio.data.clear()
        await asyncio.sleep(0.1)
        assert np.frombuffer(bytes(b.audio.data[-320:]), "<i2").max() == 4000
        await hang_up(b)
        b.sim.set_faults([])
        assert await tries_of_audio(b) == 7  # the early sign


async def test_40_ms_in_odd_pieces_lose_nothing(bench: Callable[..., Any]) -> None:
    async with bench("chunks-40ms", "odd-bytes") as b:
        call = await b.talk()
        speech = np.arange(1000, 2600, dtype=np.int16)
        call.speak(speech)
        await asyncio.sleep(0.4)
        samples = np.frombuffer(bytes(b.audio.data[: len(b.audio.data) & ~1]), "<i2")
        first = int(np.argmax(samples == 1000))
        assert (samples[first : first + speech.size] == speech).all()
