"""Backups: made, listed, fetched, checked, put back, deleted."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.backup.backups import Backups
from services.backup.records import NAME, BackupRecord, Stage
from services.storage.audit.log import Audit
from services.web.access import require
from services.web.lists import Page
from services.web.problems import problem_responses

BackupName = Annotated[str, Path(pattern=rf"^{NAME.pattern}$", description="the name of its file")]
Passphrase = Annotated[
    SecretStr,
    Field(max_length=1024, description='"" for the one of the settings; 12 characters or more, kept nowhere'),
]

log = structlog.get_logger()


class NewBackup(BaseModel):
    """A backup to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"recordings": True}})

    passphrase: Passphrase = SecretStr("")
    recordings: bool = Field(True, description="whether the sound of calls goes in")


class Opening(BaseModel):
    """What opens a backup."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"passphrase": ""}})

    passphrase: Passphrase = SecretStr("")


class Restoring(Opening):
    """A backup to put back; `confirm` repeats its name, as everything there is now is replaced."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"confirm": "secretary-20261121T033000Z.tar.age"}}
    )

    confirm: str = Field(max_length=100)


class Backup(BaseModel):
    """A backup: `stage` is what happens to it now, `progress` 0 to 1, `trouble` why the last thing failed.

    `id` is its name; `verified_at` is when it was last read to its end and found whole; `size` is in bytes.
    """

    id: str
    name: str
    stage: Stage
    progress: float
    trouble: str
    size: int
    created_at: datetime | None
    verified_at: datetime | None
    version: str
    database: str
    revision: str
    recordings: bool | None


def backups_router(backups: Backups, audit: Audit) -> APIRouter:
    """Make the routes /admin/backups; they are the owner's. All but a look is noted, of no company."""
    router = APIRouter(prefix="/admin/backups", tags=["backups"], responses=problem_responses(401, 403, 422, 503))
    _add_files(router, backups, audit)
    _add_work(router, backups, audit)
    return router


def _add_files(router: APIRouter, backups: Backups, audit: Audit) -> None:
    @router.get("", summary="List the backups")
    async def listed(_: Annotated[SignedIn, require("backups", Action.READ)]) -> Page[Backup]:
        """List all backups, the newest first, with the one that is being made."""
        return Page(items=[_shown(each) for each in await backups.listed()], next_cursor=None)

    @router.get("/{name}", summary="Show a backup", responses=problem_responses(404))
    async def show(_: Annotated[SignedIn, require("backups", Action.READ)], name: BackupName) -> Backup:
        """Show a backup, and how far it is."""
        return _shown(await backups.get(name))

    @router.get(
        "/{name}/download",
        response_class=FileResponse,
        summary="Fetch a backup",
        responses=problem_responses(404, 409, 416),
    )
    async def download(who: Annotated[SignedIn, require("backups", Action.ACT)], name: BackupName) -> FileResponse:
        """Fetch the encrypted file, an age file that `age -d` opens with the passphrase; parts of it by Range."""
        path = await backups.path(name)
        await audit.note("fetch", "backups", name, company_id="")
        log.info("a backup was fetched", backup=name, user=who.username)
        return FileResponse(
            path, media_type="application/octet-stream", filename=name, headers={"Cache-Control": "no-store"}
        )

    @router.delete("/{name}", status_code=204, summary="Delete a backup", responses=problem_responses(404, 409))
    async def delete(_: Annotated[SignedIn, require("backups", Action.DELETE)], name: BackupName) -> None:
        """Delete a backup for good; a restore of it that waits for the next start is called off."""
        await backups.remove(name)
        await audit.note("delete", "backups", name, company_id="")


def _add_work(router: APIRouter, backups: Backups, audit: Audit) -> None:
    @router.post("", status_code=202, summary="Make a backup", responses=problem_responses(409))
    async def make(
        _: Annotated[SignedIn, require("backups", Action.ACT)], response: Response, wanted: NewBackup
    ) -> Backup:
        """Begin to write an encrypted backup of everything; GET it to see how far it is. One at a time."""
        name = backups.begin_making(wanted.passphrase.get_secret_value(), recordings=wanted.recordings)
        await audit.note("make", "backups", name, {"recordings": wanted.recordings}, company_id="")
        response.headers["Location"] = f"/admin/backups/{name}"
        return _shown(await backups.get(name))

    @router.post("/{name}/verify", status_code=202, summary="Check a backup", responses=problem_responses(404, 409))
    async def verify(
        _: Annotated[SignedIn, require("backups", Action.ACT)], name: BackupName, opening: Opening
    ) -> Backup:
        """Begin to read all of it: every hash, and the database inside. GET it to see what was found."""
        begun = await backups.begin_verifying(name, opening.passphrase.get_secret_value())
        await audit.note("verify", "backups", name, company_id="")
        return _shown(begun)

    @router.post("/{name}/restore", status_code=202, summary="Put a backup back", responses=problem_responses(404, 409))
    async def restore(
        _: Annotated[SignedIn, require("backups", Action.ACT)], name: BackupName, wanted: Restoring
    ) -> Backup:
        """Begin to unpack and check it. Once its stage is `staged`, the next start puts it in the place of everything.

        The server goes on with the present state until it is restarted; DELETE of the backup calls it off.
        """
        if wanted.confirm != name:
            raise HTTPException(422, "Everything there is now will be replaced: repeat the backup's name in `confirm`.")
        begun = await backups.begin_restoring(name, wanted.passphrase.get_secret_value())
        await audit.note("restore", "backups", name, company_id="")
        return _shown(begun)


def _shown(record: BackupRecord) -> Backup:
    return Backup.model_validate({"id": record.name, **asdict(record)})
