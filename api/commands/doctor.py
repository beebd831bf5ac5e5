"""`secretary doctor`: every part and how to mend it."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from api.commands.state import state_table
from services.installation import OpenInstallation
from services.parts import Part


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command()
    def doctor(
        as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
    ) -> None:
        """Look at every part; exit 1 when a required one is down."""
        parts, ready = asyncio.run(_examine(open_installation))
        if as_json:
            typer.echo(json.dumps({"ready": ready, "parts": [asdict(part) for part in parts]}, ensure_ascii=False))
        else:
            Console().print(state_table(parts))
        raise typer.Exit(0 if ready else 1)


async def _examine(open_installation: OpenInstallation) -> tuple[list[Part], bool]:
    async with open_installation(channels=True) as installation:
        return installation.parts(), installation.ready
