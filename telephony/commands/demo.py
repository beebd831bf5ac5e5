"""`secretary demo`: a few simulated calls, so that there is something to look at; and away with them again."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from services.installation import Installation, OpenInstallation
from telephony.commands.report import CallPrinter
from telephony.commands.simulated import CallerTurn, simulated_line
from telephony.simulator import demo_turns

LINE = "demo"


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command()
    def demo(
        remove: Annotated[bool, typer.Option("--remove", help="take the demonstration calls out again")] = False,
    ) -> None:
        """Fill the installation with demonstration calls: two callers, one of them twice, and a missed one."""
        if remove:
            typer.echo(f"Removed {asyncio.run(_remove(open_installation))} demonstration calls.")
        else:
            asyncio.run(_fill(open_installation, Console()))


async def _fill(open_installation: OpenInstallation, console: Console) -> None:
    first, second = demo_turns()
    calls: list[tuple[str, list[CallerTurn]]] = [
        ("+79990000001", [first, second]),
        ("+79990000002", [second]),
        ("+79990000001", [first]),
    ]
    async with open_installation(language="en") as installation, simulated_line(installation, line=LINE) as line:
        for number, turns in calls:
            console.rule(number)
            with CallPrinter(console) as printer:
                await line.place(number, turns, on_event=printer.on_event)
    async with open_installation(speech=False) as installation:
        async with simulated_line(installation, line=LINE, answer_after_rings=10) as line:
            console.rule("+79990000003")
            await line.miss("+79990000003")
            console.print("(gave up while it rang)")
        console.print("\n[cyan]secretary demo --remove[/cyan] takes these calls out again.")


async def _remove(open_installation: OpenInstallation) -> int:
    async with open_installation(speech=False) as installation:
        removed = await installation.books.calls.remove_line(installation.company_id, LINE)
        await asyncio.to_thread(_unlink, installation, removed.files)
        return removed.calls


def _unlink(installation: Installation, files: tuple[str, ...]) -> None:
    for name in files:
        (installation.settings.data_dir / name).unlink(missing_ok=True)
