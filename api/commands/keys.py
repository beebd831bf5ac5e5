"""`secretary keys`: the installation's own key, which signs tokens and seals secrets."""

import asyncio
import json
from typing import Annotated

import typer

from services.accounts.rotation import Rotation, rotate
from services.installation import OpenInstallation
from services.storage.audit.acting import Actor, acting_as

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the commands `keys rotate` and `keys list`."""
    keys = typer.Typer(help="The installation's own key (data/secret.key).", no_args_is_help=True)
    cli.add_typer(keys, name="keys")

    @keys.command("rotate")
    def rotated(
        drop_old: Annotated[
            bool, typer.Option("--drop-old", help="forget the key before, too: everybody has to sign in again")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Make a new key and seal every stored secret with it; a running server takes it up by itself."""
        done = asyncio.run(_rotate(open_installation, drop_old))
        if as_json:
            typer.echo(json.dumps({"key": done.key_id, "resealed": done.resealed, "dropped": done.dropped}))
            return
        typer.echo(f"The current key is {done.key_id}; {done.resealed} secrets were sealed anew.")
        if done.dropped:
            typer.echo(f"Forgotten: {', '.join(done.dropped)}. A backup made before needs the key file of its time.")

    @keys.command("list")
    def listed(as_json: AsJson = False) -> None:
        """List the keys by their ids, the current one first; an id tells nothing about its key."""
        found = asyncio.run(_list(open_installation))
        if as_json:
            typer.echo(json.dumps([{"key": key, "in_use": used} for key, used in found]))
            return
        for at, (key, used) in enumerate(found):
            typer.echo(f"{key}  {'current' if at == 0 else 'old'}{', secrets are sealed with it' if used else ''}")


async def _rotate(open_installation: OpenInstallation, drop_old: bool) -> Rotation:
    async with open_installation(speech=False) as installation:
        platform = installation.platform
        with acting_as(Actor("command", name="secretary keys rotate")):
            done = await rotate(platform.key, platform.secrets, drop_old=drop_old)
            detail = {"resealed": done.resealed, "dropped": list(done.dropped)}
            await platform.books.audit.note("rotate", "keys", done.key_id, detail, company_id="")
            return done


async def _list(open_installation: OpenInstallation) -> list[tuple[str, bool]]:
    async with open_installation(speech=False) as installation:
        platform = installation.platform
        in_use = await platform.secrets.key_ids()
        return [(each, each in in_use) for each in platform.key.ids()]
