"""`secretary users`: who may sign in."""

import asyncio
import builtins
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from api.commands.acting import command_acting
from services.accounts.people import People
from services.accounts.roles import Role
from services.installation import Installation, OpenInstallation
from services.storage.people.users import UserChange, UserRecord

Name = Annotated[str, typer.Argument(help="the user's name, for signing in")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]
RoleOption = Annotated[Role, typer.Option(help="what the user may do: an owner everything")]


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the commands `users add`, `list`, `password`, `remove` and those on signing in."""
    users = typer.Typer(help="Who may sign in.", no_args_is_help=True)
    cli.add_typer(users, name="users")
    desk = _Desk(open_installation)
    _add_people(users, desk)
    _add_sign_in(users, desk)


def _add_people(users: typer.Typer, desk: "_Desk") -> None:
    @users.command()
    def add(name: Name, role: RoleOption, password_stdin: FromStdin = False) -> None:
        """Make a user; the password is asked for, twice."""
        asyncio.run(desk.add(name, role, _password(password_stdin)))
        typer.echo(f"{name} can sign in.")

    @users.command("list")
    def listed(as_json: AsJson = False) -> None:
        """List the users."""
        found = asyncio.run(desk.list())
        if as_json:
            typer.echo(json.dumps([_shown(each) for each in found], ensure_ascii=False))
        elif not found:
            typer.echo("Nobody can sign in yet: `secretary users add NAME --role owner`.")
        else:
            for each in found:
                kept_out = "" if each.active else "  deactivated"
                typer.echo(f"{each.username}  {each.role}  since {each.created_at:%Y-%m-%d}{kept_out}")

    @users.command()
    def password(name: Name, password_stdin: FromStdin = False) -> None:
        """Give a user another password; whoever is signed in as this user has to sign in again."""
        asyncio.run(desk.set_password(name, _password(password_stdin)))
        typer.echo(f"{name} has a new password.")

    @users.command()
    def remove(name: Name) -> None:
        """Delete a user."""
        asyncio.run(desk.remove(name))
        typer.echo(f"{name} cannot sign in any more.")

    @users.command()
    def deactivate(name: Name) -> None:
        """Keep a user out; what belongs to the user stays."""
        asyncio.run(desk.set_active(name, False))
        typer.echo(f"{name} cannot sign in any more.")

    @users.command()
    def activate(name: Name) -> None:
        """Let a user in again."""
        asyncio.run(desk.set_active(name, True))
        typer.echo(f"{name} can sign in.")


def _add_sign_in(users: typer.Typer, desk: "_Desk") -> None:
    @users.command()
    def invite(
        role: RoleOption, name: Annotated[str, typer.Option(help="for this name only")] = "", as_json: AsJson = False
    ) -> None:
        """Make a link with which somebody joins, good once and for three days."""
        link, expires_at = asyncio.run(desk.invite(role, name))
        if as_json:
            typer.echo(json.dumps({"link": link, "expires_at": expires_at}))
        else:
            typer.echo(f"{link}\nGood once, until {expires_at}.")

    @users.command()
    def sessions(
        name: Name, revoke: Annotated[bool, typer.Option(help="end them all")] = False, as_json: AsJson = False
    ) -> None:
        """List where a user is signed in, or sign the user out everywhere."""
        if revoke:
            typer.echo(f"{asyncio.run(desk.end_sessions(name))} sessions of {name} have ended.")
            return
        found = asyncio.run(desk.sessions(name))
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
        else:
            for each in found:
                typer.echo(f"{each['last_used_at']}  {each['address']}  {each['user_agent']}")

    @users.command("reset-second-factor")
    def reset_second_factor(name: Name) -> None:
        """Let somebody who has lost the authenticator app sign in without a code."""
        asyncio.run(desk.reset_second_factor(name))
        typer.echo(f"{name} signs in without a code.")


class _Desk:
    """Does what the commands say, in the company of this installation, in the name of who runs them."""

    def __init__(self, open_installation: OpenInstallation) -> None:
        self._open_installation = open_installation

    async def add(self, name: str, role: Role, password: str) -> None:
        async with self._open() as (installation, people):
            await people.add(installation.company_id, name, password, role)

    async def list(self) -> list[UserRecord]:
        async with self._open() as (installation, people):
            return await people.list(installation.company_id)

    async def set_password(self, name: str, password: str) -> None:
        async with self._open() as (installation, people):
            await people.set_password(installation.company_id, name, password)

    async def remove(self, name: str) -> None:
        async with self._open() as (installation, people):
            await people.remove(installation.company_id, (await people.named(installation.company_id, name)).id)

    async def set_active(self, name: str, active: bool) -> None:
        async with self._open() as (installation, people):
            user = await people.named(installation.company_id, name)
            await people.edit(user.company_id, user.id, UserChange(active=active))

    async def invite(self, role: Role, name: str) -> tuple[str, str]:
        async with self._open() as (installation, _):
            links, settings = installation.accounts.links, installation.settings
            link = await links.invite(installation.company_id, role, invited_by="secretary users", username=name)
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            return f"http://{host}:{settings.port}{link.path}", link.record.expires_at.isoformat(timespec="minutes")

    async def sessions(self, name: str) -> builtins.list[dict[str, str]]:
        async with self._open() as (installation, people):
            user = await people.named(installation.company_id, name)
            return [
                {
                    "id": each.id,
                    "last_used_at": each.last_used_at.isoformat(timespec="seconds"),
                    "address": each.address,
                    "user_agent": each.user_agent,
                }
                for each in await people.sessions(user.company_id, user.id)
            ]

    async def end_sessions(self, name: str) -> int:
        async with self._open() as (installation, people):
            user = await people.named(installation.company_id, name)
            return await people.end_sessions(user.company_id, user.id)

    async def reset_second_factor(self, name: str) -> None:
        async with self._open() as (installation, people):
            user = await people.named(installation.company_id, name)
            await people.reset_second_factor(user.company_id, user.id)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[Installation, People]]:
        async with self._open_installation(speech=False) as installation:
            with command_acting(installation.company_id):
                yield installation, installation.accounts.people


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _shown(user: UserRecord) -> dict[str, str | bool]:
    return {
        "id": user.id,
        "username": user.username,
        "role": user.role,
        "active": user.active,
        "created_at": user.created_at.isoformat(),
    }
