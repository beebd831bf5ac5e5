"""Mind: chooses the language model the settings ask for, and says plainly when there is none."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import structlog

from services import llm
from services.discovery import discover
from services.engines import EngineContext
from services.errors import EngineError, ProviderError
from services.llm.protocol import LanguageModel, LanguageModelProvider
from services.llm.settings import LlmSettings
from services.parts import Part, State

VLLM_URL = "http://127.0.0.1:8000/v1"
_SCRIPTED = "the scripted secretary answers: FAQ, company facts, message taking"
log = structlog.get_logger()


class Mind:
    """The language model of the installation, or None when the scripted secretary answers alone.

    A model that cannot be reached when the house starts is kept: it may be up for the next caller, and every answer it
    fails to give falls back to the script.
    """

    def __init__(self, context: EngineContext, settings: LlmSettings) -> None:
        self._settings = settings
        self._context = replace(context, options=self._options(context.options))
        self._model: LanguageModel | None = None
        self._fault: EngineError | None = None

    @property
    def model(self) -> LanguageModel | None:
        """The model to ask; None: only the script answers."""
        return self._model

    async def start(self) -> None:
        """Choose and open the model, and ask its server once whether it is there. Never raises for a missing one."""
        name = self._engine_name()
        if not name:
            return
        engines = cast(Mapping[str, LanguageModelProvider], discover(llm, "ENGINE"))
        try:
            if name not in engines:
                raise EngineError(
                    f"The language-model backend {self._settings.backend!r} is not built in this version.",
                    "Set SECRETARY_LLM__BACKEND to openai_compatible with a base URL, or to scripted.",
                )
            self._model = await engines[name].load(self._context)
            await self._ask()
        except EngineError as error:
            self._fault = error
            log.warning("language model: %s", error)

    def parts(self) -> list[Part]:
        """Describe the mind for `/readyz` and `doctor`."""
        if self._fault is not None:
            detail = f"{self._fault.message} Until then {_SCRIPTED}."
            return [Part("llm", State.DEGRADED, detail, self._fault.remedy)]
        if self._model is None:
            remedy = "For free conversation set SECRETARY_LLM__BASE_URL to an OpenAI-compatible server."
            return [Part("llm", State.READY, f"No language model: {_SCRIPTED}.", remedy)]
        name = getattr(self._model, "model", "") or self._settings.model
        return [Part("llm", State.READY, f"The language model {name} answers ({self._model.info.title}).")]

    async def close(self) -> None:
        """Close the model's client; safe to call twice."""
        model, self._model = self._model, None
        if model is not None:
            await model.close()

    def _engine_name(self) -> str:
        """Return the module that serves the backend, "" for the script."""
        backend = self._settings.backend
        if backend == "auto":
            return "openai_compatible" if self._settings.base_url else ""
        return {"scripted": "", "vllm": "openai_compatible"}.get(backend, backend)

    def _options(self, base: Mapping[str, str]) -> dict[str, str]:
        settings = self._settings
        base_url = settings.base_url or (VLLM_URL if settings.backend == "vllm" else "")
        return {
            **base,
            "base_url": base_url,
            "api_key": settings.api_key.get_secret_value(),
            "model": settings.model,
            "first_token_timeout": str(settings.first_token_timeout),
            "token_timeout": str(settings.token_timeout),
        }

    async def _ask(self) -> None:
        """Ask an OpenAI-compatible server for its models: the cheapest proof that address and key are right."""
        from services.llm.openai_compatible import OpenAiCompatible

        if not isinstance(self._model, OpenAiCompatible):
            return
        names = await self._model.models()
        if self._settings.model and names and self._settings.model not in names:
            raise ProviderError(
                f"The language-model server does not list the model {self._settings.model!r}.",
                f"Set SECRETARY_LLM__MODEL to one of: {', '.join(names[:5])}.",
                retryable=False,
            )
