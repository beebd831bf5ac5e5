"""The fields that PDUs are made of (3GPP TS 23.040): addresses, time stamps, coding schemes, user data headers."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, auto

from services.errors import LineError
from telephony.sms import gsm7

_DIGITS = "0123456789*#abc"
_INTERNATIONAL, _ALPHANUMERIC = 1, 5
_NUMBER = re.compile(r"\+?[0-9*#]{1,20}")
_SEPARATORS = re.compile(r"[\s()./-]+")


class PduError(LineError):
    """A PDU that cannot be read, or a message that cannot be put into PDUs."""


class Reader:
    """A cursor over the octets of a PDU; reading past the end raises PduError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def rest(self) -> bytes:
        """What has not been read yet."""
        return self._data[self._at :]

    def octet(self) -> int:
        """Read one octet."""
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        """Read `count` octets."""
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise PduError("A text message arrived cut short.")
        self._at += count
        return taken


@dataclass(frozen=True, slots=True)
class Address:
    """A party of a message: a telephone number with its plus where it is international, or a name in letters."""

    text: str
    alphanumeric: bool = False


def read_address(reader: Reader) -> Address:
    """Read an originating or destination address: a count of semi-octets, the type, then digits or packed letters."""
    semi_octets = reader.octet()
    kind = reader.octet() >> 4 & 7
    packed = reader.take((semi_octets + 1) // 2)
    if kind != _ALPHANUMERIC:
        return Address(_number(packed, kind, semi_octets))
    septets = gsm7.unpack(packed, semi_octets * 4 // 7)
    if len(septets) % 8 == 0 and septets and septets[-1] == 0:
        septets.pop()  # seven letters in seven octets: the spare bits are no eighth letter
    return Address(gsm7.decode(septets).strip(), alphanumeric=True)


def read_centre(reader: Reader) -> str:
    """Read the service centre's number, which counts octets instead of digits; "" when it is left out."""
    octets = reader.octet()
    if not octets:
        return ""
    kind = reader.octet() >> 4 & 7
    return _number(reader.take(octets - 1), kind, 2 * octets)


def _number(packed: bytes, kind: int, digits: int) -> str:
    nibbles = [nibble for octet in packed for nibble in (octet & 15, octet >> 4)][:digits]
    number = "".join(_DIGITS[nibble] for nibble in nibbles if nibble != 15)
    return f"+{number}" if kind == _INTERNATIONAL and number else number


def dialable(number: str) -> str:
    """Return a number without the separators people write. Raises PduError for what is no telephone number."""
    plain = _SEPARATORS.sub("", number)
    if not _NUMBER.fullmatch(plain):
        raise PduError(f"{number!r} is no telephone number.", "Write it like +79991234567.")
    return plain


def address_octets(number: str) -> bytes:
    """Return a dialable number as a destination address."""
    digits = number.removeprefix("+")
    nibbles = [_DIGITS.index(digit) for digit in digits] + [15] * (len(digits) % 2)
    kind = 0x91 if number.startswith("+") else 0x81
    pairs = zip(nibbles[::2], nibbles[1::2], strict=True)
    return bytes([len(digits), kind, *(low | high << 4 for low, high in pairs)])


def read_time(reader: Reader) -> datetime | None:
    """Read seven octets of a time stamp with its zone in quarter hours; None for one that no calendar has."""
    stamp = reader.take(7)
    pairs = [(octet & 15) * 10 + (octet >> 4) for octet in stamp[:6]]
    if any(octet & 15 > 9 or octet >> 4 > 9 for octet in stamp[:6]):
        return None
    quarters = (stamp[6] & 7) * 10 + min(stamp[6] >> 4, 9)
    zone = timezone(timedelta(minutes=15 * (-quarters if stamp[6] & 8 else quarters)))
    year, month, day, hour, minute, second = pairs
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Alphabet(Enum):
    """How the user data is written."""

    GSM7 = auto()
    DATA = auto()
    UCS2 = auto()


@dataclass(frozen=True, slots=True)
class Coding:
    """A data coding scheme (TS 23.038, section 4).

    `message_class` 0 is shown at once and not kept, 1 to 3 name where a message belongs; `waiting` marks the network's
    sign that voice mail or the like is waiting.
    """

    alphabet: Alphabet
    compressed: bool = False
    message_class: int | None = None
    waiting: bool = False


def coding_of(scheme: int) -> Coding:
    """Return what the octet TP-DCS means; a reserved value means the default alphabet."""
    group, low = scheme >> 4, scheme & 15
    if group < 8:  # general, and the same with automatic deletion
        message_class = scheme & 3 if scheme & 0x10 else None
        return Coding(_ALPHABETS[scheme >> 2 & 3], bool(scheme & 0x20), message_class)
    if group in (0xC, 0xD):
        return Coding(Alphabet.GSM7, waiting=True)
    if group == 0xE:
        return Coding(Alphabet.UCS2, waiting=True)
    if group == 0xF:
        return Coding(Alphabet.DATA if low & 4 else Alphabet.GSM7, message_class=low & 3)
    return Coding(Alphabet.GSM7)


_ALPHABETS = (Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2, Alphabet.GSM7)


@dataclass(frozen=True, slots=True)
class Header:
    """What a user data header tells; unknown elements are skipped.

    `octets` is its length with the length octet. `locking` and `single` are national language identifiers, `ports`
    is True when the message is meant for a program (WAP, MMS), `waiting` when it tells of voice mail or the like.
    """

    octets: int = 0
    reference: int | None = None
    total: int = 1
    sequence: int = 1
    locking: int = 0
    single: int = 0
    ports: bool = False
    waiting: bool = False


def read_header(data: bytes) -> Header:
    """Read the user data header at the start of `data`. Raises PduError when it is longer than the data."""
    reader = Reader(data)
    octets = reader.octet()
    elements = Reader(reader.take(octets))
    found: dict[int, bytes] = {}
    while elements.rest:
        name = elements.octet()
        found[name] = elements.take(elements.octet())
    reference, total, sequence = _place(found)
    return Header(
        octets + 1,
        reference,
        total,
        sequence,
        locking=_first(found.get(0x25)),
        single=_first(found.get(0x24)),
        ports=not {0x04, 0x05}.isdisjoint(found),
        waiting=0x01 in found,
    )


def _place(found: dict[int, bytes]) -> tuple[int | None, int, int]:
    """Return reference, total and sequence of a concatenated message; a contradictory element is ignored."""
    for name, width in ((0x00, 1), (0x08, 2)):
        element = found.get(name, b"")
        if len(element) == width + 2 and 1 <= element[-1] <= element[-2]:
            return int.from_bytes(element[:width], "big"), element[-2], element[-1]
    return None, 1, 1


def _first(element: bytes | None) -> int:
    return element[0] if element else 0
