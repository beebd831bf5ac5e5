"""Reading what a modem hands over: SMS-DELIVER and SMS-STATUS-REPORT (3GPP TS 23.040, section 9.2)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from telephony.sms import gsm7
from telephony.sms.fields import (
    Alphabet,
    Coding,
    Header,
    PduError,
    Reader,
    coding_of,
    read_address,
    read_centre,
    read_header,
    read_time,
)

Kind = Literal["text", "data", "notice"]

_DELIVER, _STATUS_REPORT = 0, 2
_HAS_HEADER = 0x40
_MOST_OCTETS = 300
_SILENT = 0x40
"""TP-PID of a short message type 0: it is acknowledged and shown to nobody."""


@dataclass(frozen=True, slots=True)
class ReceivedPart:
    """One received PDU.

    `sender` is a number with its plus where it is international, or a name (`alphanumeric`). `text` may begin or end in
    half of a surrogate pair when the sender cut a character in two. `kind` is "data" for what is meant for a program
    and "notice" for the network's own signs (voice mail waiting); both may have no text. `sent_at` is the service
    centre's time in UTC, None when it makes no sense. `reference` is None for a message of one part. `fingerprint` is
    the same for each copy of one message that the network delivers.
    """

    sender: str
    alphanumeric: bool
    text: str
    kind: Kind
    sent_at: datetime | None
    reference: int | None
    total: int
    sequence: int
    message_class: int | None
    fingerprint: str
    centre: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """What became of a message that was sent: `reference` is the TP-MR that the modem gave it, `status` the TP-ST."""

    reference: int
    recipient: str
    sent_at: datetime | None
    done_at: datetime | None
    status: int

    @property
    def delivered(self) -> bool:
        """True when it has reached the recipient."""
        return self.status < 0x20

    @property
    def pending(self) -> bool:
        """True while the service centre still tries."""
        return 0x20 <= self.status < 0x40


def decode_pdu(pdu: str, octets: int | None = None) -> ReceivedPart | DeliveryStatus:
    """Read a PDU in hexadecimal digits, which begins with its service centre.

    `octets` is the length that the modem announced (it leaves the service centre out); a PDU of another length was
    garbled on its way. Raises PduError, also for what a modem does not receive.
    """
    reader = Reader(_bytes(pdu))
    centre = "" if octets == len(reader.rest) else read_centre(reader)
    if octets is not None and octets != len(reader.rest):
        raise PduError(f"A text message of {len(reader.rest)} octets was announced with {octets}.")
    first = reader.octet()
    kind = first & 3
    if kind == _DELIVER:
        return _deliver(reader, first, centre)
    if kind == _STATUS_REPORT:
        return _status_report(reader)
    raise PduError("What lies in the modem is no received message.")


def is_whole(pdu: str, octets: int | None) -> bool:
    """Tell whether a PDU has the length that was announced; False when some of it was lost on the wire."""
    try:
        reader = Reader(_bytes(pdu))
        if octets is None or octets == len(reader.rest):
            return True
        reader.take(reader.octet())
    except PduError:
        return False
    return octets == len(reader.rest)


def raw_fingerprint(pdu: str) -> str:
    """Return the fingerprint of a PDU that cannot be read."""
    return hashlib.sha256(pdu.strip().upper().encode()).hexdigest()


def _bytes(pdu: str) -> bytes:
    text = pdu.strip()
    try:
        data = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        data = b""
    if not data or len(data) > _MOST_OCTETS:
        raise PduError("A text message arrived as something else than hexadecimal digits.")
    return data


def _deliver(reader: Reader, first: int, centre: str) -> ReceivedPart:
    whole = reader.rest
    sender = read_address(reader)
    protocol, scheme = reader.octet(), reader.octet()
    sent_at = read_time(reader)
    coding = coding_of(scheme)
    if coding.compressed:
        raise PduError("A compressed text message cannot be read: nothing that is in use compresses.")
    length = reader.octet()
    data = reader.take((7 * length + 7) // 8 if coding.alphabet is Alphabet.GSM7 else length)
    header = read_header(data) if first & _HAS_HEADER else Header()
    # Bits that change between two deliveries of one message (more to send, loop prevention) are left out.
    stable = bytes([first & _HAS_HEADER]) + whole[: len(whole) - len(reader.rest)]
    return ReceivedPart(
        sender.text,
        sender.alphanumeric,
        _text(data, length, coding, header),
        _kind(coding, header, protocol),
        sent_at,
        header.reference,
        header.total,
        header.sequence,
        coding.message_class,
        hashlib.sha256(stable).hexdigest(),
        centre,
    )


def _text(data: bytes, length: int, coding: Coding, header: Header) -> str:
    body = data[header.octets :]
    match coding.alphabet:
        case Alphabet.GSM7:
            taken = (8 * header.octets + 6) // 7  # septets under the header and its fill bits
            septets = gsm7.unpack(body, length - taken, 7 * taken - 8 * header.octets)
            return gsm7.decode(septets, locking=header.locking, single=header.single)
        case Alphabet.UCS2:
            return body[: len(body) & ~1].decode("utf-16-be", "surrogatepass")
        case Alphabet.DATA:
            return _readable(body)


def _readable(body: bytes) -> str:
    """Return 8-bit data as text where it is some; no standard says in which alphabet."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if all(char.isprintable() or char in "\r\n\t" for char in text) else ""


def _kind(coding: Coding, header: Header, protocol: int) -> Kind:
    if coding.waiting or header.waiting or protocol == _SILENT:
        return "notice"
    return "data" if header.ports or coding.alphabet is Alphabet.DATA else "text"


def _status_report(reader: Reader) -> DeliveryStatus:
    reference = reader.octet()
    recipient = read_address(reader)
    return DeliveryStatus(reference, recipient.text, read_time(reader), read_time(reader), reader.octet())
