import asyncio
import logging

import numpy as np
import pytest

from services.audio.frame import Frame
from services.audio.playout import PlayoutQueue
from services.errors import AudioError


def speech(number: int, start: int = 0) -> list[Frame]:
    """`number` frames of one utterance, as a synthesis gives them."""
    return [Frame(np.full(160, index + 1, np.int16), 8_000, start + index * 160) for index in range(number)]


async def put_all(queue: PlayoutQueue, frames: list[Frame]) -> None:
    for frame in frames:
        await queue.put(frame)


async def test_played_counts_speech_and_positions_count_everything() -> None:
    queue = PlayoutQueue(8_000)
    heard: list[Frame] = []
    queue.tap(heard.append)
    queue.take()
    await put_all(queue, speech(2))
    assert queue.queued == 320
    taken = [queue.take() for _ in range(3)]
    assert [frame.position for frame in taken] == [160, 320, 480]
    assert [int(frame.samples[0]) for frame in taken] == [1, 2, 0]
    assert queue.played == 320
    assert queue.queued == 0
    assert [frame.position for frame in heard] == [0, 160, 320, 480]
    assert [len(frame.samples) for frame in heard] == [160] * 4


async def test_put_waits_while_full_and_goes_on_when_one_is_taken() -> None:
    queue = PlayoutQueue(8_000, capacity_seconds=0.04)
    await put_all(queue, speech(2))
    third = asyncio.create_task(queue.put(speech(3)[2]))
    await asyncio.sleep(0)
    assert not third.done()
    assert queue.queued == 320
    queue.take()
    await asyncio.wait_for(third, 1)
    assert [int(queue.take().samples[0]) for _ in range(2)] == [2, 3]


async def test_a_sender_that_found_it_full_is_woken_once_for_several_frames() -> None:
    queue = PlayoutQueue(8_000, capacity_seconds=0.4)
    sender = asyncio.create_task(put_all(queue, speech(30)))
    await asyncio.sleep(0)
    queued = []
    for _ in range(10):
        queue.take()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        queued.append(queue.queued // 160)
    assert queued == [19, 18, 17, 16, 20, 19, 18, 17, 16, 20]
    assert sender.done()
    await sender


async def test_discard_drops_what_is_queued_and_what_waits() -> None:
    queue = PlayoutQueue(8_000, capacity_seconds=0.04)
    await put_all(queue, speech(2))
    waiting = asyncio.create_task(queue.put(speech(3)[2]))
    queue.take()
    await asyncio.sleep(0)
    await asyncio.wait_for(waiting, 1)
    stale = asyncio.create_task(queue.put(speech(4)[3]))
    await asyncio.sleep(0)
    assert queue.discard() == 160
    await asyncio.wait_for(stale, 1)
    assert queue.queued == 0
    assert not queue.take().samples.any()
    assert queue.played == 160
    await queue.put(speech(1)[0])
    assert queue.take().samples.any()


async def test_only_gaps_inside_an_utterance_are_underruns() -> None:
    queue = PlayoutQueue(8_000)
    first, second, third = speech(3)
    queue.take()
    await queue.put(first)
    queue.take()
    await queue.put(second)
    queue.take()
    assert queue.underruns == 0
    queue.take()
    queue.take()
    await queue.put(third)
    queue.take()
    assert queue.underruns == 2
    for _ in range(10):
        queue.take()
    await put_all(queue, speech(2))  # the next utterance
    queue.take()
    queue.take()
    assert queue.underruns == 2


async def test_a_gap_after_discard_is_no_underrun() -> None:
    queue = PlayoutQueue(8_000)
    first, second = speech(2)
    await queue.put(first)
    queue.take()
    queue.discard()
    queue.take()
    await queue.put(second)
    queue.take()
    assert queue.underruns == 0


async def test_missed_ticks_move_the_position_and_count_as_a_gap() -> None:
    queue = PlayoutQueue(8_000)
    await put_all(queue, speech(2))
    queue.take()
    queue.skip(7)
    assert queue.take().position == 8 * 160
    assert queue.underruns == 7
    assert queue.played == 320


async def test_drained_waits_for_the_last_frame() -> None:
    queue = PlayoutQueue(8_000)
    await asyncio.wait_for(queue.drained(), 1)
    await put_all(queue, speech(2))
    drained = asyncio.create_task(queue.drained())
    queue.take()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not drained.done()
    queue.take()
    await asyncio.wait_for(drained, 1)


@pytest.mark.parametrize("end", ["discard", "close"])
async def test_drained_ends_with_discard_and_close(end: str) -> None:
    queue = PlayoutQueue(8_000)
    await put_all(queue, speech(2))
    drained = asyncio.create_task(queue.drained())
    await asyncio.sleep(0)
    getattr(queue, end)()
    await asyncio.wait_for(drained, 1)


async def test_close_wakes_everybody_and_ends_the_queue() -> None:
    queue = PlayoutQueue(8_000, capacity_seconds=0.02)
    await queue.put(speech(1)[0])
    waiting = [asyncio.create_task(queue.put(frame)) for frame in speech(2)]
    await asyncio.sleep(0)
    queue.close()
    queue.close()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)
    await asyncio.wait_for(queue.put(speech(1)[0]), 1)
    assert queue.closed
    assert queue.queued == 0
    assert not queue.take().samples.any()


async def test_another_rate_is_refused() -> None:
    with pytest.raises(AudioError, match="16000 Hz"):
        await PlayoutQueue(8_000).put(Frame(np.zeros(320, np.int16), 16_000))


async def test_a_listener_that_fails_costs_nobody_the_sound(caplog: pytest.LogCaptureFixture) -> None:
    queue = PlayoutQueue(8_000)
    heard: list[Frame] = []

    def broken(frame: Frame) -> None:
        raise RuntimeError("watcher")

    queue.tap(broken)
    queue.tap(heard.append)
    with caplog.at_level(logging.ERROR):
        queue.take()
        queue.take()
    assert len(heard) == 2
    assert len(caplog.records) == 1
