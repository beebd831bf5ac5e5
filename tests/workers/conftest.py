"""Workers with the trial engine, ended after each test."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.workers.worker import Worker

ENGINES = Path(__file__).parent / "engines"
Make = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    monkeypatch.syspath_prepend(str(ENGINES))
    workers: list[Worker] = []

    async def start(options: dict[str, Any] | None = None, **settings: Any) -> Worker:
        worker = Worker("trial_engines:Trial", options or {}, name="trial", **settings)
        workers.append(worker)
        await worker.start()
        return worker

    yield start
    for worker in workers:
        await worker.close()
    gc.collect()
