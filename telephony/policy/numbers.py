"""Numbers as a policy names them: patterns, and how closely each describes a number."""

from services.text.phone_numbers import digits_of, normal

_SAME_END = 4


def matches(pattern: str, number: str, region: str) -> int:
    """Return how closely a pattern describes a normal number: 0 not at all, more for each digit it fixes.

    A pattern is a number in any spelling, "withheld", "+" with the first digits and a star ("+7999*"), or "*" for
    every caller who shows a number.
    """
    if pattern.endswith("*"):
        prefix = prefix_of(pattern)
        return 1 + len(prefix) if number and number.startswith(prefix) else 0
    # Every spelling of a number ends in the same digits: most patterns of a long list need not be read at all.
    if number[-_SAME_END:].isdigit() and digits_of(pattern)[-_SAME_END:] != number[-_SAME_END:]:
        return 0
    return 100 if normal(pattern, region).casefold() == number.casefold() else 0


def prefix_of(pattern: str) -> str:
    """Return what a number must begin with to match a pattern that ends in a star: "+7999", or "" for every number."""
    digits = digits_of(pattern)
    return f"+{digits}" if digits else ""
