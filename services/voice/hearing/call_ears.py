"""The ears of one call: opened while the greeting is already spoken, replaced when they break, and tried for again."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from services.audio.frame import FRAME_SECONDS, Frame
from services.errors import EngineError, SecretaryError
from services.stt.protocol import Transcript, TranscriptStream

OpenEars = Callable[[], Awaitable[TranscriptStream]]

_FAILURES = 3  # ears in a row that may break before any final word
_HEARD_ANEW = 10.0  # seconds of a turn that are kept for ears being opened, and for those that replace broken ones
_TRY_AGAIN = 30.0  # seconds between the attempts to find ears for a call that has lost its own

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class EarsFailed:
    """The ears broke; `recovered` tells whether others are taking their place at once."""

    message: str
    recovered: bool


@dataclass(frozen=True, slots=True)
class EarsBack:
    """A call that had lost its ears has found others."""


class CallEars:
    """Owns the transcript stream of a call. A task opens it, reads it, and opens another when it breaks.

    Neither the greeting nor the line waits for that: what is said meanwhile is kept and heard afterwards, and a turn in
    the middle of which the ears are replaced is heard anew from its beginning, ten seconds of it at most. Where none
    can be opened, or several in a row break, the call goes on without and looks for others every 30 seconds.
    `on_transcript` gets every transcript. `on_lost` hears why ears broke, and whether others are being opened, which
    will not answer what the broken ones were asked. `on_back` hears that ears were found for a call without: always
    between two turns, for half a turn would be worse than none. All of them must return at once.
    """

    def __init__(
        self,
        open_ears: OpenEars | None,
        on_transcript: Callable[[Transcript], None],
        on_lost: Callable[[SecretaryError, bool], None],
        on_back: Callable[[], None],
    ) -> None:
        self._open = open_ears
        self._on_transcript = on_transcript
        self._on_lost = on_lost
        self._on_back = on_back
        self._stream: TranscriptStream | None = None
        self._task: asyncio.Task[None] | None = None
        self._turn: deque[Frame] = deque(maxlen=round(_HEARD_ANEW / FRAME_SECONDS))
        self._unheard = self._turn.copy()
        self._refusal: EngineError | None = None
        self._failures = 0
        self._reopening = False
        self._deaf = False
        self._look_now = asyncio.Event()
        self._between_turns = asyncio.Event()
        self._between_turns.set()

    @property
    def present(self) -> bool:
        """True while speech is understood, or will be once the ears are open."""
        return self._task is not None and not self._deaf

    def start(self) -> None:
        """Begin to open the ears, where there are any."""
        if self._open is not None:
            self._task = asyncio.create_task(self._listen(self._open), name="ears")

    async def hear(self, frame: Frame) -> None:
        """Give the next frame of an utterance."""
        self._between_turns.clear()
        if self.present:
            self._turn.append(frame)
        if self._stream is None:
            if self.present:
                self._unheard.append(frame)
            return
        try:
            await self._stream.push(frame)
        except EngineError as error:
            await self._refuse(error)

    async def end_utterance(self) -> bool:
        """Ask for the final transcript; False when none will come because no ears were open."""
        self._turn.clear()
        self._unheard.clear()
        self._between_turns.set()
        if self._stream is None:
            return False
        try:
            await self._stream.end_utterance()
        except EngineError as error:
            await self._refuse(error)
        return True

    async def reopen(self) -> None:
        """Change to other ears, which `open_ears` chooses anew; the turn under way is kept for them."""
        if self._deaf:
            self._look_now.set()
        stream = self._let_go()
        if stream is not None:
            self._reopening = True
            await stream.aclose()

    async def close(self) -> None:
        """Give the ears back; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self, open_ears: OpenEars) -> None:
        found = await self._opened(open_ears)
        while True:
            if isinstance(found, SecretaryError):
                found = await self._go_without(found, open_ears)
            self._refusal = None
            try:
                failure = await self._read(found)
            finally:
                self._let_go()
                await found.aclose()
            if self._reopening:
                self._reopening, self._failures = False, 0
            elif self._failures >= _FAILURES:
                found = failure
                continue
            else:
                self._on_lost(failure, True)
            found = await self._opened(open_ears)

    async def _opened(self, open_ears: OpenEars) -> TranscriptStream | SecretaryError:
        try:
            return await open_ears()
        except SecretaryError as error:
            return error
        except Exception:
            log.exception("the ears could not be opened")
            return EngineError("The ears could not be opened.")

    async def _go_without(self, failure: SecretaryError, open_ears: OpenEars) -> TranscriptStream:
        """Tell that there are no ears, and look for others until there are some and the caller is between two turns."""
        self._deaf = True
        self._turn.clear()
        self._unheard.clear()
        self._on_lost(failure, False)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TRY_AGAIN):
                    await self._look_now.wait()
            self._look_now.clear()
            found = await self._opened(open_ears)
            if isinstance(found, SecretaryError):
                log.info("there are no ears yet", error=str(found))
            elif await self._still_wanted(found):
                break
        log.info("the call has ears again")
        self._deaf = False
        self._on_back()
        return found

    async def _still_wanted(self, stream: TranscriptStream) -> bool:
        """Wait for the end of the turn; False when other ears are wanted by then, these are given back."""
        try:
            while not self._between_turns.is_set():
                await self._between_turns.wait()
        except asyncio.CancelledError:
            await stream.aclose()
            raise
        if self._look_now.is_set():
            await stream.aclose()
            return False
        return True

    async def _read(self, stream: TranscriptStream) -> SecretaryError:
        """Let the stream hear until it breaks; return why."""
        try:
            while self._unheard:
                await stream.push(self._unheard.popleft())
            self._stream = stream
            async for transcript in stream:
                if transcript.final:
                    self._failures = 0
                self._on_transcript(transcript)
            failure = EngineError("The ears stopped listening.")
        except EngineError as error:
            failure = error
        except Exception:
            log.exception("the ears failed")
            failure = EngineError("The ears failed.")
        self._failures += 1
        return self._refusal or failure

    def _let_go(self) -> TranscriptStream | None:
        """Hear no more with this stream: the turn under way waits for the next."""
        stream, self._stream = self._stream, None
        self._unheard = self._turn.copy()
        return stream

    async def _refuse(self, error: EngineError) -> None:
        """The stream takes no more: closing it ends its reading, and with that begins the search for another."""
        self._refusal = error
        stream = self._let_go()
        if stream is not None:
            await stream.aclose()
