"""Writing PDUs: the documented example byte for byte, the limits, and every text read back."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sms_pdus import as_delivered

from telephony.sms import gsm7
from telephony.sms.fields import PduError
from telephony.sms.pdu import ReceivedPart, decode_pdu
from telephony.sms.submit import SubmitPart, encode_submit, parts_needed, plain

GSM_CHARS = "".join(gsm7.decode([code]) for code in range(128) if code != 0x1B) + "€[]{}^~|\\\f"


def read_back(parts: list[SubmitPart]) -> str:
    texts = []
    for part in parts:
        decoded = decode_pdu(as_delivered(part.pdu))
        assert isinstance(decoded, ReceivedPart)
        assert (decoded.total, decoded.sequence) == (part.total, part.sequence)
        texts.append(decoded.text)
    return "".join(texts)


def test_the_documented_message_of_two_parts() -> None:
    parts = encode_submit("+79995556677", "я" * 96, reference=7)
    assert [part.octets for part in parts] == [153, 77]
    assert parts[0].pdu == "0061000B919799556576F700088C050003070201" + "044F" * 67
    assert parts[1].pdu == "0061010B919799556576F7000840050003070202" + "044F" * 29


def test_a_short_message_in_the_gsm_alphabet() -> None:
    (part,) = encode_submit("+31641600986", "How are you?", report=False)
    assert part.pdu == "0001000B911346610089F600000CC8F71D14969741F977FD07"
    assert part.octets == len(part.pdu) // 2 - 1


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("", [0]),
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("€" * 80, [80]),
        ("a" * 152 + "€" + "a" * 10, [152, 11]),
        ("я" * 70, [70]),
        ("я" * 71, [67, 4]),
        ("😀" * 35, [35]),
        ("я" * 66 + "😀" + "яяяя", [66, 5]),
        ("a" * 306, [153, 153]),
    ],
)
def test_the_limits_of_a_part(text: str, sizes: list[int]) -> None:
    parts = encode_submit("+7999", text)
    assert [len(part.text) for part in parts] == sizes
    assert parts_needed(text) == len(sizes)
    assert all(part.octets <= 140 + 14 for part in parts)
    assert read_back(parts) == text


def test_reports_and_validity() -> None:
    (part,) = encode_submit("900", "hi", validity=timedelta(minutes=5))
    assert part.pdu.startswith("0031000381" + "09F0" + "0000" + "00" + "02")
    for validity, octet in (
        (timedelta(hours=12), 143),
        (timedelta(hours=24), 167),
        (timedelta(days=2), 168),
        (timedelta(days=30), 196),
        (timedelta(weeks=5), 197),
        (timedelta(weeks=500), 255),
    ):
        (part,) = encode_submit("900", "hi", validity=validity)
        assert int(part.pdu[18:20], 16) == octet, validity


@pytest.mark.parametrize("number", ["", "+", "abc", "+7999x", "1" * 21, "+7 999; 1", "٣٣"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(PduError):
        encode_submit(number, "hi")


def test_separators_in_numbers_are_left_out() -> None:
    assert encode_submit("+7 (999) 555-66-77", "hi") == encode_submit("+79995556677", "hi")


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(PduError, match="too long"):
        encode_submit("+7999", "я" * 67 * 256)


def test_typographic_signs_become_plain_where_that_saves_the_alphabet() -> None:
    assert plain("It’s “fine” — really…") == 'It\'s "fine" - really...'
    assert plain("Это — «дом»") == "Это — «дом»"
    assert plain("naïve") == "naïve"


@given(st.text(max_size=400), st.integers(0, 255), st.booleans())
@example("😀" * 100, 0, False)
@example("\ud83d", 1, True)
@example("a" * 152 + "[" * 30, 255, True)
def test_every_text_is_read_back(text: str, reference: int, report: bool) -> None:
    whole = text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
    parts = encode_submit("+79995556677", text, reference=reference, report=report)
    assert read_back(parts) == whole
    assert all(part.octets == len(part.pdu) // 2 - 1 for part in parts)


@given(st.text(GSM_CHARS, max_size=500))
def test_every_text_of_the_gsm_alphabet_takes_septets(text: str) -> None:
    parts = encode_submit("+79995556677", text)
    assert read_back(parts) == text
    assert all(part.pdu[24:26] == "00" for part in parts)


@given(st.lists(st.integers(0, 127), max_size=200), st.integers(0, 6))
def test_packing_is_undone_by_unpacking(septets: list[int], fill: int) -> None:
    assert gsm7.unpack(gsm7.pack(septets, fill), len(septets), fill) == septets


@given(st.lists(st.integers(0, 127), max_size=50), st.integers(0, 20), st.integers(0, 20))
def test_every_septet_is_some_text(septets: list[int], locking: int, single: int) -> None:
    gsm7.decode(septets, locking=locking, single=single)


def test_national_letters() -> None:
    assert gsm7.decode([0x40, 0x60, 0x07], locking=gsm7.TURKISH) == "İçı"
    assert gsm7.decode([0x1B, 0x61, 0x1B, 0x09], single=gsm7.SPANISH) == "áç"
    assert gsm7.decode([0x12, 0x1B, 0x5B], locking=gsm7.PORTUGUESE, single=gsm7.PORTUGUESE) == "ªÃ"
    assert gsm7.decode([0x1B, 0x65, 0x1B, 0x41, 0x1B, 0x1B, 0x1B]) == "€A "
