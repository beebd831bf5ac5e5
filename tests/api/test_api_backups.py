"""Backups over HTTP: made, listed, fetched, checked, staged, deleted; the owner's alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from api_house import House, api_house

from services.accounts.roles import Role

PASSPHRASE = "correct horse battery"
BODY = {"passphrase": PASSPHRASE}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened
        await opened.platform.backups.close()


async def until(house: House, name: str, *stages: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            shown: dict[str, Any] = (await house.owner.get(f"/admin/backups/{name}")).json()
            if shown["stage"] in stages:
                return shown
            await asyncio.sleep(0.05)


async def made(house: House) -> str:
    answer = await house.owner.post("/admin/backups", json=BODY)
    assert answer.status_code == 202, answer.text
    name: str = answer.json()["name"]
    assert answer.headers["location"] == f"/admin/backups/{name}"
    await until(house, name, "ready")
    return name


async def test_a_backup_is_made_listed_fetched_checked_and_deleted(house: House) -> None:
    name = await made(house)
    listed = (await house.owner.get("/admin/backups")).json()
    assert [(each["name"], each["stage"], each["database"]) for each in listed["items"]] == [(name, "ready", "sqlite")]
    assert listed["items"][0]["verified_at"] is not None
    file = await house.owner.get(f"/admin/backups/{name}/download")
    assert b"secret.key" in pyrage.passphrase.decrypt(file.content, PASSPHRASE)
    assert (house.data_dir / "secret.key").read_bytes() in pyrage.passphrase.decrypt(file.content, PASSPHRASE)
    assert (await house.owner.post(f"/admin/backups/{name}/verify", json=BODY)).status_code == 202
    assert (await until(house, name, "ready"))["trouble"] == ""
    await house.owner.post(f"/admin/backups/{name}/verify", json={"passphrase": "not this one at all"})
    assert "passphrase" in (await until(house, name, "ready"))["trouble"]
    assert (await house.owner.delete(f"/admin/backups/{name}")).status_code == 204
    assert (await house.owner.get(f"/admin/backups/{name}")).status_code == 404
    assert not list((house.data_dir / "backups").iterdir())


async def test_a_restore_is_staged_only_when_it_is_confirmed_and_can_be_called_off(house: House) -> None:
    name = await made(house)
    address = f"/admin/backups/{name}/restore"
    assert (await house.owner.post(address, json=BODY)).status_code == 422
    assert (await house.owner.post(address, json={**BODY, "confirm": "yes"})).status_code == 422
    assert (await house.owner.post(address, json={**BODY, "confirm": name})).status_code == 202
    await until(house, name, "staged")
    assert (house.data_dir / "restore-at-start").exists()
    assert (await house.owner.delete(f"/admin/backups/{name}")).status_code == 204
    assert not (house.data_dir / "restore-at-start").exists()
    assert not (house.data_dir / "restoring").exists()


async def test_what_cannot_be_is_said(house: House) -> None:
    for body, words in (({}, "encrypted"), ({"passphrase": "short"}, "12 characters")):
        answer = await house.owner.post("/admin/backups", json=body)
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
    unknown = "secretary-20200101T000000Z.tar.age"
    for method, path in (("GET", ""), ("GET", "/download"), ("DELETE", ""), ("POST", "/verify")):
        answer = await house.owner.request(method, f"/admin/backups/{unknown}{path}", json=BODY)
        assert answer.status_code == 404, path
    for evil in ("..%2Fsecret.key", "secret.key", unknown + "%00"):
        assert (await house.owner.get(f"/admin/backups/{evil}/download")).status_code in {404, 422}
    first = await house.owner.post("/admin/backups", json=BODY)
    second = await house.owner.post("/admin/backups", json=BODY)
    assert (first.status_code, second.status_code) == (202, 409)
    await until(house, first.json()["name"], "ready")


async def test_an_admin_of_a_company_has_no_backups(house: House) -> None:
    await house.accounts.add("default", "adam", "seven grey herons waded", Role.ADMIN)
    answer = await house.sign_in("adam")
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    for method in ("GET", "POST"):
        assert (await house.client.request(method, "/admin/backups", headers=headers, json=BODY)).status_code == 403
    assert (await house.client.get("/admin/backups")).status_code == 401
