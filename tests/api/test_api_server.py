"""The real server in a process of its own: pages, state, errors, and how it ends."""

import asyncio
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from front_door import secretary, serving

from api.public import PUBLIC
from telephony.simulator import ModemSimulator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("house")) as (client, _):
        yield client


def test_it_is_alive(server: httpx.Client) -> None:
    assert server.get("/healthz").json() == {"status": "alive"}


def test_each_part_tells_its_state_and_remedy(server: httpx.Client) -> None:
    answer = server.get("/readyz")
    assert answer.status_code == 200
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert {"database", "ears ru", "speech ru", "llm", "telephony"} <= set(parts)
    assert parts["ears ru"]["state"] == "degraded"
    assert "vosk-model-small-ru-0.22" in parts["ears ru"]["remedy"]
    assert parts["database"]["state"] == "ready"


def test_health_is_short_and_has_the_uptime(server: httpx.Client) -> None:
    health = server.get("/health").json()
    assert set(health) == {"status", "uptime", "version"}
    assert health["uptime"] > 0


def test_metrics_are_prometheus_text(server: httpx.Client) -> None:
    text = server.get("/metrics").text
    assert 'secretary_part_state{part="database"} 0.0' in text
    assert "secretary_uptime_seconds" in text
    assert "secretary_calls_total" in text


def test_metrics_are_not_passed_on_by_a_proxy(server: httpx.Client) -> None:
    assert server.get("/metrics", headers={"X-Forwarded-For": "192.0.2.60"}).status_code == 403


@pytest.mark.parametrize(("language", "words"), [("ru-RU,ru;q=0.9", "ИИ-секретарь"), ("en-GB", "Answers the phone")])
def test_the_front_page_says_what_this_is_in_the_readers_language(
    server: httpx.Client, language: str, words: str
) -> None:
    page = server.get("/", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert words in page.text
    assert "$" not in page.text, "a place of the template was left empty"
    assert "secretary call" in page.text
    assert server.get("/home.css").headers["content-type"].startswith("text/css")


def test_the_documentation_needs_nothing_from_elsewhere(server: httpx.Client) -> None:
    page = server.get("/docs").text
    assert "swagger" in page.casefold()
    linked = [part.split('"')[0] for part in page.split('src="')[1:] + page.split('href="')[1:]]
    for address in linked:
        assert httpx.URL(address).host in {"", server.base_url.host}, address
        assert server.get(address).status_code == 200
    assert set(server.get("/openapi.json").json()["paths"]) >= {"/healthz", "/readyz", "/health", "/metrics"}


def test_every_route_that_is_not_public_wants_a_sign_in(server: httpx.Client) -> None:
    asked = 0
    for path, operations in server.get("/openapi.json").json()["paths"].items():
        for method in operations if path not in PUBLIC else ():
            answer = server.request(method.upper(), re.sub(r"{[^}]*}", "c1", path))
            assert answer.status_code == 401, (method, path)
            told = answer.json()
            assert "no owner yet" in (told["error"]["message"] if path.startswith("/v1/") else told["detail"])
            asked += 1
    assert asked >= 100


def test_errors_are_problem_documents(server: httpx.Client) -> None:
    answer = server.get("/nowhere")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code == 404


@pytest.mark.parametrize("told", [True, False])
def test_a_request_that_brings_too_much_is_refused(server: httpx.Client, told: bool) -> None:
    size = 3_000_000
    content = b"x" * size if told else (b"x" * 1000 for _ in range(size // 1000))
    answer = server.post("/admin/auth/login", content=content)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-frame-options"] == "DENY"
    assert server.get("/healthz").status_code == 200


def test_every_answer_has_security_headers(server: httpx.Client) -> None:
    for path in ("/", "/healthz", "/nowhere", "/docs"):
        headers = server.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path: Path, end: signal.Signals) -> None:
    with serving(tmp_path) as (_, process):
        process.send_signal(end)
        _, log = process.communicate(timeout=20)
    assert process.returncode in {0, 128 + end, -end}
    assert "Traceback" not in log


async def test_a_call_on_the_line_is_hung_up_and_filed_when_a_signal_ends_the_server(tmp_path: Path) -> None:
    async with ModemSimulator(ring_period=1.0) as modem:
        settings = {
            "SECRETARY_LANGUAGE": "en",
            "SECRETARY_TELEPHONY__AT_PORT": modem.at_port,
            "SECRETARY_TELEPHONY__AUDIO_PORT": modem.audio_port,
        }
        house = serving(tmp_path, settings)
        client, process = await asyncio.to_thread(house.__enter__)
        try:
            assert await asyncio.to_thread(telephony_becomes_ready, client)
            call = await modem.ring("+79990000042")
            await call.answered(10)
            await asyncio.sleep(1.0)
            process.send_signal(signal.SIGTERM)
            await call.ended(10)
            await asyncio.to_thread(process.wait, 20)
        finally:
            await asyncio.to_thread(house.__exit__, None, None, None)
    with closing(sqlite3.connect(tmp_path / "data" / "secretary.db")) as database:
        calls = database.execute("select outcome, ended_at is not null from calls").fetchall()
    assert calls == [("answered", 1)]


def telephony_becomes_ready(client: httpx.Client) -> bool:
    for _ in range(300):
        parts = client.get("/readyz").json()["parts"]
        if any(part["name"] == "telephony" and part["state"] == "ready" for part in parts):
            return True
        time.sleep(0.1)
    return False


def test_a_taken_port_is_one_sentence(server: httpx.Client, tmp_path: Path) -> None:
    done = secretary("serve", "--port", str(server.base_url.port), cwd=tmp_path)
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_doctor_says_the_same_as_readyz(tmp_path: Path) -> None:
    done = secretary("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"ears ru"' in done.stdout
    assert '"telephony"' in done.stdout


def test_a_server_without_a_terminal_prints_where_it_answers(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, process):
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=20)
    assert str(client.base_url).rstrip("/") in log
    assert isinstance(process, subprocess.Popen)
