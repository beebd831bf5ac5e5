"""The GSM 7-bit default alphabet (3GPP 23.038, 6.2.1) and its packing into octets."""

from typing import Final

ESCAPE: Final = 0x1B
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_EXTENDED: Final = {code: letter for letter, code in _EXTENSION.items()}


def septets(text: str) -> list[int] | None:
    """The septets of a text, None when the alphabet lacks one of its letters."""
    codes: list[int] = []
    for letter in text:
        if letter in _EXTENSION:
            codes += [ESCAPE, _EXTENSION[letter]]
        elif letter in _BASIC and letter != "\x1b":
            codes.append(_BASIC.index(letter))
        else:
            return None
    return codes


def letters(codes: list[int]) -> str:
    """The text of septets; an escape before a code of no meaning is a space."""
    text = ""
    escaped = False
    for code in codes:
        if code == ESCAPE and not escaped:
            escaped = True
            continue
        text += _EXTENDED.get(code, " ") if escaped else _BASIC[code]
        escaped = False
    return text


def pack(codes: list[int], fill_bits: int = 0) -> bytes:
    """Septets into octets, lowest bit first, after `fill_bits` zeros (a header ends at an octet, text at a septet)."""
    value, bits = 0, fill_bits
    for code in codes:
        value |= code << bits
        bits += 7
    return value.to_bytes((bits + 7) // 8, "little")


def unpack(octets: bytes, count: int, fill_bits: int = 0) -> list[int]:
    """The other way: `count` septets."""
    value = int.from_bytes(octets, "little") >> fill_bits
    return [value >> 7 * number & 0x7F for number in range(count)]
