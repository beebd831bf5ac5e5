"""Our codec and the simulated module's, each written alone from the standard: they must understand each other."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from telephony.simulator.sms.pdu import deliver_pdus, read_submit, tpdu_octets
from telephony.sms import gsm7
from telephony.sms.parts import Assembler
from telephony.sms.pdu import ReceivedPart, decode_pdu
from telephony.sms.submit import encode_submit

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LETTERS = "".join(gsm7.decode([code]) for code in range(128) if code not in (0x0A, 0x0D, 0x1B))
TEXTS = st.one_of(st.text(max_size=500), st.text(LETTERS + "€[]{}^~|\\\n", max_size=700))


@given(TEXTS, st.integers(0, 255))
def test_what_we_write_the_module_reads(text: str, reference: int) -> None:
    parts = encode_submit("+79995556677", text, reference=reference)
    read = [read_submit(part.pdu) for part in parts]
    assert "".join(each.text for each in read) == text
    assert {each.recipient for each in read} == {"+79995556677"}
    assert [each.part for each in read] == [
        None if part.reference is None else (reference, part.total, part.sequence) for part in parts
    ]
    assert [part.octets for part in parts] == [tpdu_octets(part.pdu) for part in parts]


@given(TEXTS.filter(bool), st.integers(0, 255))
def test_what_the_module_writes_we_read(text: str, reference: int) -> None:
    assembler = Assembler()
    whole = []
    for pdu in deliver_pdus("+79990001122", text, NOW, reference):
        part = decode_pdu(pdu, tpdu_octets(pdu))
        assert isinstance(part, ReceivedPart)
        assert (part.sender, part.sent_at) == ("+79990001122", NOW)
        whole += assembler.add(part, NOW)
    assert [each.message.text for each in whole] == [text]


@given(st.text(LETTERS.replace("@", ""), min_size=1, max_size=11).map(str.strip).filter(bool))
def test_names_of_senders(name: str) -> None:
    (pdu,) = deliver_pdus(name if not name.isdecimal() else f"{name}A"[:11], "hi", NOW)
    part = decode_pdu(pdu)
    assert isinstance(part, ReceivedPart)
    if not name.isdecimal():
        assert (part.sender, part.alphanumeric) == (name, True)
