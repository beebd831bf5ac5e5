"""Reading PDUs: the documented ones byte for byte, every variety, and whatever a broken wire may bring."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sms_pdus import CENTRE, SENT, address, delivered, stamp

from telephony.sms.fields import PduError
from telephony.sms.pdu import DeliveryStatus, ReceivedPart, decode_pdu, is_whole, raw_fingerprint

PRIVET = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"
REPORT = "0006010B919799556576F7621112206134216211122061342100"


def received(pdu: str, octets: int | None = None) -> ReceivedPart:
    part = decode_pdu(pdu, octets)
    assert isinstance(part, ReceivedPart)
    return part


def gsm7(sender: str, dcs: str, udl: str, data: str, first: str = "04", scts: str = stamp(SENT)) -> str:
    return f"{CENTRE}{first}{sender}00{dcs}{scts}{udl}{data}"


def test_a_cyrillic_message() -> None:
    part = received(PRIVET, 31)
    assert (part.sender, part.text, part.kind) == ("+79990001122", "Привет", "text")
    assert part.sent_at == datetime(2026, 11, 20, 23, 16, 42, tzinfo=UTC)  # 02:16:42 in the zone +12 quarters
    assert (part.reference, part.total, part.sequence, part.alphanumeric) == (None, 1, 1, False)
    assert part.centre == "+79262000331"


def test_a_delivery_report() -> None:
    status = decode_pdu(REPORT, 25)
    at = datetime(2026, 11, 20, 23, 16, 43, tzinfo=UTC)
    assert status == DeliveryStatus(1, "+79995556677", at, at, 0)
    assert (status.delivered, status.pending) == (True, False)


@pytest.mark.parametrize(("octet", "fate"), [(0x1F, (True, False)), (0x30, (False, True)), (0x45, (False, False))])
def test_the_fate_that_a_report_tells(octet: int, fate: tuple[bool, bool]) -> None:
    status = decode_pdu(f"{REPORT[:-2]}{octet:02X}")
    assert isinstance(status, DeliveryStatus)
    assert (status.delivered, status.pending) == fate


def test_a_message_in_the_gsm_alphabet() -> None:
    part = received("07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07")
    assert (part.sender, part.text) == ("+31641600986", "How are you?")
    assert part.sent_at == datetime(2002, 8, 26, 19, 37, 41, tzinfo=UTC)  # in the zone minus nought


def test_senders_with_names() -> None:
    part = received(gsm7("14D0C4F23C7D760390EF7619", "00", "00", ""))
    assert (part.sender, part.alphanumeric) == ("Design@Home", True)
    packed = sum(ord(letter) << (7 * at) for at, letter in enumerate("BANK-24")).to_bytes(7, "little").hex()
    for counted in ("0D", "0E"):  # thirteen semi-octets, or all of the seven octets
        assert received(gsm7(f"{counted}D0{packed}", "00", "00", "")).sender == "BANK-24"


@pytest.mark.parametrize(
    ("field", "number"),
    [("0B919799001021F2", "+79990001122"), ("0AA19099001021", "0999000112"), ("038109F0", "900"), ("0481BA21", "*#12")],
)
def test_senders_with_numbers(field: str, number: str) -> None:
    part = received(gsm7(field, "00", "00", ""))
    assert (part.sender, part.alphanumeric) == (number, False)


def test_zones_east_and_west_and_times_that_no_calendar_has() -> None:
    west = received(gsm7("00A1", "00", "00", "", scts=stamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), -20)))
    assert west.sent_at == datetime(2026, 1, 2, 8, 4, 5, tzinfo=UTC)
    east = received(gsm7("00A1", "00", "00", "", scts=stamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 23)))
    assert east.sent_at == datetime(2026, 1, 1, 21, 19, 5, tzinfo=UTC)
    for nonsense in ("00000000000000", "FFFFFFFFFFFFFF", "62111220612482"):
        part = received(gsm7("00A1", "00", "00", "", scts=nonsense))
        assert part.sent_at is None or part.sent_at.year == 2026


@pytest.mark.parametrize(
    ("dcs", "kind", "text", "message_class"),
    [
        ("00", "text", "H", None),
        ("10", "text", "H", 0),  # flash
        ("13", "text", "H", 3),
        ("40", "text", "H", None),  # deleted by itself
        ("80", "text", "H", None),  # reserved
        ("C8", "notice", "H", None),  # voice mail waits
        ("D0", "notice", "H", None),
        ("F0", "text", "H", 0),
        ("04", "data", "H", None),
        ("F5", "data", "H", 1),
    ],
)
def test_coding_schemes(dcs: str, kind: str, text: str, message_class: int | None) -> None:
    part = received(gsm7("0B919799001021F2", dcs, "01", "48"))
    assert (part.kind, part.text, part.message_class) == (kind, text, message_class)


@pytest.mark.parametrize("dcs", ["08", "19", "E0", "48"])
def test_wide_alphabets(dcs: str) -> None:
    part = received(gsm7("0B919799001021F2", dcs, "04", "D83DDE00"))
    assert (part.text, part.kind) == ("😀", "notice" if dcs == "E0" else "text")


def test_data_that_is_no_text() -> None:
    assert received(gsm7("0B919799001021F2", "04", "03", "FFFE00")).text == ""


def test_a_program_s_message_is_data_and_a_silent_one_is_shown_to_nobody() -> None:
    wap = gsm7("0B919799001021F2", "08", "09", "0605040B8423F00041", first="44")
    assert received(wap).kind == "data"
    silent = PRIVET.replace("F20008", "F24008")
    assert received(silent).kind == "notice"


def test_a_compressed_message_is_refused_in_a_sentence() -> None:
    with pytest.raises(PduError, match="compressed"):
        decode_pdu(gsm7("0B919799001021F2", "20", "01", "48"))


def test_headers() -> None:
    eight = received(delivered("+7999", "да", part=(7, 3, 2)))
    assert (eight.reference, eight.total, eight.sequence, eight.text) == (7, 3, 2, "да")
    sixteen = received(delivered("+7999", "да", part=(0x1234, 3, 1), wide=True))
    assert (sixteen.reference, sixteen.total, sixteen.sequence) == (0x1234, 3, 1)
    for part in ((7, 0, 0), (7, 2, 3), (7, 2, 0)):
        assert received(delivered("+7999", "да", part=part)).reference is None
    unknown = gsm7("0B919799001021F2", "08", "09", "0670010A7101000041", first="44")
    assert received(unknown).text == "A"
    for too_long in ("0970010A7101000041", "0670090A7101000041"):  # the header, or an element of it
        with pytest.raises(PduError):
            decode_pdu(gsm7("0B919799001021F2", "08", "09", too_long, first="44"))


def test_septets_behind_a_header_begin_on_a_septet_boundary() -> None:
    # "A" and "B" as septets 7 and 8, behind the six octets of the header and one fill bit.
    body = (0x41 << 1 | 0x42 << 8).to_bytes(2, "little").hex()
    part = received(gsm7("0B919799001021F2", "00", "09", f"050003070201{body}", first="44"))
    assert (part.text, part.sequence) == ("AB", 1)


def test_national_tables() -> None:
    letter = (0x40 << 3).to_bytes(2, "little").hex()  # behind four octets and three fill bits
    for language, text in (("01", "İ"), ("03", "Í"), ("07", "¡")):  # Turkish, Portuguese, one without a table here
        assert received(gsm7("0B919799001021F2", "00", "06", f"032501{language}{letter}", first="44")).text == text


def test_a_character_cut_in_two_keeps_both_halves() -> None:
    assert received(gsm7("0B919799001021F2", "08", "02", "D83D")).text == "\ud83d"
    assert received(gsm7("0B919799001021F2", "08", "03", "041F04")).text == "П"  # an octet too many


def test_the_announced_length_is_checked() -> None:
    assert [is_whole(PRIVET, octets) for octets in (31, None, 30)] == [True, True, False]
    assert [is_whole(pdu, 31) for pdu in (PRIVET[:-2], "junk", "")] == [False, False, False]
    with pytest.raises(PduError):
        decode_pdu(PRIVET, 32)
    without_centre = PRIVET[16:]
    assert received(without_centre, 31).text == "Привет"


def test_what_a_modem_does_not_receive_is_refused() -> None:
    for pdu in ("0001000B919799556576F7000801", "", "xyz", "0", "07", "é", "12 34", "04" * 400):
        with pytest.raises(PduError):
            decode_pdu(pdu)


def test_copies_have_one_fingerprint_and_other_messages_another() -> None:
    base = received(PRIVET).fingerprint
    assert received(PRIVET.replace("F1040B", "F1000B")).fingerprint == base  # more messages to send, or not
    assert received("00" + PRIVET[16:]).fingerprint == base  # through another centre
    later = delivered("+79990001122", "Привет", sent=SENT + timedelta(seconds=1))
    assert received(later).fingerprint != base
    assert received(delivered("+79990001123", "Привет")).fingerprint != base
    assert raw_fingerprint("ab") == raw_fingerprint(" AB ") != base


@given(st.binary(max_size=200), st.none() | st.integers(0, 200))
def test_no_bytes_crash_the_decoder(data: bytes, octets: int | None) -> None:
    try:
        decode_pdu(data.hex(), octets)
    except PduError:
        pass


@given(st.integers(0, 255), st.binary(min_size=12, max_size=180))
def test_no_deliver_crashes_the_decoder(first: int, rest: bytes) -> None:
    try:
        decode_pdu(f"{CENTRE}{first & 0xFC:02X}{address('+79990001122')}{rest.hex()}")
    except PduError:
        pass


@given(st.text())
def test_no_text_crashes_the_decoder(text: str) -> None:
    try:
        decode_pdu(text)
    except PduError:
        pass


@given(st.sampled_from([PRIVET, REPORT, delivered("+7999", "да", part=(7, 3, 2))]), st.data())
def test_every_truncation_is_an_error(pdu: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(pdu) - 1))
    with pytest.raises(PduError):
        decode_pdu(pdu[:cut])


@given(st.text(max_size=60), st.integers(946_771_200, 4_070_000_000), st.integers(-56, 56))
def test_any_text_and_any_time_come_through(text: str, seconds: int, quarters: int) -> None:
    sent = datetime.fromtimestamp(seconds, UTC)
    body = text.encode("utf-16-be")
    pdu = f"{CENTRE}04{address('+79990001122')}0008{stamp(sent, quarters)}{len(body):02X}{body.hex()}"
    part = received(pdu)
    assert part.text == text
    assert part.sent_at == sent - timedelta(minutes=15 * quarters)
