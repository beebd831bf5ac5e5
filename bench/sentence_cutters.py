"""The cutters that bench/sentences compares, each as a stream: text in, sentences out.

`pipecat` and `livekit` are the streaming cutters of those frameworks as they are (the `bench` group); livekit's also
with the settings that give each sentence as early as it can. `sentencex` and `blingfire` are the libraries beneath,
over the text so far, where a sentence is given out once another one stands behind it.
"""

import asyncio
import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from services.text.chunker import SpeechChunker


class Cutter(Protocol):
    """One text being cut."""

    async def feed(self, token: str) -> list[str]:
        """Take the next token; return the sentences that came out."""
        ...

    async def flush(self) -> list[str]:
        """Return what is left."""
        ...


Make = Callable[[str], Cutter]
"""Begins a text in a language."""


class Ours:
    """services.text.chunker, with whole sentences only."""

    def __init__(self, language: str) -> None:
        self._chunker = SpeechChunker(language, first_clause_chars=0)

    async def feed(self, token: str) -> list[str]:
        """Take the next token."""
        return self._chunker.push(token)

    async def flush(self) -> list[str]:
        """Return what is left."""
        return self._chunker.flush()


class Splitter:
    """A splitter of whole texts over the text so far: all but the last of its sentences are given out."""

    def __init__(self, split: Callable[[str], list[str]]) -> None:
        self._split = split
        self._text = ""
        self._given = 0

    async def feed(self, token: str) -> list[str]:
        """Take the next token."""
        self._text += token
        fresh = self._sentences()[self._given : -1]
        self._given += len(fresh)
        return fresh

    async def flush(self) -> list[str]:
        """Return what is left."""
        return self._sentences()[self._given :]

    def _sentences(self) -> list[str]:
        return [sentence for sentence in self._split(self._text) if sentence.strip()]


class Pipecat:
    """pipecat's SimpleTextAggregator, as its voices use it."""

    def __init__(self, aggregator: Any) -> None:
        self._aggregator = aggregator

    async def feed(self, token: str) -> list[str]:
        """Take the next token."""
        return [each.text async for each in self._aggregator.aggregate(token)]

    async def flush(self) -> list[str]:
        """Return what is left."""
        rest = await self._aggregator.flush()
        return [rest.text] if rest else []


class Livekit:
    """livekit's blingfire tokenizer, as its voices use it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._out: list[str] = []
        self._reader = asyncio.create_task(self._read())

    async def feed(self, token: str) -> list[str]:
        """Take the next token."""
        self._stream.push_text(token)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self._taken()

    async def flush(self) -> list[str]:
        """Return what is left."""
        self._stream.end_input()
        await self._reader
        return self._taken()

    async def _read(self) -> None:
        async for sentence in self._stream:
            self._out.append(sentence.token)

    def _taken(self) -> list[str]:
        out, self._out = self._out, []
        return out


def cutters() -> Iterator[tuple[str, Make]]:
    """Iterate over the cutters that can be imported here."""
    yield "ours", Ours
    with contextlib.suppress(ImportError):
        module: Any = importlib.import_module("pipecat.utils.text.simple_text_aggregator")
        yield "pipecat", lambda language: Pipecat(module.SimpleTextAggregator(language=language))
    with contextlib.suppress(ImportError):
        tokenize: Any = importlib.import_module("livekit.agents").tokenize
        least = {"min_sentence_len": 1, "stream_context_len": 1}
        yield "livekit", lambda _: Livekit(tokenize.blingfire.SentenceTokenizer().stream())
        yield "livekit, least", lambda _: Livekit(tokenize.blingfire.SentenceTokenizer(**least).stream())
    with contextlib.suppress(ImportError):
        sentencex: Any = importlib.import_module("sentencex")
        yield "sentencex", lambda language: Splitter(lambda text: list(sentencex.segment(language, text)))
    with contextlib.suppress(ImportError, OSError):
        blingfire: Any = importlib.import_module("blingfire")
        yield "blingfire", lambda _: Splitter(lambda text: str(blingfire.text_to_sentences(text)).split("\n"))
