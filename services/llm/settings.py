"""Which mind answers, and how to reach it."""

import re

from pydantic import BaseModel, Field, SecretStr, field_validator

import services.llm
from services.discovery import chosen

BACKENDS = ("vllm", "gemini", "openai_compatible", "scripted")
_CLOUD = re.compile(r"cloud:[a-z0-9][a-z0-9_-]*")


class LlmSettings(BaseModel):
    """The language model. Without one the scripted secretary answers."""

    backend: str = Field(
        "auto",
        description="auto, vllm, gemini, openai_compatible, scripted or cloud:<provider id>; "
        "auto is openai_compatible when base_url is set, else scripted",
    )
    base_url: str = Field(
        "", description="address of an OpenAI-compatible API, with its /v1; example http://127.0.0.1:11434/v1"
    )
    api_key: SecretStr = Field(SecretStr(""), description="key of that API; local servers usually need none")
    model: str = Field("", description="name of the model; empty: the first one the server lists")

    first_token_timeout: float = Field(
        4.0, ge=0.5, le=60, description="seconds a caller waits for the model's first word; then the script answers"
    )
    token_timeout: float = Field(5.0, ge=0.5, le=60, description="seconds between two words before an answer is cut")

    @field_validator("backend")
    @classmethod
    def _known_backend(cls, value: str) -> str:
        return value if _CLOUD.fullmatch(value) else chosen(services.llm, value, BACKENDS)

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if value and not re.match(r"https?://[^/\s]+", value):
            raise ValueError("is not a web address; example: http://127.0.0.1:11434/v1")
        return value
