"""`secretary backup` and `secretary restore`."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.backup import restore as restoring
from services.backup.hold import Hold
from services.backup.records import BackupRecord
from services.backup.settings import BackupSettings
from services.errors import RefusedError, SecretaryError
from services.installation import OpenInstallation
from services.platform import PlatformSettings
from services.settings import load_part
from services.storage.audit.acting import Actor, acting_as
from services.storage.engine import parse_url, sqlite_url

PassphraseFile = Annotated[
    Path | None, typer.Option(help="read the passphrase from this file; else SECRETARY_BACKUP__PASSPHRASE, else asked")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add both commands."""

    @cli.command()
    def backup(
        out: Annotated[Path | None, typer.Option(help="folder to write it to; else DATA_DIR/backups")] = None,
        passphrase_file: PassphraseFile = None,
        without_recordings: Annotated[
            bool, typer.Option("--without-recordings", help="leave the sound of calls out")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Write an encrypted backup of everything, while the secretary runs or not; it is verified after writing."""
        given = passphrase(load_part(PlatformSettings).backup, passphrase_file, twice=True)
        made, path = asyncio.run(_make(open_installation, out, given, recordings=not without_recordings))
        if as_json:
            typer.echo(json.dumps({"path": str(path), **asdict(made)}, ensure_ascii=False, default=str))
        else:
            typer.echo(f"{path}: {made.size / 1e6:.1f} MB, read back and found whole.")

    @cli.command()
    def restore(
        file: Annotated[Path | None, typer.Argument(help="the backup, secretary-<time>.tar.age")] = None,
        passphrase_file: PassphraseFile = None,
        yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
        forget_old: Annotated[
            bool, typer.Option("--forget-old", help="delete what earlier restores have put aside")
        ] = False,
    ) -> None:
        """Put a backup in the place of everything there is now, which is kept beside; the secretary must not run."""
        settings = load_part(PlatformSettings)
        if forget_old:
            typer.echo(f"{restoring.forget_old(settings.data_dir)} earlier states were deleted.")
        if file is None:
            if forget_old:
                return
            raise RefusedError("There is nothing to restore.", "Name the backup: `secretary restore FILE`.")
        if not file.is_file():
            raise RefusedError(f"There is no file {file}.", "GET /admin/backups lists those of this installation.")
        _restore(settings, file, passphrase(settings.backup, passphrase_file, twice=False), yes=yes)


def passphrase(settings: BackupSettings, file: Path | None, *, twice: bool) -> str:
    """Return the passphrase from where it is given. Raises RefusedError for a file that cannot be read."""
    if file is not None:
        try:
            return file.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise RefusedError(f"The passphrase cannot be read from {file}.", "It is the file's one line.") from None
    if known := settings.passphrase.get_secret_value():
        return known
    if not sys.stdin.isatty():
        raise RefusedError("Nobody is there to be asked for the passphrase.", "Use --passphrase-file.")
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))


async def _make(
    open_installation: OpenInstallation, out: Path | None, secret: str, *, recordings: bool
) -> tuple[BackupRecord, Path]:
    async with open_installation(speech=False) as installation:
        backups = installation.platform.backups
        if out is not None:
            backups.folder = out
        try:
            with acting_as(Actor("command")):
                made = await backups.make(secret, recordings=recordings)
                await installation.books.audit.note("make", "backups", made.name, company_id="")
        finally:
            await backups.close()
        return made, backups.folder / made.name


def _restore(settings: PlatformSettings, file: Path, secret: str, *, yes: bool) -> None:
    data_dir = settings.data_dir
    url = parse_url(settings.database_url or sqlite_url(data_dir))
    hold = Hold(data_dir)
    try:
        hold.alone()
        restoring.settle(data_dir, url, hold)
        typer.echo("Reading and checking the backup...", err=True)
        prepared = restoring.prepare(data_dir, url, file, secret)
        try:
            about = prepared.about
            question = f"Replace everything in {data_dir} by the state of {about.created} (version {about.version})?"
            if not yes and not typer.confirm(question, err=True):
                raise SecretaryError("Nothing was changed.")
            before = restoring.carry_out(data_dir, url, prepared)
        finally:
            restoring.discard(data_dir)
    finally:
        hold.close()
    typer.echo(f"Restored. The state from before lies in {before}; the next good backup removes it.")
