"""POST /v1/chat/completions with the official Python client, against a language model over the wire."""

import time
from typing import Any

import openai
import pytest
from openai_server import Send, Status, Wait, chunk, ending, words
from served_house import ServedHouse

ASK: list[Any] = [{"role": "user", "content": "Compose a riddle concerning umbrellas"}]
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "find_order",
            "description": "Find an order",
            "parameters": {"type": "object", "properties": {"number": {"type": "string"}}},
        },
    }
]


def test_the_model_answers_with_the_personas_prompt_and_the_providers_usage(
    house: ServedHouse, client: openai.OpenAI
) -> None:
    house.model.answers.append([*words("What walks ", "dry?"), *ending(21, 5)])
    answer = client.chat.completions.create(model="secretary", messages=ASK, temperature=0.2, max_tokens=50)
    assert answer.choices[0].message.content == "What walks dry?"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.role == "assistant"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (21, 5, 26)
    assert (answer.object, answer.model, answer.system_fingerprint) == ("chat.completion", "secretary", None)
    assert answer.id.startswith("chatcmpl-")
    assert abs(answer.created - time.time()) < 60
    asked = house.model.requests[0]
    assert asked["temperature"] == 0.2
    assert asked["max_tokens"] == 50
    assert asked["messages"][0]["role"] == "system"
    assert "Emma" in asked["messages"][0]["content"]
    assert asked["messages"][-1] == ASK[0]


def test_a_stream_has_the_role_first_and_the_usage_last(house: ServedHouse, client: openai.OpenAI) -> None:
    house.model.answers.append([*words("One ", "two ", "three"), *ending(9, 3)])
    stream = client.chat.completions.create(
        model="emma", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [each.choices[0].delta.content for each in chunks[1:-2]] == ["One ", "two ", "three"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 12
    assert all(each.usage is None for each in chunks[:-1])
    assert len({each.id for each in chunks}) == 1


def test_the_stream_is_written_as_it_comes(house: ServedHouse, client: openai.OpenAI) -> None:
    house.model.answers.append([*words("First "), Wait(0.5), *words("second"), *ending()])
    with client.chat.completions.create(model="emma", messages=ASK, stream=True) as stream:
        moments = [(time.monotonic(), each.choices[0].delta.content) for each in stream if each.choices]
    first, second = (next(at for at, text in moments if text == each) for each in ("First ", "second"))
    assert second - first > 0.3


def test_the_bytes_end_with_done(house: ServedHouse) -> None:
    house.model.answers.append([*words("Yes."), *ending()])
    with house.client() as client:
        body = {"model": "emma", "messages": ASK, "stream": True}
        answer = client.post("/v1/chat/completions", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")
    assert '"usage"' not in answer.text


def test_earlier_turns_are_told_to_the_model(house: ServedHouse, client: openai.OpenAI) -> None:
    house.model.answers.append([*words("Blue."), *ending()])
    history: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": "Pick a colour"}]},
        {"role": "assistant", "content": "I pick blue."},
        {"role": "user", "content": "Name that colour once more, poet"},
    ]
    client.chat.completions.create(model="emma", messages=history)
    sent = house.model.requests[0]["messages"]
    assert [each["role"] for each in sent] == ["system", "user", "assistant", "user"]
    assert [each["content"] for each in sent[1:]] == ["Pick a colour", "I pick blue.", history[2]["content"]]


def test_the_faq_answers_without_the_model_and_words_are_counted(house: ServedHouse, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="emma", messages=[{"role": "user", "content": "What are your opening hours?"}]
    )
    assert house.model.requests == []
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 3


def test_a_message_is_taken_over_several_requests(house: ServedHouse, client: openai.OpenAI) -> None:
    turns: list[Any] = []
    for text in ("I want to leave a message", "The oven is broken", "John Smith", "+1 202 555 0143", "yes"):
        turns.append({"role": "user", "content": text})
        answer = client.chat.completions.create(model="emma", messages=turns)
        turns.append({"role": "assistant", "content": answer.choices[0].message.content})
    assert house.model.requests == []
    page = house.run(house.installation.books.messages.list(house.installation.company_id))
    assert [each.matter for each in page] == ["The oven is broken"]


def test_tools_are_handed_to_the_model_and_their_calls_come_back(house: ServedHouse, client: openai.OpenAI) -> None:
    call = {"index": 0, "id": "call_7", "type": "function", "function": {"name": "find_order", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": each}} for each in ('{"number":', '"42"}')]
    steps = [chunk({"tool_calls": [each]}) for each in (call, *pieces)]
    for streamed in (False, True):
        house.model.answers.append([*steps, chunk({}, "tool_calls"), *ending()[1:]])
        if streamed:
            with client.chat.completions.stream(model="emma", messages=ASK, tools=TOOLS) as stream:
                answer: Any = stream.get_final_completion()
        else:
            answer = client.chat.completions.create(
                model="emma", messages=ASK, tools=TOOLS, tool_choice="required", parallel_tool_calls=False
            )
        choice = answer.choices[0]
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content is None
        assert choice.message.tool_calls[0].id == "call_7"
        assert choice.message.tool_calls[0].function.name == "find_order"
        assert choice.message.tool_calls[0].function.arguments == '{"number":"42"}'
    assert house.model.requests[0]["tools"] == TOOLS
    assert house.model.requests[0]["tool_choice"] == "required"
    assert house.model.requests[0]["parallel_tool_calls"] is False


def test_the_result_of_a_tool_reaches_the_model(house: ServedHouse, client: openai.OpenAI) -> None:
    house.model.answers.append([*words("It is on its way."), *ending()])
    call = {"id": "call_7", "type": "function", "function": {"name": "find_order", "arguments": '{"number":"42"}'}}
    turns: list[Any] = [
        {"role": "system", "content": "Speak of orders only."},
        *ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_7", "content": "sent yesterday"},
    ]
    answer = client.chat.completions.create(model="emma", messages=turns, tools=TOOLS)
    assert answer.choices[0].message.content == "It is on its way."
    sent = house.model.requests[0]["messages"]
    assert [each["role"] for each in sent] == ["system", "user", "assistant", "tool"]
    assert sent[0]["content"].endswith("Speak of orders only.")
    assert "Emma" in sent[0]["content"]
    assert sent[2]["tool_calls"] == [call]
    assert sent[3]["tool_call_id"] == "call_7"


def test_an_answer_ends_at_a_stop_sequence(house: ServedHouse, client: openai.OpenAI) -> None:
    house.model.answers.append([*words("one, tw", "o, th", "ree, four"), *ending()])
    answer = client.chat.completions.create(model="emma", messages=ASK, stop=["three"])
    assert answer.choices[0].message.content == "one, two, "
    assert house.model.requests[0]["stop"] == ["three"]


def test_who_leaves_cancels_the_models_request(house: ServedHouse, client: openai.OpenAI) -> None:
    house.model.answers.append([*words("Once "), Wait(30)])
    stream: Any = client.chat.completions.create(model="emma", messages=ASK, stream=True)
    for each in stream:
        if each.choices[0].delta.content:
            break
    stream.close()
    assert house.run(_left(house))


def test_who_leaves_before_the_first_word_cancels_it_too(house: ServedHouse, client: openai.OpenAI) -> None:
    for streamed in (True, False):
        house.loop.call_soon_threadsafe(house.model.left.clear)
        house.model.answers.append([Wait(30)])
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.5).chat.completions.create(model="emma", messages=ASK, stream=streamed)
        assert house.run(_left(house)), streamed


async def _left(house: ServedHouse) -> bool:
    import asyncio

    async with asyncio.timeout(5):
        return await house.model.left.wait()


@pytest.mark.parametrize(
    ("change", "error", "param", "code"),
    [
        ({"model": "gpt-9"}, openai.NotFoundError, "model", "model_not_found"),
        ({"messages": []}, openai.BadRequestError, "messages", None),
        ({"n": 2}, openai.BadRequestError, "n", None),
        ({"temperature": 7}, openai.BadRequestError, "temperature", None),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
            openai.BadRequestError,
            "messages[0].content[0]",
            "unsupported_content",
        ),
        ({"messages": [{"role": "assistant", "content": "Hello"}], "stop": ""}, None, None, None),
    ],
)
def test_what_cannot_be_answered_is_told_in_openais_shape(
    house: ServedHouse, client: openai.OpenAI, change: dict[str, Any], error: Any, param: str | None, code: str | None
) -> None:
    if error is None:
        house.model.answers.append([*words("Fine."), *ending()])
        client.chat.completions.create(**{"model": "emma", "messages": ASK, **change})
        return
    for streamed in (False, True):
        with pytest.raises(error) as caught:
            client.chat.completions.create(**{"model": "emma", "messages": ASK, "stream": streamed, **change})
        assert isinstance(caught.value.body, dict)
        assert caught.value.body["type"] == "invalid_request_error"
        assert caught.value.param == param
        assert caught.value.code == code
        assert caught.value.body["message"]


def test_unknown_fields_are_ignored(house: ServedHouse, client: openai.OpenAI) -> None:
    house.model.answers.append([*words("Fine."), *ending()])
    answer = client.chat.completions.create(
        model="emma", messages=ASK, user="u1", seed=7, metadata={"a": "b"}, extra_body={"invented": [1, 2]}
    )
    assert answer.choices[0].message.content == "Fine."
    assert house.model.requests[0]["seed"] == 7


def test_without_a_good_key_nobody_is_let_in(house: ServedHouse, client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="sk-" + "x" * 43).models.list()
    assert caught.value.code == "invalid_api_key"
    assert caught.value.response.headers["www-authenticate"] == "Bearer"


def test_an_unknown_address_and_a_wrong_method_are_told_in_openais_shape(house: ServedHouse) -> None:
    with house.client() as client:
        nowhere, wrong = client.get("/v1/nowhere"), client.post("/v1/models")
        elsewhere = client.get("/admin/nowhere")
        large = client.post("/v1/chat/completions", content=b"x" * 2_000_000)
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "unknown_url")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (405, "invalid_request_error")
    assert wrong.json()["error"]["code"] == "method_not_supported"
    assert wrong.headers["allow"] == "GET"
    assert elsewhere.json()["status"] == 404
    assert (large.status_code, large.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/v1/embeddings", "/v1/responses", "/v1", "/v1/images/generations"]
)
def test_what_openai_has_and_we_have_not_is_an_unknown_url(house: ServedHouse, path: str) -> None:
    with house.client() as client:
        for method in ("GET", "POST"):
            answer = client.request(method, path, json={"model": "emma", "input": "Hello"})
            assert answer.status_code == 404
            assert answer.json()["error"] == {
                "message": f"Unknown request URL: {method} {path}. /docs lists what there is below /v1.",
                "type": "invalid_request_error",
                "param": None,
                "code": "unknown_url",
            }


def test_a_provider_that_fails_is_told_where_the_caller_leads(house: ServedHouse, client: openai.OpenAI) -> None:
    led: list[Any] = [{"role": "system", "content": "Be brief."}, *ASK]
    for status, expected in ((500, 503), (401, 502)):
        house.model.answers.append([Status(status)])
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="emma", messages=led, stream=True)
        assert caught.value.status_code == expected
        assert isinstance(caught.value.body, dict)
        assert caught.value.body["type"] == "server_error"
        assert "sk-12345" not in str(caught.value)


def test_a_stream_that_breaks_off_says_so(house: ServedHouse, client: openai.OpenAI) -> None:
    led: list[Any] = [{"role": "system", "content": "Be brief."}, *ASK]
    house.model.answers.append([*words("Half "), Send(b"data: {broken\n\n")])
    with pytest.raises(openai.APIError) as caught:
        list(client.chat.completions.create(model="emma", messages=led, stream=True))
    assert "did not answer like" in str(caught.value) or "broke off" in str(caught.value)


def test_in_a_plain_conversation_the_script_stands_in_for_a_failing_model(
    house: ServedHouse, client: openai.OpenAI
) -> None:
    house.model.answers.append([Status(500)])
    answer = client.chat.completions.create(model="emma", messages=ASK)
    assert answer.choices[0].message.content


def test_the_models_are_the_personas(client: openai.OpenAI) -> None:
    names = [each.id for each in client.models.list()]
    assert names[0] == "secretary"
    assert {"anna", "marina", "emma", "tts-1", "tts-1-hd", "whisper-1"} <= set(names)
    assert client.models.retrieve("emma").object == "model"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"
