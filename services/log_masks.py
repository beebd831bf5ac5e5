"""What never stands in a log: secrets, and more of a phone number than its beginning and its last two digits."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
DEEPEST = 6

_SENSITIVE = (
    r"pass(?:word|phrase|wd|code)?|pwd|secret|token|authorization|cookie|api[-_ ]?key|credential|private[-_ ]?key|otp"
    r"|signature"
)
_SECRET_KEY = re.compile(rf"(?:^|[^a-z])(?:{_SENSITIVE})(?:$|s?$|[^a-z])|password|secret|passphrase", re.IGNORECASE)
_NUMBER_KEY = re.compile(r"(?:^|_)(?:number|phone|caller|callee|to|from|msisdn|sim_number)$", re.IGNORECASE)

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # a password in an address: postgres://user:pw@host, redis://:pw@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@]{0,200}:)[^\s@]{1,500}(?=@)", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic|digest)(\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    # tokens: JSON web tokens, OpenAI's and our keys, webhook secrets, Telegram's bots, age identities
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}"), HIDDEN),
    (re.compile(r"\b(sk|pk|rk|whsec|ghp|xox[a-z]|sec)([-_])[A-Za-z0-9_-]{8,}"), rf"\1\2{HIDDEN}"),
    (re.compile(r"\b\d{6,12}:[A-Za-z0-9_-]{30,}"), HIDDEN),
    (re.compile(r"\bAGE-SECRET-KEY-[A-Z0-9-]+"), HIDDEN),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{20,}"), HIDDEN),
    # name=value and "name": "value" in a text
    (
        re.compile(
            rf"((?:{_SENSITIVE})[\"']?\s{{0,3}}[=:]\s{{0,3}})(?!\*\*\*)([\"']?)[^\s\"',;&)\]}}]+", re.IGNORECASE
        ),
        rf"\1\2{HIDDEN}",
    ),
)
_BETWEEN = r"[ ().\u00a0-]{0,3}"
_PHONES = (
    re.compile(rf"(?<![\w+])\+\d(?:{_BETWEEN}\d){{6,16}}"),
    # without the country's plus, as Russian ones are written: 8 (916) 123-45-67
    re.compile(rf"(?<![\w.:+-])[78](?:{_BETWEEN}\d){{10}}(?![\w.-]?\d)"),
)
_ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but the tab and the line's end: an escape sequence could rewrite the lines above it."""
_DIGIT = re.compile(r"\d")
_BARE = re.compile(r"(?<!\d)\d{7,17}(?!\d)")


def mask_event(_logger: object, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Mask a log event; a structlog processor. It goes after the exception has become text."""
    return {key: value if key.startswith("_") else _mask_value(key, value, 0) for key, value in event.items()}


def mask(text: str) -> str:
    """Return `text` without secrets, with phone numbers masked and without what a terminal would obey.

    Masking twice changes nothing more.
    """
    text = _ORDERS.sub("\N{REPLACEMENT CHARACTER}", text)
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    for pattern in _PHONES:
        text = pattern.sub(lambda found: mask_number(found[0]), text)
    return text


def mask_number(number: str) -> str:
    """Return a number as its beginning and its last two digits: +7916*****67. Nothing is shown of a short one."""
    digits = len(_DIGIT.findall(number))
    shown = max(0, min(4, digits - 7))
    place = 0

    def hide(found: re.Match[str]) -> str:
        nonlocal place
        place += 1
        return found[0] if place <= shown or place > digits - 2 else "*"

    return _DIGIT.sub(hide, number)


def _mask_value(key: str, value: Any, depth: int) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if _SECRET_KEY.search(key):
        return HIDDEN if value else value
    if isinstance(value, str):
        masked = mask(value)
        return _BARE.sub(lambda found: mask_number(found[0]), masked) if _NUMBER_KEY.search(key) else masked
    if depth >= DEEPEST:
        return mask(repr(value))
    if isinstance(value, Mapping):
        return {str(name): _mask_value(str(name), each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask_value(key, each, depth + 1) for each in value]
    return mask(str(value))
