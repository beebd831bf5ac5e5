"""Ears that live in a worker process: the parent's side of their sessions, the same for every engine.

To the worker go `prepare` once, `audio` (payload: int16 at the stream's rate) and `end`; back come `transcript`
messages whose data are {text, final, confidence, words: [[text, start, end, confidence], ...], alternatives, language};
all but the first two may be missing, and a missing language is the one that the session was opened for.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from services.audio.frame import Frame
from services.engines import EngineInfo
from services.errors import EngineError, EngineUnavailableError
from services.stt.protocol import Transcript, TranscriptStream, Word
from services.workers.protocol import WorkerMessage
from services.workers.session import Session
from services.workers.worker import Worker

LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000
MOST_HINTS = 400


class WorkerStream:
    """A TranscriptStream over one session of a worker."""

    def __init__(self, session: Session, language: str, rate: int) -> None:
        self._session = session
        self._language = language
        self._rate = rate

    async def push(self, frame: Frame) -> None:
        """Give one frame. Raises AudioError for another rate and EngineError when the engine failed."""
        frame.expect_rate(self._rate)
        await self._session.send("audio", payload=frame.samples.astype("<i2", copy=False).tobytes())

    async def end_utterance(self) -> None:
        """Ask for the final transcript. Raises EngineError when the engine failed."""
        await self._session.send("end")

    async def __aiter__(self) -> AsyncIterator[Transcript]:
        """Iterate over transcripts. Raises EngineError when the engine failed."""
        async for message in self._session:
            yield _transcript(message, self._language)

    async def aclose(self) -> None:
        """Give the ear back."""
        await self._session.aclose()


class WorkerEars:
    """A SpeechToText whose languages are served by worker processes, already started; one may serve several."""

    def __init__(self, info: EngineInfo, workers: Mapping[str, Worker]) -> None:
        self.info = info
        self._workers = dict(workers)

    async def open_stream(self, language: str, rate: int, hints: Sequence[str] = ()) -> TranscriptStream:
        """Open an ear. Raises EngineUnavailableError, EngineOverloadedError or EngineError."""
        worker = self._workers.get(language)
        if worker is None:
            raise EngineUnavailableError(f"{self.info.title} is not loaded for the language {language!r}.")
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise EngineError(f"Speech of {rate} Hz cannot be recognised.", "Send 8000 to 48000 Hz.")
        data = {"language": language, "rate": rate, "hints": list(hints[:MOST_HINTS])}
        session = await worker.open(data)
        # The engine makes ready while the greeting is spoken; a stream closed at once costs it nothing.
        await session.send("prepare")
        return WorkerStream(session, language, rate)

    async def close(self) -> None:
        """End the processes."""
        for worker in set(self._workers.values()):
            await worker.close()


async def start_workers(workers: Mapping[str, Worker]) -> None:
    """Start every worker, or none: what started is closed again when one cannot. Raises EngineUnavailableError."""
    try:
        for worker in set(workers.values()):
            await worker.start()
    except BaseException:
        for worker in set(workers.values()):
            await worker.close()
        raise


def _transcript(message: WorkerMessage, language: str) -> Transcript:
    data = message.data
    return Transcript(
        text=data["text"],
        language=data.get("language", language),
        final=data["final"],
        confidence=data.get("confidence"),
        words=tuple(Word(*word) for word in data.get("words", ())),
        alternatives=tuple(data.get("alternatives", ())),
    )
