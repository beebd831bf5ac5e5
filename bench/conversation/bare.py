"""The floor: what asyncio itself takes for the same work, without any framework."""

import asyncio

from bench.conversation.far_end import VOICE, FarEnd
from bench.conversation.workload import model, voice

SETTINGS = "one task a call, one for the answer, one for the voice"


async def serve(far: FarEnd) -> None:
    """Hold one call."""
    answer: asyncio.Task[None] | None = None
    heard = 0

    def stop() -> None:
        if answer is not None:
            answer.cancel()
        far.discard()

    def begin(_text: str) -> None:
        nonlocal answer
        answer = asyncio.create_task(_answer(far))

    far.on_barge_in, far.on_transcript = stop, begin
    async for _frame in far.microphone():
        heard += 1
    if answer is not None:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)


async def _answer(far: FarEnd) -> None:
    sentences: asyncio.Queue[str | None] = asyncio.Queue()
    frames: asyncio.Queue[bool] = asyncio.Queue(100)
    async with asyncio.TaskGroup() as group:
        group.create_task(_speak(sentences, frames))
        group.create_task(_play(far, frames))
        text = ""
        async for token in model():
            text += token
            if token == ".":
                sentences.put_nowait(text)
                text = ""
        sentences.put_nowait(None)


async def _speak(sentences: "asyncio.Queue[str | None]", frames: "asyncio.Queue[bool]") -> None:
    while (sentence := await sentences.get()) is not None:
        async for _number in voice(sentence):
            await frames.put(True)
    await frames.put(False)


async def _play(far: FarEnd, frames: "asyncio.Queue[bool]") -> None:
    while await frames.get():
        far.hand(VOICE)
        await far.paced()
