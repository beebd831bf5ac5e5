"""Every administrative act leaves an entry in the audit log: asked of every route that changes something."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from every_route import Api
from two_companies import BODIES, TwoCompanies, open_two
from whole_house import whole_house

from services.accounts.roles import Role
from services.installation import Installation

PASSPHRASE = "five otters swam upstream"
NAMED = {
    "POST /admin/users": {"username": "nadia", "password": "nine blue whales sang", "role": "user"},
    "POST /admin/invitations": {"role": "user", "username": "ivan"},
    "POST /admin/personas": {**BODIES["POST /admin/personas"], "slug": "mia", "name": "Mia"},
    "POST /admin/llm/presets": {"slug": "calm", "name": "Calm", "values": {}},
    "POST /admin/tts/presets": {"slug": "calm", "name": "Calm", "values": {}},
    "POST /admin/webhooks": {"url": "https://hooks.example.org/hook", "events": ["call.ended"]},
    "POST /admin/backups": {"passphrase": PASSPHRASE, "recordings": False},
}
EDITED = {
    "/admin/api-keys/{key_id}": "name",
    "/admin/chats/{chat_id}": "title",
    "/admin/companies/current": "name",
    "/admin/companies/{company_id}": "name",
    "/admin/faq/{entry_id}": "answer",
    "/admin/llm/presets/{preset_id}": "name",
    "/admin/tts/presets/{preset_id}": "name",
    "/admin/personas/{slug}": "name",
    "/admin/users/{user_id}": "display_name",
    "/admin/webhooks/{webhook_id}": "name",
}
"""What changes something where the least that a route accepts would not."""

UNNOTED = {
    "POST /admin/chats/{chat_id}/messages": "what a user says is his own",
    "POST /admin/chats/{chat_id}/regenerate": "the same",
    "POST /admin/chats/{chat_id}/stop": "the same",
    "POST /admin/faq/search": "changes nothing",
    "POST /admin/companies/{company_id}/activate": "it is active already",
    "POST /admin/users/{user_id}/activate": "the same",
    "POST /admin/users/{user_id}/revoke-sessions": "the user has none; see below",
    "POST /v1/chat/completions": "a question, counted in the usage",
}


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoCompanies]:
    async with whole_house(tmp_path) as house:
        found = await open_two(house)
        least = Api(house.app, BODIES)
        edits = {
            f"{method} {path}": (least.body(method, path) or {}) | {name: f"Another by {method}"}
            for path, name in EDITED.items()
            for method in ("PUT", "PATCH")
        }
        found.api = Api(house.app, BODIES | NAMED | edits)
        yield found
        await house.installation.platform.backups.close()


async def noted(installation: Installation) -> set[tuple[str, str]]:
    return {(each.action, each.resource) async for each in installation.books.audit.all(None)}


async def test_every_act_of_an_administrator_is_noted(both: TwoCompanies) -> None:
    audit, owner, done = both.house.installation.books.audit, both.own.headers[Role.OWNER], 0
    missing: list[str] = []
    changing = [(method, route) for method, route in both.api.ruled() if method != "GET" and route.rule]
    changing = [each for each in changing if each[1].rule and each[1].rule.resource]  # the own account: below
    for method, route in sorted(changing, key=lambda each: (each[0] == "DELETE", each[1].path)):
        things = (*both.own.things.get(route.path.partition("/{")[0], ()), *("0" * 32,) * 3)
        before = (await audit.head()).seq
        answer = await both.ask(owner, method, route.path, things[: route.path.count("{")])
        name = f"{method} {route.path}"
        if answer.status < 300 and name not in UNNOTED:
            missing += [name] if (await audit.head()).seq == before else []
            done += 1
    assert not missing
    assert done >= 35


async def test_sign_ins_their_failures_and_their_ends_are_noted(both: TwoCompanies) -> None:
    house, owner = both.house, both.own.headers[Role.OWNER]
    client = await house.client("ulla")
    await client.post("/admin/auth/login", json={"username": "ulla", "password": "not the right one"})
    await client.post("/admin/auth/logout")
    assert {("sign-in", "users"), ("fail-sign-in", "users"), ("end-sessions", "users")} <= await noted(
        house.installation
    )
    client = await house.client("ulla")
    ulla = (await client.get("/admin/auth/me")).json()["id"]
    head = await house.installation.books.audit.head()
    answer = await both.ask(owner, "POST", "/admin/users/{user_id}/revoke-sessions", (ulla,))
    assert answer.json()["ended"] >= 1
    assert (await house.installation.books.audit.head()).seq == head.seq + 1


async def test_all_that_happens_to_a_backup_is_noted(both: TwoCompanies) -> None:
    backups, owner = both.house.installation.platform.backups, both.own.headers[Role.OWNER]
    await backups.make(PASSPHRASE, recordings=False)
    name = (await backups.listed())[0].name
    for method, path in (("GET", "/download"), ("DELETE", "")):
        answer = await both.ask(owner, method, f"/admin/backups/{{name}}{path}", (name,))
        assert answer.status < 300, answer.body
    assert {("fetch", "backups"), ("delete", "backups")} <= await noted(both.house.installation)
