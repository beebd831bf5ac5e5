"""What is laid down for a line, and its text messages, over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from api_house import NUMBER, House, api_house

from api.public import PUBLIC
from services.storage.calls.lines import Lines
from services.storage.content.personas import Personas
from services.storage.texts.messages import TextMessages
from services.storage.texts.records import ReceivedText, StoredPart
from services.web.access import without_rule
from telephony.router import TextSender, lines_router
from telephony.sms.service import SmsService

POLICY = "/admin/gsm/gsm/policy"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        lines, texts = Lines(opened.database), TextMessages(opened.database)
        await lines.ensure("default", "gsm", "gsm")
        await lines.ensure("default", "away", "gsm")
        await lines.ensure("other", "theirs", "gsm")
        service = SmsService(texts.of_line("default", "gsm"), opened.clock)

        def sender(company_id: str, line: str) -> TextSender | None:
            return service if (company_id, line) == ("default", "gsm") else None

        opened.app.include_router(lines_router(lines, Personas(opened.database), texts, sender))
        yield opened


async def test_a_policy_is_read_with_its_defaults_and_replaced(house: House) -> None:
    read = await house.owner.get(POLICY)
    assert (read.status_code, read.headers["etag"]) == (200, '"1"')
    policy = read.json()
    assert policy["outgoing"]["per_day"] == 20
    policy["block"] = ["withheld", "+7999*"]
    policy["after_hours_greeting"] = {"ru": "Закрыто.", "en": "Closed."}
    policy["menu"] = [{"key": "1", "label": "prices", "action": "say", "value": "One."}]
    written = await house.owner.put(POLICY, json=policy, headers={"If-Match": '"1"'})
    assert (written.status_code, written.headers["etag"]) == (200, '"2"')
    assert written.json() == policy
    again = await house.owner.get(POLICY)
    assert (again.json(), again.headers["etag"]) == (policy, '"2"')
    stored = await Lines(house.database).policy("default", "gsm")
    assert set(stored or {}) == {"block", "after_hours_greeting", "menu"}, "only what differs from the defaults"


async def test_who_did_not_see_the_last_change_does_not_undo_it(house: House) -> None:
    first = await house.owner.put(POLICY, json={"persona": "anna"}, headers={"If-Match": '"1"'})
    second = await house.owner.put(POLICY, json={}, headers={"If-Match": '"1"'})
    assert [first.status_code, second.status_code] == [200, 412]
    assert (await house.owner.get(POLICY)).json()["persona"] == "anna"
    assert (await house.owner.put(POLICY, json={})).status_code == 428
    for wrong in ("2", 'W/"2"', '"x"', '"2", "3"'):
        assert (await house.owner.put(POLICY, json={}, headers={"If-Match": wrong})).status_code == 412
    assert (await house.owner.put(POLICY, json={}, headers={"If-Match": "*"})).status_code == 200


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"blok": []}, "Did you mean block?"),
        ({"block": ["call me"], "hours": 5}, "hours"),
        ({"outgoing": {"per_day": -1}}, "outgoing.per_day"),
        ({"persona": "nobody"}, "'nobody'"),
        ({"callers": [{"number": NUMBER, "persona": "nobody"}]}, "'nobody'"),
        ([], "policy"),
        ("x", "policy"),
        (None, "body"),
    ],
)
async def test_what_is_no_policy_is_refused_in_words(house: House, policy: object, words: str) -> None:
    refused = await house.owner.put(POLICY, json=policy, headers={"If-Match": '"1"'})
    assert refused.status_code == 422, refused.text
    assert words in refused.json()["detail"]
    assert (await house.owner.get(POLICY)).headers["etag"] == '"1"'


async def test_lines_of_others_are_not_there(house: House) -> None:
    for line in ("theirs", "nobodys"):
        headers = {"If-Match": "*"}
        answers = [
            await house.owner.get(f"/admin/gsm/{line}/policy"),
            await house.owner.put(f"/admin/gsm/{line}/policy", json={}, headers=headers),
            await house.owner.post(f"/admin/gsm/{line}/sms", json={"to": NUMBER, "text": "hello"}),
            await house.owner.get(f"/admin/gsm/{line}/sms"),
        ]
        assert [each.status_code for each in answers] == [404] * 4


async def test_a_text_message_is_queued(house: House) -> None:
    queued = await house.owner.post("/admin/gsm/gsm/sms", json={"to": "+7 916 123-45-67", "text": "Готово"})
    assert queued.status_code == 202, queued.text
    noted = (await house.owner.get("/admin/audit", params={"resource": "texts"})).json()["items"]
    assert [(each["action"], each["resource_id"]) for each in noted] == [("send", queued.json()["id"])]
    listed = (await house.owner.get("/admin/gsm/gsm/sms")).json()["items"]
    assert [(each["id"], each["number"], each["text"], each["status"]) for each in listed] == [
        (queued.json()["id"], NUMBER, "Готово", "queued")
    ]


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("gsm", {"to": NUMBER, "text": " "}, 409),
        ("gsm", {"to": "nobody\r\n", "text": "x"}, 409),
        ("gsm", {"to": NUMBER, "text": ""}, 422),
        ("gsm", {"to": NUMBER, "text": "x" * 2001}, 422),
        ("gsm", {"to": NUMBER}, 422),
        ("away", {"to": NUMBER, "text": "x"}, 409),
    ],
)
async def test_a_text_message_that_cannot_be_sent_is_not_queued(
    house: House, line: str, body: dict[str, str], status: int
) -> None:
    refused = await house.owner.post(f"/admin/gsm/{line}/sms", json=body)
    assert refused.status_code == status, refused.text
    assert (await house.owner.get(f"/admin/gsm/{line}/sms")).json()["items"] == []


async def test_text_messages_are_listed_in_pages(house: House) -> None:
    line = TextMessages(house.database).of_line("default", "gsm")
    for number in range(5):
        at = datetime.now(UTC) + timedelta(seconds=number)
        await line.add_part(StoredPart(f"f{number}", "00", at, NUMBER, f"text {number}"))
        sender = NUMBER if number % 2 else "Bank"
        await line.add_received(ReceivedText(sender, f"text {number}", "text", at), [f"f{number}"])
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = (await house.owner.get("/admin/gsm/gsm/sms", params=query)).json()
        seen += [item["text"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"text {number}" for number in (4, 3, 2, 1, 0)]
    bank = (await house.owner.get("/admin/gsm/gsm/sms", params={"number": "Bank"})).json()
    assert [item["text"] for item in bank["items"]] == ["text 4", "text 2", "text 0"]


async def test_every_route_carries_a_rule_and_its_document_is_whole(house: House) -> None:
    public = {*PUBLIC, "/docs/oauth2-redirect", "/redoc"}
    assert without_rule(house.app, public) == []
    document = (await house.client.get("/openapi.json")).json()
    body = document["paths"]["/admin/gsm/{line}/policy"]["put"]["requestBody"]
    reference = body["content"]["application/json"]["schema"]["$ref"]
    assert reference.rpartition("/")[2] in document["components"]["schemas"]
