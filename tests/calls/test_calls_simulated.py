"""Whole calls: real pseudo-terminals, real AT dialogue, real speech, real ears and voice, real database."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from open_things import open_readers
from phone import Phone

from services.audio.files import read_audio
from services.installation import Installation
from services.storage.calls.records import CallRecord
from telephony.simulator import read_wav

SPEECH = Path(__file__).resolve().parents[1] / "speech"
HOURS, ADDRESS, PRICES = (SPEECH / f"{name}-slt.wav" for name in ("hours", "address", "prices"))
NUMBER = "+79991234567"


@contextmanager
def busiest_callback() -> Iterator[list[tuple[float, str]]]:
    """Note the CPU seconds (of this thread) of every event-loop callback that takes more than 5 ms."""
    noted: list[tuple[float, str]] = []
    handle = asyncio.Handle
    run = handle._run

    def timed(self: asyncio.Handle) -> None:
        what, begin = repr(self), time.thread_time()
        run(self)
        used = time.thread_time() - begin
        if used > 0.005:
            noted.append((used, what))

    handle._run = timed  # type: ignore[method-assign]
    try:
        yield noted
    finally:
        handle._run = run  # type: ignore[method-assign]


def what_is_open() -> tuple[int, int]:
    """Count the tasks and file descriptors of this process."""
    return len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir()))


async def settles_to(before: tuple[int, int]) -> None:
    """Give what ends by itself a moment, then expect no task and no descriptor more than `before`."""
    now = what_is_open()
    for _ in range(100):
        if now[0] <= before[0] and now[1] <= before[1]:
            return
        await asyncio.sleep(0.05)
        now = what_is_open()
    raise AssertionError(f"tasks and files: {before} became {now}: {asyncio.all_tasks()}")


async def stored(installation: Installation, call_id: str) -> CallRecord:
    record = await installation.books.calls.get(installation.company_id, call_id)
    assert record is not None
    return record


async def test_two_calls_in_a_row_are_answered_and_stored_and_leave_nothing_behind(phone: Phone) -> None:
    async with phone() as (installation, line):
        await open_readers(installation.platform.database)
        with busiest_callback() as busy:
            first = await line.place(NUMBER, [read_wav(HOURS)])
            one = await stored(installation, first.call_id)
            left = what_is_open()
            second = await line.place(NUMBER, [read_wav(PRICES)])
            two = await stored(installation, second.call_id)
        await settles_to(left)

        for placed, entry in ((first, "hours"), (second, "prices")):
            assert placed.answered
            record = await stored(installation, placed.call_id)
            assert (record.number, record.direction, record.outcome) == (NUMBER, "in", "answered")
            assert record.answered_at is not None
            assert record.ended_at is not None
            assert record.started_at <= record.answered_at < record.ended_at
            turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
            assert [turn.role for turn in turns] == ["secretary", "caller", "secretary"]
            assert turns[2].source == "faq"
            assert entry in turns[2].detail
            assert {"end_of_turn", "final_transcript", "first_text", "first_sound"} <= set(turns[2].stages)
            recording = installation.settings.data_dir / record.recording_path
            assert len(read_audio(recording, 8000)) > 8000 * (record.seconds - 1.5)
        assert one.conversation_id == two.conversation_id, "the same number is the same conversation"

        assert max((used for used, _ in busy), default=0.0) <= 0.020, sorted(busy)[-3:]


HARMLESS = [
    "audio-refused-twice", "begin-after-ok", "chunks-40ms", "cpcmreg-off-needs-1", "junk",
    "late-no-carrier", "odd-bytes", "slow-answers", "urc-inside-answer", "withheld",
]  # fmt: skip


async def test_a_modem_with_every_harmless_fault_at_once_still_answers(phone: Phone) -> None:
    async with phone(*HARMLESS) as (installation, line):
        placed = await line.place(NUMBER, [read_wav(HOURS)])
        assert placed.answered
        assert (await stored(installation, placed.call_id)).number == "", "the number was withheld"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("caller-hangs-up-mid-sentence", "caller_hangup"),
        ("network-lost", "line_lost"),
        ("port-vanishes", "line_lost"),
    ],
)
async def test_a_call_that_breaks_off_is_filed_whole(phone: Phone, fault: str, reason: str) -> None:
    async with phone(fault) as (installation, line):
        await open_readers(installation.platform.database)
        placed = await line.place(NUMBER, [read_wav(HOURS)])
        record = await stored(installation, placed.call_id)
        assert (record.outcome, record.end_reason) == ("answered", reason)
        turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
        assert turns[0].interrupted_by == "hangup"
        assert turns[0].intended.startswith(turns[0].heard[:5])
        if fault == "caller-hangs-up-mid-sentence":
            left = what_is_open()
            await line.place(NUMBER, [read_wav(HOURS)])
            await settles_to(left)


async def test_a_caller_who_gives_up_is_a_missed_call(phone: Phone) -> None:
    async with phone(answer_after_rings=10, speech=False) as (installation, line):
        await line.miss(NUMBER)
        record = await installation.books.calls.last_call(installation.company_id, NUMBER)
        assert record is not None
        assert (record.outcome, record.answered_at) == ("missed", None)


async def test_a_russian_line_without_ears_takes_a_recorded_message_and_answers_keys(phone: Phone) -> None:
    async with phone(language="ru") as (installation, line):
        assert not installation.ears.serves("ru")
        placed = await line.place(NUMBER, ["1", read_wav(SPEECH / "long-slt.wav")])
        turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
        assert "не понимаю" in turns[0].intended or "не распознаю" in turns[0].intended
        hours = next(turn for turn in turns if turn.role == "secretary" and turn.source in {"facts", "faq"})
        assert ":" in hours.intended
        (message,) = await installation.books.messages.list(installation.company_id)
        assert message.number == NUMBER
        sound = read_audio(installation.settings.data_dir / message.audio_path, 8000)
        assert len(sound) > 8000 * 4, "the caller's own voice is kept"
