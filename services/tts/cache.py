"""Speech that is needed again: kept in memory and on the disk, so that it begins at once.

Only texts that are the same for every caller come here. What callers say and what is said only to them is kept nowhere.
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from services.audio.frame import Frame
from services.parts import Part, State
from services.tts.cache_file import FORMAT, decode, encode, storable
from services.tts.cache_folder import CacheFolder
from services.tts.cache_shared import SharedTier
from services.tts.protocol import KnowsItsModel, SpeechPiece, TextToSpeech, Voice

log = structlog.get_logger()

FOLDER = "speech-cache"
"""Under DATA_DIR."""
READ_SECONDS = 0.1
"""A disk that takes longer is no help: the engine speaks, and the disk is left alone for a while."""
REST_SECONDS = 30.0
DISK_SECONDS = 5.0
"""Longest wait for a write in the background, and at the start and the end."""
MAX_WRITES = 32
"""Files on their way to the disk; speech beyond that is kept in memory only."""
PIECE_BYTES = 256
"""What a frame or a mark takes in memory besides its samples, about."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What a synthesis depends on: `name` is a digest of all of it; `on_disk` whether a file is worth its while."""

    name: str
    rate: int
    on_disk: bool


def key_of(text: str, voice: Voice, rate: int, engine: TextToSpeech) -> CacheKey:
    """Return the key of `text` spoken by `voice` of `engine` at `rate` Hz."""
    model = engine.model_of(voice) if isinstance(engine, KnowsItsModel) else ""
    parts = (FORMAT, text, voice.engine, voice.name, voice.language, voice.speed, voice.parameters, model, rate)
    digest = hashlib.blake2b(json.dumps(parts).encode(), digest_size=20).hexdigest()
    return CacheKey(digest, rate, on_disk=not engine.info.instant)


class SpeechCache:
    """Two bounded tiers, each of which lets go of what was not used for longest; a bound of 0 is a tier left out.

    A find in memory returns without waiting, one on the disk after one hop to a thread. Behind them may be a third one,
    `shared` with other processes. Two who ask for the same text at the same time do not wait for each other: both
    speak, and the same is kept once.
    """

    def __init__(self, data_dir: Path, memory_bytes: int, disk_bytes: int, shared: SharedTier | None = None) -> None:
        self.hits = 0
        self.misses = 0
        self._memory: OrderedDict[str, tuple[tuple[SpeechPiece, ...], int]] = OrderedDict()
        self._memory_bytes = memory_bytes
        self._memory_used = 0
        self._folder = CacheFolder(data_dir / FOLDER, disk_bytes) if disk_bytes else None
        self._shared = shared
        self._threads = ThreadPoolExecutor(2, "speech-cache")
        self._writes: set[asyncio.Task[None]] = set()
        self._rests_until = 0.0
        self._trouble = ""
        self._closed = False

    async def open(self) -> None:
        """Learn what lies on the disk; a folder that cannot be used is told by `parts` and done without."""
        if self._folder is not None:
            await self._in_thread(self._folder.open)

    async def find(self, key: CacheKey) -> tuple[SpeechPiece, ...] | None:
        """Return the speech of `key`: its pieces as the engine gave them, None when there is none."""
        kept = self._memory.get(key.name)
        if kept is not None:
            self._memory.move_to_end(key.name)
            if self._folder is not None:
                self._folder.touch(key.name)
            self.hits += 1
            return kept[0]
        pieces = await self._from_disk(key)
        if pieces is None and self._shared is not None and key.on_disk:
            pieces = await self._shared.find(key.name, key.rate)
            if pieces is not None:
                self._write(key, pieces)
        if pieces is None:
            self.misses += 1
            return None
        self.hits += 1
        self._trouble = ""
        self._remember(key.name, pieces)
        return pieces

    def keep(self, key: CacheKey, pieces: Sequence[SpeechPiece]) -> None:
        """Keep speech that was spoken whole, by the engine of `key`; the disk is written in the background."""
        if self._closed or not storable(pieces, key.rate):
            return
        kept = tuple(pieces)
        self._remember(key.name, kept)
        self._write(key, kept)
        if self._shared is not None and key.on_disk:
            self._behind(self._shared.keep(key.name, key.rate, kept))

    def _write(self, key: CacheKey, kept: tuple[SpeechPiece, ...]) -> None:
        folder = self._folder
        if folder is None or not key.on_disk or folder.has(key.name) or self._resting:
            return
        self._behind(self._in_thread(lambda: folder.write(key.name, encode(kept, key.rate))))

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in the background; where too much waits already it is left undone."""
        if len(self._writes) >= MAX_WRITES:
            work.close()
            return
        write = asyncio.get_running_loop().create_task(work, name="speech cache write")
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    def parts(self) -> list[Part]:
        """Say when the disk cannot be used; nothing otherwise."""
        if not self._trouble:
            return []
        detail = f"Speech is not kept for the next start: {self._trouble}."
        return [Part("speech cache", State.DEGRADED, detail, "Let the service write to SECRETARY_DATA_DIR.")]

    async def close(self) -> None:
        """Finish what is being written and note what was used; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._writes:
            await asyncio.wait(self._writes)  # each has its time limit
        if self._folder is not None and not self._resting:
            await self._in_thread(self._folder.close)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._memory.clear()

    @property
    def _resting(self) -> bool:
        return asyncio.get_running_loop().time() < self._rests_until

    async def _from_disk(self, key: CacheKey) -> tuple[SpeechPiece, ...] | None:
        folder = self._folder
        if folder is None or not key.on_disk or not folder.has(key.name) or self._resting or self._closed:
            return None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await loop.run_in_executor(self._threads, _read, folder, key)
        except TimeoutError:
            self._rest(f"the disk took longer than {READ_SECONDS:g} s to read")
        except OSError as error:
            self._rest(str(error))
        return None

    def _remember(self, name: str, pieces: tuple[SpeechPiece, ...]) -> None:
        size = sum(PIECE_BYTES + (piece.samples.nbytes if isinstance(piece, Frame) else 0) for piece in pieces)
        if size > self._memory_bytes:
            return
        _, before = self._memory.pop(name, ((), 0))
        self._memory[name] = pieces, size
        self._memory_used += size - before
        while self._memory_used > self._memory_bytes:
            _, (_, freed) = self._memory.popitem(last=False)
            self._memory_used -= freed

    async def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(DISK_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            self._rest(f"the disk took longer than {DISK_SECONDS:g} s")
        except OSError as error:
            self._rest(str(error))
        else:
            self._trouble = ""

    def _rest(self, trouble: str) -> None:
        if not self._trouble:
            log.warning("The speech cache does without the disk for now.", problem=trouble)
        self._trouble = trouble
        self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS


def _read(folder: CacheFolder, key: CacheKey) -> tuple[SpeechPiece, ...] | None:
    try:
        return decode(folder.read(key.name), key.rate)
    except FileNotFoundError:  # somebody tidied the folder
        return None
    except ValueError as error:
        log.warning("A file of the speech cache is removed.", file=key.name, problem=str(error))
        folder.remove(key.name)
        return None
