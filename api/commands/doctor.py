"""`secretary doctor`: every part, every check, and how to mend what is wrong."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from api.commands.state import state_table
from services.doctor.doctor import apply_fixes, examine, sound
from services.doctor.shapes import Examined, Finding
from services.errors import SecretaryError, SettingsError
from services.installation import OpenInstallation
from services.parts import Part, State
from services.platform import PlatformSettings
from services.settings import load_part


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command()
    def doctor(
        as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
        fix: Annotated[bool, typer.Option("--fix", help="mend what can be mended without losing anything")] = False,
    ) -> None:
        """Look at everything; exit 1 when something required is down."""
        settings = load_part(PlatformSettings)
        # Before the database is opened, which makes what is missing: rights and folders are looked at as they are.
        done = apply_fixes(asyncio.run(examine(Examined(settings)))) if fix else []
        parts, findings, ready, trouble = asyncio.run(_examine(open_installation, settings))
        if as_json:
            shown = {
                "ready": ready,
                "parts": [asdict(part) for part in parts],
                "findings": [finding.shown() for finding in findings],
                "fixed": done,
            }
            typer.echo(json.dumps(shown, ensure_ascii=False))
        else:
            for sentence in done:
                typer.echo(sentence)
            Console().print(state_table([*parts, *map(_as_part, findings)]))
        if trouble is not None:
            raise trouble
        raise typer.Exit(0 if ready else 1)


async def _examine(
    open_installation: OpenInstallation, settings: PlatformSettings
) -> tuple[Sequence[Part], Sequence[Finding], bool, SecretaryError | None]:
    """Return parts, findings, whether nothing required is down, and why the installation cannot be opened.

    The checks go on without it.
    """
    try:
        async with open_installation(channels=True) as installation:
            findings = await examine(Examined(settings, installation.platform))
            return installation.parts(), findings, installation.ready and sound(findings), None
    except SettingsError:
        raise
    except SecretaryError as error:
        findings = await examine(Examined(settings, trouble=error))
        opening = Part("installation", State.DOWN, error.message, error.remedy, required=True)
        return [opening], findings, False, error


def _as_part(finding: Finding) -> Part:
    mend = f"{finding.remedy}\n{finding.command}" if finding.command else finding.remedy
    return Part(finding.name, finding.state, finding.detail, mend.strip(), finding.required)
