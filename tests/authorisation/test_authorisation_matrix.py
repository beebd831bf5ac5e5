"""Everybody there is asks every route there is: the matrix is made from the route table, so none is forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from two_companies import OTHER, TwoCompanies, open_two, seen
from whole_house import whole_house

from services.accounts.roles import Role, may, resources
from services.web.access import RuledRoute

NOTHING = "0" * 32
"""An id that nothing has."""


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoCompanies]:
    async with whole_house(tmp_path) as house:
        yield await open_two(house)


def unknown(route: RuledRoute) -> tuple[str, ...]:
    return (NOTHING,) * route.path.count("{")


def things(company: object, route: RuledRoute) -> tuple[str, ...]:
    found: tuple[str, ...] = company.things.get(route.path.partition("/{")[0], ())  # type: ignore[attr-defined]
    return (*found, *unknown(route))[: route.path.count("{")]


async def test_nobody_gets_in_without_a_token(both: TwoCompanies) -> None:
    for method, route in both.api.ruled():
        for headers in ({}, {"authorization": "Bearer sk-nothing"}, {"authorization": "Basic b2xnYTpvbGdh"}):
            answer = await both.ask(headers, method, route.path, unknown(route))
            assert answer.status == 401, (method, route.path)


@pytest.mark.parametrize("role", Role)
async def test_each_role_may_do_what_the_table_grants_and_nothing_else(both: TwoCompanies, role: Role) -> None:
    allowed = refused = 0
    for method, route in both.api.ruled():
        assert route.rule is not None
        if not route.rule.resource:  # one's own sign-in: for everybody, and some of it ends the session
            continue
        answer = await both.ask(both.own.headers[role], method, route.path, unknown(route))
        if may(role, route.rule.resource, route.rule.action):
            allowed += 1
            assert answer.status not in (401, 403), (method, route.path, answer.body)
        else:
            refused += 1
            assert answer.status == 403, (method, route.path, answer.body)
    assert allowed >= (5 if role is Role.GUEST else 10)
    assert role is Role.OWNER or refused >= 10


@pytest.mark.parametrize("role", Role)
async def test_nobody_reaches_into_another_company(both: TwoCompanies, role: Role) -> None:
    before = await both.rows(OTHER)
    assert sum(map(len, before.values())) >= 10
    for method, route in both.api.ruled():
        assert route.rule is not None
        if not route.rule.resource or route.rule.resource == "companies":
            continue
        answer = await both.ask(both.own.headers[role], method, route.path, things(both.other, route))
        assert not seen(answer), (method, route.path, answer.body)
    assert await both.rows(OTHER) == before


@pytest.mark.parametrize("role", [Role.ADMIN, Role.USER, Role.GUEST])
async def test_only_an_owner_acts_in_another_company_by_naming_it(both: TwoCompanies, role: Role) -> None:
    named = both.own.headers[role] | {"x-company": OTHER}
    for method, route in both.api.ruled():
        answer = await both.ask(named, method, route.path, unknown(route))
        assert answer.status == 403, (method, route.path)
    assert seen(await both.ask(both.own.headers[Role.OWNER] | {"x-company": OTHER}, "GET", "/admin/companies/current"))


def test_every_resource_of_a_route_is_in_the_table(both: TwoCompanies) -> None:
    used = {route.rule.resource for _, route in both.api.ruled() if route.rule is not None}
    assert used - {""} <= resources()
