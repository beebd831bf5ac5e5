"""Reading the modem's message storage into ours: announced slots at once, everything each minute.

A slot is emptied only after its PDU has been stored, so a crash at any moment loses nothing and stores nothing twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import structlog

from services.clock import Clock
from services.errors import LineError, StorageError
from telephony.at.fields import number_at, split_fields
from telephony.at.urcs import DeliveryReport, SmsArrived, SmsDirect, SmsFull, Urc
from telephony.sms.attempts import attempt_all
from telephony.sms.intake import Intake
from telephony.sms.modem_messages import ModemMessages, Slot, StorageUse
from telephony.sms.pdu import is_whole
from telephony.sms.ports import AlwaysQuiet, QuietGate

SWEEP_SECONDS = 60.0
MOST_ANNOUNCED = 255
READS = 3
"""How often a PDU of the wrong length is read: the wire loses bytes, the storage does not."""
READ_AGAIN_SECONDS = 1.0
GATE_PATIENCE = 30.0

_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

log = structlog.get_logger()


class Inbox:
    """Empties the message storage of one modem session. `run` is its only task and ends with the channel."""

    def __init__(
        self,
        modem: ModemMessages,
        intake: Intake,
        clock: Clock,
        gate: QuietGate | None = None,
        *,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self.use: StorageUse | None = None
        self._modem = modem
        self._intake = intake
        self._clock = clock
        self._gate = gate or AlwaysQuiet()
        self._sweep_seconds = sweep_seconds
        self._announced: dict[tuple[str, int], None] = {}
        self._wake = asyncio.Event()
        self._sweep_at = 0.0
        self._wanted = True
        self._reads: dict[tuple[str, int], int] = {}
        self._undeletable: set[Slot] = set()

    def on_urc(self, urc: Urc) -> None:
        """Take note of what the modem tells; never waits."""
        match urc:
            case SmsArrived(storage, index):
                if len(self._announced) < MOST_ANNOUNCED:  # a sweep finds the others
                    self._announced[storage, index] = None
            case SmsDirect(header, body):
                self._intake.keep(body, _length(header))
            case DeliveryReport(header, pdu):
                self._intake.keep(pdu, _length(header))
            case SmsFull():
                log.warning("the modem's message storage is full: it is being emptied")
                self._wanted = True
            case _:
                return
        self._wake.set()

    def wake(self) -> None:
        """Look at once whether there is something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Read and empty until the modem is gone."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._modem.gone():
            self._wake.clear()
            await self._intake.settle()
            try:
                await attempt_all(self._reads_announced())
                await self._sweep(loop.time())
                failures = 0
            except (LineError, StorageError) as error:
                if self._modem.gone():
                    return
                pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
                failures += 1
                self._wanted, self._sweep_at = False, loop.time() + pause
                log.warning("text messages could not be read; trying again", problem=str(error), seconds=pause)
            await self._pause(loop.time)

    def _reads_announced(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """Yield the reading of what was announced; what fails is found again by the sweep that the failure asks for."""
        while self._announced:
            storage, index = next(iter(self._announced))
            del self._announced[storage, index]
            yield partial(self._read, storage, index)

    async def _read(self, storage: str, index: int) -> None:
        slot = await self._modem.read(storage, index)
        if slot is not None:
            await self._take(slot)

    async def _sweep(self, now: float) -> None:
        if not self._wanted and now < self._sweep_at:
            return
        self._wanted = False
        await self._quiet()
        if self.use is None:  # the first time, and while the SIM card is busy
            self.use = await self._modem.set_up()
        slots = await self._modem.list()
        here = {(slot.storage, slot.index) for slot in slots}
        self._reads = {place: count for place, count in self._reads.items() if place in here}
        await attempt_all(partial(self._take, slot) for slot in slots)
        self._sweep_at = now + (READ_AGAIN_SECONDS if self._reads else self._sweep_seconds)
        self.use = await self._modem.usage() or self.use

    async def _quiet(self) -> None:
        """Let a call be set up first, for a while: a list takes the modem for a second."""
        try:
            async with asyncio.timeout(GATE_PATIENCE), self._gate.sending():
                return
        except TimeoutError:
            pass

    async def _take(self, slot: Slot) -> None:
        place = (slot.storage, slot.index)
        whole = is_whole(slot.pdu, slot.octets)
        if not whole and self._reads.get(place, 0) + 1 < READS:
            self._reads[place] = self._reads.get(place, 0) + 1
            self._sweep_at = 0.0
            return
        await self._intake.take(slot.pdu, slot.octets if whole else None)
        self._reads.pop(place, None)
        try:
            await self._modem.delete(slot)
            self._undeletable.discard(slot)
        except LineError as error:
            if self._modem.gone():
                raise
            if slot not in self._undeletable:  # found again by every sweep: stored once, and said once
                self._undeletable.add(slot)
                log.warning("a stored text message cannot be deleted from the modem", problem=str(error))

    async def _pause(self, now: Callable[[], float]) -> None:
        """Wait for news, the next sweep, or something that waits to be stored."""
        seconds = max(self._sweep_at - now(), 0.0)
        if (deadline := self._intake.deadline) is not None:
            seconds = min(seconds, max((deadline - self._clock.now()).total_seconds(), 0.1))
        try:
            async with asyncio.timeout(max(seconds, 0.05)):
                await self._wake.wait()
        except TimeoutError:
            pass


def _length(header: str) -> int | None:
    """Return the length that `+CMT: alpha,length` or `+CDS: length` announces."""
    fields = split_fields(header)
    return number_at(fields, len(fields) - 1)
