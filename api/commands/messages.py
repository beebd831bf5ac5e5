"""`secretary messages`: what callers left."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.domain import TakenMessage
from services.installation import OpenInstallation


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command()
    def messages(
        limit: Annotated[int, typer.Option(min=1, max=1000, help="how many, newest first")] = 20,
        as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
    ) -> None:
        """List the messages that callers left, newest first."""
        found = asyncio.run(_list(open_installation, limit))
        if as_json:
            typer.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False, default=str))
        elif not found:
            typer.echo("Nobody has left a message yet.")
        else:
            Console().print(_table(found))


async def _list(open_installation: OpenInstallation, limit: int) -> list[TakenMessage]:
    async with open_installation(speech=False) as installation:
        found = await installation.messages.list(installation.company_id, limit)
        data_dir = installation.settings.data_dir
        return [_located(each, str(data_dir)) for each in found]


def _located(message: TakenMessage, data_dir: str) -> TakenMessage:
    """Return the message with its sound's path as seen from here."""
    from dataclasses import replace

    return replace(message, audio_path=f"{data_dir}/{message.audio_path}") if message.audio_path else message


def _table(found: list[TakenMessage]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("when", "name", "number", "message", "sound"):
        table.add_column(title, overflow="fold")
    for each in found:
        when = each.created_at.astimezone().strftime("%Y-%m-%d %H:%M") if each.created_at else ""
        matter = each.matter or "(not understood: listen to the sound)"
        note = "" if each.confirmed else " (not confirmed)"
        table.add_row(when, each.name or "-", each.number or "-", matter + note, each.audio_path or "-")
    return table
