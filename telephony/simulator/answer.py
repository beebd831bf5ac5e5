"""The shape of an answer, shared by the commands and what carries them out."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines of an answer: before the final, the final itself, and unsolicited ones after it."""

    lines: list[str] = field(default_factory=list)
    final: str = "OK"
    after: list[str] = field(default_factory=list)


def number_type(number: str) -> int:
    """145 international, 129 national, 128 unknown."""
    if not number:
        return 128
    return 145 if number.startswith("+") else 129
