"""Containers, the service and the proxy: each file is held against what it is for, and its commands are really run."""

import asyncio
import os
import re
import shlex
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml
from compose_spec.models import ComposeSpecification
from front_door import ROOT, environment, free_port, serving
from opener import orchestrator
from servers import GUARDED, Postgres, program

from services.settings import names
from services.storage.database import Database

DEPLOY = ROOT / "docs" / "deploy"
COMPOSE = ROOT / "docker-compose.yml"
STARTED_BARE = {"secretary", "vllm", "postgres", "redis", "passwords"}


def filled_in(value: Any) -> Any:
    """Put the defaults in place of ${NAME:-default}, in every text of what was read."""
    if isinstance(value, dict):
        return {key: filled_in(each) for key, each in value.items()}
    if isinstance(value, list):
        return [filled_in(each) for each in value]
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) if isinstance(value, str) else value


def compose(path: Path = COMPOSE) -> dict[str, Any]:
    content = filled_in(yaml.safe_load(path.read_text("utf-8")))
    return {key: value for key, value in content.items() if not key.startswith("x-")}


def refuse_what_is_no_compose_file(content: Mapping[str, Any]) -> None:
    ComposeSpecification.model_validate(content)
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(dict(content))).validate()


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


@pytest.mark.parametrize("path", [COMPOSE, DEPLOY / "compose.modem.yml"], ids=lambda path: path.name)
def test_the_compose_files_are_of_the_compose_specification(path: Path) -> None:
    refuse_what_is_no_compose_file(compose(path))


@pytest.mark.parametrize(
    "wrong",
    [
        {"imag": "typo", "image": "a"},
        {"image": "a", "networks": ["nowhere"]},
        {"image": "a", "healthcheck": {"test": ["CMD", "a"], "interval": "often"}},
        {"image": "a", "ports": [[1]]},
    ],
    ids=["unknown key", "unknown network", "no duration", "no port"],
)
def test_a_compose_file_that_is_wrong_is_found_out(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        refuse_what_is_no_compose_file({"services": {"a": wrong}})


def test_bare_up_is_the_gpu_mode_and_one_name_is_the_cpu_mode() -> None:
    services = compose()["services"]
    assert {name for name, each in services.items() if not each.get("profiles")} == STARTED_BARE
    assert services["secretary-cpu"]["profiles"] == ["cpu"]
    assert "depends_on" not in services["secretary-cpu"]
    assert services["vllm"]["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


@pytest.mark.parametrize("name", [*sorted(STARTED_BARE), "secretary-cpu"])
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    found = service(name)
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["cap_drop"] == ["ALL"]
    assert found["read_only"] is (name != "vllm")
    assert all(str(port).startswith("127.0.0.1:") for port in found.get("ports", ()))
    assert name == "passwords" or found["healthcheck"]["test"][0] == "CMD"
    assert not found.get("privileged")


def test_the_database_and_the_cache_are_reached_from_inside_only() -> None:
    assert compose()["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert service(name)["networks"] == ["inside"]
        assert "ports" not in service(name)


def test_the_containers_set_only_what_is_a_setting() -> None:
    known = {name for name, _, _ in names(orchestrator()["Settings"])}
    for name in ("secretary", "secretary-cpu"):
        given = {each for each in service(name)["environment"] if each.startswith("SECRETARY_")}
        assert given <= known
    image = set(re.findall(r"(SECRETARY_\w+)=", (DEPLOY / "Dockerfile").read_text("utf-8")))
    assert image
    assert image <= known


def test_the_image_is_built_in_two_stages_from_hashed_packages_and_runs_without_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    build, run = re.split(r"^FROM .*$", text, flags=re.MULTILINE)[1:]
    assert "--require-hashes" in build
    assert "pip" not in run
    for source in re.findall(r"^COPY (?:--\S+ )?(\S+) ", text, re.MULTILINE):
        assert (ROOT / source).exists() or source == "/opt/secretary", source
    assert re.findall(r"^USER (\S+)$", run, re.MULTILINE) == ["secretary"]
    commands = re.findall(r"^CMD (\[.*\])$", run, re.MULTILINE)
    assert commands == ['["secretary", "serve"]']
    assert "secretary" in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]


def test_nothing_private_gets_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {".env", ".git", "data", "models/*", "tests"} <= set(ignored)


def test_the_secretary_of_the_container_starts_and_is_found_healthy(tmp_path: Path) -> None:
    container = service("secretary-cpu")
    settings = {name: str(value) for name, value in container["environment"].items()}
    with serving(tmp_path, settings | {"SECRETARY_TELEPHONY__ENABLED": "false"}) as (client, _):
        check = [word.replace(":8002", f":{client.base_url.port}") for word in container["healthcheck"]["test"][1:]]
        assert subprocess.run(check, timeout=20, check=False).returncode == 0
    assert subprocess.run(check, timeout=20, capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="a container's entry gives files to another user, which needs root")
async def test_the_database_s_password_is_made_once_and_opens_the_database(tmp_path: Path) -> None:
    container = service("passwords")
    [script] = container["command"]
    script = script.replace("/run/passwords", str(tmp_path)).replace("$$", "$")
    made = ""
    for _ in range(2):
        await asyncio.to_thread(subprocess.run, [*container["entrypoint"], script], check=True, timeout=20)
        again = (tmp_path / "postgres").read_text("ascii")
        assert made in ("", again)
        made = again
        assert re.fullmatch(r"[0-9a-f]{64}", made)
    line = tmp_path / "pgpass"
    assert (stat.S_IMODE(line.stat().st_mode), line.stat().st_uid) == (0o600, 10001)
    assert line.read_text("ascii") == f"postgres:*:*:secretary:{made}\n"
    assert service("secretary")["environment"]["SECRETARY_DATABASE_URL"] == "postgresql://secretary@postgres/secretary"
    with Postgres() as server:
        server.sql(f"ALTER ROLE {GUARDED} PASSWORD '{made}'")
        here = tmp_path / "here"
        here.write_text(line.read_text("ascii").replace("postgres:", "127.0.0.1:", 1).replace("secretary", GUARDED))
        here.chmod(0o600)
        before = dict(os.environ)
        os.environ["PGPASSFILE"] = str(here)
        try:
            database = Database(server.url(server.new_database(), GUARDED))
            async with database.read():
                pass
            await database.close()
        finally:
            os.environ.clear()
            os.environ.update(before)


def test_redis_starts_as_in_its_container_and_is_found_healthy(tmp_path: Path) -> None:
    container, port = service("redis"), str(free_port())
    _, *options = container["command"]
    server = program("redis-server", "Redis is not installed.")
    running = subprocess.Popen([server, *options, "--port", port, "--dir", tmp_path], stdout=subprocess.DEVNULL)
    try:
        _, tool, *question = container["healthcheck"]["test"]
        asked = [program(tool, "Redis is not installed."), "-p", port, *question]
        assert any(
            b"PONG" in subprocess.run(asked, capture_output=True, timeout=10, check=False).stdout for _ in range(200)
        )
    finally:
        running.terminate()
        running.wait(10)


def test_the_service_of_systemd_is_understood(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not here")
    here = tmp_path / "ai-secretary.service"
    text = (DEPLOY / "ai-secretary.service").read_text("utf-8")
    [command] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert shlex.split(command)[1:] == ["serve"]
    here.write_text(text.replace(shlex.split(command)[0], "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", here], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "") or "System has not been booted" in done.stderr


def test_the_proxy_s_file_is_understood() -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("Caddy is not here")
    check = [caddy, "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
