"""The commands that belong to no channel, one file each."""

import typer

from api.commands import backup, chat, doctor, keys, messages, say, transcribe, users
from api.commands.state import print_state
from services.installation import OpenInstallation

__all__ = ["add_commands", "print_state"]


def add_commands(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add every command of this folder to the command line."""
    for room in (chat, say, transcribe, messages, users, keys, backup, doctor):
        room.add_command(cli, open_installation)
