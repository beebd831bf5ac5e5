"""Which texts are the owner's or ours alone: their sound may be kept on disk, so nothing of a caller may be in them."""


class FixedText(str):
    """A text that holds nothing about the caller.

    Whatever is made of it by ordinary means (f-strings, strip, +) is an ordinary str, so a text that nobody has vouched
    for is never taken for fixed.
    """

    __slots__ = ()


def is_fixed(*parts: str) -> bool:
    """Tell whether all of the texts are fixed."""
    return all(isinstance(each, FixedText) for each in parts)


def together(*parts: str) -> str:
    """Join the parts that say something with spaces; the whole is fixed when every one of them is."""
    spoken = [each for each in parts if each]
    whole = " ".join(spoken)
    return FixedText(whole) if is_fixed(*spoken) else whole
