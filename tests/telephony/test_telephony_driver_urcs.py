"""Every known form of a URC and of an information line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.at import urcs as u
from telephony.at.fields import split_fields
from telephony.at.results import (
    AtResult,
    Final,
    ListedCall,
    explain,
    parse_clcc,
    parse_cops,
    parse_cpin,
    parse_csq,
    parse_identity,
    parse_registration,
)


@pytest.mark.parametrize(
    ("line", "urc"),
    [
        ("RING", u.Ring()),
        ("+CRING: VOICE", u.Ring("VOICE")),
        ('+CLIP: "+79991234567",145,,,,0', u.CallerId("+79991234567", 145)),
        ('+CLIP: "79991234567",145,,,,0', u.CallerId("+79991234567", 145)),
        ('+CLIP: "02152063113",128,,,"gong, li",0', u.CallerId("02152063113", 128)),
        ('+CLIP: "",128,,,,1', u.CallerId("", 128)),
        ("+CLIP: ,128", u.CallerId("", 128)),
        ("VOICE CALL: BEGIN", u.CallBegin()),
        ("VOICE CALL:BEGIN", u.CallBegin()),
        ("VOICE CALL: END: 000012", u.CallEnd(12)),
        ("VOICE CALL: END: 010203", u.CallEnd(3723)),
        ("VOICE CALL: END", u.CallEnd(None)),
        ("NO CARRIER", u.NoCarrier()),
        ("BUSY", u.Busy()),
        ("NO ANSWER", u.NoAnswer()),
        ("MISSED_CALL: 11:53AM +79991234567", u.MissedCall("+79991234567")),
        ("MISSED_CALL: 01:02PM 08021234567", u.MissedCall("08021234567")),
        ("MISSED_CALL: 11:53AM", u.MissedCall("")),
        ("+RXDTMF: 5", u.Dtmf("5")),
        ("+RXDTMF: #", u.Dtmf("#")),
        ("+DTMF: 5", u.Dtmf("5")),
        ("+CREG: 1", u.Registration("CREG", 1)),
        ('+CREG: 5,"D509","080D413D"', u.Registration("CREG", 5)),
        ("+CREG: 1,D509,80D413D", u.Registration("CREG", 1)),
        ('+CEREG: 1,"1A2B","0C3D4E5F",7', u.Registration("CEREG", 1)),
        ('+CMTI: "SM",0', u.SmsArrived("SM", 0)),
        ('+CCWA: "+79990000000",145,1', u.CallWaiting("+79990000000", 145)),
        ('+CUSD: 0,"041F04400438",72', u.Ussd(0, "041F04400438", 72)),
        ("RDY", u.Ready("RDY")),
        ("SMS DONE", u.Ready("SMS DONE")),
        ("PB DONE", u.Ready("PB DONE")),
        ("*ATREADY: 1", u.Ready("ATREADY")),
        ("+CPIN: READY", u.SimState("READY")),
        ("+CPIN: SIM REMOVED", u.SimState("SIM REMOVED")),
        ("+SMS FULL", u.SmsFull()),
        ("+CREG: 0,1", None),
        ("+CREG: 2,1,D509,80D413D", None),
        ("+CLIP: 1,1", None),
        ("+CCWA: 1", None),
        ("+CSQ: 21,99", None),
        ("+RXDTMF: 55", None),
        ("OK", None),
    ],
)
def test_urc_forms(line: str, urc: u.Urc | None) -> None:
    assert u.parse_urc(line) == urc


@given(st.text() | st.from_regex(r"(\+C(REG|LIP|MTI|USD|CWA|PIN)|VOICE CALL: END|MISSED_CALL): ?.*", fullmatch=True))
def test_no_line_breaks_the_urc_parser(line: str) -> None:
    u.parse_urc(line)
    u.second_line_of(line)
    split_fields(line)


@pytest.mark.parametrize(
    ("line", "dbm"),
    [("+CSQ: 0,99", -113), ("+CSQ: 21,99", -71), ("+CSQ: 31,0", -51), ("+CSQ: 99,99", None), ("+CSQ: 150,99", None)],
)
def test_signal(line: str, dbm: int | None) -> None:
    assert parse_csq([line]) == dbm


def test_information_lines() -> None:
    assert parse_registration(["+CREG: 0,5"]) == 5
    assert parse_registration(['+CEREG: 2,1,"1A2B","0C3D",7'], "+CEREG") == 1
    assert parse_registration(["+CREG: 1"]) is None
    assert parse_cpin(["+CPIN: SIM PIN"]) == "SIM PIN"
    assert parse_cops(['+COPS: 0,0,"A, B",7']) == "A, B"
    assert parse_cops(["+COPS: 0"]) == ""
    assert parse_identity(["+CGMR: LE20B03SIM7600M22"]) == "LE20B03SIM7600M22"
    assert parse_identity(["SIMCOM_SIM7600E-H"]) == "SIMCOM_SIM7600E-H"
    assert parse_clcc(['+CLCC: 1,1,4,0,0,"79991234567",145', "+CLCC: 2,0,6,0,0", "+CLCC: junk"]) == [
        ListedCall(1, True, 4, True, "+79991234567"),
        ListedCall(2, False, 6, True),
    ]


def test_refusals_are_told_in_a_sentence_with_a_remedy() -> None:
    sentence, remedy = explain(AtResult("AT+CPIN?", Final.CME, code=10, text="10"))
    assert "no SIM card" in sentence
    assert "Insert" in remedy
    assert "CMS ERROR 322" in explain(AtResult("AT+CMGS=1", Final.CMS, code=322, text="322"))[0]
