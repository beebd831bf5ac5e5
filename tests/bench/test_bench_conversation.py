"""The harness of bench/conversation, in virtual time: it measures what it says, and ours waits for nothing."""

import json
import subprocess
import sys

import numpy as np
import pytest
from virtual_time import run_virtually

from bench.conversation import bare, ours
from bench.conversation.far_end import SIMPLE, VOICE, FarEnd, recorded
from bench.conversation.imports import CORES, measure
from bench.conversation.plan import fits
from bench.conversation.script import Answer, Serve, call, interrupt, turn
from bench.conversation.workload import ENGINES, FRAME_SECONDS, REPLY_SECONDS, SENTENCES, TOKENS, frames_of
from services.voice.hearing.vad import SileroModel


def answers(serve: Serve, turns: int) -> list[Answer]:
    got: list[Answer] = []

    async def talk(far: FarEnd) -> None:
        got.extend([await turn(far) for _ in range(turns)])

    run_virtually(call(serve, talk))
    return got


@pytest.mark.parametrize("serve", [ours.serve, bare.serve], ids=["ours", "bare"])
def test_two_turns_are_answered_and_nothing_is_waited_for(serve: Serve) -> None:
    got = answers(serve, 2)
    assert [each.added for each in got] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert [each.longest_gap for each in got] == pytest.approx([0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("serve", [ours.serve, bare.serve], ids=["ours", "bare"])
def test_an_interruption_ends_the_frames(serve: Serve) -> None:
    async def talk(far: FarEnd) -> None:
        seconds = await interrupt(far)
        assert seconds is not None
        assert seconds <= FRAME_SECONDS  # the frame in which ours fades out
        assert far.sound < REPLY_SECONDS

    run_virtually(call(serve, talk))


def test_an_answer_that_stops_short_is_lost() -> None:
    async def half(far: FarEnd) -> None:
        def speak(_text: str) -> None:
            for _ in range(100):
                far.hand(VOICE)

        far.on_transcript = speak
        await far.closed.wait()

    assert [each.added for each in answers(half, 1)] == [None]


def test_silence_is_no_first_sound_and_a_dry_line_is_a_gap() -> None:
    async def listen() -> None:
        far = FarEnd()
        far.hand(SIMPLE.room[0])
        assert far.first_sound is None
        far.hand(VOICE)
        await far.quiet(0.1)
        far.hand(VOICE)
        assert far.longest_gap == pytest.approx(0.1)

    run_virtually(listen())


def test_the_recorded_caller_is_heard_by_silero() -> None:
    detector = SileroModel().detector(16_000)
    speech = np.concatenate(recorded().speech)
    heard = [detector.probability(speech[at : at + 512]) > 0.5 for at in range(0, len(speech) - 511, 512)]
    assert len(recorded().speech) == 75
    assert all(heard[2:])


def test_the_reply_is_as_long_as_the_workload_says() -> None:
    ends = [number + 1 for number, token in enumerate(TOKENS) if token == "."]
    assert [end - begin for begin, end in zip([0, *ends], ends, strict=False)] == list(SENTENCES)
    assert frames_of("one two three") == 15
    assert pytest.approx(0.165) == ENGINES


def test_a_load_is_carried_without_loss_lateness_or_gap() -> None:
    good = {"count": 10, "p95": 49.0, "lost": 0, "longest_gap": 59.0}
    assert fits(good)
    for broken in ({"p95": 51.0}, {"lost": 1}, {"longest_gap": 61.0}, {"count": 0}):
        assert not fits({**good, **broken})


def test_imports_are_counted_in_a_fresh_process() -> None:
    assert "ours" in CORES
    assert measure("bare", times=1)["modules"] > 50


def test_a_measurement_prints_one_json_object() -> None:
    command = [sys.executable, "-m", "bench.conversation.measure", "bare", "growth", "--calls", "2", "--together", "2"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["tasks"] == 0
