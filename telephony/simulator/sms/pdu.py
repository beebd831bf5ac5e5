"""Messages as the network writes and reads them: SMS-DELIVER, SMS-SUBMIT and SMS-STATUS-REPORT (3GPP 23.040, 9.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from telephony.simulator.log import SimulatorError
from telephony.simulator.sms.gsm7 import letters, pack, septets, unpack

SMSC: Final = "07919762020033F1"
ZONE_QUARTERS: Final = 12
STATUS_REPORT_WANTED, HAS_HEADER = 0x20, 0x40
GSM7, UCS2 = 0x00, 0x08
ALPHANUMERIC, INTERNATIONAL, NATIONAL = 0xD0, 0x91, 0x81
WHOLE: Final = {GSM7: 160, UCS2: 70}
PART: Final = {GSM7: 153, UCS2: 67}
"""Septets or UTF-16 units of a message, and of a part with its six octets of header."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the host sent: to whom, what, and as which part (reference, total, number) of a long text."""

    recipient: str
    text: str
    part: tuple[int, int, int] | None


def is_hex(text: str) -> bool:
    """True for an even, positive number of hexadecimal digits."""
    return len(text) >= 2 and len(text) % 2 == 0 and all(char in "0123456789abcdefABCDEF" for char in text)


def tpdu_octets(pdu: str) -> int:
    """Octets of a PDU without its SMSC part, as +CMGR and +CMGS count them; negative when it is cut short."""
    return len(pdu) // 2 - 1 - int(pdu[:2], 16)


def _swapped(digits: str) -> str:
    digits += "F" * (len(digits) % 2)
    return "".join(digits[place + 1] + digits[place] for place in range(0, len(digits), 2))


def _address(number: str) -> str:
    """Digits, or up to 11 letters of the 7-bit alphabet for a sender with a name."""
    digits = number.removeprefix("+")
    if digits.isdecimal():
        return f"{len(digits):02X}{INTERNATIONAL if number.startswith('+') else NATIONAL:02X}{_swapped(digits)}"
    codes = septets(number)
    if codes is None or not 1 <= len(codes) <= 11:
        raise SimulatorError("A sender is a number, or a name of at most 11 letters of the GSM alphabet.")
    return f"{(len(codes) * 7 + 3) // 4:02X}{ALPHANUMERIC:02X}{pack(codes).hex().upper()}"


def deliver_pdus(sender: str, text: str, now: datetime, reference: int = 0) -> list[str]:
    """The PDUs in hex, SMSC included, with which `text` reaches the module: one, or the parts in their order.

    GSM 7-bit where the text allows it, else UCS-2; neither an escape sequence nor a surrogate pair is cut in two.
    """
    codes = septets(text)
    coding = UCS2 if codes is None else GSM7
    units = _utf16(text) if codes is None else codes
    parts = [units] if len(units) <= WHOLE[coding] else _cut(units, PART[coding], coding)
    pdus = []
    for number, part in enumerate(parts, 1):
        header = f"050003{reference % 256:02X}{len(parts):02X}{number:02X}" if len(parts) > 1 else ""
        first = 0x04 | (HAS_HEADER if header else 0)
        data = _user_data(part, coding, header)
        pdus.append(f"{SMSC}{first:02X}{_address(sender)}00{coding:02X}{service_time(now)}{data}")
    return pdus


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]


def _cut(units: list[int], size: int, coding: int) -> list[list[int]]:
    parts = []
    while units:
        end = min(size, len(units))
        last = units[end - 1]
        torn = last == 0x1B if coding == GSM7 else 0xD800 <= last < 0xDC00
        end -= int(torn and end < len(units))
        parts.append(units[:end])
        units = units[end:]
    return parts


def _user_data(values: list[int], coding: int, header: str) -> str:
    octets = bytes.fromhex(header)
    if coding == UCS2:
        body = octets + b"".join(value.to_bytes(2, "big") for value in values)
        return f"{len(body):02X}{body.hex().upper()}"
    fill = -len(octets) * 8 % 7
    count = (len(octets) * 8 + fill) // 7 + len(values)
    return f"{count:02X}{(octets + pack(values, fill)).hex().upper()}"


def read_submit(pdu: str) -> Submitted:
    """What an SMS-SUBMIT says. Raises SimulatorError for one that cannot be read."""
    try:
        return _read_submit(bytes.fromhex(pdu))
    except (ValueError, IndexError):
        raise SimulatorError(f"The message {pdu[:40]}... is no SMS-SUBMIT.") from None


def _read_submit(data: bytes) -> Submitted:
    place = 1 + data[0]
    first, digits, kind = data[place], data[place + 2], data[place + 3]
    place += 4 + (digits + 1) // 2
    number = _swapped(data[place - (digits + 1) // 2 : place].hex().upper())[:digits]
    coding = data[place + 1]
    place += 2 + {0x00: 0, 0x10: 1}.get(first & 0x18, 7)
    length, body = data[place], data[place + 1 :]
    header = body[: body[0] + 1] if first & HAS_HEADER else b""
    if coding & 0x0C == UCS2:
        text = body[len(header) : length].decode("utf-16-be")
    else:
        fill = -len(header) * 8 % 7
        count = length - (len(header) * 8 + fill) // 7
        text = letters(unpack(body[len(header) :], count, fill))
    return Submitted("+" * (kind == INTERNATIONAL) + number, text, _part(header))


def _part(header: bytes) -> tuple[int, int, int] | None:
    place = 1
    while place + 1 < len(header):
        kind, size = header[place], header[place + 1]
        value = header[place + 2 : place + 2 + size]
        if kind == 0x00 and size == 3:
            return value[0], value[1], value[2]
        if kind == 0x08 and size == 4:
            return int.from_bytes(value[:2], "big"), value[2], value[3]
        place += 2 + size
    return None


def wants_report(pdu: str) -> bool:
    """Whether the sender asks for a delivery report (TP-SRR)."""
    first = 2 + 2 * int(pdu[:2], 16)
    return bool(int(pdu[first : first + 2], 16) & STATUS_REPORT_WANTED)


def delivery_report(pdu: str, reference: int, now: datetime) -> str:
    """The SMS-STATUS-REPORT (9.2.2.3) that tells of the delivery of the SMS-SUBMIT `pdu`."""
    first = 2 + 2 * int(pdu[:2], 16)
    digits = int(pdu[first + 4 : first + 6], 16)
    recipient = pdu[first + 4 : first + 8 + digits + digits % 2]
    stamp = service_time(now)
    return f"0006{reference:02X}{recipient}{stamp}{stamp}00".upper()


def service_time(now: datetime) -> str:
    """Seven octets with swapped digits, in the zone UTC+3; a naive `now` is taken as local there."""
    if now.tzinfo is not None:
        now = now.astimezone(timezone(timedelta(minutes=15 * ZONE_QUARTERS)))
    pairs = [f"{part:02}" for part in (now.year % 100, now.month, now.day, now.hour, now.minute, now.second)]
    return "".join(pair[::-1] for pair in [*pairs, f"{ZONE_QUARTERS:02}"])
