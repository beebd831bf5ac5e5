"""The AT channel gone wrong: commands without an answer, a deaf port, split lines, a SIM that is not there."""

import asyncio
import re
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telephony.simulator import FAULTS, SimulatorError


async def test_one_command_in_the_call_is_never_answered(bench: Callable[..., Any]) -> None:
    async with bench("stuck-command") as b:
        call = await b.sim.ring()
        await b.at.until(r"\+CLIP.*")
        assert await b.at.ask("ATA") == ["VOICE CALL: BEGIN", "OK"]
        b.at.send("AT+CPCMREG=1\r")
        assert await b.at.quiet(0.15) == []
        assert await b.at.ask("AT") == ["OK"]
        assert await b.at.ask("AT+CPCMREG?") == ["+CPCMREG: 0", "OK"]
        assert await b.at.ask("AT+CPCMREG=1") == ["OK"]
        assert call.is_active
        b.sim.strike("stuck-command")
        assert await b.at.ask("AT") == ["OK"]
        b.at.send("AT+CSQ\r")
        assert await b.at.quiet(0.1) == []
        assert await b.at.ask("AT+CSQ") == ["+CSQ: 21,99", "OK"]
        assert b.sim.log.texts("violation") == []


async def test_a_lost_answer_may_be_of_a_command_that_was_carried_out(bench: Callable[..., Any]) -> None:
    carried_out = set()
    for seed in range(8):
        async with bench(seed=seed) as b:
            b.sim.strike("stuck-command")
            b.at.send("AT+CRC=1\r")
            assert await b.at.quiet(0.03) == []
            carried_out.add((await b.at.ask("AT+CRC?"))[0])
    assert carried_out == {"+CRC: 0", "+CRC: 1"}


async def test_deaf_until_the_port_is_opened_anew(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        b.sim.strike("deaf")
        for _ in range(2):
            b.at.send("AT\r")
            assert await b.at.quiet(0.05) == []
        await call.hang_up()
        assert await b.at.quiet(0.05) == []
        b.at.close()
        await asyncio.sleep(0.02)
        b.at = type(b.at)(b.sim.at_port)
        assert await b.at.ask("AT") == ["OK"]
        assert await b.at.ask("AT+CLCC") == ["OK"]


async def test_deaf_until_the_port_is_opened_anew_at_once(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        b.sim.strike("deaf")
        b.at.send("AT\r")
        assert await b.at.quiet(0.05) == []
        b.reopen_at()
        settings = termios.tcgetattr(b.at.fd)
        settings[4:6] = [termios.B115200, termios.B115200]
        termios.tcsetattr(b.at.fd, termios.TCSANOW, settings)
        assert await b.at.ask("AT") == ["OK"]


async def test_deaf_until_a_reset(bench: Callable[..., Any]) -> None:
    async with bench(reset_seconds=0.1) as b:
        b.sim.strike("deaf-until-reset")
        await b.sim.ring()
        assert await b.at.until(r"\+CLIP.*") == ["RING", '+CLIP: "+79991234567",145,,,,0']
        b.at.send("AT\r")
        assert "OK" not in await b.at.quiet(0.05)
        b.at.close()
        await asyncio.sleep(0.02)
        b.at = type(b.at)(b.sim.at_port)
        b.at.send("AT\r")
        assert "OK" not in await b.at.quiet(0.05)
        b.at.send("AT+CRESET\r")
        await b.at.until(r"\(gone\)")
        await b.sim.reachable(2)
        b.reopen()
        await b.at.until("PB DONE")
        assert await b.at.ask("AT") == ["AT", "OK"]


@pytest.mark.parametrize("fault", ["deaf", "deaf-until-reset"])
async def test_deafness_begins_in_the_first_call(bench: Callable[..., Any], fault: str) -> None:
    async with bench(fault, pace=0.2) as b:
        await b.talk()
        assert await b.at.ask("AT") == ["OK"]
        await asyncio.sleep(0.25)
        b.at.send("AT\r")
        assert await b.at.quiet(0.05) == []


async def test_lines_in_two_halves(bench: Callable[..., Any]) -> None:
    async with bench("split-lines", start=False) as b:
        b.at.send("ATI\r")
        await asyncio.sleep(0.02)
        assert b"ATI\r\r\nManufacturer: SIMCOM INC".startswith(b.at.raw)
        assert (await b.at.until("OK"))[1:3] == ["Manufacturer: SIMCOM INCORPORATED", "Model: SIMCOM_SIM7600E-H"]


async def test_the_first_hang_up_of_a_call_is_refused(bench: Callable[..., Any]) -> None:
    async with bench("chup-error") as b:
        assert await b.at.ask("AT+CHUP") == ["OK"]
        for _ in range(2):
            call = await b.talk()
            assert await b.at.ask("AT+CHUP") == ["ERROR"]
            assert call.is_active
            assert (await b.at.ask("AT+CHUP"))[-1] == "OK"
            assert await call.ended(1) == "secretary"
            await b.at.ask("AT+CPCMREG=0")
        call = await b.talk()
        await b.at.ask("AT+CHUP")
        assert (await b.at.ask("ATH"))[-1] == "OK"
        assert await call.ended(1) == "secretary"


async def test_echo_returns_after_a_call(bench: Callable[..., Any]) -> None:
    async with bench("echo-returns") as b:
        call = await b.talk()
        assert await b.at.ask("AT") == ["OK"]
        await call.hang_up()
        await b.at.until("NO CARRIER")
        assert await b.at.ask("AT") == ["AT", "OK"]


async def test_the_sim_is_busy_for_long(bench: Callable[..., Any]) -> None:
    async with bench("sim-busy-long", pace=0.03) as b:
        assert await b.at.ask("AT+CPIN?") == ["+CME ERROR: 14"]
        assert await b.at.ask("AT+CSQ") == ["+CSQ: 21,99", "OK"]
        await b.at.until_ok("AT+CPIN?")


async def test_the_sim_is_pulled_and_put_back(bench: Callable[..., Any]) -> None:
    async with bench("sim-pulled", pace=0.1) as b:
        call = await b.talk()
        assert await call.ended(2) == "network"
        assert await b.at.take(4) == ["+CPIN: SIM REMOVED", "+CREG: 0", *await lines_of_an_end(b)]
        assert await b.at.ask("AT+CPIN?") == ["+CME ERROR: 10"]
        assert await b.at.take(2) == ["+CPIN: READY", "+CREG: 1"]
        assert await b.at.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]


async def lines_of_an_end(b: Any) -> list[str]:
    """The END with its seconds, as the module printed it, and NO CARRIER."""
    return [text for text in b.sim.log.texts("modem") if re.match("VOICE CALL: END|NO CARRIER", text)]


async def test_registration_is_lost_between_calls(bench: Callable[..., Any]) -> None:
    async with bench("registration-lost", pace=0.05) as b:
        call = await b.talk()
        await call.hang_up()
        assert [line for line in await b.at.take(3) if "CREG" in line] == ["+CREG: 2"]
        assert b.sim.reachable_since is None
        with pytest.raises(SimulatorError):
            await b.sim.ring()
        assert await b.at.line() == "+CREG: 1"
        assert b.sim.reachable_since is not None


async def test_the_network_takes_a_call_away_aloud_or_silently(bench: Callable[..., Any]) -> None:
    ends, states = set(), set()
    for seed in range(8):
        async with bench(seed=seed, pace=0.05) as b:
            call = await b.sim.ring()
            await b.at.until("RING")
            await b.at.ask("ATA")
            await call.answered(1)
            await b.at.quiet(0.02)
            b.sim.strike("network-lost")
            assert await call.ended(1) == "network"
            lines = await b.at.quiet(0.02)
            states.add(lines[0])
            ends.add(any("VOICE CALL: END" in line for line in lines))
    assert states == {"+CREG: 0", "+CREG: 2"}
    assert ends == {False, True}


async def test_faults_change_while_the_module_lives(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        b.sim.set_faults(["no-clip", "stuck-command:3"])
        assert b.sim.faults == {"no-clip", "stuck-command"}
        await b.sim.ring()
        assert await b.at.quiet(0.05) == ["RING"]
        await b.at.ask("AT+CHUP")
        b.sim.set_faults(["doubled-cr"])
        await b.at.ask("AT")
        assert b.at.raw.endswith(b"\r\r\nOK\r\r\n")
        b.sim.set_faults([])
        assert b.sim.faults == frozenset()
        with pytest.raises(SimulatorError, match="port-vanishes"):
            b.sim.strike("doubled-cr")
        with pytest.raises(SimulatorError, match="how often"):
            b.sim.set_faults(["junk:0"])
        b.sim.strike("junk")
        assert await b.at.ask("AT") != []


async def test_a_port_that_goes_cuts_the_command_that_runs(bench: Callable[..., Any]) -> None:
    async with bench(reset_seconds=0.05, answer_delay=0.3) as b:
        await b.sim.ring()
        b.at.send("ATA\r")
        b.sim.reboot()
        await b.sim.reachable(2)
        await asyncio.sleep(0.1)
        await b.sim.reachable(2)
        b.reopen()
        assert await b.at.ask("AT") == ["RDY", "+CPIN: READY", "SMS DONE", "PB DONE", "AT", "OK"]


def test_every_fault_is_tested_or_struck_somewhere() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    missing = [name for name in FAULTS if f'"{name}"' not in text]
    assert missing == []
