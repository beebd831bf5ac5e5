"""Bytes of an AT port cut into lines and prompts, whatever the chunks, the line ends and the noise between them."""

from dataclasses import dataclass

MAX_LINE = 4096
"""Bytes of one line that are kept; a longer one is noise and is dropped up to its end."""

# The channel speaks 7-bit text: control characters and high bytes are line noise (a modem sends some while it boots).
_NOISE = bytes([*range(0x0A), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0x100)])
_PROMPT = b">"


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line end and outer spaces; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The modem waits for the text of a message: `> ` without a newline."""


class AtParser:
    """Cuts a byte stream at every run of CR and LF.

    `prompt_expected` is set by the dialogue while a command waits for its prompt: only then is `>` at the start of a
    line a prompt, otherwise it is text. `dropped` counts overlong lines.
    """

    def __init__(self) -> None:
        self.prompt_expected = False
        self.dropped = 0
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """Take what the port gave; read the result with `next`."""
        self._buffer += data.translate(None, _NOISE)

    def next(self) -> Line | Prompt | None:
        """Return the next complete item, None when more bytes are needed."""
        while True:
            if self.prompt_expected and not self._skipping and self._take_prompt():
                return Prompt()
            end = _line_end(self._buffer)
            if end < 0:
                self._bound()
                return None
            text = bytes(self._buffer[:end]).strip()
            del self._buffer[: end + 1]
            if self._skipping or end > MAX_LINE:
                self.dropped += not self._skipping
                self._skipping = False
            elif text:
                return Line(text.decode("ascii"))

    def _take_prompt(self) -> bool:
        start = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        if not self._buffer.startswith(_PROMPT, start):
            return False
        del self._buffer[: start + len(_PROMPT)]
        return True

    def _bound(self) -> None:
        if len(self._buffer) <= MAX_LINE and not self._skipping:
            return
        self.dropped += not self._skipping
        self._buffer.clear()
        self._skipping = True


def _line_end(buffer: bytearray) -> int:
    ends = [at for at in (buffer.find(b"\r"), buffer.find(b"\n")) if at >= 0]
    return min(ends, default=-1)
