"""Text chats over a real socket, with a language model over the wire."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai_server import Status, Step, Wait, ending, words
from served_house import OWNER, USER, ServedHouse, served_house

ASK = "Compose a riddle concerning umbrellas"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHouse]:
    with served_house(tmp_path_factory.mktemp("house"), with_model=True, speech=False) as opened:
        yield opened


@pytest.fixture
def client(house: ServedHouse) -> Iterator[httpx.Client]:
    house.model.answers.clear()
    house.model.requests.clear()
    house.loop.call_soon_threadsafe(house.model.left.clear)
    house.loop.call_soon_threadsafe(house.model.asked.clear)
    with house.client() as opened:
        yield opened


def begin(client: httpx.Client, **more: str) -> str:
    made = client.post("/admin/chats", json={"title": "Riddles", "persona": "emma", **more})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/admin/chats/{made.json()['id']}"
    return str(made.json()["id"])


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in filter(None, text.split("\n\n")):
        name, data = block.split("\n", 1)
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def say(client: httpx.Client, chat: str, text: str = ASK) -> list[tuple[str, Any]]:
    answer = client.post(f"/admin/chats/{chat}/messages", json={"text": text})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return events(answer.text)


def history(client: httpx.Client, chat: str) -> list[Any]:
    page = client.get(f"/admin/chats/{chat}/messages")
    assert page.status_code == 200
    return list(reversed(page.json()["items"]))


def until(true: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.02)


def test_an_answer_is_streamed_and_both_sides_are_kept(house: ServedHouse, client: httpx.Client) -> None:
    chat = begin(client, system_prompt="You are a poet of the sea.")
    house.model.answers.append([*words("What ", "walks dry?"), *ending(30, 4)])
    said = say(client, chat)
    assert [name for name, _ in said] == ["message", "delta", "delta", "done"]
    assert said[0][1]["text"] == ASK
    assert [data["text"] for _, data in said[1:3]] == ["What ", "walks dry?"]
    done = said[-1][1]
    assert done["usage"] == {"tokens_in": 30, "tokens_out": 4, "counted": False}
    assert (done["source"], done["model"]) == ("model", "tiny-1")
    assert done["message"]["text"] == "What walks dry?"
    assert not done["message"]["cut"]
    assert history(client, chat) == [said[0][1], done["message"]]
    system = house.model.requests[0]["messages"][0]["content"]
    assert "You are a poet of the sea." in system
    assert "Emma" in system


def test_the_model_is_told_what_was_said_before(house: ServedHouse, client: httpx.Client) -> None:
    chat = begin(client)
    for text in ("Blue.", "Blue again."):
        house.model.answers.append([*words(text), *ending()])
    say(client, chat, "Pick one colour, poet")
    say(client, chat, "Name that colour once more, poet")
    sent = house.model.requests[1]["messages"]
    assert [each["content"] for each in sent[1:]] == [
        "Pick one colour, poet",
        "Blue.",
        "Name that colour once more, poet",
    ]


def test_the_faq_answers_without_the_model(house: ServedHouse, client: httpx.Client) -> None:
    said = say(client, begin(client), "What are your opening hours?")
    assert house.model.requests == []
    assert said[-1][1]["usage"]["counted"]
    assert said[-1][1]["source"] in ("faq", "facts")


def test_a_message_for_the_owner_is_taken_over_several_turns(house: ServedHouse, client: httpx.Client) -> None:
    chat = begin(client)
    for text in ("I want to leave a message", "The boiler leaks", "John Smith", "+1 202 555 0143", "yes"):
        assert say(client, chat, text)[-1][1]["source"] == "message"
    kept = house.run(house.installation.books.messages.list(house.installation.company_id))
    assert "The boiler leaks" in [each.matter for each in kept]


def test_one_answer_at_a_time_and_it_can_be_stopped(house: ServedHouse, client: httpx.Client) -> None:
    chat = begin(client)
    house.model.answers.append([*words("Once upon "), Wait(30)])
    heard: list[Any] = []
    talking = threading.Thread(target=lambda: heard.extend(say(client, chat)))
    talking.start()
    until(lambda: house.model.streaming)
    with house.client() as other:
        refused = other.post(f"/admin/chats/{chat}/messages", json={"text": "And now?"})
        assert refused.status_code == 409
        assert "stop it" in refused.json()["detail"]
        time.sleep(0.1)  # the first words are there
        assert other.post(f"/admin/chats/{chat}/stop").json() == {"stopped": True}
        talking.join(5)
        assert other.post(f"/admin/chats/{chat}/stop").json() == {"stopped": False}
    assert heard[-1][0] == "done"
    assert heard[-1][1]["message"]["cut"]
    assert history(client, chat)[-1]["text"] == "Once upon "
    house.run(_left(house))
    house.model.answers.append([*words("Yes."), *ending()])
    assert say(client, chat)[-1][1]["message"]["text"] == "Yes."


def test_what_was_written_is_kept_when_the_reader_leaves(house: ServedHouse, client: httpx.Client) -> None:
    chat = begin(client)
    house.model.answers.append([*words("Half a "), Wait(30)])
    with client.stream("POST", f"/admin/chats/{chat}/messages", json={"text": ASK}) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: delta"):
                break
    house.run(_left(house))
    until(lambda: len(history(client, chat)) == 2)
    kept = history(client, chat)[1]
    assert (kept["text"], kept["cut"], kept["source"]) == ("Half a ", True, "model")


def test_the_message_is_stored_before_the_first_event(house: ServedHouse, client: httpx.Client) -> None:
    chat = begin(client)
    house.model.answers.append([Wait(1.0), *words("Late."), *ending()])
    with client.stream("POST", f"/admin/chats/{chat}/messages", json={"text": ASK}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: message"
        with house.client() as other:
            assert [each["text"] for each in history(other, chat)] == [ASK]
        assert "event: done" in list(lines)


def test_the_last_answer_is_given_anew(house: ServedHouse, client: httpx.Client) -> None:
    chat = begin(client)
    assert client.post(f"/admin/chats/{chat}/regenerate").status_code == 409
    answers: list[list[Step]] = [[*words(text), *ending()] for text in ("First.", "Second.")]
    house.model.answers.extend(answers)
    first = say(client, chat)
    again = events(client.post(f"/admin/chats/{chat}/regenerate").text)
    assert [name for name, _ in again] == ["message", "delta", "done"]
    assert again[0][1] == first[0][1]
    assert [each["text"] for each in history(client, chat)] == [ASK, "Second."]
    assert [each["content"] for each in house.model.requests[1]["messages"][1:]] == [ASK]


def test_a_step_of_a_message_is_not_taken_twice_when_it_is_answered_anew(
    house: ServedHouse, client: httpx.Client
) -> None:
    chat = begin(client)
    say(client, chat, "I want to leave a message")
    first = say(client, chat, "The lift is stuck")[-1][1]["message"]["text"]
    again = events(client.post(f"/admin/chats/{chat}/regenerate").text)[-1][1]["message"]["text"]
    assert "name" in first.lower()
    assert "name" in again.lower()


def test_where_the_model_fails_the_script_answers(house: ServedHouse, client: httpx.Client) -> None:
    house.model.answers.append([Status(500)])
    said = say(client, begin(client))
    assert said[-1][0] == "done"
    assert said[-1][1]["source"] == "scripted"


def test_a_chat_is_renamed_by_who_has_read_it(client: httpx.Client) -> None:
    chat = begin(client)
    tag = client.get(f"/admin/chats/{chat}").headers["etag"]
    changed = client.patch(f"/admin/chats/{chat}", json={"title": "Seas"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["title"], changed.headers["etag"]) == (200, "Seas", '"2"')
    stale = client.patch(f"/admin/chats/{chat}", json={"title": "Lakes"}, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert client.patch(f"/admin/chats/{chat}", json={"persona": "nobody"}).status_code == 422
    assert client.patch(f"/admin/chats/{chat}", json={"title": "a\x00b"}).status_code == 422
    assert client.get(f"/admin/chats/{chat}").json()["title"] == "Seas"


def test_the_list_begins_with_the_chat_written_in_last(house: ServedHouse, client: httpx.Client) -> None:
    first, second = begin(client, title="one"), begin(client, title="two")
    say(client, first, "What are your opening hours?")
    page = client.get("/admin/chats?limit=1").json()
    rest = client.get("/admin/chats", params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert [page["items"][0]["id"], rest["items"][0]["id"]] == [first, second]


def test_messages_come_in_pages(client: httpx.Client) -> None:
    chat = begin(client)
    for _ in range(2):
        say(client, chat, "What are your opening hours?")
    page = client.get(f"/admin/chats/{chat}/messages?limit=3").json()
    rest = client.get(f"/admin/chats/{chat}/messages", params={"limit": 3, "cursor": page["next_cursor"]}).json()
    assert [each["number"] for each in page["items"] + rest["items"]] == [4, 3, 2, 1]
    assert rest["next_cursor"] is None


def test_a_deleted_chat_is_gone_with_its_messages(client: httpx.Client) -> None:
    chat = begin(client)
    say(client, chat, "What are your opening hours?")
    assert client.delete(f"/admin/chats/{chat}").status_code == 204
    for answer in (
        client.get(f"/admin/chats/{chat}"),
        client.get(f"/admin/chats/{chat}/messages"),
        client.post(f"/admin/chats/{chat}/messages", json={"text": "Hello?"}),
        client.post(f"/admin/chats/{chat}/regenerate"),
        client.post(f"/admin/chats/{chat}/stop"),
        client.patch(f"/admin/chats/{chat}", json={"title": "x"}),
        client.delete(f"/admin/chats/{chat}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "There is no such chat."


def test_a_chat_is_its_owners_and_the_administrators(house: ServedHouse, client: httpx.Client) -> None:
    with house.client(USER) as petra:
        hers, his = begin(petra, title="hers"), begin(client, title="his")
        assert [each["id"] for each in petra.get("/admin/chats").json()["items"]] == [hers]
        assert petra.get(f"/admin/chats/{his}").status_code == 404
        assert petra.post(f"/admin/chats/{his}/messages", json={"text": "Hi"}).status_code == 404
        assert petra.post(f"/admin/chats/{his}/stop").status_code == 404
        assert petra.delete(f"/admin/chats/{his}").status_code == 404
        assert {hers, his} <= {each["id"] for each in client.get("/admin/chats").json()["items"]}
    assert OWNER in house.keys


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 16_001}, {"text": "\x07"}, {"text": 5}])
def test_what_is_no_message_is_refused(client: httpx.Client, body: Any) -> None:
    assert client.post(f"/admin/chats/{begin(client)}/messages", json=body).status_code == 422


async def _left(house: ServedHouse) -> None:
    async with asyncio.timeout(5):
        await house.model.left.wait()
