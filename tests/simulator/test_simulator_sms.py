"""Messages in and out, and all that goes wrong with them."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.simulator import SimulatorError, deliver_pdus
from telephony.simulator.sms.gsm7 import letters, pack, septets, unpack
from telephony.simulator.sms.pdu import read_submit, tpdu_octets

NOW = datetime(2026, 11, 21, 2, 16, 42)  # noqa: DTZ001 - the module's own clock
LETTERS = st.characters(codec="ascii", exclude_categories=["C"]) | st.sampled_from("€ñЖ😀à")
REPORTED = "0021000B919799556576F700080C041F04400438043204350442"
SUBMIT = "0001000B919799556576F700080C041F04400438043204350442"
LONG = "Здравствуйте! " * 12  # 168 units: three parts


async def send(b: Any, pdu: str = SUBMIT) -> list[str]:
    """Send a message; the lines after the text."""
    b.at.send(f"AT+CMGS={tpdu_octets(pdu)}\r")
    assert await b.at.line() == "> "
    return await finish(b, pdu)


async def finish(b: Any, pdu: str = SUBMIT) -> list[str]:
    b.at.send(pdu + "\x1a")
    lines: list[str] = await b.at.until(r"OK|ERROR|\+CM[ES] ERROR: .*")
    return lines


async def test_a_text_is_delivered_as_a_pdu(bench: Callable[..., Any]) -> None:
    async with bench(now=lambda: NOW) as b:
        assert await b.sim.deliver_text("+79991000122", "Привет") == [
            "07919762020033F1040B919799010021F20008621112206124210C041F04400438043204350442"
        ]
        assert await b.at.line() == '+CMTI: "SM",0'
        assert (await b.at.ask("AT+CMGR=0"))[0] == '+CMGR: 0,"",31'
        await b.sim.deliver_text("MegaFon", "Balance [5€]")
        assert b.sim.stored_sms()[1].startswith("07919762020033F1040DD0CDF2396C7CBB01")
        with pytest.raises(SimulatorError):
            await b.sim.deliver_text("A name too long for it", "x")


async def test_what_was_sent_can_be_read(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert await send(b) == ["+CMGS: 1", "OK"]
        (sent,) = b.sim.sent_sms()
        assert (sent.submitted.recipient, sent.submitted.text, sent.submitted.part) == ("+79995556677", "Привет", None)
    seven_bit = read_submit("0001000B919799556576F70000" + "05" + pack([ord(c) for c in "hello"]).hex())
    assert seven_bit.text == "hello"
    part = read_submit("0061000B919799556576F7000840" + "050003070202" + "0422" * 29)
    assert (part.text, part.part) == ("Т" * 29, (7, 2, 2))
    with pytest.raises(SimulatorError):
        read_submit("0061")


async def test_parts_shuffled_doubled_and_missing(bench: Callable[..., Any]) -> None:
    async with bench("sms-parts-shuffled") as b:
        whole = await b.sim.deliver_text("+79991000122", LONG)
        assert [numbers(pdu) for pdu in whole] == [(3, 2), (3, 3), (3, 1)]
        b.sim.set_faults(["sms-parts-doubled"])
        assert [number for _, number in map(numbers, await b.sim.deliver_text("1", LONG))] == [1, 1, 2, 2, 3, 3]
        b.sim.set_faults(["sms-part-missing"])
        assert [number for _, number in map(numbers, await b.sim.deliver_text("1", LONG))] == [1, 3]
        assert len(await b.at.quiet(0.05)) == 11


def numbers(pdu: str) -> tuple[int, int]:
    """How many parts there are and which this is, of a PDU with an 8-bit reference."""
    place = pdu.index("050003")
    return int(pdu[place + 8 : place + 10], 16), int(pdu[place + 10 : place + 12], 16)


async def test_a_full_sim_lets_messages_wait_in_the_network(bench: Callable[..., Any]) -> None:
    async with bench("sms-full") as b:
        assert await b.sim.deliver_sms(deliver_pdus("1", "new", NOW)[0]) is None
        assert await b.at.line() == "+SMS FULL"
        assert b.sim.waiting_sms() == 1
        assert await b.at.ask("AT+CMGD=7") == ["OK"]
        assert await b.at.line() == '+CMTI: "SM",7'
        assert b.sim.waiting_sms() == 0


async def test_messages_wait_until_the_module_is_on_the_network(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        b.sim.set_registration(2)
        await b.sim.deliver_text("1", "first")
        await b.sim.unplug()
        await b.sim.deliver_text("1", "second")
        assert b.sim.waiting_sms() == 2
        await b.sim.plug_in()
        b.sim.set_registration(1)
        await asyncio.sleep(0.6)
        assert b.sim.waiting_sms() == 0
        assert len(b.sim.stored_sms()) == 2


@pytest.mark.parametrize("code", [38, 331, 332, 500])
async def test_sends_that_fail_at_first(bench: Callable[..., Any], code: int) -> None:
    faults = {38: "sms-error-38", 331: "sms-error-331", 332: "sms-error-332", 500: "sms-error-500"}
    async with bench(faults[code]) as b:
        assert await send(b) == await send(b) == [f"+CMS ERROR: {code}"]
        assert await send(b) == ["+CMGS: 1", "OK"]
        assert len(b.sim.sent_sms()) == 1


async def test_sends_that_fail_in_every_way_and_for_good(bench: Callable[..., Any]) -> None:
    async with bench("sms-send-fails") as b:
        assert [(await send(b))[0] for _ in range(5)] == [
            "+CMS ERROR: 38",
            "+CMS ERROR: 331",
            "+CMS ERROR: 332",
            "+CMS ERROR: 500",
            "+CMGS: 1",
        ]
        b.sim.set_faults(["sms-refused"])
        assert {(await send(b))[0] for _ in range(6)} == {"+CMS ERROR: 21"}


async def test_the_prompt_is_late_or_never_comes(bench: Callable[..., Any]) -> None:
    async with bench("prompt-late", pace=0.1) as b:
        b.at.send("AT+CMGS=25\r")
        assert await b.at.quiet(0.1) == []
        assert await b.at.line() == "> "
        assert await finish(b) == ["+CMGS: 1", "OK"]
        b.at.send("AT+CMGS=25\r")
        await b.at.quiet(0.1)
        b.at.send("\x1b")
        assert await b.at.line() == "OK"
        assert await b.at.quiet(0.3) == []
        b.sim.set_faults(["prompt-never"])
        b.at.send("AT+CMGS=25\r")
        assert await b.at.quiet(0.2) == []
        b.at.send("AT\r")
        assert await b.at.quiet(0.05) == []  # taken as the text
        b.at.send("\x1b")
        assert await b.at.line() == "OK"
        assert await b.at.ask("AT") == ["OK"]
        assert await send(b) == ["+CMGS: 2", "OK"]


async def test_the_network_is_slow_or_its_answer_is_lost(bench: Callable[..., Any]) -> None:
    async with bench("sms-slow", pace=0.02) as b:
        assert await send(b) == ["+CMGS: 1", "OK"]
        b.sim.set_faults(["sms-answer-lost"])
        b.at.send("AT+CMGS=25\r")
        await b.at.line()
        b.at.send(SUBMIT + "\x1a")
        assert await b.at.quiet(0.1) == []
        assert await b.at.ask("AT") == ["OK"]
        assert len(b.sim.sent_sms()) == 2


async def test_delivery_reports_late_never_and_inside_an_answer(bench: Callable[..., Any]) -> None:
    async with bench("report-late", pace=0.04, report_delay=0.05) as b:
        await send(b, REPORTED)
        assert await b.at.quiet(0.1) == []
        assert await b.at.line() == "+CDS: 25"
        assert (await b.at.line()).startswith("0006010B919799556576F7")
        b.sim.set_faults(["report-never"])
        await send(b, REPORTED)
        assert await b.at.quiet(0.3) == []
        b.sim.set_faults(["report-inside-answer"])
        await send(b, REPORTED)
        assert await b.at.quiet(0.1) == []
        lines = await b.at.ask("AT+CSQ")
        assert lines[-1] == "OK"
        assert lines.index("+CDS: 25") + 1 == next(at for at, line in enumerate(lines) if line.startswith("000603"))
        assert "+CSQ: 21,99" in lines


@given(st.text(alphabet=LETTERS, max_size=400))
@settings(max_examples=60, deadline=None)
def test_a_text_is_cut_between_its_letters(text: str) -> None:
    pdus = deliver_pdus("+79991000122", text, NOW, 77)
    assert len(pdus) < 10
    read = ""
    for pdu in pdus:
        assert tpdu_octets(pdu) <= 155 + 9
        # A DELIVER read as a SUBMIT without a validity period: the same fields but for the time and the reference.
        first = int(pdu[16:18], 16) & 0x40 | 0x01
        submit = f"00{first:02X}00" + pdu[18:38] + pdu[52:]
        read += read_submit(submit).text
    assert read == text


@given(st.lists(st.integers(0, 127), max_size=160), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_septets_come_back(codes: list[int], fill: int) -> None:
    assert unpack(pack(codes, fill), len(codes), fill) == codes


def test_the_alphabet() -> None:
    assert septets("@$ñ€") == [0, 2, 125, 27, 0x65]
    assert letters([0, 2, 125, 27, 0x65, 27, 0x41]) == "@$ñ€ "
    assert septets("Ж") is None
