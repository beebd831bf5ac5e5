"""Sending what is queued, part by part: retries with growing pauses, doubts settled or tried once more, a daily cap.

Before a part is given to the modem the database knows that it is being tried, and after it that it was taken. So a part
that was confirmed is never sent again, and one whose fate nobody knows (the modem lost, the process killed) is sent
again once, after a while in which a delivery report may settle the doubt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from services.clock import Clock
from services.errors import LineError, StorageError
from services.storage.texts.records import OutgoingPart, TextMessage
from telephony.sms.modem_messages import Doubtful, ModemMessages, Refused, Sent
from telephony.sms.ports import QuietGate, SmsStore

EXPIRY = timedelta(hours=24)
DAY = timedelta(hours=24)
MOST_REFUSALS = 5
MOST_DOUBTS = 2
DOUBT_PAUSE = timedelta(seconds=60)
CAP_PAUSE = timedelta(minutes=10)
GATE_PATIENCE = 120.0
GATE_PAUSE = timedelta(seconds=5)
LOOK_SECONDS = 30.0
"""How often the queue is looked at without being told of something new."""
STORE_PAUSE = 2.0

_BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300, 600, 900))

log = structlog.get_logger()


class Outbox:
    """Sends over one modem session what is queued in `store`. `run` is its only task and ends with the channel.

    `daily_cap` is asked before each message: the parts that may go out within 24 hours. `wake` is for new messages;
    `on_change` hears when a part was tried.
    """

    def __init__(
        self,
        modem: ModemMessages,
        store: SmsStore,
        gate: QuietGate,
        clock: Clock,
        daily_cap: Callable[[], Awaitable[int]],
    ) -> None:
        self.on_change: Callable[[], None] | None = None
        self._modem = modem
        self._store = store
        self._gate = gate
        self._clock = clock
        self._daily_cap = daily_cap
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    async def run(self) -> None:
        """Send until the modem is gone."""
        while not self._modem.gone():
            self._wake.clear()
            try:
                message = await self._store.due(self._clock.now())
                if message is not None:
                    await self._send(message)
                    continue
                await self._pause(await self._store.next_try())
            except StorageError as error:
                log.warning("the queue of text messages cannot be used", problem=str(error))
                await asyncio.sleep(STORE_PAUSE)
            except LineError as error:
                if self._modem.gone():
                    return
                log.warning("a text message could not be sent", problem=str(error))
                await asyncio.sleep(STORE_PAUSE)

    async def _pause(self, next_try: datetime | None) -> None:
        seconds = LOOK_SECONDS
        if next_try is not None:
            seconds = min(seconds, max((next_try - self._clock.now()).total_seconds(), 0.05))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _send(self, message: TextMessage) -> None:
        """Send what is left of a message, as far as it goes; each way out leaves it put off, sent or given up."""
        parts = await self._store.parts(message.id)
        if self._clock.now() - message.created_at >= EXPIRY:
            await self._store.give_up(message.id, f"It could not be sent within a day. {message.error}".strip())
            return
        if not await self._under_cap(message, parts):
            return
        for part in parts:
            if part.status in ("sent", "delivered"):
                continue
            if not await self._settled(message, part) or not await self._try(message, part):
                return

    async def _under_cap(self, message: TextMessage, parts: Sequence[OutgoingPart]) -> bool:
        """Tell whether the message may go out today; one that was begun may."""
        if any(part.status != "queued" for part in parts):
            return True
        cap = await self._daily_cap()
        sent = (await self._store.counts(self._clock.now() - DAY)).sent_parts
        if sent + len(parts) <= cap:
            return True
        why = f"This line may send {cap} parts of text messages within 24 hours; it has sent {sent}."
        await self._put_off(message, CAP_PAUSE, why)
        return False

    async def _settled(self, message: TextMessage, part: OutgoingPart) -> bool:
        """Tell whether a part may be tried: not while its last try is in doubt, and not after two doubts."""
        if part.status == "sending":  # an earlier run ended in the middle of it
            await self._doubt(part, "The secretary was stopped while the message was being sent.")
            return False
        if part.status == "failed":
            await self._store.give_up(message.id, message.error or "A part of it was not delivered.")
            return False
        if part.status == "doubtful" and part.doubts >= MOST_DOUBTS:
            await self._store.give_up(message.id, "The modem did not tell, twice, whether it was sent.")
            return False
        return True

    async def _try(self, message: TextMessage, part: OutgoingPart) -> bool:
        """Send one part; return True when the next one may follow."""
        try:
            async with asyncio.timeout(GATE_PATIENCE) as patience, self._gate.sending():
                patience.reschedule(None)
                await self._store.part_trying(part.id)
                outcome = await self._modem.send(part.pdu, part.octets)
        except TimeoutError:
            await self._put_off(message, GATE_PAUSE, "A call was being set up.")
            return False
        await self._note(message, part, outcome)
        if self.on_change is not None:
            self.on_change()
        return isinstance(outcome, Sent)

    async def _note(self, message: TextMessage, part: OutgoingPart, outcome: Sent | Refused | Doubtful) -> None:
        match outcome:
            case Sent(mr):
                await self._store.part_sent(part.id, mr)
            case Doubtful(why):
                await self._doubt(part, why)
            case Refused(why, final, counted):
                pause = _BACKOFF[min(message.attempts, len(_BACKOFF) - 1)]
                log.info("a text message was refused", message=message.id, problem=why, final=final)
                await self._store.part_refused(part.id, self._clock.now() + pause, why, counted=counted)
                if final or (counted and part.refusals + 1 >= MOST_REFUSALS):
                    await self._store.give_up(message.id, why)

    async def _doubt(self, part: OutgoingPart, why: str) -> None:
        log.warning("nobody knows whether a text message was sent", message=part.message_id, problem=why)
        await self._store.part_doubtful(part.id, self._clock.now() + DOUBT_PAUSE, why)

    async def _put_off(self, message: TextMessage, pause: timedelta, why: str) -> None:
        log.info("a text message waits", message=message.id, seconds=pause.total_seconds(), problem=why)
        await self._store.try_later(message.id, self._clock.now() + pause, why)
