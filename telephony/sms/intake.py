"""What came in, from the PDU to the stored message: decoded, stored part by part, put together, reports matched.

It outlives the modem's sessions: what has been taken here is stored, or waits here to be.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.clock import Clock
from services.errors import LineError, StorageError
from services.storage.texts.records import ReceivedText, StoredPart, TextMessage
from telephony.sms.attempts import attempt_all
from telephony.sms.fields import PduError
from telephony.sms.parts import PATIENCE, Assembled, Assembler
from telephony.sms.pdu import DeliveryStatus, ReceivedPart, decode_pdu, raw_fingerprint
from telephony.sms.ports import SmsStore
from telephony.sms.statuses import status_sentence

MOST_WAITING = 200
REPORT_PATIENCE = timedelta(minutes=2)
"""A report may come before the modem has named the reference of what it reports."""
REPORT_PAUSE = timedelta(seconds=5)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Report:
    status: DeliveryStatus
    until: datetime


class Intake:
    """Takes PDUs for one line. `on_message` is called after a message was stored."""

    def __init__(self, store: SmsStore, clock: Clock, *, patience: timedelta = PATIENCE) -> None:
        self.on_message: Callable[[TextMessage], None] | None = None
        self._store = store
        self._clock = clock
        self._assembler = Assembler(patience)
        self._resumed = False
        self._direct: deque[tuple[str, int | None]] = deque()  # came past the modem's storage: only here
        self._finished: deque[Assembled] = deque()
        self._reports: deque[_Report] = deque()

    @property
    def deadline(self) -> datetime | None:
        """When `settle` has something to do; None when nothing waits."""
        if self._direct or self._finished or self._reports:
            return self._clock.now() + REPORT_PAUSE
        return self._assembler.deadline

    def keep(self, pdu: str, octets: int | None) -> None:
        """Take note of a PDU that lies nowhere else; `settle` stores it."""
        if len(self._direct) >= MOST_WAITING:
            log.error("a text message is lost: too many wait to be stored", pdu=self._direct.popleft()[0])
        self._direct.append((pdu, octets))

    async def take(self, pdu: str, octets: int | None) -> None:
        """Store what `pdu` holds; once this returned it may be deleted from the modem. Raises StorageError."""
        await self._store_pdu(pdu, octets)
        await self.settle()

    async def settle(self) -> None:
        """Store what still waits: directly delivered PDUs, finished messages, reports; give up late parts."""
        for waiting in (self._store_direct, self._store_finished, self._match_reports):
            try:
                await waiting()
            except (LineError, StorageError) as error:
                log.warning("received text messages wait to be stored", problem=str(error))

    async def _store_pdu(self, pdu: str, octets: int | None) -> None:
        await self._resume()
        now = self._clock.now()
        received = _decoded(pdu, octets)
        if isinstance(received, DeliveryStatus):
            self._note_report(received, now)
        elif isinstance(received, ReceivedPart):
            await self._take_part(received, pdu, now)
        else:
            await self._take_raw(pdu, received, now)

    async def _store_direct(self) -> None:
        await attempt_all(self._store_next_direct for _ in range(len(self._direct)))

    async def _store_next_direct(self) -> None:
        direct = self._direct[0]
        self._direct.rotate(-1)
        await self._store_pdu(*direct)
        self._direct.remove(direct)

    async def _store_finished(self) -> None:
        await self._resume()
        self._finished.extend(self._assembler.give_up(self._clock.now()))
        await attempt_all(self._store_next_finished for _ in range(len(self._finished)))

    async def _store_next_finished(self) -> None:
        assembled = self._finished[0]
        self._finished.rotate(-1)
        stored = await self._store.add_received(assembled.message, assembled.fingerprints)
        self._finished.remove(assembled)
        if stored is not None and self.on_message is not None:
            self.on_message(stored)

    async def _resume(self) -> None:
        """Once: put the parts that an earlier run stored back into the assembler."""
        if self._resumed:
            return
        now = self._clock.now()
        for stored in await self._store.loose_parts():
            part = _decoded(stored.pdu, None)
            if isinstance(part, ReceivedPart):
                part = replace(part, fingerprint=stored.fingerprint)
                self._finished.extend(self._assembler.add(part, stored.received_at, now))
            elif isinstance(part, str):
                self._finished.append(_unreadable(stored.fingerprint, part, stored.received_at))
        self._resumed = True

    async def _take_part(self, part: ReceivedPart, pdu: str, now: datetime) -> None:
        if part.sent_at is None:
            # Without its time a message looks like every other one with these words: those of one day are copies.
            part = replace(part, fingerprint=f"{part.fingerprint} {now:%Y-%m-%d}")
        part = replace(part, text=part.text.replace("\0", ""))
        stored = StoredPart(
            part.fingerprint, pdu.upper(), now, part.sender, part.text, part.reference, part.total, part.sequence
        )
        if await self._store.add_part(stored):
            self._finished.extend(self._assembler.add(part, now))

    async def _take_raw(self, pdu: str, why: str, now: datetime) -> None:
        fingerprint = raw_fingerprint(pdu)
        if await self._store.add_part(StoredPart(fingerprint, pdu, now)):
            log.warning("a text message could not be read and is kept as it came", problem=why)
            self._finished.append(_unreadable(fingerprint, why, now))

    def _note_report(self, status: DeliveryStatus, now: datetime) -> None:
        if status.pending:
            return
        if len(self._reports) >= MOST_WAITING:
            self._reports.popleft()
        self._reports.append(_Report(status, now + REPORT_PATIENCE))

    async def _match_reports(self) -> None:
        for _ in range(len(self._reports)):
            report = self._reports[0]
            status = report.status
            why = "" if status.delivered else status_sentence(status.status)
            fits = await self._store.report(status.reference, status.recipient, delivered=status.delivered, why=why)
            self._reports.popleft()
            if not fits and self._clock.now() < report.until:
                self._reports.append(report)
            elif not fits:
                log.info("a delivery report fits no message", reference=status.reference)


def _decoded(pdu: str, octets: int | None) -> ReceivedPart | DeliveryStatus | str:
    """Return what a PDU holds, or the sentence that says why it cannot be read."""
    try:
        return decode_pdu(pdu, octets)
    except PduError as error:
        return error.message
    except Exception:  # a fault of ours must not keep the slot full for ever: the PDU is stored as it came
        log.exception("a text message could not be decoded")
        return "This message could not be read."


def _unreadable(fingerprint: str, why: str, received_at: datetime) -> Assembled:
    return Assembled(ReceivedText("", "", "unreadable", received_at, error=why), (fingerprint,))
