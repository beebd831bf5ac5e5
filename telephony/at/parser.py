"""Bytes of an AT port cut into lines and prompts, whatever the chunks, the line ends and the noise between them."""

import re
from dataclasses import dataclass

MAX_LINE = 4096
"""Bytes of one line that are kept; a longer one is noise and is dropped up to its end."""

# The channel speaks 7-bit text: control characters and high bytes are line noise (a modem sends some while it boots).
_NOISE = bytes([*range(0x0A), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0x100)])
_BLANK = re.compile(rb"[\r\n ]*")
_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line end and outer spaces; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The modem waits for the text of a message: `> ` without a newline."""


class AtParser:
    """Cuts a byte stream at every run of CR and LF; its cost is linear in the bytes, its memory MAX_LINE.

    `prompt_expected` is set by the dialogue while a command waits for its prompt. Only then is `>` at the start of a
    line a prompt, or `> ` outside quotes behind junk or a line that lost its end; otherwise both are text. `dropped`
    counts overlong lines.
    """

    def __init__(self) -> None:
        self.prompt_expected = False
        self.dropped = 0
        self._buffer = b""
        self._at = 0
        self._skipping = False

    @property
    def kept(self) -> int:
        """Bytes that wait for the end of their line."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Take what the port gave; read the result with `next`."""
        self._buffer = self._buffer[self._at :] + data.translate(None, _NOISE)
        self._at = 0

    def next(self) -> Line | Prompt | None:
        """Return the next complete item, None when more bytes are needed."""
        while True:
            if not self._skipping and (blank := _BLANK.match(self._buffer, self._at)):
                self._at = blank.end()
            found = _END.search(self._buffer, self._at)
            end = found.start() if found else len(self._buffer)
            if self.prompt_expected and not self._skipping and (item := self._prompt(end)) is not None:
                return item
            start = self._at
            if found is None:
                self._bound()
                return None
            self._at = end + 1
            if self._skipping or end - start > MAX_LINE:
                self.dropped += not self._skipping
                self._skipping = False
            elif text := self._buffer[start:end].strip():
                return Line(text.decode("ascii"))

    def _prompt(self, end: int) -> Line | Prompt | None:
        """Take the prompt in the line that ends, or has come so far, at `end`; what stands before it is a line."""
        start = self._at
        if self._buffer.startswith(b">", start, end):
            self._at += 1
            return Prompt()
        sign = self._buffer.find(b"> ", start, min(end, start + MAX_LINE))
        if sign < 0 or self._buffer.count(b'"', start, sign) % 2:
            return None
        self._at = sign
        return Line(self._buffer[start:sign].strip().decode("ascii"))

    def _bound(self) -> None:
        """Forget a line without an end that has grown too long."""
        if len(self._buffer) - self._at <= MAX_LINE and not self._skipping:
            return
        self.dropped += not self._skipping
        self._buffer, self._at = b"", 0
        self._skipping = True
