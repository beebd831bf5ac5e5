"""The OpenAI-compatible provider against a real HTTP server that behaves and misbehaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from openai_server import Cut, FakeServer, Send, Status, Step, Wait, chunk, ending, running, words

from services.engines import EngineContext
from services.errors import EngineUnavailableError, ProviderError
from services.llm.openai_compatible import ENGINE, OpenAiCompatible
from services.llm.protocol import Finish, Message, ModelEvent, Options, TextDelta, ToolCall, ToolSpec, Usage

KEY = "sk-very-secret-1234567890"
ASK = [Message("system", "be kind"), Message("user", "Привет")]
PATIENT = Options()
QUICK = Options(first_token_timeout=0.3, token_timeout=0.3)


def context(url: str, model: str = "tiny-1", key: str = KEY) -> EngineContext:
    return EngineContext(Path(), Path(), {"base_url": url, "model": model, "api_key": key})


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with running() as fake:
        yield fake


@pytest.fixture
async def model(server: FakeServer) -> AsyncIterator[OpenAiCompatible]:
    opened = await ENGINE.load(context(server.url))
    yield opened
    await opened.close()


async def events(
    model: OpenAiCompatible, options: Options = PATIENT, tools: Sequence[ToolSpec] = ()
) -> list[ModelEvent]:
    return [event async for event in model.stream(ASK, tools, options)]


def text_of(found: list[ModelEvent]) -> str:
    return "".join(event.text for event in found if isinstance(event, TextDelta))


async def test_a_stream_of_text_usage_and_finish(server: FakeServer, model: OpenAiCompatible) -> None:
    server.answers = [[*words("Здрав", "ствуй", "те!"), *ending()]]
    found = await events(model, Options(temperature=0.2, max_tokens=50, extra={"top_k": 5}))
    assert found == [
        *(TextDelta(text) for text in ("Здрав", "ствуй", "те!")),
        Usage(11, 7),
        Finish("stop", "tiny-1"),
    ]
    request = server.requests[0]
    assert request["messages"] == [{"role": "system", "content": "be kind"}, {"role": "user", "content": "Привет"}]
    assert request["stream"] is True
    assert request["stream_options"] == {"include_usage": True}
    assert (request["temperature"], request["max_tokens"], request["top_k"]) == (0.2, 50, 5)
    assert server.keys[0] == f"Bearer {KEY}"


async def test_letters_cut_in_half_between_chunks(server: FakeServer, model: OpenAiCompatible) -> None:
    whole = chunk({"content": "Ёжик — ещё 😀"}).data
    server.answers = [[*(Send(whole[at : at + 1]) for at in range(len(whole))), *ending()]]
    assert text_of(await events(model)) == "Ёжик — ещё 😀"


async def test_parallel_tool_calls_are_assembled_from_their_deltas(server: FakeServer, model: OpenAiCompatible) -> None:
    def delta(index: int, **function: str) -> Step:
        call = {"index": index, "function": {k: v for k, v in function.items() if k != "id"}}
        return chunk({"tool_calls": [call | ({"id": function["id"], "type": "function"} if "id" in function else {})]})

    server.answers = [
        [
            *words("Сейчас. "),
            delta(0, id="a", name="weather", arguments=""),
            delta(1, id="b", name="book", arguments='{"day":'),
            delta(0, arguments='{"city":"Ми'),
            delta(1, arguments=' "friday"}'),
            delta(0, arguments='нск"}'),
            chunk({}, "tool_calls"),
            Send(b"data: [DONE]\n\n"),
        ]
    ]
    tool = ToolSpec("weather", "tells it", {"type": "object", "properties": {}})
    found = await events(model, tools=[tool])
    assert found[1:] == [
        ToolCall("a", "weather", '{"city":"Минск"}'),
        ToolCall("b", "book", '{"day": "friday"}'),
        Finish("tool_calls", "tiny-1"),
    ]
    assert server.requests[0]["tools"][0]["function"] == {
        "name": "weather",
        "description": "tells it",
        "parameters": {"type": "object", "properties": {}},
    }


async def test_tool_results_go_back_in_openai_shape(server: FakeServer, model: OpenAiCompatible) -> None:
    server.answers = [[*words("ok"), *ending()]]
    call = ToolCall("a", "weather", "{}")
    messages = [Message("user", "?"), Message("assistant", "", (call,)), Message("tool", "rain", tool_call_id="a")]
    assert text_of([event async for event in model.stream(messages)]) == "ok"
    sent = server.requests[0]["messages"]
    assert sent[1]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    ]
    assert sent[2] == {"role": "tool", "content": "rain", "tool_call_id": "a"}


async def test_a_server_that_refuses_usage_is_asked_without_it(server: FakeServer, model: OpenAiCompatible) -> None:
    server.refuses_usage = True
    server.answers = [[*words("a"), chunk({}, "stop")], [*words("b"), chunk({}, "stop")]]
    assert text_of(await events(model)) == "a"
    assert text_of(await events(model)) == "b"
    assert ["stream_options" in each for each in server.requests] == [True, False, False]  # asked once, remembered


async def test_a_stream_without_done_but_with_a_reason_is_whole(server: FakeServer, model: OpenAiCompatible) -> None:
    server.answers = [[*words("a"), chunk({}, "length")]]
    assert (await events(model))[-1] == Finish("length", "tiny-1")


async def test_closing_the_stream_closes_the_connection_at_the_server(
    server: FakeServer, model: OpenAiCompatible
) -> None:
    server.answers = [[*words("one"), Wait(), *ending()], [*words("two"), *ending()]]
    stream = model.stream(ASK)
    assert await anext(stream) == TextDelta("one")
    await stream.aclose()
    await asyncio.wait_for(server.left.wait(), 5)
    assert text_of(await events(model)) == "two"  # the shared client lives on


async def test_a_cancelled_task_closes_the_connection_at_the_server(
    server: FakeServer, model: OpenAiCompatible
) -> None:
    server.answers = [[*words("one"), Wait(), *ending()]]
    heard = asyncio.Event()

    async def listen() -> None:
        async for _ in model.stream(ASK):
            heard.set()

    task = asyncio.create_task(listen())
    await asyncio.wait_for(heard.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.left.wait(), 5)


async def test_cancelling_before_the_first_token_closes_too(server: FakeServer, model: OpenAiCompatible) -> None:
    server.answers = [[Wait(), *ending()]]
    task = asyncio.create_task(events(model))
    await asyncio.wait_for(server.asked.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.left.wait(), 5)


FAILURES: list[tuple[str, list[Step], bool, str]] = [
    ("a wrong key", [Status(401)], False, "SECRETARY_LLM__API_KEY"),
    ("a forbidden key", [Status(403)], False, "SECRETARY_LLM__API_KEY"),
    ("an unknown model", [Status(404)], False, "SECRETARY_LLM__MODEL"),
    ("too many requests", [Status(429)], True, "quota"),
    ("a broken server", [Status(500)], True, "later"),
    ("an overloaded server", [Status(503, b"<html>busy</html>", "text/html")], True, "later"),
    ("a refused request", [Status(400)], False, "chat completions"),
    ("a web page", [Status(200, b"<html>hello</html>", "text/html")], False, "SECRETARY_LLM__BASE_URL"),
    ("garbage in the stream", [Send(b"data: {not json}\n\n"), *ending()], False, "SECRETARY_LLM__BASE_URL"),
    ("another shape", [Send(b'data: {"hello": 1}\n\n'), *ending()], False, "SECRETARY_LLM__BASE_URL"),
    ("a list", [Send(b"data: [1, 2]\n\n"), *ending()], False, "SECRETARY_LLM__BASE_URL"),
    ("broken letters", [Send(b'data: {"choices": [{"delta": {"content": "\xd0"}}]}\n\n')], False, "BASE_URL"),
    ("an error in the stream", [Send(b'data: {"error": {"message": "sk-12345"}}\n\n')], True, "later"),
    ("a cut stream", [*words("half"), Cut()], True, "later"),
    ("a stream that just ends", [*words("half")], True, "later"),
    ("an empty stream", [], True, "later"),
    ("silence", [Wait(2)], True, "faster"),
    ("silence after some words", [*words("half"), Wait(2)], True, "faster"),
]


@pytest.mark.parametrize(
    ("steps", "retryable", "remedy"), [each[1:] for each in FAILURES], ids=[f[0] for f in FAILURES]
)
async def test_failures_become_sentences(
    server: FakeServer, model: OpenAiCompatible, steps: list[Step], retryable: bool, remedy: str
) -> None:
    server.answers = [steps, [*words("fine"), *ending()]]
    with pytest.raises(ProviderError) as caught:
        await events(model, QUICK)
    error = caught.value
    assert error.retryable is retryable
    assert remedy in error.remedy
    assert error.message.endswith(".")
    assert "sk-" not in str(error)
    assert "Traceback" not in str(error)
    assert len(server.requests) == 1  # no retries of the library's own
    assert text_of(await events(model)) == "fine"


async def test_a_refused_connection_names_the_server(server: FakeServer) -> None:
    opened = await ENGINE.load(context("http://127.0.0.1:9/v1"))
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:9 cannot be reached") as caught:
        await events(opened)
    assert caught.value.retryable
    await opened.close()


async def test_an_address_without_v1_says_so(server: FakeServer) -> None:
    opened = await ENGINE.load(context(server.url.removesuffix("/v1")))
    with pytest.raises(ProviderError, match="/v1"):
        await events(opened)
    await opened.close()


async def test_passwords_in_the_address_stay_out_of_messages() -> None:
    opened = await ENGINE.load(context("http://user:hunter2@127.0.0.1:9/v1"))
    with pytest.raises(ProviderError) as caught:
        await events(opened)
    assert "hunter2" not in str(caught.value)
    await opened.close()


async def test_without_a_model_name_the_first_listed_is_used(server: FakeServer) -> None:
    opened = await ENGINE.load(context(server.url, model="", key=""))
    server.answers = [[*words("a"), *ending()]]
    assert text_of(await events(opened)) == "a"
    assert server.requests[0]["model"] == "tiny-1"
    server.models = []
    await opened.close()


async def test_a_server_without_models_says_so(server: FakeServer) -> None:
    server.models = []
    opened = await ENGINE.load(context(server.url, model=""))
    with pytest.raises(ProviderError, match="has no model"):
        await events(opened)
    await opened.close()


async def test_one_connection_serves_request_after_request(server: FakeServer, model: OpenAiCompatible) -> None:
    server.answers = [[*words("a"), *ending()] for _ in range(5)]
    for _ in range(5):
        await events(model)
    assert server.connections == 1


async def test_twenty_streams_at_once_do_not_mix(server: FakeServer, model: OpenAiCompatible) -> None:
    server.answers = [[*words("x", "y"), Wait(0.02), *words("z"), *ending()] for _ in range(20)]
    found = await asyncio.gather(*(events(model) for _ in range(20)))
    assert {text_of(each) for each in found} == {"xyz"}


def test_unconfigured_says_what_to_set() -> None:
    available = ENGINE.availability(EngineContext(Path(), Path()))
    assert not available.usable
    assert "SECRETARY_LLM__BASE_URL" in available.remedy
    assert ENGINE.availability(context("http://127.0.0.1:1/v1")).usable


async def test_loading_unconfigured_is_refused() -> None:
    with pytest.raises(EngineUnavailableError):
        await ENGINE.load(EngineContext(Path(), Path()))


def test_a_delta_of_the_fake_server_is_openai_shaped() -> None:
    body = json.loads(chunk({"content": "a"}).data.removeprefix(b"data: "))
    assert body["object"] == "chat.completion.chunk"
