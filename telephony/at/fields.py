"""The comma-separated fields that follow the colon of an answer or a URC, and the length of a PDU."""

import re

_FIELD = re.compile(r'\s*(?:"([^"]*)"|([^,]*))\s*(?:,|$)')
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_NAME = re.compile(r"[+*^$&]\s?[A-Z][A-Z0-9 ]*", re.IGNORECASE)
_HEX = re.compile(r"(?:[0-9A-F]{2})+", re.IGNORECASE)


def named(line: str) -> tuple[str, str] | None:
    """Split `+NAME: rest` into the name in capitals and the rest; None for a line of another shape."""
    head, colon, rest = line.partition(":")
    if not colon or _NAME.fullmatch(head) is None:
        return None
    return head.rstrip().upper(), rest.strip()


def after_prefix(line: str, prefix: str) -> str | None:
    """Return what follows `prefix` and its colon, None when the line is another one."""
    head, colon, rest = line.partition(":")
    return rest.strip() if colon and head.strip().upper() == prefix.upper() else None


def split_fields(text: str) -> list[str]:
    """Split at commas outside quotes; quotes and outer spaces are dropped. An empty text has no fields."""
    fields: list[str] = []
    at = 0
    while at < len(text):
        match = _FIELD.match(text, at)
        if match is None:  # text after a closing quote: keep the rest as one field
            fields.append(text[at:].strip())
            break
        quoted, bare = match.groups()
        fields.append(quoted if quoted is not None else bare.strip())
        at = match.end()
    return fields


def number_at(fields: list[str], index: int) -> int | None:
    """Return field `index` as an integer, None when it is missing or not a number."""
    if index >= len(fields) or not _NUMBER.fullmatch(fields[index]):
        return None
    return int(fields[index])


def phone_number(number: str, kind: int | None) -> str:
    """Return a number as people write it: type 145 is international and gets its plus when the modem left it out."""
    number = number.strip()
    return f"+{number}" if kind == 145 and number and not number.startswith("+") else number


def is_hex(line: str) -> bool:
    """Say whether `line` is nothing but whole hexadecimal octets, as a PDU is."""
    return _HEX.fullmatch(line) is not None


def pdu_fits(line: str, header: str) -> bool:
    """Say whether `line` is the PDU that `header` (what follows `+CMGR:`, `+CDS:`, ...) announces.

    The last field of the header counts the octets behind the service centre's address, whose own length is the PDU's
    first octet (3GPP 27.005, 3.1).
    """
    fields = split_fields(header)
    length = number_at(fields, len(fields) - 1) if fields else None
    return length is not None and is_hex(line) and len(line) == 2 * (1 + int(line[:2], 16) + length)
