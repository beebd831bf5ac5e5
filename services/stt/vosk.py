"""Vosk: streaming ears for every language whose model lies in MODELS_DIR/vosk; the default on a CPU."""

import re
from importlib.util import find_spec
from pathlib import Path

from services.engines import Availability, EngineContext, EngineInfo, Kind
from services.errors import EngineUnavailableError
from services.stt.model_folders import missing_files, read_languages, subfolders, wanted_languages
from services.stt.protocol import SpeechToText
from services.stt.worker_ears import WorkerEars, start_workers
from services.workers.worker import Worker

SESSIONS = 8
SMALL_MODELS = {"ru": "vosk-model-small-ru-0.22", "en": "vosk-model-small-en-us-0.15"}

_NEEDED = ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf")
_GRAPHS = ("graph/HCLG.fst", "graph/HCLr.fst")
_NAME = re.compile(r"vosk-model-(?:small-|big-)?([a-z]{2})(?:-|$)")


class Vosk:
    """The engine as the house sees it before it is loaded."""

    info = EngineInfo(
        name="vosk",
        kind=Kind.STT,
        title="Vosk",
        licence="Apache-2.0",
        rank=50,
        rates=(8000, 16000),
        streaming=True,
        word_times=True,
        memory_mb=300,
        concurrency=SESSIONS,
    )

    def availability(self, context: EngineContext) -> Availability:
        """Say for which languages a whole model folder is there."""
        home = context.models_dir / "vosk"
        if find_spec("vosk") is None:
            return Availability(reason="The Python package vosk is not installed.", remedy="pip install vosk")
        folders, faults = model_folders(home)
        if folders:
            return Availability(languages=tuple(sorted(folders)))
        reason = " ".join(faults) or f"There is no Vosk model in {home}."
        return Availability(reason=reason, remedy=remedy(home))

    async def load(self, context: EngineContext) -> SpeechToText:
        """Start one worker for each model. Raises EngineUnavailableError when one of those wanted cannot be loaded."""
        folders, faults = model_folders(context.models_dir / "vosk")
        wanted = wanted_languages(context) or tuple(folders)
        missing = [language for language in wanted if language not in folders]
        if missing or not wanted:
            reason = " ".join(faults) or f"There is no Vosk model for {', '.join(missing) or 'any language'}."
            raise EngineUnavailableError(reason, remedy(context.models_dir / "vosk", *missing))
        workers = {
            language: Worker(
                "services.stt.vosk_worker:VoskEngine",
                {"folder": str(folders[language])},
                name=f"vosk {language}",
                sessions=SESSIONS,
                start_timeout=120.0,
            )
            for language in wanted
        }
        await start_workers(workers)
        return WorkerEars(self.info, workers)


def model_folders(home: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the whole model folder of each language, and one sentence on each folder that is not one.

    The language stands in the folder's name (vosk-model-small-ru-0.22) or in a file `language` inside it. Of two models
    of one language the last by name is taken.
    """
    folders: dict[str, Path] = {}
    faults = []
    for folder in subfolders(home):
        named = _NAME.match(folder.name)
        languages = read_languages(folder) or (named.groups() if named else ())
        missing = missing_files(folder, _NEEDED)
        if len(missing_files(folder, _GRAPHS)) == len(_GRAPHS):
            missing.append("graph")
        if missing:
            faults.append(f"The Vosk model {folder.name} is not whole: {', '.join(missing)} is missing.")
        elif not languages:
            faults.append(
                f"The language of the Vosk model {folder.name} is unknown: write it (ru) in a file `language`."
            )
        folders.update(dict.fromkeys(() if missing else languages, folder))
    return folders, faults


def remedy(home: Path, *languages: str) -> str:
    """Say which model goes where."""
    names = [SMALL_MODELS.get(language, f"a Vosk model of the language {language}") for language in languages]
    what = " and ".join(names or ["vosk-model-small-ru-0.22 (Russian)"])
    folder = home / (names[0] if len(names) == 1 and names[0] in SMALL_MODELS.values() else "")
    return f"Put {what} into {folder} (the folder that holds am, conf and graph), then start again."


ENGINE = Vosk()
