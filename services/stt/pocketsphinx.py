"""Pocketsphinx: the ears that are always there, for English, with a low accuracy that is said aloud.

The package carries its English model, so nothing is downloaded. It holds the GIL while it decodes and lives in a worker
process.
"""

from importlib.util import find_spec

from services.engines import Availability, EngineContext, EngineInfo, Kind
from services.errors import EngineUnavailableError
from services.stt.protocol import SpeechToText
from services.stt.worker_ears import WorkerEars, start_workers
from services.workers.worker import Worker

SESSIONS = 4


class Pocketsphinx:
    """The engine as the house sees it before it is loaded."""

    info = EngineInfo(
        name="pocketsphinx",
        kind=Kind.STT,
        title="Pocketsphinx",
        licence="BSD-2-Clause",
        rank=10,
        rates=(16000,),
        streaming=True,
        word_times=True,
        memory_mb=300,
        concurrency=SESSIONS,
    )

    def availability(self, context: EngineContext) -> Availability:  # noqa: ARG002 - the model is in the package
        """English where the package is installed."""
        if find_spec("pocketsphinx") is None:
            return Availability(
                reason="The Python package pocketsphinx is not installed.", remedy="pip install pocketsphinx"
            )
        return Availability(
            languages=("en",), labelled="low accuracy: it often misunderstands words, the more so on a noisy line"
        )

    async def load(self, context: EngineContext) -> SpeechToText:
        """Start the worker. Raises EngineUnavailableError."""
        available = self.availability(context)
        if not available.usable:
            raise EngineUnavailableError(available.reason, available.remedy)
        worker = Worker(
            "services.stt.pocketsphinx_worker:PocketsphinxEngine", {}, name="pocketsphinx", sessions=SESSIONS
        )
        workers = {"en": worker}
        await start_workers(workers)
        return WorkerEars(self.info, workers)


ENGINE = Pocketsphinx()
