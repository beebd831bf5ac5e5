"""espeak-ng inside its worker process.

espeak-ng has global state, so one thread owns the library and speaks the pieces of all sessions in the order they
come: text is cut into pieces of a few sentences, and sessions take turns piece by piece. A piece takes milliseconds,
and the library never waits for a listener: its chunks lie in the session's queue (one piece at most) until the parent
has room.
"""

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.errors import EngineError
from services.tts.espeak_library import EspeakLibrary, SpokenWord
from services.tts.pieces import cut, plain
from services.workers.protocol import Emit, SessionCancelled, WorkerMessage, WorkerSession

PIECE_CHARACTERS = 300
BATCH_BYTES = 8192


@dataclass(slots=True)
class Piece:
    """One piece to speak; `out` gets words, samples and, last, how it ended."""

    text: str
    voice: str
    parameters: dict[str, int]
    pause: bool
    cancelled: threading.Event
    out: "queue.SimpleQueue[SpokenWord | bytes | _End]" = field(default_factory=queue.SimpleQueue)

    def hear(self, words: list[SpokenWord], sound: bytes) -> bool:
        """Take a chunk; False stops the library."""
        if self.cancelled.is_set():
            return False
        for word in words:
            self.out.put(word)
        if sound:
            self.out.put(sound)
        return True


@dataclass(frozen=True, slots=True)
class _End:
    error: EngineError | None = None


class EspeakEngine:
    """The library and the thread that owns it. Options: `library` and `data`, paths."""

    def __init__(self, *, options: Mapping[str, Any]) -> None:
        self._library = EspeakLibrary(str(options["library"]), str(options["data"]))
        self._pieces: queue.SimpleQueue[Piece] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="espeak", daemon=True).start()

    def open(self, data: Mapping[str, Any], emit: Emit) -> WorkerSession:  # noqa: ARG002 - the protocol's signature
        """Begin a session."""
        return EspeakSession(self._pieces, emit)

    def _run(self) -> None:
        while True:
            piece = self._pieces.get()
            end = _End()
            if not piece.cancelled.is_set():
                try:
                    self._library.speak(piece.text, piece.voice, piece.parameters, pause=piece.pause, hear=piece.hear)
                except EngineError as error:
                    end = _End(error)
            piece.out.put(end)


class EspeakSession:
    """Speaks what {"type": "speak", text, voice, parameters} asks (see services.tts.speech for the answers)."""

    def __init__(self, pieces: "queue.SimpleQueue[Piece]", emit: Emit) -> None:
        self._pieces = pieces
        self._emit = emit
        self._cancelled = threading.Event()
        self._spoken = 0  # samples of the request so far
        self._marked = 0  # characters of the request up to the end of the last marked word

    def handle(self, message: WorkerMessage) -> None:
        """Speak one request."""
        text = plain(str(message.data["text"]))
        parameters = {str(name): int(value) for name, value in message.data["parameters"].items()}
        self._spoken = self._marked = 0
        for start, part in cut(text, PIECE_CHARACTERS):
            if part.isspace():
                continue
            last = start + len(part) == len(text)
            piece = Piece(part, str(message.data["voice"]), parameters, not last, self._cancelled)
            self._pieces.put(piece)
            self._pass_on(piece, start)
        self._emit(WorkerMessage("done"))

    def cancel(self) -> None:
        """Stop within one chunk of the library."""
        self._cancelled.set()

    def close(self) -> None:
        """Nothing is held."""

    def _pass_on(self, piece: Piece, start: int) -> None:
        sound = bytearray()
        before = self._spoken
        while True:
            item = piece.out.get()
            if isinstance(item, bytes):
                sound += item
            if sound and (not isinstance(item, bytes) or len(sound) >= BATCH_BYTES or piece.out.empty()):
                self._emit(WorkerMessage("audio", payload=bytes(sound)))
                self._spoken += len(sound) // 2
                sound.clear()
            if isinstance(item, SpokenWord):
                self._mark(piece.text, item, start, before)
            elif isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                if self._cancelled.is_set():
                    raise SessionCancelled
                return

    def _mark(self, text: str, word: SpokenWord, start: int, before: int) -> None:
        # Digits read group by group and symbols without a name come as words inside or between words: only what lies
        # after the last word and is not blank is one.
        spoken = text[word.start : word.start + word.length]
        if word.start < 0 or start + word.start < self._marked or not spoken.strip():
            return
        self._marked = start + word.start + word.length
        data = {"start": start + word.start, "length": word.length, "position": before + word.position}
        self._emit(WorkerMessage("mark", data))
