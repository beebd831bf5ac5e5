"""The life of a worker process: loading, crashing, hanging, coming back, ending."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.errors import EngineError, EngineUnavailableError
from services.parts import State
from services.workers.session import Session
from services.workers.worker import Worker

ENGINES = Path(__file__).parent / "engines"
Make = Callable[..., Awaitable[Worker]]


async def ask(session: Session, kind: str, **data: Any) -> dict[str, Any]:
    await session.send(kind, data)
    answer = await session.receive(10)
    assert answer is not None
    return dict(answer.data)


async def pid_of(worker: Worker) -> int:
    session = await worker.open()
    try:
        return int((await ask(session, "count_closed"))["pid"])
    finally:
        await session.aclose()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"refuse": True}, "has no model. Put one there"), ({"explode": True}, "could not be loaded: ValueError: boom")],
)
async def test_an_engine_that_cannot_load_says_why(make: Make, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EngineUnavailableError, match=message):
        await make(options)


async def test_an_engine_that_crashes_while_loading_is_unavailable(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EngineUnavailableError, match="SIGABRT"):
        await make({"die": True})
    assert "last words without an end of line" in caplog.text


async def test_an_engine_that_loads_too_long_is_given_up(make: Make) -> None:
    with pytest.raises(EngineUnavailableError, match=r"not loaded within 0\.6 s"):
        await make({"load_seconds": 30}, start_timeout=0.6)


async def test_a_module_that_is_not_there_is_an_unavailable_engine() -> None:
    worker = Worker("no_such_module:Engine", {}, name="nobody")
    with pytest.raises(EngineUnavailableError, match="no_such_module"):
        await worker.start()
    assert worker.state is State.DOWN
    with pytest.raises(EngineError, match="is closed"):
        await worker.open()


async def test_a_killed_process_fails_its_sessions_and_comes_back(make: Make) -> None:
    worker = await make()
    session = await worker.open()
    before = await pid_of(worker)
    await session.send("wait_for_cancel")
    os.kill(before, signal.SIGKILL)
    with pytest.raises(EngineError, match="SIGKILL"):
        async for _ in session:
            pass
    await session.aclose()
    assert await pid_of(worker) != before
    assert worker.state is State.READY


async def test_a_crash_inside_the_engine_is_survived(make: Make) -> None:
    worker = await make()
    session = await worker.open()
    await session.send("crash")
    with pytest.raises(EngineError, match="SIGABRT"):
        await session.receive(10)
    assert await ask(await worker.open(), "echo", a=1) == {"a": 1}


@pytest.mark.parametrize(
    ("hang", "blame"), [("hold_gil", "no sign of life"), ("nap", "did not come back from its work")]
)
async def test_the_watchdog_ends_a_hung_engine(make: Make, hang: str, blame: str) -> None:
    worker = await make(silence_timeout=2.0, stall_timeout=1.0)
    session = await worker.open()
    await session.send(hang, {"seconds": 60})
    with pytest.raises(EngineError, match=blame):
        await session.receive(20)
    assert await ask(await worker.open(), "echo", a=1) == {"a": 1}


async def test_closing_the_worker_leaves_no_process_and_ends_readers(make: Make) -> None:
    worker = await make()
    pid = await pid_of(worker)
    session = await worker.open()
    await session.send("hold_gil", {"seconds": 60})
    await worker.close()
    await worker.close()
    assert not psutil.pid_exists(pid)
    with pytest.raises(EngineError):
        await session.receive(1)
    with pytest.raises(EngineError, match="closed"):
        await worker.open()
    assert worker.state is State.DOWN


async def test_a_cancelled_start_leaves_no_process(make: Make) -> None:
    ours = psutil.Process()
    before = {each.pid for each in ours.children()}
    starting = asyncio.ensure_future(make({"load_seconds": 30}))
    await asyncio.sleep(0.3)
    assert {each.pid for each in ours.children()} - before
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert {each.pid for each in ours.children()} <= before


async def test_ctrl_c_does_not_reach_the_engine(make: Make) -> None:
    worker = await make()
    pid = await pid_of(worker)
    os.kill(pid, signal.SIGINT)
    assert await pid_of(worker) == pid


PARENT = """
import asyncio, sys
from services.workers.worker import Worker
async def main():
    worker = Worker("trial_engines:Trial", {}, name="trial")
    await worker.start()
    session = await worker.open()
    await session.send("count_closed")
    print((await session.receive(10)).data["pid"], flush=True)
    await session.send("wait_for_cancel")
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_a_killed_parent_leaves_no_orphan() -> None:
    path = os.pathsep.join((str(ENGINES), *sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        gone, alive = psutil.wait_procs([child], timeout=10)
        assert not alive
        assert gone
