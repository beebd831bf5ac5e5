"""The ears of one call: opened while the greeting is already spoken, and replaced when they break."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from services.audio.frame import FRAME_SECONDS, Frame
from services.errors import EngineError, SecretaryError
from services.stt.protocol import Transcript, TranscriptStream

OpenEars = Callable[[], Awaitable[TranscriptStream]]

_FAILURES = 3  # ears in a row that may break before any final word
_UNHEARD = 10.0  # seconds of speech that wait for ears being opened

log = structlog.get_logger()


class CallEars:
    """Owns the transcript stream of a call. A task opens it, reads it, and opens another when it breaks.

    Neither the greeting nor the line waits for that: what is said meanwhile is kept and heard afterwards.
    `on_transcript` gets every transcript. `on_lost` hears why ears broke, and whether others are being opened, which
    will not answer what the broken ones were asked. Both must return at once.
    """

    def __init__(
        self,
        open_ears: OpenEars | None,
        on_transcript: Callable[[Transcript], None],
        on_lost: Callable[[SecretaryError, bool], None],
    ) -> None:
        self._open = open_ears
        self._on_transcript = on_transcript
        self._on_lost = on_lost
        self._stream: TranscriptStream | None = None
        self._task: asyncio.Task[None] | None = None
        self._unheard: deque[Frame] = deque(maxlen=round(_UNHEARD / FRAME_SECONDS))
        self._refusal: EngineError | None = None
        self._failures = 0
        self._reopening = False

    @property
    def present(self) -> bool:
        """True while speech is understood, or will be once the ears are open."""
        return self._task is not None

    def start(self) -> None:
        """Begin to open the ears, where there are any."""
        if self._open is not None:
            self._task = asyncio.create_task(self._listen(self._open), name="ears")

    async def hear(self, frame: Frame) -> None:
        """Give the next frame of an utterance."""
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
        self._unheard.clear()
        if self._stream is None:
            return False
        try:
            await self._stream.end_utterance()
        except EngineError as error:
            await self._refuse(error)
        return True

    async def reopen(self) -> None:
        """Change to other ears, which `open_ears` chooses anew; what is said meanwhile is kept for them."""
        stream, self._stream = self._stream, None
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
        failure: SecretaryError
        while True:
            try:
                stream = await open_ears()
            except SecretaryError as error:
                failure = error
                break
            except Exception:
                log.exception("the ears could not be opened")
                failure = EngineError("The ears could not be opened.")
                break
            self._refusal = None
            try:
                failure = await self._read(stream)
            finally:
                self._stream = None
                await stream.aclose()
            if self._reopening:
                self._reopening, self._failures = False, 0
                continue
            if self._failures >= _FAILURES:
                break
            self._on_lost(failure, True)
        self._task = None
        self._unheard.clear()
        self._on_lost(failure, False)

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

    async def _refuse(self, error: EngineError) -> None:
        """The stream takes no more: closing it ends its reading, and with that begins the search for another."""
        stream, self._stream, self._refusal = self._stream, None, error
        if stream is not None:
            await stream.aclose()
