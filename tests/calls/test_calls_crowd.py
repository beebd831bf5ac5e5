"""A crowd of callers at once: nothing may be left of any of their calls but its record, and that must be whole."""

import asyncio
import contextlib
import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from crowd import Crowd, Script
from open_things import OpenThings, memory, open_readers, settled
from paced_line import RATE, SIZE, recorded

from services.audio.files import read_audio
from services.audio.frame import Frame
from services.clock import LoopClock
from services.domain import Turn
from services.errors import EngineOverloadedError
from services.installation import Installation, OpenInstallation
from services.storage.calls.records import CallRecord
from services.stt.protocol import TranscriptStream
from services.voice.desk import Desk
from services.voice.endpointing.policy import TurnPolicy
from services.voice.hearing.vad import SileroModel
from services.voice.settings import VoiceSettings

OUTCOMES = {"answered", "missed", "failed"}
SHORTER = 5.0
"""Seconds by which a recording may be shorter than its call: the last words are still waited for then."""


def desk_of(installation: Installation) -> Desk:
    """Compose what calls need as the orchestrator does, to be changed by the crowd."""
    settings = VoiceSettings()
    return Desk(
        companies=installation.books.companies,
        personas=installation.books.personas,
        conversations=installation.books.conversations,
        calls=installation.books.calls,
        sounds=installation.books.messages,
        secretary=installation.secretary,
        ears=installation.ears,
        mouth=installation.mouth,
        vad=SileroModel().detector,
        policy=TurnPolicy(settings),
        turn_model=None,
        hints=installation.faq,
        bus=installation.bus,
        clock=LoopClock(),
        settings=settings,
        data_dir=installation.settings.data_dir,
    )


class Inspector:
    """Looks at each call when it is over; `faults` says what is wrong with which."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.faults: list[str] = []

    async def __call__(self, call_id: str, script: Script) -> None:
        """Note what does not hold, as it must of every stored call, however it went; clear its sound away."""
        installation = self._installation
        record = await installation.books.calls.get(installation.company_id, call_id)
        assert record is not None
        turns = await installation.books.calls.turns(installation.company_id, call_id)
        wrong = [*wrong_with_turns(turns)]
        if record.ended_at is None or record.outcome not in OUTCOMES or not record.end_reason:
            wrong.append("it has not ended")
        if record.outcome == "answered" and not turns and record.seconds >= 1.0:
            wrong.append("it has no turns")
        if record.outcome == "answered":
            wrong += await asyncio.to_thread(self._wrong_with_sound, record)
        self.faults += [f"{call_id}: {each}; {script.told}" for each in wrong]

    def _wrong_with_sound(self, record: CallRecord) -> list[str]:
        if not record.recording_path:
            return ["it has no recording"] if record.seconds >= 0.5 else []
        path = self._installation.settings.data_dir / record.recording_path
        seconds = len(read_audio(path, 8000)) / 8000
        path.unlink()
        if record.seconds - SHORTER <= seconds <= record.seconds + 0.1:
            return []
        return [f"its recording lasts {seconds:.2f} s, the call {record.seconds:.2f} s"]


def wrong_with_turns(turns: Sequence[Turn]) -> Iterator[str]:
    """Say what cannot be true of a call's turns."""
    if [turn.index for turn in turns] != list(range(len(turns))):
        yield "a turn is missing"
    for turn in turns:
        intended, heard = " ".join(turn.intended.split()), " ".join(turn.heard.split())
        if not intended.startswith(heard):
            yield f"heard what was not meant: {turn}"
        if heard != intended and not turn.interrupted_by:
            yield f"cut by nobody: {turn}"
        if not 0 <= turn.start <= turn.end + 0.001:
            yield f"ends before it begins: {turn}"


async def fill_pools(installation: Installation) -> None:
    """Open as many connections and ears at once as there may be: they come with the first work and stay."""
    await asyncio.gather(*(installation.books.calls.list(installation.company_id, limit=1) for _ in range(50)))
    await open_readers(installation.platform.database)
    speech = recorded("long-slt")
    opened: list[TranscriptStream] = []
    with contextlib.suppress(EngineOverloadedError):
        while len(opened) < 50:
            opened.append(await installation.ears.open_stream("en", RATE))
    for number in range(100):
        for stream in opened:
            await stream.push(Frame(speech[number * SIZE : (number + 1) * SIZE], RATE, number * SIZE))
    for stream in opened:
        await stream.end_utterance()
        async for transcript in stream:
            if transcript.final:
                break
        await stream.aclose()


async def crowded(
    open_installation: OpenInstallation, *, size: int, seconds: float, longest: float, kills: int, seed: int
) -> dict[str, int]:
    """Let the crowd call; fail when anything but the records is left. Return what came about."""
    async with open_installation(language="en") as installation:
        crowd = Crowd(installation, desk_of(installation), size, seed)
        inspector = Inspector(installation)
        await crowd.call_for(min(8.0, seconds / 4), 5.0, inspector)
        await fill_pools(installation)
        gc.collect()
        before, at_first = await settled(OpenThings.now(), 1.0), memory()
        await crowd.call_for(seconds, longest, inspector, kills)
        assert not inspector.faults, "\n".join(inspector.faults)
        gc.collect()
        after = await settled(before, 10.0)
        assert after.memory - before.memory < 64.0, (before, at_first, after, memory())
        return dict(crowd.count) | {"more memory": round(after.memory - before.memory)}


async def test_a_crowd_of_callers_leaves_nothing_but_records(
    open_installation: OpenInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    count = await crowded(open_installation, size=12, seconds=20, longest=12, kills=2, seed=11)
    assert count["calls"] > 24
    assert count["workers killed"] == 2


@pytest.mark.soak
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("seed", [7])
async def test_fifty_callers_for_ten_minutes_leave_nothing_but_records(
    open_installation: OpenInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    count = await crowded(open_installation, size=50, seconds=600, longest=60, kills=12, seed=seed)
    assert count["calls"] > 600, count
