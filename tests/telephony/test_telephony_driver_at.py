"""The AT core without input and output: known dialogues, and what must hold for every stream of bytes."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.at.answer import Command
from telephony.at.dialogue import PROBE, PROBE_TIMEOUT, AtDialogue
from telephony.at.events import Answered, Event, Recovered, ReopenNeeded, ResetNeeded, Stray, TimedOut, Told
from telephony.at.parser import MAX_LINE, AtParser, Line, Prompt
from telephony.at.results import Final, parse_csq
from telephony.at.urcs import (
    CallBegin,
    CallEnd,
    CallerId,
    DeliveryReport,
    Dtmf,
    NoCarrier,
    Registration,
    Ring,
    SmsArrived,
    SmsDirect,
    Urc,
)

PDU = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"
REPORT = "0006010B919799556576F7621112206134216211122061342100"


def wire(*lines: str) -> bytes:
    return "".join(f"\r\n{line}\r\n" for line in lines).encode()


def ask(dialogue: AtDialogue, command: str, *lines: str, echo: bool = False) -> list[Event]:
    dialogue.submit(Command(command), 0.0)
    assert dialogue.outgoing() == command.encode() + b"\r"
    return dialogue.receive((command.encode() + b"\r" if echo else b"") + wire(*lines), 0.0)


def answer(events: Sequence[Event]) -> tuple[Final, tuple[str, ...]]:
    (found,) = [event.result for event in events if isinstance(event, Answered)]
    return found.final, found.lines


def told(events: Sequence[Event]) -> list[Urc]:
    return [event.urc for event in events if isinstance(event, Told)]


def test_start_up_dialogue() -> None:
    dialogue = AtDialogue()
    assert answer(ask(dialogue, "AT", "OK", echo=True)) == (Final.OK, ())
    assert answer(ask(dialogue, "ATE0", "OK", echo=True)) == (Final.OK, ())
    assert answer(ask(dialogue, "AT+CPIN?", "+CPIN: READY", "OK")) == (Final.OK, ("+CPIN: READY",))
    assert answer(ask(dialogue, "AT+CREG?", "+CREG: 1,1", "OK")) == (Final.OK, ("+CREG: 1,1",))
    assert answer(ask(dialogue, "AT+CGMR", "+CGMR: LE20B03SIM7600M22", "OK"))[1] == ("+CGMR: LE20B03SIM7600M22",)
    assert answer(ask(dialogue, "AT+CICCID", "+ICCID: 8970100000000000001", "OK"))[1][0].startswith("+ICCID")


def test_inbound_call_ended_by_the_caller() -> None:
    dialogue = AtDialogue()
    rings = dialogue.receive(b'\r\nRING\r\r\n\r\n+CLIP: "+79991234567",145,,,,0\r\n', 0.0)
    assert told(rings) == [Ring(), CallerId("+79991234567", 145)]
    answered = ask(dialogue, "ATA", "VOICE CALL: BEGIN", "RING", "OK")
    assert told(answered) == [CallBegin(), Ring()]
    assert answer(answered) == (Final.OK, ())
    assert answer(ask(dialogue, "AT+CPCMREG=1", "OK")) == (Final.OK, ())
    over = dialogue.receive(wire("VOICE CALL: END: 000012", "NO CARRIER"), 0.0)
    assert over == [Told(CallEnd(12)), Told(NoCarrier())]


def test_no_carrier_ends_only_ata_and_atd() -> None:
    dialogue = AtDialogue()
    events = ask(dialogue, "AT+CHUP", "NO CARRIER", "OK")
    assert told(events) == [NoCarrier()]
    assert answer(events) == (Final.OK, ())
    assert answer(ask(dialogue, "ATA", "NO CARRIER")) == (Final.NO_CARRIER, ())
    assert answer(ask(AtDialogue(), "ATD+79990000000;", "BUSY")) == (Final.BUSY, ())


def test_urc_inside_an_answer() -> None:
    events = ask(AtDialogue(), "AT+CSQ", '+CMTI: "SM",3', "+CSQ: 21,99", "OK", echo=True)
    assert told(events) == [SmsArrived("SM", 3)]
    assert answer(events) == (Final.OK, ("+CSQ: 21,99",))


def test_registration_urc_is_no_answer_and_the_other_way_round() -> None:
    events = ask(AtDialogue(), "AT+CREG?", "+CREG: 5", '+CREG: 1,"1A2B","0C3D4E5F"', "+CREG: 1,1", "OK")
    assert told(events) == [Registration("CREG", 5), Registration("CREG", 1)]
    assert answer(events) == (Final.OK, ("+CREG: 1,1",))


def test_reading_a_message_with_a_report_in_the_middle() -> None:
    events = ask(AtDialogue(), "AT+CMGR=0", '+CMGR: 0,"",31', "+CDS: 25", REPORT, PDU, "OK")
    assert told(events) == [DeliveryReport("25", REPORT)]
    assert answer(events) == (Final.OK, ('+CMGR: 0,"",31', PDU))


def test_direct_message_and_a_header_whose_body_never_comes() -> None:
    dialogue = AtDialogue()
    assert dialogue.receive(wire('+CMT: "",31', PDU), 0.0) == [Told(SmsDirect('"",31', PDU))]
    events = ask(dialogue, "AT+CSQ", "+CDS: 25", "+CSQ: 1,99", "OK") + dialogue.receive(wire("RING"), 0.0)
    assert [event for event in events if isinstance(event, Stray)] == [Stray("+CDS: 25")]
    assert answer(events) == (Final.OK, ("+CSQ: 1,99",))


def test_message_prompt_without_newline() -> None:
    dialogue = AtDialogue()
    dialogue.submit(Command("AT+CMGS=25", payload=b"0001AB"), 0.0)
    dialogue.outgoing()
    assert dialogue.receive(b"\r\n>", 0.1) == []
    assert dialogue.outgoing() == b"0001AB\x1a"
    assert answer(dialogue.receive(b" " + wire("+CMGS: 1", "OK"), 3.0)) == (Final.OK, ("+CMGS: 1",))


def test_missing_prompt_leaves_the_text_entry() -> None:
    dialogue = AtDialogue()
    dialogue.submit(Command("AT+CMGS=25", timeout=40, payload=b"00"), 0.0)
    dialogue.outgoing()
    assert dialogue.tick(4.9) == []
    assert dialogue.tick(5.0) == [TimedOut("AT+CMGS=25")]
    assert dialogue.outgoing() == b"\x1b\rAT+CMEE?\r"


@pytest.mark.parametrize(
    ("line", "final", "code"),
    [
        ("+CME ERROR: 14", Final.CME, 14),
        ("+CME ERROR: SIM busy", Final.CME, 14),
        ("+CMS ERROR: 322", Final.CMS, 322),
        ("ERROR", Final.ERROR, None),
    ],
)
def test_refusals(line: str, final: Final, code: int | None) -> None:
    (event,) = ask(AtDialogue(), "AT+CPIN?", line)
    assert isinstance(event, Answered)
    assert (event.result.final, event.result.code, event.result.ok) == (final, code, False)


def test_late_answer_is_not_taken_for_the_next_command() -> None:
    dialogue = AtDialogue()
    dialogue.submit(Command("AT+COPS?", timeout=1.0), 0.0)
    assert dialogue.tick(1.0) == [TimedOut("AT+COPS?")]
    assert dialogue.outgoing() == b"AT+COPS?\r\x1b\rAT+CMEE?\r"
    assert dialogue.receive(wire("OK"), 1.1) == []  # of AT+COPS?
    assert dialogue.busy
    assert dialogue.receive(wire("+CMEE: 1", "OK"), 1.2) == [Recovered()]  # of the probe
    assert answer(ask(dialogue, "AT+CSQ", "+CSQ: 3,99", "OK"))[1] == ("+CSQ: 3,99",)


def test_ladder_reopen_then_reset() -> None:
    for after_reopen, last in ((False, ReopenNeeded()), (True, ResetNeeded())):
        dialogue = AtDialogue(after_reopen=after_reopen)
        dialogue.submit(Command("AT", timeout=2.0), 0.0)
        now, events = 2.0, dialogue.tick(2.0)
        for _ in range(3):
            now += PROBE_TIMEOUT
            events += dialogue.tick(now)
        assert events == [TimedOut("AT"), last]
        sent = dialogue.outgoing()
        assert (sent.count(PROBE.encode() + b"\r"), sent.endswith(b"\x1b\rAT+CRESET\r")) == (3, after_reopen)
        assert dialogue.deadline is None


def test_reset_is_sent_after_a_reopening_only() -> None:
    dialogue = AtDialogue(after_reopen=True)
    dialogue.submit(Command("AT"), 0.0)
    assert dialogue.outgoing() == b"\x1b\rAT+CMEE?\r"  # older answers may still come
    dialogue.receive(wire("OK", "+CMEE: 1", "OK"), 0.0)
    assert dialogue.outgoing() == b"AT\r"
    dialogue.receive(wire("OK"), 0.0)
    dialogue.submit(Command("AT", timeout=1.0), 0.0)
    for now in (1.0, 3.0, 5.0, 7.0):
        dialogue.tick(now)
    assert b"CRESET" not in dialogue.outgoing()  # it had answered: the ladder begins anew


def test_overlong_line_is_dropped_and_the_next_is_read() -> None:
    parser = AtParser()
    parser.feed(b"x" * 3 * MAX_LINE + b"\r\nOK\r\n")
    assert parser.next() == Line("OK")
    assert parser.next() is None
    assert parser.dropped == 1


def test_any_run_of_cr_and_lf_ends_a_line() -> None:
    parser = AtParser()
    parser.feed(b"RING\rOK\nBUSY\n\r\r\nERROR\r")
    assert [parser.next() for _ in range(5)] == [Line("RING"), Line("OK"), Line("BUSY"), Line("ERROR"), None]


SCRIPT = [
    wire("RING", '+CLIP: "+79991234567",145,,,,0'),
    b"AT+CMGR=0\r" + wire('+CMTI: "SM",3', '+CMGR: 0,"",31', "+CDS: 25", REPORT, PDU, "OK"),
    b"\x00\xff\r\r\n\n" + wire("VOICE CALL: END: 000012", "NO CARRIER", "no such line"),
    b"x" * (MAX_LINE + 5) + wire("+RXDTMF: #"),
]


@given(st.lists(st.integers(0, sum(map(len, SCRIPT))), max_size=40))
def test_any_chunking_gives_the_same_events(cuts: list[int]) -> None:
    stream = b"".join(SCRIPT)

    def events(pieces: list[bytes]) -> list[Event]:
        dialogue = AtDialogue()
        dialogue.submit(Command("AT+CMGR=0"), 0.0)
        return [event for piece in pieces for event in dialogue.receive(piece, 0.0)]

    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    whole = events([stream])
    assert len(whole) == 9
    assert events(pieces) == whole


@given(st.lists(st.tuples(st.integers(0, 4), st.binary(max_size=30))))
def test_noise_between_lines_neither_hides_nor_invents(noise: list[tuple[int, bytes]]) -> None:
    lines = [b"", *(wire(line) for line in ("+CSQ: 7,99", "RING", "OK", "+RXDTMF: 5"))]
    for index, junk in noise:
        lines[index] += b"\r\n~" + junk.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"
    dialogue = AtDialogue()
    dialogue.submit(Command("AT+CSQ"), 0.0)
    events = [event for event in dialogue.receive(b"".join(lines), 0.0) if not isinstance(event, Stray)]
    assert told(events) == [Ring(), Dtmf("5")]
    assert parse_csq(answer(events)[1]) == -99


URCS: list[tuple[tuple[str, ...], Urc]] = [
    (("RING",), Ring()),
    (("+CRING: VOICE",), Ring("VOICE")),
    (('+CLIP: "",128,,,,1',), CallerId("", 128)),
    (("NO CARRIER",), NoCarrier()),
    (("+CREG: 2",), Registration("CREG", 2)),
    (("+CDS: 25", REPORT), DeliveryReport("25", REPORT)),
    (('+CMTI: "SM",0',), SmsArrived("SM", 0)),
    (("+RXDTMF: *",), Dtmf("*")),
]
ANSWERS = {
    "AT+CREG?": ["+CREG: 0,1", "OK"],
    "AT+CSQ": ["+CSQ: 21,99", "OK"],
    "AT+CMGL=4": ['+CMGL: 0,0,"",31', PDU, '+CMGL: 1,0,"",31', PDU, "OK"],
    "AT+CGSN": ["860000000000001", "OK"],
    "AT+CLCC": ['+CLCC: 1,1,0,0,0,"+79991234567",145', "OK"],
    "AT+CHUP": ["OK"],
}


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.tuples(st.integers(0, 5), st.sampled_from(URCS)), max_size=12))
def test_urcs_anywhere_are_neither_lost_nor_taken_for_answers(
    command: str, injected: list[tuple[int, tuple[tuple[str, ...], Urc]]]
) -> None:
    answers = ANSWERS[command]
    slots: list[list[tuple[tuple[str, ...], Urc]]] = [[] for _ in range(len(answers) + 1)]
    for index, urc in injected:
        slots[index % len(slots)].append(urc)
    lines: list[str] = []
    for slot, line in zip(slots, [*answers, None], strict=True):
        lines += [text for texts, _ in slot for text in texts]
        lines += [] if line is None else [line]
    events = ask(AtDialogue(), command, *lines, echo=True)
    assert told(events) == [urc for slot in slots for _, urc in slot]
    assert answer(events) == (Final.OK, tuple(answers[:-1]))
    assert not [event for event in events if isinstance(event, Stray)]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    parser = AtParser()
    parser.prompt_expected = True
    parser.feed(data)
    while (item := parser.next()) is not None:
        assert isinstance(item, Prompt) or item.text.strip() == item.text != ""
