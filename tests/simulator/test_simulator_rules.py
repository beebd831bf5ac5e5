"""The rules of the AT channel and the module's memory."""

import ast
import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import telephony.simulator
from telephony.simulator import FAULTS, ModemSimulator, SimulatorError


async def test_unknown_and_unlawful_commands(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        for command in ("AT+NOSUCH", "AT+CCID", "AT+CMEE=7", 'AT+CSCS="UTF-8"', "AT+CMGF=1", "ATK", "AT+"):
            assert (await b.at.ask(command))[-1] == "ERROR", command
        b.at.send("nonsense\r")
        assert await b.at.quiet(0.05) == []


async def test_identity_chain_and_settings(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert (await b.at.ask("AT+CGMR"))[0] == "+CGMR: LE20B03SIM7600M22"
        assert (await b.at.ask("AT+CICCID"))[0].startswith("+ICCID: ")
        assert await b.at.ask("at+crc=1;+cnmi=2,2") == ["OK"]
        assert (await b.at.ask("AT+CNMI?"))[0] == "+CNMI: 2,2,0,1,0"
        assert await b.at.ask("AT+CREG=2") == ["OK"]
        assert await b.at.ask("AT+CREG?") == ['+CREG: 2,1,"1A2B","01C3D4E5"', "OK"]
        assert (await b.at.ask("AT+COPS?"))[0] == '+COPS: 0,0,"Simulated",7'
        assert await b.at.ask("AT+CECM=1") == ["+CME ERROR: 3"]
        await b.sim.ring()
        assert await b.at.line() == "+CRING: VOICE"


async def test_ath_trap(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        await b.at.ask("AT+CVHU=1")
        assert await b.at.ask("ATH") == ["OK"]
        assert await b.at.ask("AT+CLCC") == ['+CLCC: 1,1,0,0,0,"+79991234567",145', "OK"]
        await b.at.ask("AT+CVHU=0")
        await b.at.ask("ATH")
        assert await call.ended(1) == "secretary"


async def test_a_byte_aborts_a_pending_answer(bench: Callable[..., Any]) -> None:
    async with bench(answer_delay=0.5) as b:
        call = await b.sim.ring()
        await b.at.until(r"\+CLIP.*")
        b.at.send("ATA\r")
        await asyncio.sleep(0.1)
        b.at.send("A")
        assert (await b.at.until("NO CARRIER|OK"))[-1] == "NO CARRIER"
        with pytest.raises(SimulatorError):
            await call.answered(1)
        assert await b.at.ask("AT") == ["OK"]
        b.at.send("AT+COPS=?\r")
        await asyncio.sleep(0.1)
        b.at.send(" ")
        assert await b.at.line() == "ERROR"


async def test_commands_out_of_turn_are_told(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        b.at.send("AT+CSQ\rAT+CSQ\r")
        assert await b.at.take(4) == ["+CSQ: 21,99", "OK"] * 2
        assert len(b.sim.log.texts("violation")) == 1


async def test_second_caller(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.at.ask("AT+CCWA=1")
        first = await b.talk()
        second = await b.sim.ring("+79990000002")
        assert await b.at.line() == '+CCWA: "+79990000002",145,1'
        with pytest.raises(SimulatorError):
            await b.sim.ring("+79990000003")
        assert await b.at.ask("AT+CHLD=0") == ["OK"]
        assert await second.ended(1) == "secretary"
        assert first.is_active
        third = await b.sim.ring("+79990000003")
        await first.hang_up()
        assert (await b.at.until(r"\+CLIP.*"))[-1] == '+CLIP: "+79990000003",145,,,,0'
        await third.give_up()


async def test_clcc_reports(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.at.ask("AT+CLCC=1")
        call = await b.sim.ring()
        assert (await b.at.until(r"\+CLCC.*"))[-1] == '+CLCC: 1,1,4,0,0,"+79991234567",145'
        await b.at.ask("ATA")
        await call.hang_up()
        assert '+CLCC: 1,1,6,0,0,"+79991234567",145' in await b.at.quiet(0.1)


async def test_reset_forgets_everything_and_the_link_survives(bench: Callable[..., Any]) -> None:
    async with bench(reset_seconds=0.2) as b:
        assert await b.at.ask("AT+CRESET") == ["OK"]
        await b.at.until(r"\(gone\)")
        with pytest.raises(SimulatorError):
            await b.sim.ring()
        await asyncio.sleep(0.4)
        b.at.close()
        b.at = type(b.at)(b.sim.at_port)
        assert await b.at.take(4) == ["RDY", "+CPIN: READY", "SMS DONE", "PB DONE"]
        assert await b.at.ask("AT+CLIP?") == ["AT+CLIP?", "+CLIP: 0,1", "OK"]


async def test_nothing_is_left(bench: Callable[..., Any], nothing_left: Callable[[], Any]) -> None:
    with nothing_left():
        async with bench() as b:
            call = await b.talk()
            await b.sim.ring("+79990000002")
            await asyncio.sleep(0.05)
        assert await call.ended(0.1) == "modem"
        async with bench() as b:
            b.at.send("AT+CMGS=20\r")
            await b.at.line()


def test_unknown_fault_is_refused() -> None:
    with pytest.raises(SimulatorError, match="audio-refused-twice"):
        ModemSimulator(["no-such-fault"])
    assert all(name == name.lower() and text for name, text in FAULTS.items())


@settings(max_examples=15, deadline=None)
@given(
    commands=st.lists(
        st.text(alphabet=st.characters(codec="latin-1", exclude_characters="\r\n\x1a\x1b"), max_size=30)
        | st.sampled_from(["E1", "+CMGR=0", '+CUSD=1,"*100#",15', "D;", "+VTS=", "+CMGD=99", "+CNMI=,", '+CPIN="']),
        min_size=1,
        max_size=8,
    )
)
def test_every_command_has_a_final(raw_host: Any, commands: list[str]) -> None:
    """Whatever is typed, the module answers it and lives on."""

    async def talk() -> None:
        async with ModemSimulator() as sim:
            host = raw_host(sim.at_port)
            try:
                host.send("ATE0\r")
                await host.until("OK")
                for command in commands:
                    if not re.search(r"CRESET|CFUN|COPS|CMGS", command, re.IGNORECASE):
                        os.write(host.fd, f"AT{command}\r".encode("latin-1"))
                        await host.until(r"OK|ERROR|\+CM[ES] ERROR: .*|NO CARRIER")
            finally:
                host.close()

    asyncio.run(talk())


def test_shares_no_code_with_the_driver() -> None:
    folder = Path(telephony.simulator.__file__).parent
    allowed = sys.stdlib_module_names | {"numpy", "soundfile"}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            for name in names:
                assert name.startswith("telephony.simulator.") or name.split(".")[0] in allowed, f"{path.name}: {name}"
