"""Ducking, pausing and going back: what the caller hears, and what `played` says about it."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from services.audio.frame import Frame, Samples
from services.audio.gain import gain_of
from services.audio.playout import REMEMBERED_SECONDS, PlayoutQueue
from services.errors import AudioError

RATE = 8_000
SIZE = 160
LOUD = 20_000
REMEMBERED = round(REMEMBERED_SECONDS * 50)


def numbered(number: int, start: int = 0) -> list[Frame]:
    """Frames of one utterance, each filled with its own number, from 1 on."""
    return [Frame(np.full(SIZE, 1 + start + at, np.int16), RATE, (start + at) * SIZE) for at in range(number)]


async def filled(frames: list[Frame]) -> PlayoutQueue:
    queue = PlayoutQueue(RATE, capacity_seconds=60.0)
    for frame in frames:
        await queue.put(frame)
    return queue


def tone(number: int) -> list[Frame]:
    """A loud 200 Hz tone, of which every frame continues the one before."""
    wave = np.rint(LOUD * np.sin(2 * np.pi * 200 * np.arange(number * SIZE) / RATE)).astype(np.int16)
    return [Frame(wave[at : at + SIZE], RATE, at) for at in range(0, number * SIZE, SIZE)]


def middles(queue: PlayoutQueue, number: int) -> list[int]:
    """Take frames and tell the number that each carries at full level, or 0 for silence."""
    return [int(queue.take().samples[-1]) for _ in range(number)]


def largest_step(frames: list[Samples]) -> int:
    sound = np.concatenate([np.zeros(1, np.int16), *frames]).astype(np.int64)
    return int(np.abs(np.diff(sound)).max())


async def test_ducking_acts_on_the_next_frame_and_lasts() -> None:
    queue = await filled([Frame(np.full(SIZE, LOUD, np.int16), RATE, at * SIZE) for at in range(5)])
    queue.take()
    queue.duck(-12.0)
    ramp, low = queue.take().samples, queue.take().samples
    expected = LOUD * 10 ** (-12 / 20)
    assert abs(int(ramp[-1]) - expected) <= 1
    assert (np.diff(ramp.astype(int)) <= 0).all()
    assert (np.abs(low - expected) <= 1).all()
    queue.duck(0)
    ramp, full = queue.take().samples, queue.take().samples
    assert (np.diff(ramp.astype(int)) >= 0).all()
    assert (full == LOUD).all()
    assert queue.played == 5 * SIZE


async def test_at_the_sent_level_the_samples_themselves_go_out() -> None:
    frames = numbered(2)
    queue = await filled(frames)
    assert queue.take().samples is frames[0].samples
    queue.duck(-6)
    queue.duck(0)
    assert queue.take().samples is frames[1].samples


@pytest.mark.parametrize("decibels", [0.1, float("nan")])
def test_speech_is_never_made_louder(decibels: float) -> None:
    with pytest.raises(AudioError, match="quieter"):
        PlayoutQueue(RATE).duck(decibels)


def test_a_gain_is_ten_to_the_twentieth_of_the_decibels() -> None:
    assert [round(gain_of(each), 4) for each in (0, -6, -20, float("-inf"))] == [1.0, 0.5012, 0.1, 0.0]


async def test_full_scale_does_not_clip_or_wrap() -> None:
    queue = await filled([Frame(np.full(SIZE, each, np.int16), RATE, 0) for each in (-32_768, 32_767, -32_768)])
    queue.duck(-0.001)
    assert (queue.take().samples < -32_700).all()
    assert (queue.take().samples > 32_700).all()
    queue.duck(0)
    assert (queue.take().samples < -32_700).all()


async def test_a_pause_fades_out_and_what_follows_fades_in_from_where_it_was() -> None:
    queue = await filled(numbered(6))
    assert middles(queue, 2) == [1, 2]
    queue.pause()
    fading = queue.take().samples
    assert fading[0] == 3
    assert fading[-1] == 0
    assert middles(queue, 3) == [0, 0, 0]
    assert (queue.played, queue.queued) == (3 * SIZE, 3 * SIZE)
    queue.resume()
    rising = queue.take().samples
    assert rising[0] == 0
    assert rising[-1] == 4
    assert middles(queue, 3) == [5, 6, 0]
    assert queue.played == 6 * SIZE


async def test_going_back_repeats_whole_frames_and_takes_them_out_of_the_count() -> None:
    queue = await filled(numbered(9))
    middles(queue, 4)
    queue.pause()
    middles(queue, 3)
    assert queue.played == 5 * SIZE
    queue.resume(back=2 * SIZE + 1)
    assert (queue.played, queue.queued) == (2 * SIZE, 7 * SIZE)
    assert middles(queue, 8) == [3, 4, 5, 6, 7, 8, 9, 0]
    assert queue.played == 9 * SIZE


async def test_going_back_ends_where_the_memory_does() -> None:
    queue = await filled(numbered(40))
    middles(queue, 39)
    queue.pause()
    middles(queue, 2)
    queue.resume(back=10 * RATE)
    assert REMEMBERED * SIZE == RATE // 2
    assert queue.played == 40 * SIZE - RATE // 2
    assert middles(queue, REMEMBERED + 1) == [*range(16, 41), 0]


async def test_what_was_said_before_a_long_silence_is_not_said_again() -> None:
    queue = await filled(numbered(3))
    middles(queue, 3 + REMEMBERED)
    await queue.put(numbered(4)[3])
    queue.take()
    queue.pause()
    queue.take()
    queue.resume(back=RATE)
    assert middles(queue, 2) == [4, 0]


async def test_a_pause_that_no_frame_met_is_taken_back_without_a_trace() -> None:
    frames = numbered(3)
    queue = await filled(frames)
    queue.take()
    queue.pause()
    queue.resume(back=RATE)
    assert queue.take().samples is frames[1].samples
    queue.resume(back=RATE)
    assert queue.take().samples is frames[2].samples
    assert queue.played == 3 * SIZE


async def test_a_pause_before_the_first_word_lets_nothing_out() -> None:
    queue = PlayoutQueue(RATE)
    queue.pause()
    for frame in numbered(2):
        await queue.put(frame)
    assert middles(queue, 3) == [0, 0, 0]
    assert queue.played == 0
    queue.resume()
    assert middles(queue, 3) == [1, 2, 0]
    queue.discard()
    await queue.put(numbered(1)[0])  # the next utterance, while the line is silent
    queue.pause()
    assert middles(queue, 1) == [0]
    assert queue.played == 2 * SIZE


async def test_nothing_clicks_when_the_level_changes_or_the_speech_halts() -> None:
    queue = await filled(tone(60))
    smooth = largest_step([frame.samples for frame in tone(60)])
    heard = [queue.take().samples for _ in range(4)]
    changes: list[Callable[[], None]] = [
        lambda: queue.duck(-12),
        lambda: queue.duck(0),
        queue.pause,
        lambda: queue.resume(2 * SIZE),
        lambda: queue.duck(-20),
        queue.pause,
        lambda: queue.duck(0),
        queue.resume,
    ]
    for change in changes:
        change()
        heard += [queue.take().samples for _ in range(3)]
    # A ramp over 20 ms adds at most its own slope to the steps of the tone.
    assert largest_step(heard) <= smooth + LOUD / SIZE + 1


async def test_a_pause_is_no_underrun_and_a_hole_in_the_ticks_within_it_neither() -> None:
    queue = await filled(numbered(4))
    queue.take()
    queue.pause()
    queue.take()
    queue.skip(5)
    middles(queue, 5)
    queue.resume()
    middles(queue, 2)
    assert queue.underruns == 0


async def test_underruns_around_a_pause_still_count() -> None:
    frames = numbered(3)
    queue = await filled(frames[:1])
    middles(queue, 3)
    queue.pause()
    middles(queue, 2)
    await queue.put(frames[1])
    queue.resume()
    middles(queue, 2)
    await queue.put(frames[2])
    queue.take()
    assert queue.underruns == 3


async def test_a_pause_keeps_the_sender_and_the_end_waiting() -> None:
    queue = PlayoutQueue(RATE, capacity_seconds=0.04)
    first, second, third, fourth = numbered(4)
    await queue.put(first)
    await queue.put(second)
    queue.take()
    queue.pause()
    queue.take()
    await queue.put(third)
    await queue.put(fourth)
    sender = asyncio.create_task(queue.put(numbered(5)[4]))
    end = asyncio.create_task(queue.drained())
    for _ in range(5):
        queue.take()
        await asyncio.sleep(0)
    assert not sender.done()
    assert not end.done()
    queue.resume(SIZE)
    assert queue.queued == 3 * SIZE
    assert middles(queue, 2) == [2, 3]
    await asyncio.wait_for(sender, 1)
    assert middles(queue, 3) == [4, 5, 0]
    await asyncio.wait_for(end, 1)


async def test_what_is_played_again_is_waited_for() -> None:
    queue = await filled(numbered(1))
    queue.take()
    queue.pause()
    queue.take()
    queue.resume(SIZE)
    end = asyncio.create_task(queue.drained())
    await asyncio.sleep(0)
    assert not end.done()
    queue.take()
    await asyncio.wait_for(end, 1)


async def test_discard_ends_a_pause_and_keeps_the_gain() -> None:
    queue = await filled([Frame(np.full(SIZE, LOUD, np.int16), RATE, at * SIZE) for at in range(5)])
    queue.duck(-20)
    middles(queue, 2)
    queue.pause()
    middles(queue, 2)
    assert queue.discard() == 3 * SIZE
    queue.resume(back=RATE)
    assert queue.played == 3 * SIZE
    await queue.put(Frame(np.full(SIZE, LOUD, np.int16), RATE, 0))
    assert (np.abs(queue.take().samples - LOUD / 10) <= 1).all()


async def test_after_the_end_nothing_comes_back() -> None:
    queue = await filled(numbered(5))
    middles(queue, 3)
    queue.close()
    queue.pause()
    queue.take()
    queue.resume(RATE)
    assert not queue.take().samples.any()
    assert queue.played == 3 * SIZE
    await asyncio.wait_for(queue.drained(), 1)
