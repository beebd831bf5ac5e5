"""Calls that the host places, a second caller, keys: what the person at the far end does and hears."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from telephony.simulator import SimulatorError


def loudest(samples: NDArray[np.int16], rate: int = 8000) -> float:
    """Frequency of the strongest tone in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum[1:]) + 1) * rate / samples.size


def came(b: Any) -> NDArray[np.int16]:
    return np.frombuffer(bytes(b.audio.data[: len(b.audio.data) & ~1]), "<i2")


async def test_it_rings_there_until_someone_picks_up(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.at.ask("AT+CLCC=1")
        assert await b.at.ask("ATD+79990000000;") == ['+CLCC: 1,0,2,0,0,"+79990000000",145', "OK"]
        call = await b.sim.dialled(1)
        assert await b.at.ask("AT+CPCMREG=1") == ["OK"]
        assert await b.at.line() == '+CLCC: 1,0,3,0,0,"+79990000000",145'
        await b.audio.play(bytes(320 * 15))
        tone = came(b)
        assert abs(loudest(tone[np.argmax(tone != 0) :][:1600]) - 425) < 6
        assert call.heard == []
        await call.pick_up()
        assert await b.at.take(2) == ['+CLCC: 1,0,0,0,0,"+79990000000",145', "VOICE CALL: BEGIN"]
        assert call.is_active
        await b.at.ask("AT+CHUP")
        assert await call.ended(1) == "secretary"


async def test_a_voicemail_greets_and_beeps(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.at.ask("ATD+79990000000;")
        call = await b.sim.dialled(1)
        await call.pick_up()
        await b.at.until("VOICE CALL: BEGIN")
        await b.at.ask("AT+CPCMREG=1")
        call.speak(np.full(1600, 3000, np.int16))
        beep = call.beep()
        await asyncio.sleep(call.time_of(beep + 3200) - asyncio.get_running_loop().time() + 0.1)
        heard = came(b)
        greeting = int(np.argmax(heard == 3000))
        tone = heard[greeting + 1600 :][:3200]
        assert abs(loudest(tone) - 1000) < 5
        assert np.abs(heard[greeting + 1600 + 3200 :][:160]).max() <= 3


@pytest.mark.parametrize(
    ("result", "cause", "told"),
    [
        ("BUSY", "", "User busy"),
        ("NO ANSWER", "", "No user responding"),
        ("NO CARRIER", "Unassigned (unallocated) number", "Unassigned (unallocated) number"),
    ],
)
async def test_why_nobody_was_reached(bench: Callable[..., Any], result: str, cause: str, told: str) -> None:
    async with bench() as b:
        await b.at.ask("ATD+79990000000;")
        call = await b.sim.dialled(1)
        await call.refuse(result, cause)
        assert await b.at.line() == result
        assert await b.at.ask("AT+CEER") == [f"+CEER: {told}", "OK"]
        assert await call.ended(1) == result
        with pytest.raises(SimulatorError):
            await call.pick_up()


async def test_a_call_that_may_not_be_placed(bench: Callable[..., Any]) -> None:
    async with bench("dial-refused") as b:
        assert await b.at.ask("ATD+79990000000;") == ["+CME ERROR: 3"]
        b.sim.set_faults([])
        b.sim.set_registration(2)
        assert await b.at.ask("ATD+79990000000;") == ["+CREG: 2", "+CME ERROR: 30"]


async def test_a_call_out_ends_with_the_network(bench: Callable[..., Any]) -> None:
    async with bench(pace=0.1) as b:
        await b.at.ask("ATD+79990000000;")
        call = await b.sim.dialled(1)
        b.sim.strike("network-lost")
        assert await b.at.take(2) == ["+CREG: 2", "NO CARRIER"]
        assert await call.ended(1) == "network"


async def test_keys_by_tone_and_by_line(bench: Callable[..., Any]) -> None:
    async with bench(pace=0.2) as b:
        call = await b.talk()
        await call.press("1")
        assert await b.at.line() == "+RXDTMF: 1"
        b.sim.set_faults(["dtmf-in-band-only"])
        await call.press("2")
        assert await b.at.quiet() == []
        b.sim.set_faults(["dtmf-urc-late"])
        await call.press("3")
        assert await b.at.quiet(0.05) == []
        assert await b.at.line() == "+RXDTMF: 3"
        await asyncio.sleep(0.05)
        loud = np.abs(came(b)).max()
        b.audio.data.clear()
        b.sim.set_faults(["dtmf-urc-only"])
        await call.press("4")
        assert await b.at.line() == "+RXDTMF: 4"
        assert loud > 15_000
        assert np.abs(came(b)).max() <= 3


async def test_the_one_who_waits_rings_when_the_first_has_ended(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.at.ask("AT+CCWA=1")
        first = await b.talk()
        second = await b.sim.ring("+79990000002")
        assert (second.rings, second.shown) == (1, 1)
        assert await b.at.ask("AT+CLCC") == [
            '+CCWA: "+79990000002",145,1',
            '+CLCC: 1,1,0,0,0,"+79991234567",145',
            '+CLCC: 2,1,5,0,0,"+79990000002",145',
            "OK",
        ]
        assert (await b.at.ask("AT+CHUP"))[-1] == "OK"
        assert await first.ended(1) == "secretary"
        assert await b.at.take(2) == ["RING", '+CLIP: "+79990000002",145,,,,0']
        await b.at.ask("AT+CPCMREG=0")
        await b.at.ask("ATA")
        await second.answered(1)
        third = await b.sim.ring("+79990000003")
        await third.give_up()
        assert second.is_active
        assert await third.ended(1) == "caller"


async def test_rings_that_were_shown_are_counted(bench: Callable[..., Any]) -> None:
    async with bench("no-clip", reset_seconds=0.3) as b:
        call = await b.sim.ring()
        await b.at.until("RING")
        assert (call.rings, call.shown) == (1, 0)
        await call.give_up()
        b.sim.strike("deaf")
        unseen = await b.sim.ring()
        await asyncio.sleep(0.02)
        assert unseen.rings == 0


async def test_status_that_changes(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert await b.at.ask("AT+CPMUTEMP") == ["+CPMUTEMP: 34", "OK"]
        b.sim.set_temperature(71)
        b.sim.set_signal(5)
        b.sim.set_operator("Other")
        assert await b.at.ask("AT+CPMUTEMP") == ["+CPMUTEMP: 71", "OK"]
        assert await b.at.ask("AT+CSQ") == ["+CSQ: 5,99", "OK"]
        assert await b.at.ask("AT+COPS?") == ['+COPS: 0,0,"Other",7', "OK"]
        assert await b.at.ask("AT+CPMS?") == ['+CPMS: "SM",0,15,"SM",0,15,"SM",0,15', "OK"]
