"""Everything about text messages on one line: what a modem session holds, whatever modem is plugged in."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from services.clock import Clock
from services.errors import LineError, SecretaryError
from services.storage.texts.records import TextCounts, TextMessage
from telephony.at.channel import AtChannel
from telephony.sms.conversation import References, SmsConversation, new_part
from telephony.sms.door import OpenDoor, TextDoor
from telephony.sms.inbox import SWEEP_SECONDS, Inbox
from telephony.sms.intake import Intake
from telephony.sms.modem_messages import ModemMessages
from telephony.sms.outbox import DAY, Outbox
from telephony.sms.ports import AlwaysQuiet, QuietGate, SmsStore
from telephony.sms.settings import SmsSettings
from telephony.sms.submit import encode_submit, plain

MOST_QUEUED = 500
LOOK_SECONDS = 60.0
ANSWER_AGAIN_SECONDS = 30.0
RESTART_SECONDS = 5.0
LAST_NOTES_SECONDS = 3.0

log = structlog.get_logger()


class SmsService:
    """Receives, answers and sends the text messages of one line.

    It lives as long as the line; between `attach` and `detach` it serves one modem session. Messages can be queued at
    any time. `door` says what is allowed, `on_received` hears of each message that was stored.
    """

    def __init__(
        self,
        store: SmsStore,
        clock: Clock,
        settings: SmsSettings | None = None,
        *,
        door: TextDoor | None = None,
        conversation: SmsConversation | None = None,
        on_received: Callable[[TextMessage], None] | None = None,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings or SmsSettings()
        self._door = door or OpenDoor(self._settings)
        self._conversation = conversation
        self._on_received = on_received
        self._sweep_seconds = sweep_seconds
        self._references = References()
        patience = timedelta(seconds=self._settings.part_patience_seconds)
        self._intake = Intake(store, clock, patience=patience)
        self._intake.on_message = self._received
        self._inbox: Inbox | None = None
        self._outbox: Outbox | None = None
        self._session: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._not_before: dict[str, float] = {}
        self._counts = TextCounts(0, 0, 0, 0)
        if conversation is not None:
            conversation.on_queued = self._wake_outbox

    async def attach(self, channel: AtChannel, quiet: QuietGate | None = None) -> None:
        """Receive and send over a modem that is started up, sending when it is `quiet`; a former session ends."""
        await self.detach()
        if self._settings.enabled:
            modem = ModemMessages(channel)
            quiet = quiet or AlwaysQuiet()
            inbox = Inbox(modem, self._intake, self._clock, quiet, sweep_seconds=self._sweep_seconds)
            outbox = Outbox(modem, self._store, quiet, self._clock, self._daily_cap)
            leave = channel.subscribe(inbox.on_urc)
            outbox.on_change = self._news.set
            self._inbox, self._outbox = inbox, outbox
            running = self._run(modem, inbox, outbox)
            self._session = asyncio.get_running_loop().create_task(running, name="text messages")
            self._session.add_done_callback(lambda _: leave())

    async def detach(self) -> None:
        """End the session; what waits is sent in the next one. Idempotent."""
        session, self._session = self._session, None
        if session is not None:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
        self._inbox = self._outbox = None

    async def _run(self, modem: ModemMessages, inbox: Inbox, outbox: Outbox) -> None:
        """Do the work of one session, until the modem is gone or this is cancelled."""
        tasks = [
            asyncio.create_task(self._again("inbox", inbox.run, modem), name="text messages in"),
            asyncio.create_task(self._again("outbox", outbox.run, modem), name="text messages out"),
            asyncio.create_task(self._again("desk", self._desk, modem), name="text message answers"),
        ]
        try:
            await modem.wait_gone()
            inbox.wake()
            outbox.wake()
            await asyncio.wait(tasks[:2], timeout=LAST_NOTES_SECONDS)  # what became of the last part is written down
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def send(self, number: str, text: str, purpose: str = "") -> str:
        """Queue a text message and return its id; it is sent as soon as the modem can.

        Raises LineError for a number that may not be written to, an empty text or one that is too long, and while too
        many messages wait; StorageError when it cannot be stored.
        """
        if not text.strip():
            raise LineError("There is no text to send.")
        if (await self._store.counts(self._clock.now() - DAY)).queued >= MOST_QUEUED:
            raise LineError(f"{MOST_QUEUED} text messages wait to be sent already.", "Check the modem.")
        rules = await self._door.rules(number)
        recipient = await self._door.permit(number)
        parts = encode_submit(recipient, plain(text), reference=self._references.take(), report=rules.reports)
        if len(parts) > rules.daily_cap:
            raise LineError(
                f"The text takes {len(parts)} parts, and this line may send {rules.daily_cap} a day.",
                "Shorten it, or raise the line's daily limit.",
            )
        queued = await self._store.queue(recipient, text, [new_part(part) for part in parts], purpose)
        self._wake_outbox()
        return queued.id

    def status(self) -> dict[str, object]:
        """Return how the messages stand, at most a minute old.

        `storage_used` of `storage_total` places in the modem are occupied (None: not known); `failed` and `sent_parts`
        count the last 24 hours.
        """
        use = self._inbox.use if self._inbox is not None else None
        return {
            "connected": self._session is not None and not self._session.done(),
            "storage_used": use.used if use else None,
            "storage_total": use.total if use else None,
            "queued": self._counts.queued,
            "failed": self._counts.failed,
            "unanswered": self._counts.unanswered,
            "sent_parts": self._counts.sent_parts,
        }

    async def _daily_cap(self) -> int:
        return (await self._door.rules()).daily_cap

    def _received(self, message: TextMessage) -> None:
        self._news.set()
        if self._on_received is not None:
            try:
                self._on_received(message)
            except Exception:  # a watcher's fault is not the message's
                log.exception("nobody could be told of a text message", message=message.id)

    def _wake_outbox(self) -> None:
        self._news.set()
        if self._outbox is not None:
            self._outbox.wake()

    async def _desk(self) -> None:
        """Answer what has not been answered and count how things stand; then wait for more."""
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            waiting = await self._store.unanswered() if self._conversation is not None else ()
            self._not_before = {message.id: self._not_before.get(message.id, 0.0) for message in waiting}
            for message in waiting:
                if loop.time() >= self._not_before[message.id] and not await self._answered(message):
                    self._not_before[message.id] = loop.time() + ANSWER_AGAIN_SECONDS
            self._counts = await self._store.counts(self._clock.now() - DAY)
            try:
                async with asyncio.timeout(ANSWER_AGAIN_SECONDS if waiting else LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _answered(self, message: TextMessage) -> bool:
        return self._conversation is None or await self._conversation.answer(message)

    async def _again(self, what: str, work: Callable[[], Awaitable[None]], modem: ModemMessages) -> None:
        """Run `work` again whenever it fails, until the modem is gone."""
        while not modem.gone():
            try:
                await work()
                return
            except SecretaryError as error:
                log.warning("text messages wait", part=what, problem=str(error))
            except Exception:  # the line goes on receiving and sending whatever one message did
                log.exception("text messages failed", part=what)
            await asyncio.sleep(RESTART_SECONDS)
