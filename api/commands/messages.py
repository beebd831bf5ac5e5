"""`secretary messages`: what callers left."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

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
            console = Console()
            for each in found:
                _print(console, each)


async def _list(open_installation: OpenInstallation, limit: int) -> list[TakenMessage]:
    async with open_installation(speech=False) as installation:
        found = await installation.books.messages.list(installation.company_id, limit)
        data_dir = installation.settings.data_dir
        return [_located(each, str(data_dir)) for each in found]


def _located(message: TakenMessage, data_dir: str) -> TakenMessage:
    """Return the message with its sound's path as seen from here."""
    from dataclasses import replace

    return replace(message, audio_path=f"{data_dir}/{message.audio_path}") if message.audio_path else message


def _print(console: Console, message: TakenMessage) -> None:
    """Print one message; the callers' words as they are, paths on one line so that they can be copied."""
    when = message.created_at.astimezone().strftime("%Y-%m-%d %H:%M") if message.created_at else ""
    head = "  ".join(each for each in (when, message.name, message.number or "number withheld") if each)
    console.print(Text(head, style="bold"))
    matter = message.matter or "Not understood: listen to the sound."
    note = "" if message.confirmed or not message.matter else " (the caller did not confirm it)"
    console.print(Padding(Text(matter + note), (0, 0, 0, 2)))
    if message.audio_path:
        console.print(Text(f"  {message.audio_path}", style="cyan"), soft_wrap=True)
