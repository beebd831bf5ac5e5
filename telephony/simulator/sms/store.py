"""The SIM's message memory, and what the far end got from the host."""

from dataclasses import dataclass

from telephony.simulator.sms.pdu import Submitted, read_submit, tpdu_octets

PLACES = 15
UNREAD, READ = 0, 1


@dataclass(slots=True)
class StoredMessage:
    """A received PDU in hex, SMSC octets included, and whether it has been read."""

    pdu: str
    status: int = UNREAD


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A PDU that the host sent, with its message reference and time (`time.monotonic()`)."""

    reference: int
    pdu: str
    at: float

    @property
    def submitted(self) -> Submitted:
        """What it says and to whom. Raises SimulatorError for a PDU that cannot be read."""
        return read_submit(self.pdu)


class MessageStore:
    """The SIM's message memory; slots count from 0."""

    def __init__(self) -> None:
        self.slots: dict[int, StoredMessage] = {}

    def store(self, pdu: str) -> int | None:
        """Put a message into the lowest free slot; None when the memory is full."""
        for slot in range(PLACES):
            if slot not in self.slots:
                self.slots[slot] = StoredMessage(pdu)
                return slot
        return None

    def read(self, slot: int) -> str | None:
        """The lines of +CMGR for a slot, None when it is empty; reading marks as read."""
        message = self.slots.get(slot)
        if message is None:
            return None
        status, message.status = message.status, READ
        return f'+CMGR: {status},"",{tpdu_octets(message.pdu)}\r\n{message.pdu}'

    def list(self, wanted: int) -> list[str]:
        """The lines of +CMGL=wanted: 0 unread, 1 read, 4 all; listing marks as read."""
        lines = []
        for slot, message in sorted(self.slots.items()):
            if wanted in (4, message.status):
                lines.append(f'+CMGL: {slot},{message.status},"",{tpdu_octets(message.pdu)}\r\n{message.pdu}')
                message.status = READ
        return lines

    def delete(self, slot: int, flag: int) -> bool:
        """CMGD: flag 0 one slot, 1-3 all that is read, 4 everything; False for a slot that does not exist."""
        if flag == 4:
            self.slots.clear()
        elif flag:
            self.slots = {number: message for number, message in self.slots.items() if message.status == UNREAD}
        elif not 0 <= slot < PLACES:
            return False
        else:
            self.slots.pop(slot, None)
        return True
