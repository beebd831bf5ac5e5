"""How answers and calls end: what was promised is done, what broke is owned up to, and the line is hung up."""

from collections.abc import Callable, Sequence

import structlog

from services.dialogue.shapes import Effect, Transfer
from services.errors import LineError, SecretaryError
from services.events import CallEventType
from services.voice.call import Call
from services.voice.effects import connect, ending
from services.voice.hearing.listener import Listener
from services.voice.line import Capability, Closed
from services.voice.patience import Patience
from services.voice.speaking.replies import Replies

_FAILURES = 3  # replies in a row that may fail before the call is ended

log = structlog.get_logger()


class Ending:
    """Performs the effects of answers; `reason` is why we have hung up ourselves, "" until then.

    `put` gets the line's Closed when we hang up. `parting` tells that the call's last sentence is being said.
    `connected` is True once the other side talks with somebody else: it is no call of ours any more, until it closes.
    """

    def __init__(
        self, call: Call, listener: Listener, replies: Replies, patience: Patience, put: Callable[[Closed], None]
    ) -> None:
        self._call = call
        self._listener = listener
        self._replies = replies
        self._patience = patience
        self._put = put
        self._failures = 0
        self.reason = ""
        self.connected = False

    async def perform(self, effects: Sequence[Effect], *, parting: bool) -> bool:
        """Do what an answer was about; True when nothing is to be answered behind it."""
        self._failures = 0
        try:
            await connect(self._call.line, effects)
        except LineError as error:  # she has just promised it
            promised = any(isinstance(effect, Transfer) for effect in effects)
            await self.failed(error, parting=parting, promised=promised)
            return True
        reason = ending(effects)
        if reason is None:
            transferred = any(isinstance(effect, Transfer) for effect in effects)
            self.connected = transferred and Capability.TRANSFER in self._call.line.capabilities
            return self.connected
        if (self._listener.hears_speech or self._listener.thinking) and not parting:
            self._patience.leave(reason, self._call.clock.monotonic())
        else:
            await self.hang_up(reason)
        return True

    async def failed(self, error: BaseException, *, parting: bool, promised: bool = False) -> None:
        """A reply broke, or the person it `promised` cannot be reached: say so; give up politely when even that fails.

        None may be under way.
        """
        call = self._call
        unforeseen = None if isinstance(error, SecretaryError) else error
        log.error("a reply failed", call=call.journal.call_id, error=str(error), exc_info=unforeseen)
        call.journal.record(CallEventType.DEGRADED, {"part": "reply", "detail": str(error) or type(error).__name__})
        self._failures += 1
        if self._failures >= _FAILURES or parting:
            await self.hang_up("failure")
            return
        excuse = call.secretary.not_connected if promised else call.secretary.apology
        self._replies.speak(excuse(call.conversation))

    async def hang_up(self, reason: str) -> None:
        """End the call."""
        self.reason = reason
        await self._call.line.hangup()
        self._put(Closed(reason))
