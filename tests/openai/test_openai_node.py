"""The same interface with OpenAI's official Node client."""

import asyncio

from node_client import run
from openai_server import Wait, chunk, ending, words
from served_house import OWNER, ServedHouse


def test_node_reads_answers_streams_tools_and_errors(house: ServedHouse) -> None:
    call = {"index": 0, "id": "call_7", "type": "function", "function": {"name": "find_order", "arguments": "{}"}}
    house.model.answers[:] = [
        [*words("What walks ", "dry?"), *ending(21, 5)],
        [*words("One ", "two"), *ending(9, 2)],
        [chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), *ending()[1:]],
    ]
    seen = run(house.url, house.keys[OWNER], "models", "whole", "streamed", "tools", "errors")
    assert seen["models"][0] == "secretary"
    assert seen["whole"]["text"] == "What walks dry?"
    assert seen["whole"]["usage"] == {"prompt_tokens": 21, "completion_tokens": 5, "total_tokens": 26}
    assert (seen["streamed"]["text"], seen["streamed"]["role"]) == ("One two", "assistant")
    assert seen["streamed"]["finish"] == "stop"
    assert seen["streamed"]["usage"]["total_tokens"] == 11
    assert seen["tools"]["content"] is None
    assert seen["tools"]["calls"][0]["function"] == {"name": "find_order", "arguments": "{}"}
    assert seen["errors"] == [
        ["NotFoundError", 404, "model_not_found", "model", "invalid_request_error"],
        ["BadRequestError", 400, None, "messages", "invalid_request_error"],
        ["AuthenticationError", 401, "invalid_api_key", None, "invalid_request_error"],
    ]


def test_node_that_aborts_cancels_the_models_request(house: ServedHouse) -> None:
    house.loop.call_soon_threadsafe(house.model.left.clear)
    house.model.answers[:] = [[*words("Once "), Wait(30)]]
    assert run(house.url, house.keys[OWNER], "aborted")["aborted"] == "Once "
    house.run(_left(house))


def test_node_speaks_and_listens(speaking: ServedHouse) -> None:
    heard = run(speaking.url, speaking.keys[OWNER], "audio")["audio"]
    assert heard["begin"] == "fLaC"
    assert "opening hours" in heard["text"].lower()


async def _left(house: ServedHouse) -> None:
    async with asyncio.timeout(5):
        await house.model.left.wait()
