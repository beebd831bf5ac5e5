"""The dialogues that are known from real modules, line by line."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

MORNING = datetime(2026, 11, 21, 11, 53, 0)  # noqa: DTZ001 - the module's own clock
IN_PDU = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"


async def test_start_up(bench: Callable[..., Any]) -> None:
    async with bench(start=False) as b:
        assert await b.at.ask("AT") == ["AT", "OK"]
        assert await b.at.ask("ATE0") == ["ATE0", "OK"]
        assert await b.at.ask("AT+CMEE=1") == ["OK"]
        assert await b.at.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]
        assert await b.at.ask("AT+CREG=1") == ["OK"]
        assert await b.at.ask("AT+CREG?") == ["+CREG: 1,1", "OK"]
        assert await b.at.ask("AT+CSQ") == ["+CSQ: 21,99", "OK"]
        for rest in ("CLIP=1", "CVHU=0", "CMGF=0", "CNMI=2,1,0,1,0", "DDET=1", "CPCMFRM=0"):
            assert await b.at.ask(f"AT+{rest}") == ["OK"]
        assert b.sim.log.texts("violation") == []


async def test_framing_on_the_wire(bench: Callable[..., Any]) -> None:
    async with bench(start=False) as b:
        await b.at.ask("AT+CSQ")
        assert b.at.raw == b"AT+CSQ\r\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
        await b.sim.ring()
        await b.at.line()
        assert b"\r\r\nRING\r\n" in b.at.raw


async def test_inbound_caller_ends(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.sim.ring("+79991234567")
        assert await b.at.take(2) == ["RING", '+CLIP: "+79991234567",145,,,,0']
        b.at.send("ATA\r")
        assert await b.at.take(2) == ["VOICE CALL: BEGIN", "OK"]
        await call.answered(1)
        assert await b.at.ask("AT+CPCMREG=1") == ["OK"]
        await call.hang_up()
        ended, carrier = await b.at.take(2)
        assert re.fullmatch(r"VOICE CALL: END: 0000\d\d", ended)
        assert carrier == "NO CARRIER"
        assert await b.at.ask("AT+CPCMREG=0") == ["OK"]
        assert await call.ended(1) == "caller"


async def test_inbound_we_end(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        b.at.send("AT+CHUP\r")
        ended, final = await b.at.take(2)
        assert re.fullmatch(r"VOICE CALL: END: \d{6}", ended)
        assert final == "OK"
        assert await call.ended(1) == "secretary"
        assert await b.at.ask("AT+CPCMREG=0") == ["OK"]
        assert await b.at.ask("AT+CHUP") == ["OK"]


async def test_outbound(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert await b.at.ask("ATD+79990000000;") == ["OK"]
        call = await b.sim.dialled(1)
        assert call.number == "+79990000000"
        await call.pick_up()
        assert await b.at.line() == "VOICE CALL: BEGIN"
        assert await b.at.ask("AT+CPCMREG=1") == ["OK"]
        await b.at.ask("AT+CHUP")


@pytest.mark.parametrize("result", ["BUSY", "NO ANSWER", "NO CARRIER"])
async def test_outbound_refused(bench: Callable[..., Any], result: str) -> None:
    async with bench() as b:
        assert await b.at.ask("ATD+79990000000;") == ["OK"]
        await (await b.sim.dialled(1)).refuse(result)
        assert await b.at.line() == result
        assert await b.at.ask("AT+CLCC") == ["OK"]


async def test_data_call_and_ringback(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert await b.at.ask("ATD+79990000000") == ["NO CARRIER"]
        await b.at.ask("ATD+79990000000;")
        assert await b.at.ask("AT+CPCMREG=1") == ["OK"]
        await b.at.quiet(0.2)
        assert max(b.audio.data) > 0


async def test_missed(bench: Callable[..., Any]) -> None:
    async with bench(now=lambda: MORNING) as b:
        call = await b.sim.ring("+79991234567")
        assert await b.at.take(4) == ["RING", '+CLIP: "+79991234567",145,,,,0'] * 2
        await call.give_up()
        assert (await b.at.until("MISSED.*"))[-1] == "MISSED_CALL: 11:53AM +79991234567"
        assert await b.at.ask("ATA") == ["NO CARRIER"]
        assert await call.ended(1) == "caller"
        assert await b.at.quiet(0.3) == []


async def test_withheld_and_national_numbers(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.sim.ring("")
        assert await b.at.take(2) == ["RING", '+CLIP: "",128,,,,1']
        await call.give_up()
        await b.at.until("MISSED.*")
        await b.sim.ring("84951234567")
        assert await b.at.take(2) == ["RING", '+CLIP: "84951234567",129,,,,0']


async def test_sms_in(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert await b.sim.deliver_sms(IN_PDU) == 0
        assert await b.at.line() == '+CMTI: "SM",0'
        assert await b.at.ask("AT+CMGR=0") == ['+CMGR: 0,"",31', IN_PDU, "OK"]
        assert await b.at.ask("AT+CMGR=0") == ['+CMGR: 1,"",31', IN_PDU, "OK"]
        assert await b.at.ask("AT+CMGD=0") == ["OK"]
        assert await b.at.ask("AT+CMGR=0") == ["+CMS ERROR: 321"]


async def test_sms_default_is_silent_and_full_is_told(bench: Callable[..., Any]) -> None:
    async with bench(start=False) as b:
        for _ in range(15):
            await b.sim.deliver_sms(IN_PDU)
        assert await b.at.quiet() == []
        assert await b.sim.deliver_sms(IN_PDU) is None
        assert await b.at.line() == "+SMS FULL"
        listed = await b.at.ask("AT+CMGL=4")
        assert sum(line.startswith("+CMGL:") for line in listed) == 15


async def test_sms_out_in_two_parts_with_reports(bench: Callable[..., Any]) -> None:
    sent_at = datetime(2026, 11, 21, 2, 16, 43)  # noqa: DTZ001
    async with bench(now=lambda: sent_at, report_delay=0.3) as b:
        pdus = [
            f"0061{mr}0B919799556576F70008{length}{header}{text}"
            for mr, length, header, text in (
                ("00", "8C", "050003070201", "0422" * 67),
                ("01", "40", "050003070202", "0422" * 29),
            )
        ]
        for number, (pdu, octets) in enumerate(zip(pdus, (153, 77), strict=True), 1):
            b.at.send(f"AT+CMGS={octets}\r")
            assert await b.at.line() == "> "
            assert b.at.raw.endswith(b"\r\n> ")
            b.at.send(pdu + "\x1a")
            assert await b.at.take(2) == [f"+CMGS: {number}", "OK"]
        assert await b.at.take(2) == ["+CDS: 25", "0006010B919799556576F7621112206134216211122061342100"]
        assert await b.at.take(2) == ["+CDS: 25", "0006020B919799556576F7621112206134216211122061342100"]
        assert [message.pdu for message in b.sim.sent_sms()] == pdus


async def test_sms_cancelled_and_wrong_length(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        b.at.send("AT+CMGS=20\r")
        assert await b.at.line() == "> "
        b.at.send("00AA\x1b")
        assert await b.at.line() == "OK"
        b.at.send("AT+CMGS=20\r")
        assert await b.at.line() == "> "
        b.at.send("0061\x1a")
        assert await b.at.line() == "+CMS ERROR: 304"
        assert b.sim.sent_sms() == []


async def test_dtmf_in(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        await call.press("5")
        await call.press("#")
        assert await b.at.take(2) == ["+RXDTMF: 5", "+RXDTMF: #"]
        await b.at.ask("AT+DDET=0")
        await call.press("7")
        assert await b.at.quiet() == []


async def test_urc_inside_an_answer(bench: Callable[..., Any]) -> None:
    async with bench("urc-inside-answer") as b:
        assert await b.at.ask("AT+CSQ") == ['+CMTI: "SM",3', "+CSQ: 21,99", "OK"]
        assert (await b.at.ask("AT+CMGR=3"))[0] == '+CMGR: 0,"",31'
