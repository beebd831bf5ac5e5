"""Writing what a modem sends: one text as SMS-SUBMIT PDUs (3GPP TS 23.040, section 9.2.2.2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from telephony.sms import gsm7
from telephony.sms.fields import PduError, address_octets, dialable

SEPTETS, SEPTETS_OF_PART = 160, 153
UNITS, UNITS_OF_PART = 70, 67
MOST_PARTS = 255

_SUBMIT, _RELATIVE_VALIDITY, _REPORT, _HAS_HEADER = 0x01, 0x10, 0x20, 0x40
_GSM7, _UCS2 = 0x00, 0x08
_FILL_BITS = 1
"""Behind the six octets of our header (48 bits) the next septet begins at bit 49."""

# What word processors and models write for the plain signs that the GSM alphabet has.
_PLAIN = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "‑": "-", "−": "-",
        "…": "...", "•": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": "", "\ufeff": "", "«": '"',
        "»": '"', "\t": " ",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SubmitPart:
    """One PDU to send: `octets` is what AT+CMGS announces, the length without the service centre's field."""

    pdu: str
    octets: int
    text: str
    sequence: int
    total: int
    reference: int | None


def plain(text: str) -> str:
    """Return `text` with typographic signs as plain ones where that lets it fit the GSM alphabet, else unchanged.

    One curly apostrophe would halve what fits into a part of an English message.
    """
    if gsm7.encode(text) is not None:
        return text
    simple = text.translate(_PLAIN)
    return text if gsm7.encode(simple) is None else simple


def encode_submit(
    number: str, text: str, *, reference: int = 0, report: bool = True, validity: timedelta | None = None
) -> list[SubmitPart]:
    """Return the PDUs that carry `text` to `number`.

    In the GSM alphabet when it fits, else in UTF-16; a text of several parts is concatenated under `reference` (its
    lowest eight bits). `report` asks for a delivery report, `validity` limits how long the network tries. Raises
    PduError for what is no telephone number, and for a text of more than 255 parts.
    """
    recipient = address_octets(dialable(number))
    text = text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
    septets = gsm7.encode(text)
    if septets is not None:
        scheme, pieces = _GSM7, _split(text, [len(each) for each in septets], SEPTETS, SEPTETS_OF_PART)
    else:
        scheme, pieces = _UCS2, _split(text, [1 + (char > "\uffff") for char in text], UNITS, UNITS_OF_PART)
    total = len(pieces)
    if total > MOST_PARTS:
        raise PduError(f"The text is too long for a text message: it would take {total} parts.", "Shorten it.")
    first = _SUBMIT | _REPORT * report | _HAS_HEADER * (total > 1) | _RELATIVE_VALIDITY * (validity is not None)
    period = b"" if validity is None else bytes([_relative(validity)])
    parts: list[SubmitPart] = []
    for index, piece in enumerate(pieces):
        header = bytes([5, 0, 3, reference & 0xFF, total, index + 1]) if total > 1 else b""
        tpdu = (
            bytes([first, index & 0xFF]) + recipient + bytes([0, scheme]) + period + _user_data(piece, scheme, header)
        )
        used = reference & 0xFF if total > 1 else None
        parts.append(SubmitPart("00" + tpdu.hex().upper(), len(tpdu), piece, index + 1, total, used))
    return parts


def parts_needed(text: str) -> int:
    """Return how many parts `text` takes."""
    septets = gsm7.encode(text)
    if septets is not None:
        return len(_split(text, [len(each) for each in septets], SEPTETS, SEPTETS_OF_PART))
    return len(_split(text, [1 + (char > "\uffff") for char in text], UNITS, UNITS_OF_PART))


def _split(text: str, widths: Sequence[int], whole: int, part: int) -> list[str]:
    """Cut `text` into parts; a character, of one unit or two, is never cut in two."""
    if sum(widths) <= whole:
        return [text]
    pieces: list[str] = []
    start = used = 0
    for at, width in enumerate(widths):
        if used + width > part:
            pieces.append(text[start:at])
            start, used = at, 0
        used += width
    return [*pieces, text[start:]]


def _user_data(text: str, scheme: int, header: bytes) -> bytes:
    """Return TP-UDL and TP-UD; the length counts septets in the GSM alphabet, octets else."""
    if scheme == _UCS2:
        body = header + text.encode("utf-16-be")
        return bytes([len(body)]) + body
    septets = _flat(gsm7.encode(text) or [])
    if not header:
        return bytes([len(septets)]) + gsm7.pack(septets)
    under_header = (8 * len(header) + _FILL_BITS) // 7
    return bytes([under_header + len(septets)]) + header + gsm7.pack(septets, _FILL_BITS)


def _flat(groups: Iterable[Iterable[int]]) -> list[int]:
    return [septet for group in groups for septet in group]


def _relative(validity: timedelta) -> int:
    """Return the validity period in the relative format (9.2.3.12.1), rounded up to the next step it knows."""
    minutes = max(int(validity.total_seconds() / 60), 1)
    if minutes <= 12 * 60:
        return max(-(-minutes // 5) - 1, 0)
    if minutes <= 24 * 60:
        return 143 - (-(minutes - 12 * 60) // 30)
    days = -(-minutes // (24 * 60))
    return 166 + days if days <= 30 else min(192 + -(-days // 7), 255)
