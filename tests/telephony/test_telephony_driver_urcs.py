"""Every known form of a URC and of an information line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.at import urcs as u
from telephony.at.bodies import second_line_of
from telephony.at.fields import split_fields
from telephony.at.results import (
    AtResult,
    Final,
    ListedCall,
    explain,
    parse_cause,
    parse_clcc,
    parse_cops,
    parse_cpin,
    parse_csq,
    parse_final,
    parse_identity,
    parse_registration,
    parse_storage,
    parse_temperature,
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
        ("ring", None),
        ('+CLCC: 1,0,3,0,0,"79991234567",145', u.CallListed(ListedCall(1, False, 3, True, "+79991234567"))),
        ("+CLCC: 1", None),
        ("+CGEV: ME PDN ACT 1", None),
        ("NO DIALTONE", u.NoCarrier()),
    ],
)
def test_urc_forms(line: str, urc: u.Urc | None) -> None:
    assert u.parse_urc(line) == urc


@given(st.text() | st.from_regex(r"(\+C(REG|LIP|MTI|USD|CWA|PIN)|VOICE CALL: END|MISSED_CALL): ?.*", fullmatch=True))
def test_no_line_breaks_the_urc_parser(line: str) -> None:
    u.parse_urc(line)
    second_line_of(line)
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


def test_what_the_modem_tells_of_itself() -> None:
    assert parse_temperature(["+CPMUTEMP: 34"]) == 34
    assert parse_temperature(["+CPMUTEMP: -7"]) == -7
    assert parse_temperature(["+CPMUTEMP:", "ERROR"]) is None
    assert parse_cause(["+CEER: User busy"]) == "User busy"
    assert parse_cause(['+CEER: "No cause information available"']) == "No cause information available"
    assert parse_cause([]) == ""
    assert parse_storage(['+CPMS: "SM",3,15,"SM",3,15,"SM",3,15']) == (3, 15)
    assert parse_storage(["+CPMS: 0,15,0,15,0,15"]) == (0, 15)
    assert parse_storage(['+CPMS: ("SM","ME"),("SM"),("SM")']) is None


@pytest.mark.parametrize(
    ("line", "final", "code"),
    [
        ("+CMS ERROR: memory full", Final.CMS, 322),
        ("+CMS ERROR: Network timeout", Final.CMS, 332),
        ("+CMS ERROR: unknown error", Final.CMS, 500),
        ("+CME ERROR: unknown", Final.CME, 100),
        ("+CMS ERROR: SIM not inserted", Final.CMS, 310),
        ("+CMS ERROR: something new", Final.CMS, None),
        ("+CMS ERROR:", Final.CMS, None),
    ],
)
def test_errors_in_words(line: str, final: Final, code: int | None) -> None:
    found = parse_final(line, call=False)
    assert found is not None
    assert found[:2] == (final, code)


def test_text_that_looks_like_a_final_is_none() -> None:
    assert [parse_final(line, call=False) for line in ("ok", "Ok", "Error", "OK!", "BUSY", "+CME ERROR")] == [None] * 6


def test_refusals_are_told_in_a_sentence_with_a_remedy() -> None:
    sentence, remedy = explain(AtResult("AT+CPIN?", Final.CME, code=10, text="10"))
    assert "no SIM card" in sentence
    assert "Insert" in remedy
    assert "CMS ERROR 322" in explain(AtResult("AT+CMGS=1", Final.CMS, code=322, text="322"))[0]
