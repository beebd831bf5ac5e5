"""Received PDUs as a network makes them, written anew from 3GPP 23.040 without the product's encoder."""

from datetime import UTC, datetime

CENTRE = "07919762020033F1"
SENT = datetime(2026, 11, 20, 23, 16, 42, tzinfo=UTC)


def stamp(at: datetime, quarters: int = 12) -> str:
    """Return a time stamp; `at` is written as it stands, in a zone of so many quarter hours."""
    digits = f"{at:%y%m%d%H%M%S}{abs(quarters):02}"
    swapped = "".join(digits[i + 1] + digits[i] for i in range(0, 14, 2))
    if quarters >= 0:
        return swapped
    return swapped[:-2] + f"{int(swapped[-2:], 16) | 0x08:02X}"


def address(number: str) -> str:
    """Return an originating address."""
    digits = number.lstrip("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2))
    return f"{len(digits):02X}{'91' if number.startswith('+') else '81'}{swapped}"


def delivered(
    sender: str,
    text: str,
    *,
    sent: datetime = SENT,
    part: tuple[int, int, int] | None = None,
    wide: bool = False,
    first: int = 0x04,
) -> str:
    """Return an SMS-DELIVER in UCS-2; `part` is (reference, total, sequence), `wide` gives it sixteen bits."""
    header = b""
    if part is not None:
        reference, total, sequence = part
        element = [8, 4, reference >> 8, reference & 255] if wide else [0, 3, reference]
        header = bytes([len(element) + 2, *element, total, sequence])
        first |= 0x40
    body = header + text.encode("utf-16-be", "surrogatepass")
    return f"{CENTRE}{first:02X}{address(sender)}0008{stamp(sent)}{len(body):02X}{body.hex().upper()}"


def as_delivered(submit: str, sent: datetime = SENT) -> str:
    """Return the SMS-DELIVER that a network makes of an SMS-SUBMIT: same parties, coding and user data."""
    data = bytes.fromhex(submit)[1:]
    first = data[0]
    end_of_address = 4 + (data[2] + 1) // 2
    coding = data[end_of_address : end_of_address + 2]
    user_data = data[end_of_address + 2 + (1 if first & 0x10 else 0) :]
    kept = 0x04 | (first & 0x40)
    return f"{CENTRE}{kept:02X}{data[2:end_of_address].hex()}{coding.hex()}{stamp(sent)}{user_data.hex()}".upper()
