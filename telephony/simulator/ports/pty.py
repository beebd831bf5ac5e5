"""A serial node that the host opens: one end of a real pseudo-terminal, reached by a link."""

import asyncio
import fcntl
import os
import termios
import tty
from collections.abc import Callable
from pathlib import Path

READ_SIZE = 4096
SPEED = 5
"""Where termios keeps the output speed."""


class PtyPort:
    """A pseudo-terminal in raw mode behind the link that `open` makes; the node behind it is another each time.

    `on_bytes` gets what the host wrote. `room` says how many bytes may be taken now; at 0 the port stops reading, the
    kernel's buffer fills and the host's writes block, until `resume`. `on_closed` is called when the host has closed
    its node, once the simulator comes to see it.

    While no host has shown itself by a byte, the simulator holds the host's side open too, or the port would end. Then
    it lets go, to see the host close it. A lock (TIOCEXCL) would outlive the host on a pseudo-terminal, unlike on a
    real node, and is taken off at the first byte; locks by flock work as they should.
    """

    def __init__(
        self,
        on_bytes: Callable[[bytes], None],
        room: Callable[[], int] | None = None,
        on_closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.path: Path | None = None
        self._on_bytes = on_bytes
        self._room = room
        self._on_closed = on_closed
        self._name = ""
        self._module = -1
        self._node = -1
        self._reading = False
        self._unsent = bytearray()

    @property
    def is_open(self) -> bool:
        """True while the node exists."""
        return self._module >= 0

    def open(self, path: Path) -> None:
        """Make a fresh pseudo-terminal and let the link `path` point to it."""
        self.path = path
        self._module, self._node = os.openpty()
        self._name = os.ttyname(self._node)
        tty.setraw(self._node)
        os.set_blocking(self._module, False)
        path.symlink_to(self._name)
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
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self._let_go()
        os.close(self._module)
        self._module = -1

    def resume(self) -> None:
        """Take the host's bytes again, if there is room."""
        if self.is_open and not self._reading and (self._room is None or self._room() > 0):
            asyncio.get_running_loop().add_reader(self._module, self._readable)
            self._reading = True

    def forget_settings(self) -> None:
        """Set a speed that nobody uses, so that `was_set_anew` can tell."""
        self._set_speed(termios.B50)

    @property
    def was_set_anew(self) -> bool:
        """Whether the host has set the line's speed since `forget_settings`, as one does that opens a port."""
        return self.is_open and termios.tcgetattr(self._module)[SPEED] != termios.B50

    def _set_speed(self, speed: int) -> None:
        settings = termios.tcgetattr(self._module)
        settings[SPEED - 1 : SPEED + 1] = [speed, speed]
        termios.tcsetattr(self._module, termios.TCSANOW, settings)

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
        except OSError:
            # Nobody holds the node: a serial line with nobody at its end takes all and loses it.
            self._take_back()
            taken = len(self._unsent)
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
        except OSError:
            self._take_back()
            return
        self._let_go()
        self._on_bytes(data)

    def _let_go(self) -> None:
        if self._node >= 0:
            fcntl.ioctl(self._node, termios.TIOCNXCL)
            os.close(self._node)
            self._node = -1

    def _take_back(self) -> None:
        """The host has closed the node: hold it for the next one."""
        if self._node >= 0:
            return
        try:
            self._node = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self._node)
        except OSError:
            self._replace()  # a lock that was set again is left on it
        self._on_closed()

    def _replace(self) -> None:
        path = self.path
        self.close()
        if path is not None:
            self.open(path)
