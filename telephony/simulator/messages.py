"""SMS inside the module: 15 places on the SIM, PDU mode, delivery reports."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

PLACES = 15
UNREAD, READ = 0, 1
ZONE_QUARTERS = 12
STATUS_REPORT_WANTED = 0x20


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


def is_hex(text: str) -> bool:
    """True for an even, positive number of hexadecimal digits."""
    return len(text) >= 2 and len(text) % 2 == 0 and all(char in "0123456789abcdefABCDEF" for char in text)


def tpdu_octets(pdu: str) -> int:
    """Octets of a PDU without its SMSC part, as +CMGR and +CMGS count them; negative when it is cut short."""
    return len(pdu) // 2 - 1 - int(pdu[:2], 16)


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


def wants_report(pdu: str) -> bool:
    """Whether the sender asks for a delivery report (TP-SRR)."""
    first = 2 + 2 * int(pdu[:2], 16)
    return bool(int(pdu[first : first + 2], 16) & STATUS_REPORT_WANTED)


def delivery_report(pdu: str, reference: int, now: datetime) -> str:
    """The SMS-STATUS-REPORT (3GPP 23.040, 9.2.2.3) that tells of the delivery of the SMS-SUBMIT `pdu`."""
    first = 2 + 2 * int(pdu[:2], 16)
    digits = int(pdu[first + 4 : first + 6], 16)
    recipient = pdu[first + 4 : first + 8 + digits + digits % 2]
    stamp = service_time(now)
    return f"0006{reference:02X}{recipient}{stamp}{stamp}00".upper()


def service_time(now: datetime) -> str:
    """Seven octets with swapped digits, in the zone UTC+3; a naive `now` is taken as local there."""
    if now.tzinfo is not None:
        now = now.astimezone(timezone(timedelta(minutes=15 * ZONE_QUARTERS)))
    pairs = [f"{part:02}" for part in (now.year % 100, now.month, now.day, now.hour, now.minute, now.second)]
    return "".join(pair[::-1] for pair in [*pairs, f"{ZONE_QUARTERS:02}"])
