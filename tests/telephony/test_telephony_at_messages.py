"""Messages, prompts and long texts through the AT dialogue, with everything else in between."""

import pytest
from at_talk import PDU, REPORT, Talk, lines, told, wire

from telephony.at.events import Stray, Told
from telephony.at.parser import AtParser, Line, Prompt
from telephony.at.urcs import Ring, SmsDirect, Ussd


@pytest.mark.parametrize(
    "before",
    [b"\r\n> ", b"\r\n>", b"~\x00\xff> ", b"\r\nRING> ", b"AT+CMGS=25> ", b"  \r\n\n > ", b"\r\nRING\r\n> \r\n"],
)
def test_prompt_behind_junk_or_a_urc(before: bytes) -> None:
    talk = Talk()
    talk.ask("AT+CMGS=25", 40.0, b"0001AB")
    urcs = [urc for byte in before for urc in told(talk.hear(raw=bytes([byte])))]
    assert urcs == ([Ring()] if b"RING" in before else [])
    assert talk.dialogue.outgoing() == b"0001AB\x1a"
    assert lines(talk.hear("0001AB", "RING", "+CMGS: 5", "OK", raw=b"")) == ("+CMGS: 5",)


def test_a_sign_inside_quotes_is_no_prompt() -> None:
    talk = Talk()
    talk.ask("AT+CMGS=25", 40.0, b"0001AB")
    assert told(talk.hear('+CUSD: 0,"1> Balance",15')) == [Ussd(0, "1> Balance", 15)]
    assert talk.dialogue.outgoing() == b""


def test_echoed_payload_is_no_report() -> None:
    talk = Talk()
    talk.ask("AT+CMGS=25", 40.0, b"0001AB")
    talk.hear(raw=b"AT+CMGS=25\r\r\n> ")
    events = talk.hear(raw=b"0001ab\x1a" + wire("+CDS: 25", REPORT, "+CMGS: 5", "OK"))
    assert len(told(events)) == 1
    assert lines(events) == ("+CMGS: 5",)
    assert not [event for event in events if isinstance(event, Stray)]


def test_ok_before_the_prompt_is_not_the_sending() -> None:
    talk = Talk()
    talk.ask("AT+CMGS=25", 40.0, b"0001AB")
    assert talk.hear("OK") == [Stray("OK")]
    talk.hear(raw=b"\r\n> ")
    assert lines(talk.hear("+CMGS: 5", "OK")) == ("+CMGS: 5",)


def test_a_report_with_noise_before_its_pdu_inside_a_message() -> None:
    talk = Talk()
    talk.ask("AT+CMGR=0")
    events = talk.hear('+CMGR: 0,"",31', "+CDS: 25", "~~", "RING", REPORT, PDU, "OK")
    assert [type(urc).__name__ for urc in told(events)] == ["Ring", "DeliveryReport"]
    assert lines(events) == ('+CMGR: 0,"",31', PDU)


def test_a_message_is_not_taken_for_a_report_whose_pdu_was_lost() -> None:
    talk = Talk()
    talk.ask("AT+CMGR=0")
    events = talk.hear('+CMGR: 0,"",31', "+CDS: 25", PDU, "OK")
    assert told(events) == []
    assert lines(events) == ('+CMGR: 0,"",31', PDU)


def test_a_report_whose_pdu_was_lost_takes_no_later_message_of_its_length() -> None:
    talk = Talk()
    talk.ask("AT+CMGR=0")
    events = talk.hear("+CDS: 25", '+CMGR: 0,"",25', REPORT, "OK")
    assert told(events) == []
    assert lines(events) == ('+CMGR: 0,"",25', REPORT)


def test_noise_is_no_part_of_a_message_or_an_identity() -> None:
    talk = Talk()
    talk.ask("AT+CMGR=0")
    assert lines(talk.hear('+CMGR: 0,"",31', "~~", "+CGEV: ME PDN ACT 1", PDU, "~~", "OK")) == ('+CMGR: 0,"",31', PDU)
    talk.ask("AT+CGMM")
    assert lines(talk.hear("+CGEV: ME PDN ACT 1", "+CSQ: 21,99", "AT+CMGR=0", "SIM7600", "OK")) == ("SIM7600",)


def test_many_messages_each_with_its_pdu() -> None:
    talk = Talk()
    talk.ask("AT+CMGL=4")
    listed = [line for number in range(300) for line in (f'+CMGL: {number},1,"",31', PDU)]
    with_rings = [line for each in listed for line in (each, "RING")]
    events = talk.hear(*with_rings, "OK")
    assert lines(events) == tuple(listed)
    assert told(events) == [Ring()] * 600


@pytest.mark.parametrize("text", ["OK", "ERROR", "RING", "AT+CMGR=0", '+CMTI: "SM",1', "ok", "NO CARRIER"])
def test_text_that_looks_like_something_else(text: str) -> None:
    talk = Talk()
    talk.ask("AT+CMGR=0")
    header = '+CMGR: "REC UNREAD","+79991234567","","26/11/21,02:16:42+12"'
    events = talk.hear(raw=wire(header) + text.encode() + b"\r\n" + wire("OK"))
    assert lines(events) == (header, text)
    assert told(events) == []


def test_ussd_text_with_line_breaks() -> None:
    talk = Talk()
    talk.ask('AT+CUSD=1,"*100#",15')
    events = talk.hear(raw=wire("OK") + b'\r\n+CUSD: 0,"Balance: 5\r\nOK\r\nBye",15\r\n')
    assert told(events) == [Ussd(0, "Balance: 5\nOK\nBye", 15)]
    assert talk.hear("RING") == [Told(Ring())]
    assert told(talk.hear('+CUSD: 0,"cut off', "RING")) == [Ussd(0, "cut off", None), Ring()]


def test_direct_text_message_whatever_it_says() -> None:
    header = '"+79991234567","","26/11/21,02:16:42+12"'
    assert Talk().hear(raw=f"\r\n+CMT: {header}\r\nRING\r\n".encode()) == [Told(SmsDirect(header, "RING"))]


def test_ten_thousand_lines_at_once_and_lines_of_blanks() -> None:
    talk = Talk()
    assert len(told(talk.hear(raw=b"RING\n" * 10_000))) == 10_000
    blanks = b"VOICE CALL: END" + b" " * 4000 + b"x\r\n+C" + b" " * 4000 + b"x\r\n"
    assert told(talk.hear(raw=blanks * 50)) == []


def test_ten_megabytes_without_a_newline_are_kept_nowhere() -> None:
    parser = AtParser()
    parser.prompt_expected = True
    for _ in range(160):
        parser.feed(b"x" * 65_536)
        assert parser.next() is None
        assert parser.kept <= 4096
    parser.feed(b"\r\n" * 200_000 + b"> OK\r\n")
    assert parser.next() == Prompt()
    parser.prompt_expected = False
    assert parser.next() == Line("OK")
    assert parser.dropped == 1
