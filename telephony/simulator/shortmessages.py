"""The SMS commands and what comes of them."""

import time
from collections.abc import Callable
from datetime import datetime

from telephony.simulator.answer import Answer
from telephony.simulator.log import EventLog, SimulatorError
from telephony.simulator.messages import (
    PLACES,
    MessageStore,
    SentMessage,
    StoredMessage,
    delivery_report,
    is_hex,
    tpdu_octets,
    wants_report,
)
from telephony.simulator.state import ModuleState

INTRUDER_SLOT = 3
INTRUDER = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"
KEPT_SENT = 1_000


class ShortMessages:
    """Messages in and out; `urc` prints, `report_later` calls back when the network has delivered."""

    def __init__(
        self,
        state: ModuleState,
        urc: Callable[[str], None],
        report_later: Callable[[Callable[[], None]], None],
        now: Callable[[], datetime],
        log: EventLog,
    ) -> None:
        self.store = MessageStore()
        self.sent: list[SentMessage] = []
        self._state = state
        self._urc = urc
        self._report_later = report_later
        self._now = now
        self._log = log
        self._reference = 0
        self._intruded = False

    @property
    def used(self) -> int:
        """Occupied places."""
        return len(self.store.slots)

    @property
    def places(self) -> int:
        """All places."""
        return PLACES

    def deliver(self, pdu: str) -> int | None:
        """The network delivers a PDU (hex, with SMSC); returns its slot, None when passed on directly or refused.

        Raises SimulatorError for a PDU that is no hex or cut short.
        """
        if not is_hex(pdu) or tpdu_octets(pdu) < 1:
            raise SimulatorError("A message is delivered as the hexadecimal digits of a PDU that begins with its SMSC.")
        if self._state.report("mt") == 2:
            self._urc(f"+CMT: ,{tpdu_octets(pdu)}\r\n{pdu}")
            return None
        slot = self.store.store(pdu)
        if slot is None:
            self._urc("+SMS FULL")
        elif self._state.report("mt") == 1:
            self._urc(f'+CMTI: "SM",{slot}')
        return slot

    def intrude(self) -> list[str]:
        """Once, as soon as reports are on: a message arrives in slot 3 in the middle of an answer."""
        if self._intruded or self._state.report("mt") != 1 or INTRUDER_SLOT in self.store.slots:
            return []
        self._intruded = True
        self.store.slots[INTRUDER_SLOT] = StoredMessage(INTRUDER)
        return [f'+CMTI: "SM",{INTRUDER_SLOT}']

    def command(self, name: str, form: str, value: str) -> Answer | None:
        """CMGR, CMGL, CMGD; None for a command of another room."""
        if name not in ("CMGR", "CMGL", "CMGD"):
            return None
        if form == "=?":
            return Answer()
        numbers = [int(part) for part in value.split(",") if part.strip().isdigit()]
        if name == "CMGL":
            wanted = numbers[0] if numbers else 0
            return Answer(self.store.list(wanted)) if wanted in (0, 1, 4) and '"' not in value else bad(305)
        if form != "=" or not numbers:
            return bad(305)
        if name == "CMGD":
            flag = numbers[1] if len(numbers) > 1 else 0
            return Answer() if flag <= 4 and self.store.delete(numbers[0], flag) else bad(321)
        text = self.store.read(numbers[0])
        return bad(321) if text is None else Answer([text])

    def send(self, pdu: str, octets: int) -> Answer:
        """CMGS after its Ctrl-Z."""
        if not is_hex(pdu) or octets < 7 or tpdu_octets(pdu) != octets:
            return bad(304)
        if self._state.registration not in (1, 5):
            return bad(331)
        self._reference = self._reference % 255 + 1
        reference = self._reference
        if len(self.sent) < KEPT_SENT:
            self.sent.append(SentMessage(reference, pdu.upper(), time.monotonic()))
        if wants_report(pdu) and self._state.report("ds") == 1:
            self._report_later(lambda: self._report(pdu, reference))
        return Answer([f"+CMGS: {reference}"])

    def _report(self, pdu: str, reference: int) -> None:
        report = delivery_report(pdu, reference, self._now())
        self._urc(f"+CDS: {tpdu_octets(report)}\r\n{report}")


def bad(code: int) -> Answer:
    """A +CMS ERROR."""
    return Answer(final=f"+CMS ERROR: {code}")
