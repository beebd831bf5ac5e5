"""The consent notice: heard whole and first, and nothing of the call is kept from before its end."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from terms_call import Staff, hold, loudness
from voice_fakes import CHARACTER_SECONDS, Act, speaks

from services.domain import CallTerms

NOTICE = "This call is recorded."
NOTICE_SECONDS = len(NOTICE) * CHARACTER_SECONDS  # 1.1
GREETING = "Good morning, how can I help you?"
ON_TERMS = CallTerms(notice=NOTICE, greeting=GREETING)
LOUD = 500


def test_nothing_of_either_side_is_kept_from_before_the_notice_was_heard(tmp_path: Path) -> None:
    acts = speaks(0.2, "hello hello"), speaks(4, "what are your hours"), Act(9, hang_up=True)
    held = hold(*acts, folder=tmp_path, terms=ON_TERMS, record=True)
    sides = loudness(next(tmp_path.rglob("*.ogg")))
    over = round((NOTICE_SECONDS + 0.1) * 50)
    assert sides[: over - 2].max() < 5, "silence on both sides until the notice was over"
    assert sides[over + 5 : over + 20, 1].max() > LOUD, "the greeting is there"
    asked = sides[:, 0] > LOUD
    assert asked.argmax() == pytest.approx(4 * 50, abs=3), "positions count from the answer"
    assert not held.line.silences(0, NOTICE_SECONDS), "the caller's voice did not stop the notice"
    assert held.said()[0] == f"{NOTICE} {GREETING}"


def test_the_recording_is_announced_when_the_notice_was_heard(tmp_path: Path) -> None:
    held = hold(Act(2.5, hang_up=True), folder=tmp_path, terms=ON_TERMS, record=True)
    announced = next(event for event in held.log.events if event.type == "recorded")
    assert announced.at_ms == pytest.approx(NOTICE_SECONDS * 1000, abs=80)
    assert held.recorded() == [f"recordings/{held.desk.clock.now():%Y/%m}/{held.call_id}.ogg"]


def test_a_caller_who_hangs_up_during_the_notice_leaves_no_recording(tmp_path: Path) -> None:
    held = hold(Act(0.8, hang_up=True), folder=tmp_path, terms=ON_TERMS, record=True)
    assert held.types() == ["started", "answered", "turn", "ended"]
    assert not list(tmp_path.rglob("*.*"))


def test_the_companys_own_notice_holds_the_recording_too(tmp_path: Path) -> None:
    held = hold(Act(3, hang_up=True), folder=tmp_path, books=Staff(notice="We record."), record=True)
    assert held.said() == ["We record. Hello"]
    assert held.loudness()[:20].max() < 5
    assert held.loudness()[32:38, 1].max() > LOUD


def test_the_calls_notice_stands_in_for_the_companys() -> None:
    held = hold(Act(3, hang_up=True), terms=ON_TERMS, books=Staff(notice="We record."))
    assert held.said() == [f"{NOTICE} {GREETING}"]


def test_without_a_notice_the_recording_begins_with_the_answer(tmp_path: Path) -> None:
    held = hold(Act(2, hang_up=True), folder=tmp_path, record=True)
    assert held.types()[:3] == ["started", "answered", "recorded"]
    assert held.loudness()[:10, 1].max() > LOUD


def test_terms_without_recording_keep_none_and_announce_none(tmp_path: Path) -> None:
    held = hold(Act(3, hang_up=True), folder=tmp_path, terms=CallTerms(notice=NOTICE, record=False), record=True)
    assert held.recorded() == []
    assert not list(tmp_path.rglob("*.ogg"))


def test_terms_with_recording_keep_one_where_the_house_keeps_none(tmp_path: Path) -> None:
    held = hold(Act(3, hang_up=True), folder=tmp_path, terms=CallTerms(record=True), record=False)
    assert len(held.recorded()) == 1
    assert len(list(tmp_path.rglob("*.ogg"))) == 1


ROOT = Path(__file__).resolve().parents[2]

KILLED = """
import asyncio, pathlib, sys
sys.path[:0] = ["tests/support"]
from terms_call import a_secretary, Staff, NamedVoices
from voice_desk import a_desk, EarsOf
from voice_fakes import FakeEars, FakeLine, MemoryLog
from dataclasses import replace
from services.domain import CallTerms
from services.voice.reception import Reception

class Telling(MemoryLog):
    async def append(self, event):
        print(event.type.value, dict(event.data).get("path", ""), flush=True)

async def main():
    staff, line = Staff(), FakeLine([], 60)
    line.info = replace(line.info, terms=CallTerms(notice="This call is recorded."))
    desk = a_desk(pathlib.Path(sys.argv[1]), Telling(), companies=staff, personas=staff, conversations=staff,
                  secretary=a_secretary(), mouth=NamedVoices(), ears=EarsOf(FakeEars([])))
    await Reception(desk).take(line)

asyncio.run(main())
"""


async def test_a_killed_call_leaves_its_recording_with_the_silence_of_the_notice(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    path = ""
    async with asyncio.timeout(60):
        while not path:
            kind, _, path = (await process.stdout.readline()).decode().strip().partition(" ")
            assert kind in ("started", "answered", "recorded"), kind
    await asyncio.sleep(4.0)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    sides = loudness(tmp_path / path)
    assert len(sides) >= 2.5 * 50, "all but the last seconds of about five"
    assert sides[:55].max() < 5
    assert sides[60:80, 1].max() > LOUD
