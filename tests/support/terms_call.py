"""A call on the owner's terms: the real reception, secretary and recorder, a fake voice and ears, virtual time."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from dialogue_desk import Book, Entries, Memory, StillClock
from numpy.typing import NDArray
from virtual_time import run_virtually
from voice_desk import Books, EarsOf, a_desk
from voice_fakes import Act, FakeEars, FakeLine, FakeMouth, FakeSecretary, MemoryLog, a_persona

from services.audio.files import read_audio
from services.dialogue.secretary import Secretary
from services.domain import CallTerms, CompanyProfile, Persona
from services.events import CallEventType
from services.knowledge.faq import FaqMatcher
from services.llm.protocol import LanguageModel
from services.tts.protocol import Voice
from services.voice.desk import Desk
from services.voice.reception import Reception
from services.voice.settings import VoiceSettings

MARINA = Persona("marina", "Марина", "ru", "female", "Здравствуйте, я {name}.", "calm", voice="fake:marina")
BOB = Persona("bob", "Bob", "en", "male", "Hello, {name} speaking.", "calm", voice="fake:bob")


class Staff(Books):
    """A company with facts, and with Bob and Marina beside Emma and Anna."""

    def __init__(self, **facts: str) -> None:
        self._facts = facts

    async def profile(self, company_id: str) -> CompanyProfile | None:
        return CompanyProfile("default", "Bakery", "en", "UTC", {"en": self._facts})

    async def get(self, company_id: str, slug: str) -> Persona | None:
        known = (BOB, MARINA, a_persona("en"), a_persona("ru"))
        return next((each for each in known if each.slug == slug), None)

    async def set_audio(self, company_id: str, message_id: str, path: str) -> None:
        pass


class NamedVoices(FakeMouth):
    """Speaks with the voice that is wanted, and tells which said what."""

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        return Voice("fake", wanted.removeprefix("fake:") or gender, language)


def a_secretary(model: LanguageModel | None = None, book: Book | None = None) -> Secretary:
    """Return the real secretary, who knows no answers of a FAQ."""
    return Secretary(FaqMatcher(Entries([])), model, Memory(), book or Book(), StillClock())


@dataclass
class Held:
    """A finished call."""

    line: FakeLine
    log: MemoryLog
    mouth: NamedVoices
    desk: Desk
    folder: Path
    book: Book = field(default_factory=Book)
    call_id: str = ""

    def types(self) -> list[str]:
        return [event.type.value for event in self.log.events]

    def said(self) -> list[object]:
        return self.log.heard("secretary")

    @property
    def end(self) -> dict[str, Any]:
        """What ENDED says."""
        return dict(self.log.events[-1].data)

    @property
    def started(self) -> dict[str, Any]:
        return dict(self.log.events[0].data)

    def recorded(self) -> list[object]:
        return [event.data["path"] for event in self.log.events if event.type is CallEventType.RECORDED]

    def loudness(self) -> NDArray[np.float64]:
        """The recording's loudness each 20 ms: (n, 2), caller and secretary."""
        (path,) = self.folder.rglob("*.ogg")
        return loudness(path)


def loudness(path: Path) -> NDArray[np.float64]:
    """Return the mean absolute value of both sides of a recording at 8 kHz, each 20 ms: (n, 2)."""
    import soundfile as sf

    samples, rate = sf.read(path, dtype="int16", always_2d=True)
    step = rate // 50
    whole = samples[: len(samples) // step * step].astype(np.float64)
    return np.asarray(np.abs(whole).reshape(-1, step, 2).mean(axis=1))


_NO_TERMS = CallTerms()


def hold(
    *acts: Act,
    folder: Path | None = None,
    terms: CallTerms = _NO_TERMS,
    secretary: Secretary | FakeSecretary | None = None,
    book: Book | None = None,
    line: FakeLine | None = None,
    books: Books | None = None,
    mouth: NamedVoices | None = None,
    ears: FakeEars | None = None,
    languages: Sequence[str] = ("en",),
    longest: float = 60.0,
    info: dict[str, Any] | None = None,
    deaf: bool = False,
    **settings: Any,
) -> Held:
    """Hold one call to its end on `terms`, with the voice settings `settings`; `info` changes the line's LineInfo.

    Without a `folder` its sound is written to one that is gone afterwards.
    """
    log, kept = MemoryLog(), book or Book()
    line = line or FakeLine(acts, longest)
    line.info = replace(line.info, terms=terms, **(info or {}))
    staff, voices = books or Staff(), mouth or NamedVoices()

    async def call(place: Path) -> Held:
        desk = a_desk(
            place,
            log,
            companies=staff,
            personas=staff,
            conversations=staff,
            sounds=staff,
            hints=staff,
            secretary=secretary or a_secretary(book=kept),
            mouth=voices,
            ears=EarsOf(None if deaf else ears or FakeEars(acts)),
            languages=languages,
            settings=VoiceSettings(**{"record": False, **settings}),
        )
        held = Held(line, log, voices, desk, place, kept)
        held.call_id = await Reception(desk).take(line)
        return held

    with tempfile.TemporaryDirectory() as passing:
        return run_virtually(call(folder or Path(passing)))


__all__ = ["BOB", "MARINA", "Held", "NamedVoices", "Staff", "a_secretary", "hold", "loudness", "read_audio"]
