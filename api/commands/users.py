"""`secretary users`: who may sign in."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from services.accounts.roles import Role
from services.installation import OpenInstallation
from services.storage.users import UserRecord

Name = Annotated[str, typer.Argument(help="the user's name, for signing in")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")]


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the commands `users add`, `list`, `password` and `remove`."""
    users = typer.Typer(help="Who may sign in.", no_args_is_help=True)
    cli.add_typer(users, name="users")

    @users.command()
    def add(
        name: Name,
        role: Annotated[Role, typer.Option(help="what the user may do: an owner everything")],
        password_stdin: FromStdin = False,
    ) -> None:
        """Make a user; the password is asked for, twice."""
        asyncio.run(_add(open_installation, name, role, _password(password_stdin)))
        typer.echo(f"{name} can sign in.")

    @users.command("list")
    def listed(as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False) -> None:
        """List the users."""
        found = asyncio.run(_list(open_installation))
        if as_json:
            typer.echo(json.dumps([_shown(each) for each in found], ensure_ascii=False))
        elif not found:
            typer.echo("Nobody can sign in yet: `secretary users add NAME --role owner`.")
        else:
            for each in found:
                typer.echo(f"{each.username}  {each.role}  since {each.created_at:%Y-%m-%d}")

    @users.command()
    def password(name: Name, password_stdin: FromStdin = False) -> None:
        """Give a user another password; whoever is signed in as this user has to sign in again."""
        asyncio.run(_set_password(open_installation, name, _password(password_stdin)))
        typer.echo(f"{name} has a new password.")

    @users.command()
    def remove(name: Name) -> None:
        """Delete a user."""
        asyncio.run(_remove(open_installation, name))
        typer.echo(f"{name} cannot sign in any more.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


async def _add(open_installation: OpenInstallation, name: str, role: Role, password: str) -> None:
    async with open_installation(speech=False) as installation:
        await installation.accounts.add(installation.company_id, name, password, role)


async def _list(open_installation: OpenInstallation) -> list[UserRecord]:
    async with open_installation(speech=False) as installation:
        return await installation.accounts.list(installation.company_id)


async def _set_password(open_installation: OpenInstallation, name: str, password: str) -> None:
    async with open_installation(speech=False) as installation:
        await installation.accounts.set_password(installation.company_id, name, password)


async def _remove(open_installation: OpenInstallation, name: str) -> None:
    async with open_installation(speech=False) as installation:
        await installation.accounts.remove(installation.company_id, name)


def _shown(user: UserRecord) -> dict[str, str]:
    return {"id": user.id, "username": user.username, "role": user.role, "created_at": user.created_at.isoformat()}
