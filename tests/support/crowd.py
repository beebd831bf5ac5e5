"""A crowd of callers who do what the dice say, all at once, through the real reception and on paced lines.

Each call is a sound track made of recorded speech, coughs, a television and silence, with keys, and an end anywhere:
also before the answer, and in the middle of a word. Some calls are heard by the real ears; for the others the words
are scripted, and some of these ears break. The voice breaks now and then, and its process is killed.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from paced_line import RATE, PacedLine, Track, recorded
from voice_desk import EarsOf
from voice_fakes import Act, FakeEars
from workers_here import workers_here

from services.audio.frame import Frame, Samples
from services.errors import EngineError
from services.installation import Installation
from services.stt.protocol import TranscriptStream
from services.tts.protocol import SpeechPiece, Voice
from services.voice.desk import Desk
from services.voice.ports import Ears, Mouth
from services.voice.reception import Reception

SENTENCES = {
    "hours": "what are your opening hours",
    "address": "where are you located",
    "prices": "what are your prices",
    "message": "I would like to leave a message",
    "name": "my name is John Smith",
    "number": "four one five five five five two six seven one",
    "matter": "please tell the doctor that my invoice is wrong",
    "football": "who won the football game yesterday",
    "yes": "yes",
    "no": "no",
    "goodbye": "goodbye",
}
KEYS = ("1", "0", "12#", "5551234567#")
LEAD = 0.15  # seconds of silence at both ends of each recording


@cache
def _speech(name: str) -> Samples:
    return recorded(name)


@cache
def _noise(seconds: float) -> Samples:
    samples: Samples = (np.random.default_rng(3).standard_normal(round(seconds * RATE)) * 3000).astype(np.int16)
    return samples


@dataclass
class Script:
    """One call of the crowd: what is heard of the caller, and what else befalls it."""

    seconds: float
    sounds: list[tuple[float, Samples]] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    keys: list[tuple[float, str]] = field(default_factory=list)
    real_ears: bool = False
    ears_break: float | None = None
    cancelled_at: float | None = None
    rings_off: bool = False

    @property
    def told(self) -> str:
        """What the caller does, in a line."""
        said = [f"{act.at:.2f}-{act.end:.2f} {act.text!r}" for act in self.acts]
        return f"{self.seconds:.2f} s {said} {self.keys} {self.ears_break=} {self.cancelled_at=} {self.real_ears=}"


def write(dice: random.Random, longest: float) -> Script:
    """Let the dice write a call of at most `longest` seconds."""
    lengths = dice.uniform(0.02, 2.0), dice.uniform(2.0, longest), dice.uniform(longest / 2, longest)
    script = Script(dice.choices(lengths, (1, 3, 3))[0])
    at = dice.uniform(0.0, 3.0)
    while at < script.seconds:
        at += dice.choice((0.0, 1.0, 4.0, 10.0, 20.0)) * dice.random()
        at = _add(script, dice, at)
    script.real_ears = dice.random() < 0.06
    if dice.random() < 0.08:
        script.ears_break = dice.uniform(0.0, script.seconds)
    if dice.random() < 0.04:
        script.cancelled_at = dice.uniform(0.0, script.seconds)
    script.rings_off = dice.random() < 0.03
    return script


def _add(script: Script, dice: random.Random, at: float) -> float:
    """Add something the caller does at second `at`; return when it is over."""
    match dice.choices(("speech", "cough", "television", "keys"), (12, 3, 1, 1))[0]:
        case "speech":
            name = dice.choice(list(SENTENCES))
            samples = _speech(f"{name}-{dice.choice(('slt', 'rms'))}")
            seconds = len(samples) / RATE
            script.acts.append(Act(at + LEAD, seconds - 2 * LEAD, SENTENCES[name]))
        case "cough":
            samples, seconds = _noise(0.2), 0.2
            script.acts.append(Act(at, seconds))
        case "television":
            seconds = dice.uniform(1.0, 6.0)
            samples = np.resize(_speech("long-rms"), round(seconds * RATE)) // 3
            script.acts.append(Act(at, seconds))
        case _:
            script.keys += [(at + 0.2 * number, key) for number, key in enumerate(dice.choice(KEYS))]
            return at + 2.0
    script.sounds.append((at, samples))
    return at + seconds


class FlakyMouth:
    """Another mouth that breaks in the middle of a sentence when the dice say so."""

    def __init__(self, mouth: Mouth, dice: random.Random) -> None:
        self._mouth = mouth
        self._dice = dice
        self.broke = 0

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        return self._mouth.voice_for(language, gender, wanted)

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        breaks_at = self._dice.randrange(60) if self._dice.random() < 0.04 else -1
        frames = 0
        pieces = self._mouth.synthesize(text, voice, rate, fixed=fixed)
        try:
            async for piece in pieces:
                if frames == breaks_at:
                    self.broke += 1
                    raise EngineError("The voice broke.")
                frames += isinstance(piece, Frame)
                yield piece
        finally:
            await pieces.aclose()


_EARS: ContextVar[Ears] = ContextVar("the ears of this call")


class EarsOfEachCall:
    """Every call hears with ears of its own: those that the context of its task names."""

    def serves(self, language: str) -> bool:
        return _EARS.get().serves(language)

    def streams(self, language: str) -> bool:
        return _EARS.get().streams(language)

    async def open_stream(self, language: str, rate: int, hints: Sequence[str] = ()) -> TranscriptStream:
        return await _EARS.get().open_stream(language, rate, hints)


class Crowd:
    """Callers at `desk`, `size` of them at a time; `count` says what came about."""

    def __init__(self, installation: Installation, desk: Desk, size: int, seed: int) -> None:
        self._installation = installation
        self._dice = random.Random(seed)
        self._mouth = FlakyMouth(desk.mouth, self._dice)
        self._ears = desk.ears
        self._reception = Reception(replace(desk, mouth=self._mouth, ears=EarsOfEachCall()))
        self._size = size
        self._number = 0
        self.count: Counter[str] = Counter()

    async def call_for(
        self, seconds: float, longest: float, check: Callable[[str, Script], Awaitable[None]], kills: int = 0
    ) -> None:
        """Keep all callers calling for `seconds`; `check` each call when it has ended; kill workers in between."""
        until = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(self._size):
                group.create_task(self._keep_calling(until, longest, check))
            group.create_task(self._kill(seconds, kills))
        self.count["voice broke"] = self._mouth.broke

    async def _keep_calling(
        self, until: float, longest: float, check: Callable[[str, Script], Awaitable[None]]
    ) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._dice.uniform(0.0, self._size / 5))
        while (left := until - loop.time()) > 0:
            script = write(self._dice, min(longest, max(3.0, left)))
            call_id = await self._hold(script)
            self.count["calls"] += 1
            if call_id:
                await check(call_id, script)

    async def _hold(self, script: Script) -> str:
        """Hold one call to its end; return its id, "" when it was cancelled."""
        self._number += 1
        sound = Track(script.seconds, *(each for each in script.sounds if each[0] < script.seconds))
        line = PacedLine(sound, f"+7999{self._number:07}", keys=script.keys, keeps=False)
        if script.rings_off:
            await line.hangup()
        _EARS.set(self._ears_of(script))
        taking = asyncio.create_task(self._reception.take(line))
        if script.cancelled_at is None:
            return await taking
        self.count["cancelled"] += 1
        await asyncio.wait([taking], timeout=script.cancelled_at)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        record = await self._installation.books.calls.last_call(self._installation.company_id, line.info.number)
        return record.id if record else ""

    def _ears_of(self, script: Script) -> Ears:
        if script.real_ears:
            self.count["real ears"] += 1
            return self._ears
        breaks_at = None
        if script.ears_break is not None:
            self.count["ears broke"] += 1
            breaks_at = asyncio.get_running_loop().time() + script.ears_break
        ears = FakeEars(script.acts, breaks_at=breaks_at, delay=self._dice.uniform(0.02, 0.6))
        return EarsOf(ears)

    async def _kill(self, seconds: float, kills: int) -> None:
        for _ in range(kills):
            await asyncio.sleep(seconds / (kills + 1))
            workers = workers_here()
            if workers:
                os.kill(self._dice.choice(workers).pid, signal.SIGKILL)
                self.count["workers killed"] += 1
