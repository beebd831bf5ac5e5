"""The AT dialogue with a modem that is late, echoes, stutters, or ends a call at the wrong moment."""

import pytest
from at_talk import Talk, lines, results, told

from services.errors import ModemError
from telephony.at.answer import Command
from telephony.at.dialogue import LACKING_SECONDS, LATE_NO_CARRIER, PROBE, SETTLE_SECONDS
from telephony.at.events import Answered, Recovered, Stray, TimedOut, Told
from telephony.at.results import Final, ListedCall
from telephony.at.urcs import Busy, CallBegin, CallEnd, CallListed, NoCarrier, SimState, Urc


def test_a_probe_answered_long_after_the_late_final_is_not_the_next_answer() -> None:
    talk = Talk()
    talk.ask("AT+COPS?")
    talk.wait(5.0)
    assert talk.hear("OK") == []  # of AT+COPS?; the probe's own answer takes its time
    assert talk.wait(SETTLE_SECONDS) == [Recovered()]
    talk.dialogue.outgoing()
    assert talk.ask("AT+CLIP=1") == b"\x1b\r" + PROBE.encode() + b"\r"
    assert talk.hear("+CMEE: 1", "OK") == []
    assert talk.dialogue.outgoing() == b"AT+CLIP=1\r"
    assert talk.hear("+CMEE: 1", "OK") == []
    assert [result.final for result in results(talk.hear("ERROR"))] == [Final.ERROR]


def test_every_probe_of_a_stalled_modem_is_answered_at_last() -> None:
    talk = Talk()
    talk.ask("AT+CSQ")
    assert talk.wait(5.0) == [TimedOut("AT+CSQ")]
    talk.wait(1.5)
    talk.wait(1.5)
    assert talk.dialogue.outgoing().count(PROBE.encode()) == 3
    assert talk.hear("+CSQ: 1,99", "OK", "+CMEE: 1", "OK") == [Stray("+CSQ: 1,99"), Recovered()]
    talk.ask("AT+CSQ")
    events = talk.hear("+CMEE: 1", "OK", "+CMEE: 1", "OK", "+CSQ: 2,99", "OK")
    assert lines(events) == ("+CSQ: 2,99",)


def test_a_modem_that_never_marks_is_asked_twice_and_then_believed() -> None:
    talk = Talk()
    talk.ask("AT+CLIP=1")
    talk.wait(5.0)
    talk.hear("OK")
    assert talk.wait(SETTLE_SECONDS) == [Recovered()]
    talk.dialogue.outgoing()
    for sent in (b"\x1b\r" + PROBE.encode() + b"\r", b"AT+CLIP=1\r"):
        assert talk.ask("AT+CLIP=1") == sent
        if PROBE.encode() in sent:
            talk.hear("ERROR")
            assert talk.wait(SETTLE_SECONDS) == []
            assert talk.dialogue.outgoing() == b"AT+CLIP=1\r"
        assert results(talk.hear("OK"))[0].ok


def test_setting_what_the_probe_asks_for_is_not_answered_by_a_probe() -> None:
    talk = Talk()
    talk.ask("AT+CSQ")
    talk.wait(5.0)
    talk.hear("OK")
    talk.wait(SETTLE_SECONDS)
    talk.dialogue.outgoing()
    talk.ask("AT+CMEE=1")
    assert results(talk.hear("+CMEE: 0", "OK", "+CMEE: 0", "OK", "ERROR"))[0].final is Final.ERROR


def test_a_final_that_nobody_awaits_makes_the_next_command_ask_first() -> None:
    talk = Talk()
    assert talk.hear("OK") == [Stray("OK")]
    assert talk.ask("AT+CSQ") == b"\x1b\r" + PROBE.encode() + b"\r"
    assert talk.hear("ERROR") == []  # another old one
    assert talk.hear("+CMEE: 1", "OK") == []
    assert talk.dialogue.outgoing() == b"AT+CSQ\r"
    assert lines(talk.hear("+CSQ: 7,99", "OK")) == ("+CSQ: 7,99",)
    assert talk.ask("AT+CSQ") == b"AT+CSQ\r"  # certain again


def test_a_question_is_not_answered_by_an_older_ok() -> None:
    talk = Talk()
    talk.ask("AT+CGMM")
    assert talk.hear("OK") == []
    assert lines(talk.hear("SIMCOM_SIM7600E-H", "OK")) == ("SIMCOM_SIM7600E-H",)
    talk.ask("AT+CSQ")
    assert talk.hear("OK") == []
    assert lines(talk.wait(LACKING_SECONDS)) == ()  # a modem that has nothing to say


def test_late_information_is_no_urc() -> None:
    talk = Talk()
    for question, answer in (("AT+CPIN?", "+CPIN: READY"), ("AT+CLCC", '+CLCC: 1,1,4,0,0,"1",129')):
        talk.ask(question)
        talk.wait(5.0)
        assert told(talk.hear(answer, "OK", "+CMEE: 1", "OK")) == []
    assert told(talk.hear("+CPIN: READY")) == [SimState("READY")]


def test_late_no_carrier_of_the_last_call_does_not_end_the_next_ata() -> None:
    talk = Talk()
    talk.ask("AT+CHUP")
    talk.hear("VOICE CALL: END: 000031", "OK")
    talk.wait(0.5)
    talk.ask("ATA", 15.0)
    assert talk.hear("NO CARRIER") == [Told(NoCarrier())]
    assert [type(event) for event in talk.hear("VOICE CALL: BEGIN", "OK")] == [Told, Answered]
    talk.hear("VOICE CALL: END: 000001")
    talk.wait(LATE_NO_CARRIER)
    talk.ask("ATA", 15.0)
    assert results(talk.hear("NO CARRIER"))[0].final is Final.NO_CARRIER


def test_a_call_that_ends_while_it_is_answered_leaves_no_ok_behind() -> None:
    talk = Talk()
    talk.ask("ATA", 15.0)
    events = talk.hear("VOICE CALL: BEGIN", "VOICE CALL: END: 000000", "NO CARRIER")
    assert told(events) == [CallBegin(), CallEnd(0)]
    assert results(events)[0].final is Final.NO_CARRIER
    talk.ask("AT+CPCMREG=0")
    assert talk.hear("OK", "+CMEE: 1", "OK") == []  # the first is ATA's
    assert results(talk.hear("ERROR"))[0].final is Final.ERROR


@pytest.mark.parametrize("end", [Busy(), NoCarrier(), CallBegin()])
def test_dialling_is_ok_at_once_and_ends_later(end: Urc) -> None:
    talk = Talk()
    talk.ask("ATD+79990000000;")
    assert results(talk.hear("OK"))[0].ok
    text = {Busy(): "BUSY", NoCarrier(): "NO CARRIER", CallBegin(): "VOICE CALL: BEGIN"}[end]
    assert talk.hear(text) == [Told(end)]
    assert talk.ask("AT+CEER") == b"AT+CEER\r"
    assert lines(talk.hear("+CEER: User busy", "OK")) == ("+CEER: User busy",)


def test_text_entry_left_by_a_dead_process_is_left() -> None:
    talk = Talk(after_reopen=True)
    sent = talk.ask("AT")
    assert sent.startswith(b"\x1b")
    for _ in range(3):
        talk.wait(1.5)
    assert talk.dialogue.lost
    assert talk.dialogue.outgoing().endswith(b"\x1b\rAT+CRESET\r")


def test_unasked_list_of_calls_and_the_asked_one() -> None:
    talk = Talk()
    row = '+CLCC: 1,0,3,0,0,"+79991234567",145'
    call = CallListed(ListedCall(1, False, 3, True, "+79991234567"))
    assert talk.hear(row) == [Told(call)]
    talk.ask("AT+CLCC=1")
    assert told(talk.hear(row, "OK")) == [call]
    talk.ask("AT+CLCC")
    events = talk.hear(row, "OK")
    assert (told(events), lines(events)) == ([], (row,))


def test_sim_state_after_the_pin_and_a_card_pulled_while_asked() -> None:
    talk = Talk()
    talk.ask("AT+CPIN=1234")
    events = talk.hear("+CPIN: READY", "OK")
    assert (told(events), lines(events)) == ([SimState("READY")], ())
    talk.ask("AT+CPIN?")
    assert told(talk.hear("+CPIN: SIM REMOVED", "+CME ERROR: 10")) == [SimState("SIM REMOVED")]


@pytest.mark.parametrize("text", ["ATD+7999;\rAT+CFUN=0", "ATD\n", "", "ATDПривет;", "AT\x1a"])
def test_no_command_can_be_smuggled_into_another(text: str) -> None:
    with pytest.raises(ModemError):
        Command(text)
    with pytest.raises(ModemError):
        Command("AT+CMGS=1", payload=b"00\x1aAT+CFUN=0\r")
