"""What never stands in the log: secrets and whole phone numbers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.log_masks import mask, mask_event, mask_number

ROOT = Path(__file__).resolve().parents[2]
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("the key sk-proj-abcdefgh12345678 is wrong", "abcdefgh12345678"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8"),
        (f"Authorization: Bearer {JWT}", "eyJ"),
        (f"token {JWT} is old", "dBjft"),
        ("cannot reach postgresql://anna:se/cr:et@db/x", "se/cr:et"),
        ("redis://:hush-hush@cache:6379/0 is gone", "hush-hush"),
        ("GET /x?api_key=abc123&next=1", "abc123"),
        ("{'password': 'five wet otters'}", "five"),
        ("bot 123456789:AAF_abcdefghijklmnopqrstuvwxyz0123456 refused", "AAF_"),
        ("called +79161234567 back", "9161234567"),
        ("called +7 (916) 123-45-67 back", "123-45"),
        ("8 916 123-45-67 calls", "123-45"),
        ("from 89161234567", "1234"),
        ("sip:+442079460958@host", "0794609"),
    ],
)
def test_it_is_not_shown(text: str, hidden: str) -> None:
    masked = mask(text)
    assert hidden not in masked
    assert mask(masked) == masked


def test_country_and_the_last_two_stay_of_a_number() -> None:
    assert mask("+79161234567") == "+7916*****67"
    assert mask_number("+4420") == "+**20"


@pytest.mark.parametrize(
    "text",
    [
        "the call 5f2b0c1e9a7d4e0f8b1c2d3e4f5a6b7c ended after 12.345 s",
        "2026-11-21T11:42:40.123456Z",
        "018f4a3b-7c21-7def-8a90-123456789012 was stored",
        "127.0.0.1:8002 answers in 15 ms",
        "tokens: 1234 of 80000000",
        "http://127.0.0.1:8002/admin/calls",
    ],
)
def test_the_rest_is_left_alone(text: str) -> None:
    assert mask(text) == text


_KEYS = st.sampled_from(
    ["password", "new_password", "refresh_token", "Authorization", "Cookie", "set-cookie", "api_key", "client_secret"]
)


@given(_KEYS, st.text("abcdef0123456789", min_size=8, max_size=30).map(lambda word: f"zq{word}"))
def test_a_secret_by_its_name_is_never_shown_at_any_depth(key: str, secret: str) -> None:
    shapes = {key: secret, "event": {"headers": [{key: secret}]}, "deep": {"a": {"b": {key: [secret]}}}}
    assert secret not in str(mask_event(None, "info", shapes))


@given(st.from_regex(r"\+[1-9][0-9]{9,14}", fullmatch=True), st.text(max_size=20), st.text(max_size=20))
def test_no_whole_number_stays_in_any_text(number: str, before: str, after: str) -> None:
    for text in (f"{before} {number} {after}", f"({number})", f"tel:{number};x", f"'{number}'"):
        assert number[1:] not in mask(text)
    event = mask_event(None, "info", {"number": number[1:], "event": [{"to": number}]})
    assert number[1:] not in str(event)


@given(st.recursive(st.one_of(st.none(), st.integers(), st.text(), st.binary()), st.lists, max_leaves=10), st.text())
def test_any_event_can_be_masked(value: object, key: str) -> None:
    mask_event(None, "info", {key: value, "event": value})


_PROGRAM = """
import logging, structlog
from services import logs
logs.set_up("STYLE")
log = structlog.get_logger()
structlog.contextvars.bind_contextvars(request_id="r-1", call="c-1")
log.info("signed in", password="five wet otters", number="+79161234567")
try:
    raise RuntimeError("postgres://anna:five-wet-otters@db has +79161234567")
except RuntimeError:
    log.exception("it failed")
    logging.getLogger("uvicorn.error").exception("token=five-wet-otters for %s", "+79161234567")
logging.getLogger("alembic").warning("Bearer five.wet.otters %s", "+79161234567")
"""


@pytest.mark.parametrize("style", ["console", "json"])
def test_every_way_into_the_log_is_masked(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.replace("STYLE", style)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "RuntimeError" in done.stderr
    assert done.stderr.count("+7916*****67") >= 5
    for hidden in ("9161234567", "otters", "five wet"):
        assert hidden not in done.stderr
    if style == "json":
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert {(line["request_id"], line["call"]) for line in lines} == {("r-1", "c-1")}
