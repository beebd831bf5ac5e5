"""A serial node that the host opens: one end of a real pseudo-terminal, reached by a stable link."""

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path

READ_SIZE = 4096


class PtyPort:
    """A pseudo-terminal in raw mode behind the link `path`; the node behind it changes with each `open`.

    `on_bytes` gets what the host wrote. `room` says how many bytes may be taken now; at 0 the port stops reading, the
    kernel's buffer fills and the host's writes block, until `resume`. The simulator keeps the host's side open too, so
    that a host which closes its node (or has not opened it yet) is not the end of the port.
    """

    def __init__(self, path: Path, on_bytes: Callable[[bytes], None], room: Callable[[], int] | None = None) -> None:
        self.path = path
        self._on_bytes = on_bytes
        self._room = room
        self._module = -1
        self._node = -1
        self._reading = False
        self._unsent = bytearray()

    @property
    def is_open(self) -> bool:
        """True while the node exists."""
        return self._module >= 0

    def open(self) -> None:
        """Make a fresh pseudo-terminal and let the link point to it."""
        self._module, self._node = os.openpty()
        tty.setraw(self._node)
        os.set_blocking(self._module, False)
        self.path.symlink_to(os.ttyname(self._node))
        self.resume()

    def close(self) -> None:
        """Let the node vanish: the host's reads end and its writes fail. Does nothing when it is closed already."""
        if not self.is_open:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._module)
        loop.remove_writer(self._module)
        self._reading = False
        self._unsent.clear()
        self.path.unlink(missing_ok=True)
        os.close(self._module)
        os.close(self._node)
        self._module = self._node = -1

    def resume(self) -> None:
        """Take the host's bytes again, if there is room."""
        if self.is_open and not self._reading and (self._room is None or self._room() > 0):
            asyncio.get_running_loop().add_reader(self._module, self._readable)
            self._reading = True

    def poll(self) -> None:
        """Take what the host has written and the loop has not come to yet."""
        if self._reading:
            self._readable()

    def drain(self) -> int:
        """Throw away what the host has written so far; return how many bytes that was."""
        thrown = 0
        while self.is_open:
            try:
                thrown += len(os.read(self._module, READ_SIZE))
            except OSError:
                break
        return thrown

    def write(self, data: bytes, *, pending_limit: int) -> bool:
        """Send `data` to the host, whole or not at all.

        What the kernel does not take at once waits here; when more than `pending_limit` bytes wait already, `data` is
        dropped and False is returned: a module does not wait for a host that does not read.
        """
        if not self.is_open or len(self._unsent) > pending_limit:
            return False
        self._unsent += data
        self._flush()
        return True

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            taken = os.write(self._module, self._unsent)
        except BlockingIOError:
            taken = 0
        del self._unsent[:taken]
        if self._unsent:
            loop.add_writer(self._module, self._flush)
        else:
            loop.remove_writer(self._module)

    def _readable(self) -> None:
        room = READ_SIZE if self._room is None else min(READ_SIZE, self._room())
        if room <= 0:
            asyncio.get_running_loop().remove_reader(self._module)
            self._reading = False
            return
        try:
            data = os.read(self._module, room)
        except BlockingIOError:
            return
        self._on_bytes(data)
