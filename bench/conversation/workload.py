"""What every contender is given: the same fake engines, the same text, the same pace.

The language model writes its first token after 100 ms and then 200 tokens a second, 60 tokens in sentences of 8, 27 and
25; the full stop is a token of its own, as tokenizers have it. The voice gives its first 20 ms frame 30 ms after the
text and then 20 times real time; a word lasts 0.1 s. Both keep an absolute schedule, so that ordinary lateness of a
timer does not add up. Nothing here imports the project: peers may run in an environment that does not have it.
"""

import asyncio
from collections.abc import AsyncGenerator

RATE = 16_000
FRAME_SAMPLES = 320
FRAME_SECONDS = 0.02

FIRST_TOKEN = 0.1
TOKEN = 0.005
FIRST_FRAME = 0.03
VOICE_SPEED = 20
WORD_SECONDS = 0.1
EARS = 0.2  # from the end of the caller's speech to the final transcript

SENTENCES = (8, 27, 25)  # tokens
ENGINES = FIRST_TOKEN + (SENTENCES[0] - 1) * TOKEN + FIRST_FRAME
"""Seconds that belong to the engines: the token that ends the first sentence, and that sentence's first frame."""

QUESTION = "Tell me something about the moons of Jupiter."

_TEXT = (
    "The largest planet has very many moons .",
    "Four of them are so bright that a small telescope shows them on clear nights , and each of them is a world "
    "of its own .",
    "One is covered with ice and may hide an ocean , another one is full of fire and changes its face every few "
    "years .",
)


def tokens() -> list[str]:
    """Return the reply as a model writes it: words with a space before them, marks alone."""
    words = " ".join(_TEXT).split(" ")
    return [word if not number or word in ".," else f" {word}" for number, word in enumerate(words)]


TOKENS = tuple(tokens())
REPLY = "".join(TOKENS)
WORDS = len(REPLY.split())
REPLY_SECONDS = round(WORDS * WORD_SECONDS, 3)


def frames_of(text: str) -> int:
    """Return how many frames the voice makes of `text`."""
    return round(len(text.split()) * WORD_SECONDS / FRAME_SECONDS)


async def until(instant: float) -> None:
    """Sleep until an instant of the running loop's clock."""
    if (wait := instant - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(wait)


async def model() -> AsyncGenerator[str, None]:
    """Write the reply, token by token."""
    due = asyncio.get_running_loop().time() + FIRST_TOKEN
    for token in TOKENS:
        await until(due)
        yield token
        due += TOKEN


async def voice(text: str) -> AsyncGenerator[int, None]:
    """Speak `text`: yields the number of each frame at the instant it is made."""
    due = asyncio.get_running_loop().time() + FIRST_FRAME
    for number in range(frames_of(text)):
        await until(due)
        yield number
        due += FRAME_SECONDS / VOICE_SPEED
