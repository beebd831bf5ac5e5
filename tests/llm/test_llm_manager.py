"""The choice of a mind, and what it says of itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openai_server import FakeServer, Step, Wait, ending, running, words
from pydantic import SecretStr, ValidationError

from services.engines import EngineContext
from services.errors import ProviderError
from services.llm.manager import Mind
from services.llm.protocol import Finish, Message
from services.llm.settings import LlmSettings
from services.parts import State

CONTEXT = EngineContext(Path(), Path())


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with running() as fake:
        yield fake


async def test_auto_without_an_address_is_the_script() -> None:
    mind = Mind(CONTEXT, LlmSettings())
    await mind.start()
    assert mind.model is None
    (part,) = mind.parts()
    assert part.state is State.READY
    assert "scripted" in part.detail
    await mind.close()


@pytest.mark.parametrize("backend", ["auto", "vllm", "openai_compatible"])
async def test_with_an_address_the_server_answers(server: FakeServer, backend: str) -> None:
    server.answers = [[*words("hi"), *ending()]]
    mind = Mind(CONTEXT, LlmSettings(backend=backend, base_url=server.url, model="tiny-1", api_key=SecretStr("k")))
    await mind.start()
    assert mind.model is not None
    (part,) = mind.parts()
    assert part.state is State.READY
    assert "tiny-1" in part.detail
    found = [event async for event in mind.model.stream([Message("user", "hi")])]
    assert found[-1] == Finish("stop", "tiny-1")
    await mind.close()
    await mind.close()
    assert mind.model is None


@pytest.mark.parametrize(
    ("steps", "fault"),
    [([Wait()], "did not begin to answer for 0.5"), ([*words("hi"), Wait()], "stopped in the middle")],
)
async def test_the_settings_say_how_long_a_caller_waits(server: FakeServer, steps: list[Step], fault: str) -> None:
    server.answers = [steps]
    settings = LlmSettings(base_url=server.url, model="tiny-1", first_token_timeout=0.5, token_timeout=0.5)
    mind = Mind(CONTEXT, settings)
    await mind.start()
    assert mind.model is not None
    with pytest.raises(ProviderError, match=fault):
        async for _ in mind.model.stream([Message("user", "hi")]):
            pass
    await mind.close()


def test_a_callers_patience_has_bounds() -> None:
    assert (LlmSettings().first_token_timeout, LlmSettings().token_timeout) == (4.0, 5.0)
    for name in ("first_token_timeout", "token_timeout"):
        with pytest.raises(ValidationError):
            LlmSettings(**{name: 0})


@pytest.mark.parametrize("backend", ["gemini", "cloud:acme"])
async def test_what_is_not_built_yet_says_so(backend: str) -> None:
    mind = Mind(CONTEXT, LlmSettings(backend=backend))
    await mind.start()
    assert mind.model is None
    (part,) = mind.parts()
    assert part.state is State.DEGRADED
    assert "not built in this version" in part.detail
    assert part.remedy
    await mind.close()


async def test_asked_for_but_not_configured_is_degraded() -> None:
    mind = Mind(CONTEXT, LlmSettings(backend="openai_compatible"))
    await mind.start()
    assert mind.model is None
    (part,) = mind.parts()
    assert part.state is State.DEGRADED
    assert "SECRETARY_LLM__BASE_URL" in part.remedy
    await mind.close()


async def test_an_unreachable_server_is_degraded_but_kept_for_later() -> None:
    mind = Mind(CONTEXT, LlmSettings(base_url="http://127.0.0.1:9/v1", model="m"))
    await mind.start()
    assert mind.model is not None
    (part,) = mind.parts()
    assert part.state is State.DEGRADED
    assert "cannot be reached" in part.detail
    await mind.close()


async def test_a_model_the_server_does_not_list_is_named(server: FakeServer) -> None:
    mind = Mind(CONTEXT, LlmSettings(base_url=server.url, model="huge-9"))
    await mind.start()
    (part,) = mind.parts()
    assert part.state is State.DEGRADED
    assert "huge-9" in part.detail
    assert "tiny-1" in part.remedy
    await mind.close()


async def test_the_script_is_kept_although_an_address_is_given(server: FakeServer) -> None:
    mind = Mind(CONTEXT, LlmSettings(backend="scripted", base_url=server.url))
    await mind.start()
    assert mind.model is None
    assert server.connections == 0
    await mind.close()


@pytest.mark.parametrize("backend", ["gpt", "", "cloud:", "cloud:A B", "Auto"])
def test_unknown_backends_are_refused(backend: str) -> None:
    with pytest.raises(ValidationError, match="openai_compatible"):
        LlmSettings(backend=backend)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="example"):
        LlmSettings(base_url=url)


def test_the_key_is_never_printed() -> None:
    settings = LlmSettings(api_key=SecretStr("sk-12345"), base_url="http://127.0.0.1:1/v1/")
    assert "sk-12345" not in repr(settings)
    assert settings.base_url == "http://127.0.0.1:1/v1"
