"""The commands of the telephone channel, one file each."""

import typer

from services.installation import OpenInstallation
from telephony.commands import call, demo


def add_commands(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add every command of this folder to the command line."""
    for room in (call, demo):
        room.add_command(cli, open_installation)
