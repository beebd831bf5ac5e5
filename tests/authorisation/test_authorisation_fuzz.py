"""schemathesis over the whole OpenAPI document: whatever a client sends, the answer is a documented one."""

import functools
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from silent_house import SilentHouse, silent_house
from whole_house import PASSWORD

EXAMPLES = [3, pytest.param(25, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
PUBLIC = re.compile(r"/admin/auth/(login|refresh)|/setup|/auth/|/webhooks/|/legal/")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SilentHouse]:
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    with silent_house(folder, OWNER) as house:
        lift_limits(house.url)
        yield house


OWNER = {"SECRETARY_OWNER__USERNAME": "olga", "SECRETARY_OWNER__PASSWORD": PASSWORD}


_address = count(1)


def sign_in(url: str) -> dict[str, str]:
    """Return the headers of a fresh sign-in, each from another address: what was asked before looked like guessing."""
    given = {"username": "olga", "password": PASSWORD}
    headers = {"X-Forwarded-For": f"198.51.100.{next(_address) % 250}"}
    answer = httpx.post(f"{url}/admin/auth/login", json=given, headers=headers)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Company": "default"}


def lift_limits(url: str) -> None:
    """Put the company on the plan without limits: a refusal by them would hide what the routes answer."""
    signed_in = sign_in(url)
    company = httpx.get(f"{url}/admin/companies/default", headers=signed_in).json()
    kept = {name: company[name] for name in ("name", "language", "time_zone", "facts", "settings")}
    answer = httpx.put(f"{url}/admin/companies/default", json=kept | {"plan": "unlimited"}, headers=signed_in)
    assert answer.status_code == 200, answer.text


def lasts(operation: Any) -> bool:
    """Tell a feed: it answers for as long as it is listened to."""
    responses = operation.definition.raw.get("responses", {})
    feed = any("text/event-stream" in answer.get("content", {}) for answer in responses.values())
    return feed and operation.method.upper() == "GET"


@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_answer_to_anything_is_a_documented_one(server: SilentHouse, examples: int) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    asked: dict[int, int] = {}
    failures: list[str] = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if lasts(operation):
            continue  # tests/authorisation/test_authorisation_matrix.py asks for them
        signed_in = sign_in(server.url)  # what was asked before may have ended the session

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any, headers: dict[str, str]) -> None:
            answer = case.call(headers=headers, timeout=20)
            asked[answer.status_code] = asked.get(answer.status_code, 0) + 1
            assert answer.status_code != 429 or PUBLIC.search(case.path), case.path
            case.validate_response(answer, checks=CHECKS)

        try:
            functools.partial(ask, headers=signed_in)()
        except AssertionError as failure:
            failures.append(f"{operation.label}: {failure}")
        except BaseExceptionGroup as group:
            failures.append(f"{operation.label}: {'; '.join(map(str, group.exceptions))}")
    assert not failures, "\n\n".join(failures)
    assert sum(asked.values()) >= examples * 60
    assert {200, 404, 422} <= set(asked)
