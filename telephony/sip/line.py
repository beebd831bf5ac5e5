"""A telephone call over SIP as an AudioLine (services.voice.line)."""

import asyncio

import structlog

from services.errors import LineError, NotTakenError
from services.voice.line import Capability, Digit, Hold, LineInfo
from telephony.sip.keys import check_keys, key_of
from telephony.sip.media import Media, MediaCounts, MediaSocket
from telephony.sip.messages import (
    Accept,
    Answered,
    CallNews,
    Changed,
    Dial,
    HangUp,
    Info,
    Over,
    Refer,
    Referred,
    Ring,
)
from telephony.sip.open_line import OpenLine
from telephony.sip.refusals import DECLINED, NOT_ACCEPTABLE, cancelled, refusal
from telephony.sip.sdp import Agreed, OurSide, agree, read
from telephony.sip.ties import Ties

TAIL_SECONDS = 0.06
"""What is on its way to the caller's ear after the last packet left."""
ACKNOWLEDGED_SECONDS = 32.0
"""How long a caller may take to acknowledge our answer (RFC 3261, timer H)."""
GRACE_SECONDS = 5.0
"""So long after the last ring the signalling may take to tell that nobody answered."""
TRANSFER_SECONDS = 35.0

CAPABILITIES = frozenset({Capability.DIGITS_IN, Capability.DIGITS_OUT, Capability.HANG_UP})
"""What every call over SIP can; TRANSFER, too, where there is somebody to connect the other side with."""

log = structlog.get_logger()


class SipLine(OpenLine):
    """One call, coming in or (`info.direction` "out") to be placed by `answer`.

    The service passes it the signalling's news (`on_news`) and tells when signalling is lost (`lose`). `call` names it
    there, `peer` is the host it talks to, `offer` the caller's description. With `colleague` the line can transfer, and
    it is whom to when `transfer` names nobody; `target` is what is dialled where that is not `info.number`.
    """

    def __init__(
        self,
        call: str,
        info: LineInfo,
        ties: Ties,
        peer: str,
        *,
        offer: str = "",
        colleague: str = "",
        target: str = "",
    ) -> None:
        super().__init__()
        self.info = info
        self.call = call
        self.capabilities = CAPABILITIES | ({Capability.TRANSFER} if colleague else set())
        self._ties = ties
        self._peer = peer
        self._offer = offer
        self._colleague = colleague
        self._dialled = target or info.number
        self._over: Over | None = None
        self._ours: OurSide | None = None
        self._agreed: Agreed | None = None
        self._socket: MediaSocket | None = None
        self._media: Media | None = None
        self._answered = asyncio.Event()
        self._referred: asyncio.Future[Referred] | None = None
        self._own_decision = False

    @property
    def answered(self) -> bool:
        """True once the call was up."""
        return self._answered.is_set()

    @property
    def counts(self) -> MediaCounts:
        """What happened to the packets so far."""
        return self._media.counts if self._media else MediaCounts()

    # -- the beginning -----------------------------------------------------------------------------------------------

    def ring(self) -> None:
        """Let the caller hear that it rings."""
        if not self.closed:
            self._ties.order(Ring(self.call))

    async def answer(self) -> None:
        """Take the call, or place it.

        Raises LineError when the caller has gone or speaks nothing that we do, NotTakenError when nobody takes ours.
        """
        if self.info.direction == "out":
            await self._place()
        elif self.closed:
            raise LineError("The caller hung up before the answer.")
        else:
            await self._take()

    async def _place(self) -> None:
        seconds = self._ties.ring_seconds
        try:
            ours = await self._open_media()
            if not self.closed:
                self._ties.order(Dial(self.call, self._dialled, ours.offer(self._ties.codecs), seconds))
                await self._wait_answered(seconds + GRACE_SECONDS)
        except LineError as error:
            await self.decline(DECLINED)
            raise NotTakenError(error.message, error.remedy, outcome="failed") from error
        if not self.answered:
            refused = self._refusal()
            await self.decline(DECLINED)
            raise refused

    async def _take(self) -> None:
        ties = self._ties
        try:
            theirs = read(self._offer) if self._offer else None
            agreed = agree(theirs, ties.codecs) if theirs else None
            ours = await self._open_media()
        except LineError:
            await self.decline(NOT_ACCEPTABLE)
            raise
        if not self.closed and theirs is not None and agreed is not None:
            ties.order(Accept(self.call, ours.answer(theirs, agreed)))
            self._begin(agreed)
        elif not self.closed:  # the caller leaves the offer to us
            ties.order(Accept(self.call, ours.offer(ties.codecs)))
            await self._wait_answered(ACKNOWLEDGED_SECONDS)
        if not self.answered:
            await self.decline(DECLINED)
            raise LineError("The caller hung up before the answer.")

    async def _open_media(self) -> OurSide:
        self._socket, host = await self._ties.media(self._peer)
        if self.closed:  # meanwhile
            self._socket.close()
        self._ours = OurSide(host, self._socket.port)
        return self._ours

    async def _wait_answered(self, seconds: float) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._answered, self._closed)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    def _refusal(self) -> NotTakenError:
        if self._own_decision:
            return cancelled()
        return refusal(self._over.code, self._over.reason) if self._over else refusal(408 if not self.closed else 503)

    # -- the call ----------------------------------------------------------------------------------------------------

    async def drained(self) -> None:
        """Wait until everything sent has been heard, or was discarded, or the line closed."""
        await self._playout.drained()
        await self._sleep(TAIL_SECONDS)

    async def send_digits(self, digits: str) -> None:
        """Send DTMF, as events or as tones, whichever the other side takes. Raises LineError for what is no key."""
        check_keys(digits)
        if self._media is not None and not self.closed:
            await self._sleep(self._media.press(digits))

    async def transfer(self, to: str) -> None:
        """Connect the other side with `to` and leave the call. Raises LineError when nobody took it: it goes on."""
        if self.closed:
            return
        if to and to != self._colleague:  # the policy's own person needs no permit
            to = await self._ties.permitted(to)
        to = to or self._colleague
        self._referred = asyncio.get_running_loop().create_future()
        self._ties.order(Refer(self.call, to))
        try:
            async with asyncio.timeout(TRANSFER_SECONDS):
                referred = await self._referred
        except TimeoutError:
            referred = Referred(self.call, 408, "no answer")
        finally:
            self._referred = None
        if referred.code >= 300:
            why = f"The other side could not be connected with {to}: {referred.code} {referred.reason}."
            raise LineError(why, "Take a message instead.")
        await self.hangup()

    async def hangup(self) -> None:
        """End the call from our side; idempotent; returns when the line is closed."""
        await self.decline(DECLINED)

    async def decline(self, code: int) -> None:
        """End the call; a caller whose call still rings is told `code`: 603 declined, 486 busy, ..."""
        if not self.closed:
            self._own_decision = True
            self._ties.order(HangUp(self.call, code))
            self._close("own_hangup" if self.answered else "not_answered")
        await self._end_tasks()

    # -- what the signalling tells -----------------------------------------------------------------------------------

    def on_news(self, news: CallNews) -> None:
        """Take what the signalling tells about this call."""
        match news:
            case Answered(sdp=sdp):
                self._take_answer(sdp)
            case Changed(sdp=sdp):
                self._change(sdp)
            case Info(body=body):
                self._take_info(body)
            case Referred() if self._referred is not None and not self._referred.done():
                self._referred.set_result(news)
            case Over():
                self._over = news
                self._close("caller_hangup" if self.answered else "not_answered")

    def lose(self) -> None:
        """The signalling is gone, and the call with it."""
        self._close("line_lost")

    def _take_answer(self, sdp: str) -> None:
        """Learn how our offer was answered: in the answer to our call, or in the acknowledgement of a caller."""
        if self.answered or self.closed or self._socket is None:
            return
        try:
            self._begin(agree(read(sdp), self._ties.codecs))
        except LineError as error:
            log.warning("the call was answered in a way that cannot be spoken here", problem=str(error))
            self._over = Over(self.call, NOT_ACCEPTABLE, error.message)
            self._ties.order(HangUp(self.call, NOT_ACCEPTABLE))
            self._close("line_lost")

    def _begin(self, agreed: Agreed) -> None:
        assert self._socket is not None
        self._agreed = agreed
        self._media = Media(self._socket, agreed, self._playout, self._push, lambda key: self._push(Digit(key)))
        self._answered.set()
        loop = asyncio.get_running_loop()
        self._tasks += [loop.create_task(self._media.run()), loop.create_task(self._watch(self._media))]

    def _change(self, sdp: str) -> None:
        """Answer a change of the call: put on hold, taken back, moved to another address."""
        if self._media is None or self._ours is None or self._agreed is None:
            return
        try:
            theirs = read(sdp)
            agreed = agree(theirs, (self._agreed.codec, *self._ties.codecs))
        except LineError:  # what cannot be spoken here is not agreed to; the call goes on as it was
            self._ties.order(Accept(self.call, ""))
            return
        self._ties.order(Accept(self.call, self._ours.answer(theirs, agreed)))
        if agreed.held != self._agreed.held:
            self._push(Hold(agreed.held))
        self._agreed = agreed
        self._media.agree(agreed)

    def _take_info(self, body: str) -> None:
        key = key_of(body)
        if key and self._media is not None:
            self._media.tell_key(key)

    async def _watch(self, media: Media) -> None:
        """Notice that the other side is gone without a word: no sound came for long."""
        while True:
            await asyncio.sleep(1.0)
            if media.silent_seconds > self._ties.media_timeout:
                log.warning("no sound came for long: the call is taken as lost", seconds=round(media.silent_seconds))
                self._ties.order(HangUp(self.call, DECLINED))
                self._close("line_lost")
                return

    def _on_close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._referred is not None and not self._referred.done():
            self._referred.set_result(Referred(self.call, 487, "the call ended"))
        self.figures = self._media.figures() if self._media else None
