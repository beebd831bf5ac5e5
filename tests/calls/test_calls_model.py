"""A language model answers a call over real HTTP: spoken while still being written, stopped when nobody listens."""

import asyncio
from pathlib import Path

from openai_server import Wait, ending, running, words
from phone import Phone

from telephony.simulator import read_wav

SPEECH = Path(__file__).resolve().parents[1] / "speech"
QUESTION = SPEECH / "football-slt.wav"  # nothing in the FAQ answers it
FIRST = "I am sorry, I do not follow football at all. "
LATER = "But I can tell you a lot about teeth, if you like. "


async def test_the_first_sentence_is_heard_while_the_model_is_still_writing(phone: Phone) -> None:
    async with running() as server:
        answer_it = [*words(*(word + " " for word in FIRST.split())), Wait(2.0), *words(LATER), *ending()]
        server.answers.extend([answer_it] * 5)  # it is asked on trial, too, for each guess of the ears
        async with phone(llm={"base_url": server.url, "model": "tiny-1"}) as (installation, line):
            placed = await line.place("+79991234567", [read_wav(QUESTION)])
            turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
    answer = turns[2]
    assert (answer.source, answer.model, answer.tokens_out) == ("model", "tiny-1", 7)
    assert answer.intended.startswith("I am sorry")
    assert answer.intended.endswith("if you like.")
    assert answer.stages["first_sound"] - answer.stages["final_transcript"] < 2000, "it waited for the whole answer"
    asked = server.requests[0]["messages"]
    assert asked[0]["role"] == "system"
    assert "football" not in asked[0]["content"]
    assert asked[-1]["role"] == "user"


async def test_hanging_up_stops_the_model(phone: Phone) -> None:
    async with running() as server:
        server.answers.extend([[*words(*(word + " " for word in FIRST.split())), Wait()]] * 5)
        async with phone(llm={"base_url": server.url, "model": "tiny-1"}) as (_, line):
            place = asyncio.create_task(line.place("+79991234567", [read_wav(QUESTION)]))
            await asyncio.wait_for(server.asked.wait(), 30)
            await place
            async with asyncio.timeout(10):
                while server.streaming:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
