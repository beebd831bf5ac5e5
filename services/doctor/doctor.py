"""The doctor: all checks in turn, and the remedies that are safe to apply."""

import asyncio
from collections.abc import Sequence
from typing import cast

import structlog

from services.discovery import discover
from services.doctor import checks
from services.doctor.shapes import Check, Examined, Finding
from services.errors import SecretaryError
from services.parts import State

CHECK_SECONDS = 120.0

log = structlog.get_logger()


async def examine(house: Examined) -> list[Finding]:
    """Return what every check finds; one that fails is a finding itself."""
    found: list[Finding] = []
    for name, check in discover(checks, "check").items():
        title = name.replace("_", " ")
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                found.extend(await cast(Check, check)(house))
        except SecretaryError as error:
            found.append(Finding(title, State.DEGRADED, error.message, error.remedy))
        except (OSError, TimeoutError) as error:
            found.append(Finding(title, State.DEGRADED, f"This could not be looked at ({error})."))
    return found


def apply_fixes(findings: Sequence[Finding]) -> list[str]:
    """Apply what is safe; return what was done and what could not be, a sentence each."""
    told = []
    for finding in findings:
        if finding.state is State.READY or finding.fix is None:
            continue
        try:
            finding.fix()
        except OSError as error:
            told.append(f"{finding.name}: not mended ({error.strerror or error}).")
        else:
            told.append(f"{finding.name}: mended.")
    return told


def sound(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing required is down."""
    return not any(each.required and each.state is State.DOWN for each in findings)
