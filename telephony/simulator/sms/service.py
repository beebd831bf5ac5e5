"""The SMS commands and what comes of them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final

from telephony.simulator.dice import Dice
from telephony.simulator.faults import Faults
from telephony.simulator.log import EventLog, SimulatorError
from telephony.simulator.module.answer import Answer
from telephony.simulator.module.state import ModuleState
from telephony.simulator.sms.pdu import (
    deliver_pdus,
    delivery_report,
    is_hex,
    tpdu_octets,
    wants_report,
)
from telephony.simulator.sms.store import PLACES, READ, MessageStore, SentMessage, StoredMessage

INTRUDER_SLOT: Final = 3
INTRUDER: Final = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"
KEPT_SENT: Final = 1_000
KEPT_BY_NETWORK: Final = 200
AGAIN_SECONDS: Final = 0.5
REPORT_LATE: Final = 5.0
REPORT_HELD: Final = 10.0
SLOW_SECONDS: Final = 8.0
REFUSED: Final = 21
FIRST_FAIL: Final = (38, 331, 332, 500)

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class ShortMessages:
    """Messages in and out. What cannot reach the module now waits in the network, as on a real one."""

    def __init__(
        self,
        *,
        state: ModuleState,
        urc: Callable[[str], bool],
        reachable: Callable[[], bool],
        spawn: Spawn,
        now: Callable[[], datetime],
        log: EventLog,
        faults: Faults,
        dice: Dice,
        report_delay: float,
    ) -> None:
        self.store = MessageStore()
        self.sent: deque[SentMessage] = deque(maxlen=KEPT_SENT)
        self._state, self._urc, self._reachable = state, urc, reachable
        self._spawn, self._now, self._log = spawn, now, log
        self._faults, self._dice, self._report_delay = faults, dice, report_delay
        self._waiting: deque[str] = deque(maxlen=KEPT_BY_NETWORK)
        self._held: list[str] = []
        self._reference = 0
        self._failed = 0
        self._intruded = False
        if "sms-full" in faults:
            self.fill()

    @property
    def used(self) -> int:
        """Occupied places."""
        return len(self.store.slots)

    @property
    def places(self) -> int:
        """All places."""
        return PLACES

    @property
    def waiting(self) -> int:
        """Messages that the network could not deliver yet."""
        return len(self._waiting)

    # -- in ----------------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Old messages that were read take every free place."""
        for number in range(PLACES):
            if number not in self.store.slots:
                (pdu,) = deliver_pdus("+79990000900", f"Old message {number}", self._now())
                self.store.slots[number] = StoredMessage(pdu, READ)

    def deliver(self, pdu: str) -> int | None:
        """The network delivers a PDU (hex, with SMSC); returns its slot, None when passed on directly or kept back.

        Raises SimulatorError for a PDU that is no hex or cut short.
        """
        if not is_hex(pdu) or tpdu_octets(pdu) < 1:
            raise SimulatorError("A message is delivered as the hexadecimal digits of a PDU that begins with its SMSC.")
        if not self._reachable():
            self._waiting.append(pdu)
            return None
        if self._state.report("mt") == 2:
            self._urc(f"+CMT: ,{tpdu_octets(pdu)}\r\n{pdu}")
            return None
        slot = self.store.store(pdu)
        if slot is None:
            self._waiting.append(pdu)
            if self._state.habits.full_line:
                self._urc(self._state.habits.full_line)
        elif self._state.report("mt") == 1:
            self._urc(f'+CMTI: "SM",{slot}')
        return slot

    def deliver_text(self, sender: str, text: str) -> list[str]:
        """Someone writes; returns the PDUs that the network delivers, in their order and with its faults."""
        pdus = deliver_pdus(sender, text, self._now(), self._dice.random.randrange(256))
        if len(pdus) > 1:
            if "sms-part-missing" in self._faults:
                del pdus[1]
            if "sms-parts-doubled" in self._faults:
                pdus = [pdu for pdu in pdus for _ in range(2)]
            if "sms-parts-shuffled" in self._faults:
                pdus.reverse()
                pdus.insert(len(pdus) // 2, pdus.pop(0))
        for pdu in pdus:
            self.deliver(pdu)
        return pdus

    def try_again(self) -> None:
        """There may be a way, or a place, for what the network keeps: soon it will try."""
        if self._waiting:
            self._spawn(self._trying(), "messages that waited")

    async def _trying(self) -> None:
        await asyncio.sleep(AGAIN_SECONDS)
        for _ in range(len(self._waiting)):
            if not self._waiting or not self._reachable() or self.used >= PLACES:
                return
            self.deliver(self._waiting.popleft())

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
            done = flag <= 4 and self.store.delete(numbers[0], flag)
            self.try_again()
            return Answer() if done else bad(321)
        text = self.store.read(numbers[0])
        return bad(321) if text is None else Answer([text])

    # -- out ---------------------------------------------------------------------------------------------------------

    async def send(self, pdu: str, octets: int) -> Answer:
        """CMGS after its Ctrl-Z."""
        if not is_hex(pdu) or octets < 7 or tpdu_octets(pdu) != octets:
            return bad(304)
        if not self._state.on_network:
            return bad(331)
        code = self._failure()
        if code:
            return bad(code)
        if "sms-slow" in self._faults:
            await asyncio.sleep(self._faults.lasting(SLOW_SECONDS))
        self._reference = self._reference % 255 + 1
        self.sent.append(SentMessage(self._reference, pdu.upper(), time.monotonic()))
        if wants_report(pdu) and self._state.report("ds") == 1 and "report-never" not in self._faults:
            self._spawn(self._reporting(pdu, self._reference), "delivery report")
        if self._faults.spend("sms-answer-lost"):
            self._log.add("fault", "sms-answer-lost")
            return Answer(final="")
        return Answer([f"+CMGS: {self._reference}"])

    def _failure(self) -> int:
        if "sms-refused" in self._faults:
            return REFUSED
        for code in FIRST_FAIL:
            if self._faults.spend(f"sms-error-{code}"):
                return code
        if self._faults.spend("sms-send-fails"):
            self._failed += 1
            return FIRST_FAIL[(self._failed - 1) % len(FIRST_FAIL)]
        return 0

    async def _reporting(self, pdu: str, reference: int) -> None:
        late = self._faults.lasting(REPORT_LATE) if "report-late" in self._faults else 0.0
        await asyncio.sleep(self._report_delay + late)
        report = delivery_report(pdu, reference, self._now())
        text = f"+CDS: {tpdu_octets(report)}\r\n{report}"
        if "report-inside-answer" in self._faults:
            self._held.append(text)
            await asyncio.sleep(REPORT_HELD)  # the host may have nothing to ask
            if text not in self._held:
                return
            self._held.remove(text)
        self._urc(text)

    def held_reports(self) -> list[str]:
        """Delivery reports that wait for an answer to break into."""
        held, self._held = self._held, []
        return held


def bad(code: int) -> Answer:
    """A +CMS ERROR."""
    return Answer(final=f"+CMS ERROR: {code}")
