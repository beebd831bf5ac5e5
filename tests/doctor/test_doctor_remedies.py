"""Each thing that the doctor finds is broken here for real, mended as the remedy says, and gone afterwards."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from backup_state import PASSPHRASE
from front_door import ROOT, environment, free_port

from services.clock import LoopClock
from services.doctor.doctor import apply_fixes, examine, sound
from services.doctor.shapes import Examined, Finding
from services.errors import SecretaryError
from services.events import EventBus
from services.parts import State
from services.platform import Platform, PlatformSettings, open_platform
from services.settings import load


@asynccontextmanager
async def opened(settings: PlatformSettings, folder: Path) -> AsyncIterator[Examined]:
    try:
        async with open_platform(settings, LoopClock(), EventBus()) as platform:
            yield Examined(settings, platform, env_file=folder / ".env")
    except SecretaryError as error:
        yield Examined(settings, None, error, folder / ".env")


async def findings(settings: PlatformSettings, folder: Path) -> list[Finding]:
    async with opened(settings, folder) as house:
        return await examine(house)


def of(found: list[Finding], name: str) -> Finding | None:
    """Return the finding that is not well."""
    return next((each for each in found if each.name == name and each.state is not State.READY), None)


def settings_in(folder: Path, **changed: Any) -> PlatformSettings:
    models = folder / "models"
    models.mkdir(exist_ok=True)
    return load(PlatformSettings, **{"data_dir": folder / "data", "models_dir": models, "port": free_port(), **changed})


async def prepared(folder: Path) -> PlatformSettings:
    settings = settings_in(folder)
    (folder / ".env").touch(0o600)
    async with opened(settings, folder) as house:
        assert house.platform is not None
        house.platform.key.derive("trial")
    return settings


@dataclass(frozen=True)
class Case:
    """A finding's name, how to cause it, and whether the command that is shown mends it by itself."""

    name: str
    cause: Callable[[Path], None]
    fixable: bool = True


def damage(folder: Path) -> None:
    path = folder / "data" / "secretary.db"
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    content = bytearray(path.read_bytes())
    content[4096:20_000] = os.urandom(20_000 - 4096)
    path.write_bytes(content)


CASES = [
    Case("data folder", lambda folder: (folder / "data").chmod(0o755)),
    Case("secret key", lambda folder: (folder / "data" / "secret.key").chmod(0o644)),
    Case("settings file", lambda folder: (folder / ".env").chmod(0o644)),
    Case("models folder", lambda folder: (folder / "models").rmdir()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("way", ["command", "fix"])
async def test_what_is_broken_is_found_and_the_remedy_mends_it(tmp_path: Path, case: Case, way: str) -> None:
    settings = await prepared(tmp_path)
    assert of(await findings(settings, tmp_path), case.name) is None
    case.cause(tmp_path)
    broken = of(await findings(settings, tmp_path), case.name)
    assert broken is not None
    assert broken.remedy
    if way == "command":
        assert broken.command
        await asyncio.to_thread(subprocess.run, broken.command, shell=True, check=True, cwd=tmp_path)
    else:
        assert apply_fixes([broken]) == [f"{case.name}: mended."]
    assert of(await findings(settings, tmp_path), case.name) is None


async def test_a_damaged_key_is_found(tmp_path: Path) -> None:
    settings = await prepared(tmp_path)
    (tmp_path / "data" / "secret.key").write_text("rubbish")
    found = of(await findings(settings, tmp_path), "secret key")
    assert found is not None
    assert not sound([found])
    assert found.fix is None  # whatever could be done at once would lose what is sealed with it


async def test_a_folder_that_takes_no_backups_is_found(tmp_path: Path) -> None:
    settings = await prepared(tmp_path)
    (tmp_path / "a file").touch()
    for folder, says in (
        (tmp_path / "a file" / "backups", "can be written"),
        (tmp_path / "new" / "one", "no backup yet"),
    ):
        changed = settings.model_copy(update={"backup": settings.backup.model_copy(update={"folder": folder})})
        found = of(await findings(changed, tmp_path), "backups")
        assert found is not None
        assert says in found.detail


async def test_a_missing_data_folder_is_made(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    missing = of(await examine(Examined(settings)), "data folder")
    assert missing is not None
    assert not sound([missing])
    await asyncio.to_thread(subprocess.run, missing.command, shell=True, check=True)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert of(await examine(Examined(settings)), "data folder") is None


async def test_no_backup_and_a_damaged_database_are_mended_by_the_commands_shown(tmp_path: Path) -> None:
    settings = await prepared(tmp_path)
    environ = environment(
        {
            "SECRETARY_BACKUP__PASSPHRASE": PASSPHRASE,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
    )

    async def run(command: str, typed: str = "") -> None:
        done = await asyncio.to_thread(
            subprocess.run, command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, input=typed
        )
        assert done.returncode == 0, done.stderr

    none = of(await findings(settings, tmp_path), "backups")
    assert none is not None
    await run(none.command)
    assert of(await findings(settings, tmp_path), "backups") is None

    damage(tmp_path)
    found = await findings(settings, tmp_path)
    broken = of(found, "database")
    assert broken is not None
    assert not sound(found)
    await run(broken.command)
    assert of(await findings(settings, tmp_path), "database") is None

    nobody = of(await findings(settings, tmp_path), "owner")
    assert nobody is not None
    await run(f"{nobody.command} --password-stdin", "seven grey herons waded\n")
    assert of(await findings(settings, tmp_path), "owner") is None


async def test_a_port_of_another_program_is_found_and_another_port_mends_it(tmp_path: Path) -> None:
    settings = await prepared(tmp_path)
    with socket.create_server(("127.0.0.1", settings.port)):
        assert of(await findings(settings, tmp_path), "port") is not None
        assert of(await findings(settings_in(tmp_path), tmp_path), "port") is None


async def test_a_server_open_to_all_is_found_and_the_loopback_mends_it(tmp_path: Path) -> None:
    await prepared(tmp_path)
    open_to_all = settings_in(tmp_path, host="0.0.0.0")
    assert of(await findings(open_to_all, tmp_path), "network") is not None
    assert of(await findings(settings_in(tmp_path, host="127.0.0.1"), tmp_path), "network") is None
    behind = settings_in(tmp_path, host="0.0.0.0", trusted_proxies="10.1.0.0/16")
    assert of(await findings(behind, tmp_path), "network") is None


async def test_a_database_that_cannot_be_reached_is_a_finding_and_the_rest_is_told(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, database_url=f"postgresql://anna:hush@127.0.0.1:{free_port()}/secretary")
    found = await findings(settings, tmp_path)
    broken = of(found, "database")
    assert broken is not None
    assert broken.remedy
    assert not sound(found)
    assert "hush" not in str([each.shown() for each in found])
    assert {"disk space", "port", "time"} <= {each.name for each in found}


async def test_a_changed_audit_log_is_found(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    settings = await prepared(tmp_path)

    async def add(platform: Platform) -> None:
        from services.dialogue.personas import seed_personas

        await platform.books.companies.ensure_default("Bakery", "ru", "Europe/Moscow", {})
        await platform.books.personas.seed("default", seed_personas())

    async with opened(settings, tmp_path) as house:
        assert house.platform is not None
        await add(house.platform)
    assert of(await findings(settings, tmp_path), "audit log") is None
    with closing(sqlite3.connect(tmp_path / "data" / "secretary.db")) as database, database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f"DROP TRIGGER {name}")
        changed = database.execute("UPDATE audit_log SET action = 'never' WHERE seq = 1").rowcount
    assert changed == 1
    assert of(await findings(settings, tmp_path), "audit log") is not None
