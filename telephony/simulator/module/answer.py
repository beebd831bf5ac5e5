"""The shape of an answer, shared by the commands and what carries them out."""

from dataclasses import dataclass, field

Later = list[tuple[float, str]]
"""Unsolicited lines, each so many seconds after the one before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines of an answer: before the final, the final itself, and unsolicited ones after it."""

    lines: list[str] = field(default_factory=list)
    final: str = "OK"
    after: list[str] = field(default_factory=list)


def refused(code: int) -> Answer:
    """An answer whose final becomes +CME ERROR as CMEE says."""
    return Answer(final=f"CME {code}")


UNKNOWN = Answer(final="ERROR")


def number_type(number: str) -> int:
    """145 international, 129 national, 128 unknown."""
    if not number:
        return 128
    return 145 if number.startswith("+") else 129
