"""`secretary users` and the owner of unattended set-up, through the front door."""

import json
from pathlib import Path

import httpx
import pytest
from front_door import secretary, serving

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
        ("olga", "owner", {"id", "username", "role", "created_at"})
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
