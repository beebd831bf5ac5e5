"""A language model asked by somebody who reads: with more patience than a caller has, and their own wishes."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from services.llm.protocol import Finish, LanguageModel, Message, ModelEvent, Options, ToolSpec, Usage

FIRST_TOKEN_SECONDS = 60.0
TOKEN_SECONDS = 30.0
_DEFAULTS = Options()


class PatientModel:
    """Passes everything on to `model` for one answer; `finish` and `usage` tell afterwards how it came out.

    `extra` are fields of the request that the house itself has no word for.
    """

    def __init__(self, model: LanguageModel, extra: Mapping[str, Any] | None = None) -> None:
        self.info = model.info
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self._model = model
        self._extra = dict(extra or {})

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: Options = _DEFAULTS
    ) -> AsyncGenerator[ModelEvent, None]:
        """Answer `messages`, see LanguageModel."""
        asked = replace(
            options,
            first_token_timeout=FIRST_TOKEN_SECONDS,
            token_timeout=TOKEN_SECONDS,
            extra={**options.extra, **self._extra},
        )
        async with aclosing(self._model.stream(messages, tools, asked)) as events:
            async for event in events:
                if isinstance(event, Finish):
                    self.finish = event
                elif isinstance(event, Usage):
                    self.usage = event
                yield event

    async def close(self) -> None:
        """Leave the model open: it is the house's."""
