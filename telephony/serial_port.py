"""A serial port on asyncio: raw, exclusive, non-blocking. Works on USB modems and on pseudo-terminals alike."""

import asyncio
import errno
import os
import stat
import termios
from pathlib import Path

import serial

from services.errors import PortError

BAUD_RATE = 115200  # means nothing on USB, but another rate on the audio node has silenced modems
READ_SIZE = 4096
MAX_UNREAD = 65_536
"""Bytes kept for a slow reader; beyond it the port is not read, so that the driver's own flow control works."""
OPEN_TIMEOUT = 5.0
CLOSE_TIMEOUT = 3.0

_GONE = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF, errno.EPIPE, errno.ENOENT})


class SerialPort:
    """One open serial port; made by `open`.

    `read` returns b"" once the port is gone. One reader; writers take turns. `lost` says in one sentence why the port
    closed, "" while it is open or after our own `close`.
    """

    def __init__(self, path: str, device: serial.Serial) -> None:
        self.path = path
        self.lost = ""
        self._device = device
        self._fd: int = device.fileno()
        self._loop = asyncio.get_running_loop()
        self._unread = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._closed = asyncio.Event()
        self._write_turn = asyncio.Lock()
        self._reading = False
        self._closing: asyncio.Future[None] | None = None
        self._watch()

    @classmethod
    async def open(cls, path: str) -> "SerialPort":
        """Open `path` raw and for ourselves alone. Raises PortError: missing, forbidden, busy, or not a serial port."""
        opening = asyncio.ensure_future(asyncio.to_thread(_open_device, path))
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                device = await asyncio.shield(opening)
        except TimeoutError:
            opening.add_done_callback(_close_late)
            raise PortError(
                f"The serial port {path} does not open.", "Unplug the modem, wait ten seconds and plug it in again."
            ) from None
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise
        return cls(path, device)

    @property
    def closed(self) -> bool:
        """True when the port vanished or was closed."""
        return self._closed.is_set()

    @property
    def unread(self) -> int:
        """Bytes that `read` would return at once."""
        return len(self._unread)

    async def wait_closed(self) -> None:
        """Wait until the port is gone."""
        await self._closed.wait()

    async def read(self) -> bytes:
        """Return what has arrived, at least one byte; b"" when the port is gone."""
        while not self._unread and not self.closed:
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._unread)
        self._unread.clear()
        self._watch()
        return data

    async def write(self, data: bytes, timeout: float = 2.0) -> None:
        """Write all of `data`. Raises PortError when the port is gone or does not take it within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self._write_turn:
                await self._write_all(data)
        except TimeoutError:
            raise PortError(
                f"The serial port {self.path} does not take data.", "The modem hangs: plug it in again, or reset it."
            ) from None

    def flush_input(self) -> int:
        """Drop what has arrived and was not read; return how many bytes of it were already ours."""
        dropped = len(self._unread)
        self._unread.clear()
        if not self.closed:
            self._flush(termios.TCIFLUSH)
            self._watch()
        return dropped

    def flush_output(self) -> None:
        """Drop what was written and has not left the machine yet."""
        if not self.closed:
            self._flush(termios.TCOFLUSH)

    async def close(self) -> None:
        """Close the port; idempotent. Returns when others can open it, at the latest after CLOSE_TIMEOUT."""
        self._shut("")
        if self._closing is not None:
            await asyncio.wait([self._closing], timeout=CLOSE_TIMEOUT)

    def _flush(self, which: int) -> None:
        try:
            termios.tcflush(self._fd, which)
        except termios.error:  # not every pseudo-terminal can; the port going away is noticed by the reader
            pass

    async def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if self.closed:
                raise PortError(self.lost or f"The serial port {self.path} is closed.", _PLUG_IN)
            try:
                rest = rest[os.write(self._fd, rest) :]
            except (BlockingIOError, InterruptedError):
                await self._until_writable()
            except OSError as error:
                self._lose(error)

    async def _until_writable(self) -> None:
        self._writable.clear()
        self._loop.add_writer(self._fd, self._writable.set)
        try:
            await self._writable.wait()
        finally:
            if not self.closed:
                self._loop.remove_writer(self._fd)

    def _watch(self) -> None:
        if not self._reading and not self.closed:
            self._loop.add_reader(self._fd, self._on_readable)
            self._reading = True

    def _on_readable(self) -> None:
        try:
            data = os.read(self._fd, READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if not data:
            self._lose(None)
            return
        self._unread += data
        self._arrived.set()
        if len(self._unread) >= MAX_UNREAD:
            self._loop.remove_reader(self._fd)
            self._reading = False

    def _lose(self, error: OSError | None) -> None:
        detail = "" if error is None or error.errno in _GONE else f" ({os.strerror(error.errno or 0)})"
        self._shut(f"The serial port {self.path} vanished{detail}.")

    def _shut(self, lost: str) -> None:
        if self.closed:
            return
        self.lost = lost
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._flush(termios.TCOFLUSH)
        self._closed.set()
        self._arrived.set()
        self._writable.set()
        # In a thread: the kernel waits up to 30 s for unsent bytes when the modem takes none.
        self._closing = self._loop.run_in_executor(None, _close_device, self._device)


_PLUG_IN = "Plug the modem in again and check its cable and power supply."


def _open_device(path: str) -> serial.Serial:
    try:
        if stat.S_ISDIR(Path(path).stat().st_mode):
            raise _not_serial(path)
        # `exclusive` is a lock among programs that ask for it. ModemManager does not: the udev rule keeps it away.
        device = serial.Serial(path, BAUD_RATE, timeout=0, write_timeout=0, exclusive=True)
    except (OSError, serial.SerialException) as error:  # SerialException is an OSError, with or without errno
        raise explain_open_error(path, error.errno) from error
    except termios.error:
        raise _not_serial(path) from None
    except ValueError as error:
        raise PortError(f"{path!r} is not the path of a serial port.", "") from error
    try:
        _poll_and_block_rules(device.fileno())
    except (OSError, termios.error) as error:
        device.close()
        raise _not_serial(path) from error
    return device


def _poll_and_block_rules(fd: int) -> None:
    """Make an empty read say "try later" and only a vanished port say "end": with VMIN 0 both would return nothing."""
    attributes = termios.tcgetattr(fd)
    attributes[6][termios.VMIN] = 1
    attributes[6][termios.VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
    os.set_blocking(fd, False)


def _close_device(device: serial.Serial) -> None:
    try:
        device.close()
    except (OSError, termios.error, serial.SerialException):  # closing what was unplugged may fail
        pass


def _close_late(opening: "asyncio.Future[serial.Serial]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        _close_device(opening.result())


def explain_open_error(path: str, code: int | None) -> PortError:
    """Return the error that a person understands for a failed open with errno `code`."""
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return PortError(f"There is no serial port {path}.", "Plug the modem in, or correct the path in the settings.")
    if code in (errno.EACCES, errno.EPERM):
        return PortError(
            f"The serial port {path} may not be opened by this user.",
            "Add yourself to the group dialout: sudo usermod -aG dialout $USER, then sign in again.",
        )
    if code in (errno.EBUSY, errno.EAGAIN):
        return PortError(
            f"Another program holds the serial port {path}.",
            "Stop it (ModemManager? install telephony/udev/99-ai-secretary.rules), then start again.",
        )
    if code in (None, errno.ENOTTY, errno.EISDIR, errno.EINVAL):
        return _not_serial(path)
    return PortError(f"The serial port {path} cannot be opened: {os.strerror(code)}.", "Plug the modem in again.")


def _not_serial(path: str) -> PortError:
    return PortError(f"{path} is not a serial port.", "Give the modem's port, usually /dev/ttyUSB2, in the settings.")
