"""Every field of every request with what PostgreSQL takes worst: zero bytes, half characters, too great numbers."""

import copy
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from every_route import ask, fill
from servers import fresh_database
from two_companies import TwoCompanies, open_two
from whole_house import whole_house

from services.accounts.roles import Role

HOSTILE: tuple[Any, ...] = ("a\x00b", "\ud800", "%_\\'\";--", 2**31, 2**63, 1e308, [], {"\x00": "\x00"},
                              json.loads("[" * 400 + "]" * 400))  # fmt: skip
Place = tuple[str | int, ...]


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoCompanies]:
    async with whole_house(tmp_path, database_url=fresh_database()) as house:
        yield await open_two(house)


def places(body: Any, above: Place = ()) -> Iterator[Place]:
    """Iterate over where something stands in a body."""
    within = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in within:
        yield (*above, key)
        yield from places(value, (*above, key))


def with_it(body: Any, place: Place, value: Any) -> bytes:
    changed = copy.deepcopy(body)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return json.dumps(changed).encode()


async def test_no_field_breaks_the_database(both: TwoCompanies) -> None:
    owner, asked = both.own.headers[Role.OWNER], 0
    limits, companies = both.house.installation.platform.limits, both.house.installation.books.companies
    for method, route in both.api.ruled():
        body = both.api.body(method, route.path)
        if not body or not route.rule or not route.rule.resource:
            continue
        await companies.edit("default", {"plan": "unlimited"}, None)  # one of the routes changes it
        limits.changed("default")
        body = json.loads(json.dumps(body).replace("%MARK%", "word"))
        things = (*both.own.things.get(route.path.partition("/{")[0], ()), *("0" * 32,) * 3)
        path = fill(route.path, things)
        for place in places(body):
            for value in HOSTILE:
                answer = await ask(both.house.app, method, path, owner, with_it(body, place, value))
                assert answer.status < 500, (method, path, place, value, answer.body)
                asked += 1
    assert asked >= 300
