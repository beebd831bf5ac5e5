"""The modem's own message commands (3GPP TS 27.005) over an AT channel: list, read, delete, send, storage use."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from services.errors import LineError, ModemError
from telephony.at.channel import AtChannel
from telephony.at.fields import after_prefix, number_at, split_fields
from telephony.at.results import AtResult, Final, explain, values

LIST_TIMEOUT = 20.0
SEND_TIMEOUT = 40.0
STORAGE = "SM"

_NAME = re.compile(r"[A-Z]{2}")
_WRONG_INDEX = 321

log = structlog.get_logger()

# 3GPP TS 27.005, 3.2.5 and TS 24.011, annex E: what sending again will not mend.
_PERMANENT = {
    1: "The number is not in use.",
    8: "The operator has barred text messages from this SIM card.",
    10: "The operator has barred text messages from this SIM card.",
    21: "The network has rejected the text message.",
    28: "The network does not know the recipient.",
    29: "The operator does not offer this service to the SIM card.",
    30: "The network does not know this SIM card.",
    50: "The SIM card's contract does not include text messages.",
    69: "The network does not offer text messages.",
    81: "The network rejected the text message's reference.",
    95: "The network rejected the text message as malformed.",
    96: "The network rejected the text message as malformed.",
    97: "The network rejected the text message as malformed.",
    98: "The network rejected the text message as malformed.",
    99: "The network rejected the text message as malformed.",
    111: "The network rejected the text message as malformed.",
    303: "The modem cannot send text messages.",
    304: "The modem rejected the text message as malformed.",
    305: "The modem rejected the text message as malformed.",
}
# The message is all right, only the way out is not there: as often as it takes.
_NO_WAY = {
    38: "The network is out of order.",
    41: "The network failed for a moment.",
    42: "The network is congested.",
    310: "There is no SIM card in the modem.",
    314: "The SIM card is busy.",
    330: "The SIM card does not know its message centre.",
    331: "The modem has no network.",
}
# A few times: each of these may have reached the recipient all the same.
_UNCLEAR = {
    332: "The network did not answer in time.",
    500: "The modem could not send the text message and does not say why.",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A PDU as it lies in the modem; `octets` is the announced length without the service centre, None if not told."""

    storage: str
    index: int
    octets: int | None
    pdu: str


@dataclass(frozen=True, slots=True)
class StorageUse:
    """How full the modem's message storage is."""

    storage: str
    used: int
    total: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The network has taken the part; `mr` is the reference that its delivery report will carry."""

    mr: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The part was not sent. `final`: trying again is of no use; `counted`: it is of use a few times only."""

    why: str
    final: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Nobody knows whether the part was sent: the modem fell silent, or was lost, in the middle."""

    why: str


class ModemMessages:
    """The message commands of one modem session. All but `send` raise LineError when the modem is silent or gone."""

    def __init__(self, channel: AtChannel, *, send_timeout: float = SEND_TIMEOUT) -> None:
        self._channel = channel
        self._send_timeout = send_timeout
        self._storage = STORAGE
        self._storages = {STORAGE: None}  # in order; the modem may name others in its announcements

    def gone(self) -> bool:
        """Tell whether the modem is gone."""
        return self._channel.closed

    async def wait_gone(self) -> None:
        """Wait until the modem is gone."""
        await self._channel.wait_closed()

    async def set_up(self) -> StorageUse | None:
        """Choose PDU mode, messages without acknowledgement and the SIM's storage; return how full that is."""
        for command in ("AT+CMGF=0", "AT+CSMS=0"):
            result = await self._channel.request(command)
            if not result.ok:
                log.info("the modem refused an optional setting", command=command, code=result.code)
        chosen = ",".join([f'"{STORAGE}"'] * 3)
        result = await self._channel.request(f"AT+CPMS={chosen}")
        if result.ok:
            return _use_of(result, STORAGE)
        use = await self.usage()
        if use is not None and _NAME.fullmatch(use.storage):
            self._storage = use.storage
            self._storages = {use.storage: None}
        return use

    async def usage(self) -> StorageUse | None:
        """Ask how full the storage is; None when the modem does not tell."""
        result = await self._channel.request("AT+CPMS?")
        for rest in values(result.lines, "+CPMS"):
            fields = split_fields(rest)
            used, total = number_at(fields, 1), number_at(fields, 2)
            if used is not None and total is not None:
                return StorageUse(fields[0], used, total)
        return None

    async def list(self) -> list[Slot]:
        """Return everything that lies in the modem. Raises ModemError when it refuses to tell."""
        slots: list[Slot] = []
        for storage in tuple(self._storages):
            await self._use(storage)
            result = await self._channel.command("AT+CMGL=4", LIST_TIMEOUT)
            slots += _slots(result.lines, "+CMGL", storage)
        return slots

    async def read(self, storage: str, index: int) -> Slot | None:
        """Return what lies in a slot, None when it is empty. Raises ModemError when the modem refuses otherwise."""
        await self._use(storage)
        result = await self._channel.request(f"AT+CMGR={index}", 10.0)
        if not result.ok and not (result.final is Final.CMS and result.code == _WRONG_INDEX):
            raise ModemError(*explain(result))
        return next(iter(_slots(result.lines, "+CMGR", self._storage, index)), None)

    async def delete(self, slot: Slot) -> None:
        """Empty a slot. Raises ModemError when the modem refuses."""
        await self._use(slot.storage)
        await self._channel.command(f"AT+CMGD={slot.index}", 10.0)

    async def send(self, pdu: str, octets: int) -> Sent | Refused | Doubtful:
        """Send one part and tell how it went; takes up to 40 s. Nothing is raised."""
        if self.gone():
            return Refused("The modem was gone.")
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            result = await self._channel.request(f"AT+CMGS={octets}", self._send_timeout, payload=pdu.encode("ascii"))
        except LineError as error:
            # A modem that stays silent earlier never asked for the text, so it has nothing to send.
            if self.gone() or loop.time() - started >= self._send_timeout:
                return Doubtful(error.message)
            return Refused(error.message)
        if not result.ok:
            return _refused(result)
        told = [number_at(split_fields(rest), 0) for rest in values(result.lines, "+CMGS")]
        return Sent(told[0] if told else None)

    async def _use(self, storage: str) -> None:
        """Let reading and deleting mean `storage`; a name that is none, or is refused, leaves it as it is."""
        if storage == self._storage or not _NAME.fullmatch(storage):
            return
        if (await self._channel.request(f'AT+CPMS="{storage}"')).ok:
            self._storage = storage
            self._storages[storage] = None


def _refused(result: AtResult) -> Refused:
    code = result.code if result.final is Final.CMS else None
    if code in _PERMANENT:
        return Refused(_PERMANENT[code], final=True)
    if code in _NO_WAY:
        return Refused(_NO_WAY[code])
    return Refused(_UNCLEAR[code] if code in _UNCLEAR else explain(result)[0], counted=True)


def _slots(lines: Iterable[str], prefix: str, storage: str, index: int | None = None) -> list[Slot]:
    """Pair each header with the PDU on the next line; a header without one is left out."""
    slots: list[Slot] = []
    header: list[str] | None = None
    for line in lines:
        rest = after_prefix(line, prefix)
        if rest is not None:
            header = split_fields(rest)
        elif header:
            place = number_at(header, 0) if index is None else index
            if place is not None:
                slots.append(Slot(storage, place, number_at(header, len(header) - 1), line.strip()))
            header = None
    return slots


def _use_of(result: AtResult, storage: str) -> StorageUse | None:
    for rest in values(result.lines, "+CPMS"):
        fields = split_fields(rest)
        used, total = number_at(fields, 0), number_at(fields, 1)
        if used is not None and total is not None:
            return StorageUse(storage, used, total)
    return None
