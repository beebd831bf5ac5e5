"""The GSM 7-bit alphabet (3GPP TS 23.038): characters as septets, and septets packed into octets.

Reading knows the national tables of Turkish, Spanish and Portuguese; the languages of India, whose tables hardly any
telephone sends, are read with the default table. Writing uses the default table and its extension only.
"""

from collections.abc import Iterable, Sequence

ESCAPE = 0x1B

_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_PORTUGUESE = (
    "@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ"
    " !\"#º%&'()*+,-./0123456789:;<=>?"
    "ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§"
    "~abcdefghijklmnopqrstuvwxyzãõ`üà"
)
_EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_SPANISH_LETTERS = {0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x61: "á", 0x69: "í", 0x6F: "ó", 0x75: "ú"}

TURKISH, SPANISH, PORTUGUESE = 1, 2, 3
"""National language identifiers (TS 23.038, 6.2.1.2.4)."""


def _changed(table: str, changes: dict[int, str]) -> str:
    return "".join(changes.get(code, char) for code, char in enumerate(table))


_LOCKING = {
    TURKISH: _changed(
        _DEFAULT, {0x04: "€", 0x07: "ı", 0x0B: "Ğ", 0x0C: "ğ", 0x1C: "Ş", 0x1D: "ş", 0x40: "İ", 0x60: "ç"}
    ),
    PORTUGUESE: _PORTUGUESE,
}
_SINGLE = {
    TURKISH: _EXTENSION | {0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ", 0x69: "ı", 0x73: "ş"},
    SPANISH: _EXTENSION | {0x09: "ç"} | _SPANISH_LETTERS,
    PORTUGUESE: _EXTENSION
    | _SPANISH_LETTERS
    | {0x05: "ê", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x12: "Φ", 0x13: "Γ", 0x15: "Ω", 0x16: "Π"}
    | {0x17: "Ψ", 0x18: "Σ", 0x19: "Θ", 0x1F: "Ê", 0x41: "À", 0x5B: "Ã", 0x5C: "Õ", 0x61: "Â", 0x7B: "ã", 0x7C: "õ"}
    | {0x7F: "â"},
}
_CODES = {char: (code,) for code, char in enumerate(_DEFAULT) if code != ESCAPE} | {
    char: (ESCAPE, code) for code, char in _EXTENSION.items()
}


def encode(text: str) -> list[tuple[int, ...]] | None:
    """Return one group of septets for each character (two where it needs the escape), None when one has no code."""
    groups = [_CODES.get(char) for char in text]
    return None if None in groups else [group for group in groups if group is not None]


def decode(septets: Iterable[int], *, locking: int = 0, single: int = 0) -> str:
    """Return the text of septets, with the national tables `locking` and `single` (0: the default ones).

    A code that the extension table does not have shows the character of the main table, and an escape at the end or a
    second escape is a space, as the standard asks.
    """
    main = _LOCKING.get(locking, _DEFAULT)
    extension = _SINGLE.get(single, _EXTENSION)
    text: list[str] = []
    escaped = False
    for code in septets:
        if escaped:
            escaped = False
            text.append(" " if code == ESCAPE else extension.get(code, main[code]))
        elif code == ESCAPE:
            escaped = True
        else:
            text.append(main[code])
    return "".join(text)


def pack(septets: Sequence[int], fill: int = 0) -> bytes:
    """Pack septets into octets, lowest bit first, behind `fill` zero bits (which align them after a header)."""
    bits = 0
    for at, septet in enumerate(septets):
        bits |= septet << (fill + 7 * at)
    return bits.to_bytes((fill + 7 * len(septets) + 7) // 8, "little")


def unpack(data: bytes, count: int, fill: int = 0) -> list[int]:
    """Return `count` septets of `data`, skipping the first `fill` bits; fewer when `data` ends before."""
    bits = int.from_bytes(data, "little") >> fill
    count = min(count, max(8 * len(data) - fill, 0) // 7)
    return [bits >> (7 * at) & 0x7F for at in range(count)]
