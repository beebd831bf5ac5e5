"""What every engine says of itself: `auto`, `doctor` and the admin panel read only this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What an engine does."""

    STT = "stt"
    TTS = "tts"
    LLM = "llm"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The standing facts of an engine, true before its package or weights are there.

    `rank` orders engines for `auto` (higher is better); `rates` are the native sample rates in Hz;
    `memory_mb` is what one loaded instance takes; `concurrency` how many sessions one instance serves at once;
    `instant` engines answer in a few milliseconds on any CPU, so that nothing they make is worth a file.
    """

    name: str
    kind: Kind
    title: str
    licence: str
    rank: int
    rates: tuple[int, ...] = ()
    streaming: bool = False
    word_times: bool = False
    cloning: bool = False
    memory_mb: int = 0
    concurrency: int = 1
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an engine can work here and now.

    `languages` are those it can serve with what is present (ISO 639-1); when there is none, `reason` is a sentence
    and `remedy` a command or step that changes it. `labelled` is a caution shown with a working engine, such as
    "low accuracy".
    """

    languages: tuple[str, ...] = ()
    reason: str = ""
    remedy: str = ""
    labelled: str = ""

    @property
    def usable(self) -> bool:
        """True when at least one language can be served."""
        return bool(self.languages)


@dataclass(frozen=True, slots=True)
class EngineContext:
    """What an engine may know of the installation when it is asked for its availability or opened."""

    models_dir: Path
    data_dir: Path
    options: Mapping[str, str] = field(default_factory=dict)
