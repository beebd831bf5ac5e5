"""Whisper by faster-whisper: accurate ears for many languages, from a CTranslate2 folder in MODELS_DIR/whisper.

It hears an utterance as a whole, so its answer comes later than a streaming engine's; `auto` prefers Vosk on a CPU.
"""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from services.engines import Availability, EngineContext, EngineInfo, Kind
from services.errors import EngineUnavailableError
from services.stt.model_folders import missing_files, read_languages, subfolders, wanted_languages
from services.stt.protocol import SpeechToText
from services.stt.worker_ears import WorkerEars, start_workers
from services.workers.worker import Worker

SESSIONS = 2
UTTERANCE_SECONDS = 60.0
"""The longest that decoding one utterance may take before the worker counts as hung."""

# Without its tokenizer.json faster-whisper would ask the network for one.
_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
SPOKEN = ("en", "ru")
"""What a multilingual model is offered for; a file `languages` in its folder says otherwise."""


class Whisper:
    """The engine as the house sees it before it is loaded."""

    info = EngineInfo(
        name="whisper",
        kind=Kind.STT,
        title="Whisper (faster-whisper)",
        licence="MIT",
        rank=40,
        rates=(16000,),
        streaming=False,
        word_times=False,
        memory_mb=700,
        concurrency=SESSIONS,
    )

    def availability(self, context: EngineContext) -> Availability:
        """Say for which languages a whole model folder is there."""
        home = context.models_dir / "whisper"
        if find_spec("faster_whisper") is None:
            return Availability(
                reason="The Python package faster-whisper is not installed.", remedy="pip install faster-whisper"
            )
        folders, faults = model_folders(home)
        if folders:
            return Availability(languages=tuple(sorted(folders)))
        return Availability(reason=" ".join(faults) or f"There is no Whisper model in {home}.", remedy=remedy(home))

    async def load(self, context: EngineContext) -> SpeechToText:
        """Start one worker for each model. Raises EngineUnavailableError when one of those wanted cannot be loaded."""
        home = context.models_dir / "whisper"
        folders, faults = model_folders(home)
        wanted = wanted_languages(context) or tuple(folders)
        missing = [language for language in wanted if language not in folders]
        if missing or not wanted:
            reason = " ".join(faults) or f"There is no Whisper model for {', '.join(missing) or 'any language'}."
            raise EngineUnavailableError(reason, remedy(home))
        by_folder = {
            folder: _worker(folder, [language for language in wanted if folders[language] == folder])
            for folder in {folders[language] for language in wanted}
        }
        workers = {language: by_folder[folders[language]] for language in wanted}
        await start_workers(workers)
        return WorkerEars(self.info, workers)


def model_folders(home: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the model folder of each language, and one sentence on each folder that is not whole.

    A file `languages` in the folder lists its languages; without one a model whose name ends in ".en" is English and
    every other is taken for multilingual. Of two models of one language the last by name is taken.
    """
    folders: dict[str, Path] = {}
    faults = []
    for folder in subfolders(home):
        missing = missing_files(folder, _NEEDED)
        if len(missing_files(folder, _VOCABULARIES)) == len(_VOCABULARIES):
            missing.append("vocabulary")
        if missing:
            faults.append(f"The Whisper model {folder.name} is not whole: {', '.join(missing)} is missing.")
        elif not _readable(folder / "config.json"):
            faults.append(f"The Whisper model {folder.name} has a config.json that cannot be read.")
        else:
            english = folder.name.endswith(".en")
            languages = read_languages(folder, "languages") or (("en",) if english else SPOKEN)
            folders.update(dict.fromkeys(languages, folder))
    return folders, faults


def remedy(home: Path) -> str:
    """Say what goes where."""
    folder = home / "faster-whisper-small"
    return f"Put a CTranslate2 Whisper model, such as faster-whisper-small, into {folder}, then start again."


def _worker(folder: Path, languages: Sequence[str]) -> Worker:
    return Worker(
        "services.stt.whisper_worker:WhisperEngine",
        {"folder": str(folder), "languages": list(languages)},
        name=f"whisper {folder.name}",
        sessions=SESSIONS,
        start_timeout=180.0,
        stall_timeout=UTTERANCE_SECONDS,
    )


def _readable(config: Path) -> bool:
    try:
        return isinstance(json.loads(config.read_bytes()), dict)
    except (OSError, ValueError):
        return False


ENGINE = Whisper()
