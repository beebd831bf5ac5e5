"""`secretary users` and the owner of unattended set-up, through the front door."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from front_door import environment, secretary, serving
from opener import orchestrator
from typer.testing import CliRunner

from services.errors import ConflictError, NotFoundError
from services.storage.people.sessions import Origin

PASSWORD = "seven grey herons waded"
OTHER = "nine blue whales sang"
UNATTENDED = {"SECRETARY_OWNER__USERNAME": "Olga", "SECRETARY_OWNER__PASSWORD": PASSWORD}


def sign_in(client: httpx.Client, username: str, password: str) -> httpx.Response:
    return client.post("/admin/auth/login", json={"username": username, "password": password})


def test_users_are_made_listed_changed_and_removed(tmp_path: Path) -> None:
    made = secretary("users", "add", "Olga", "--role", "owner", "--password-stdin", cwd=tmp_path, typed=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    changed = secretary("users", "password", "OLGA", "--password-stdin", cwd=tmp_path, typed=OTHER)
    assert changed.returncode == 0, changed.stderr
    last = secretary("users", "remove", "olga", cwd=tmp_path)
    assert (last.returncode, "only owner" in last.stderr) == (1, True)
    listed = json.loads(secretary("users", "list", "--json", cwd=tmp_path).stdout)
    assert [(user["username"], user["role"], set(user)) for user in listed] == [
        ("olga", "owner", {"id", "username", "role", "active", "created_at"})
    ]


def test_a_weak_password_is_one_sentence(tmp_path: Path) -> None:
    done = secretary("users", "add", "olga", "--role", "owner", "--password-stdin", cwd=tmp_path, typed="my dog")
    assert done.returncode == 1
    assert "shorter than 12" in done.stderr
    assert sum("secretary:" in line for line in done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "dog" not in done.stderr


def test_unattended_set_up_makes_the_owner_once(tmp_path: Path) -> None:
    with serving(tmp_path, UNATTENDED) as (client, _):
        answer = sign_in(client, "olga", PASSWORD)
        assert answer.status_code == 200
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert client.get("/admin/auth/me", headers=headers).json()["role"] == "owner"
        assert client.get("/admin/calls", headers=headers).json() == {"items": [], "next_cursor": None}
        assert client.get("/admin/gsm", headers=headers).status_code == 200
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert secretary("users", "password", "olga", "--password-stdin", cwd=tmp_path, typed=OTHER).returncode == 0
    with serving(tmp_path, UNATTENDED) as (client, _):
        assert sign_in(client, "olga", PASSWORD).status_code == 401, "a start must not take a password back"
        assert client.get("/admin/auth/me", headers=headers).status_code == 401, "a new password voids old tokens"
        assert sign_in(client, "olga", OTHER).status_code == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({**UNATTENDED, "SECRETARY_OWNER__PASSWORD": "Password2024!"}, "easy to guess"),
        ({"SECRETARY_OWNER__USERNAME": "olga"}, "needs a password"),
        ({"SECRETARY_OWNER__PASSWORD": PASSWORD}, "SECRETARY_OWNER__USERNAME"),
    ],
)
def test_a_weak_or_half_owner_stops_the_start(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    done = secretary("serve", cwd=tmp_path, settings=settings)
    assert done.returncode == 1
    assert words in done.stderr
    assert sum("secretary:" in line for line in done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    for secret in (PASSWORD, "Password2024!"):
        assert secret not in done.stderr
    assert not (tmp_path / "data").exists(), "a refused start must leave nothing behind"


def test_the_first_start_prints_a_link_that_makes_the_owner(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, process):
        assert process.stderr is not None
        link = next(line.strip() for line in process.stderr if "/setup#token=" in line)
        address, _, token = link.partition("/setup#token=")
        assert address == str(client.base_url).rstrip("/")
        assert client.get("/setup").status_code == 200
        refused = client.post("/setup", json={"token": token[:-1], "username": "olga", "password": PASSWORD})
        assert refused.status_code == 422
        made = client.post("/setup", json={"token": token, "username": "olga", "password": PASSWORD})
        assert made.status_code == 201, made.text
        assert sign_in(client, "olga", PASSWORD).status_code == 200
    for path in (tmp_path / "data").glob("secretary.db*"):
        assert token.encode() not in path.read_bytes()


def test_users_are_invited_kept_out_let_in_and_signed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment({"SECRETARY_DATA_DIR": str(tmp_path / "data")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, typed: str = "") -> str:
        return str(
            CliRunner().invoke(orchestrator()["cli"], ["users", *words], input=typed, catch_exceptions=False).stdout
        )

    async def accept(token: str) -> None:
        async with orchestrator()["open_installation"](speech=False) as installation:
            user = await installation.accounts.links.join(token, "", OTHER)
            await installation.accounts.begin_session(user, Origin("192.0.2.1", "a program"))

    run("add", "olga", "--role", "owner", "--password-stdin", typed=PASSWORD)
    link = json.loads(run("invite", "--role", "user", "--name", "boris", "--json"))["link"]
    address, _, token = link.partition("/setup#invitation=")
    assert address == "http://127.0.0.1:8002"
    asyncio.run(accept(token))
    (session,) = json.loads(run("sessions", "boris", "--json"))
    assert (session["address"], session["user_agent"]) == ("192.0.2.1", "a program")
    assert "1 sessions" in run("sessions", "boris", "--revoke")
    assert json.loads(run("sessions", "boris", "--json")) == []
    run("deactivate", "boris")
    assert "deactivated" in run("list")
    run("activate", "boris")
    assert "deactivated" not in run("list")
    with pytest.raises(ConflictError, match="only owner"):
        run("deactivate", "olga")
    with pytest.raises(NotFoundError, match="no second factor"):
        run("reset-second-factor", "boris")
