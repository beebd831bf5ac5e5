"""What crosses between the doctor and its checks."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.errors import SecretaryError
from services.parts import State
from services.platform import Platform, PlatformSettings


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: like a part's state, with a command that mends it where one does.

    `command` is for a shell, "" where the remedy is more than a command; `fix` does the same at once, and exists only
    where nothing can be lost by it. `required` findings that are DOWN make the doctor exit with 1.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""
    command: str = ""
    required: bool = False
    fix: Callable[[], None] | None = field(default=None, compare=False)

    def shown(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "state": self.state,
            "detail": self.detail,
            "remedy": self.remedy,
            "command": self.command,
            "required": self.required,
            "fixable": self.fix is not None,
        }


@dataclass(frozen=True, slots=True)
class Examined:
    """The installation: `platform` is None where it cannot be opened, and `trouble` says why."""

    settings: PlatformSettings
    platform: Platform | None = None
    trouble: SecretaryError | None = None
    env_file: Path = Path(".env")


Check = Callable[[Examined], Awaitable[Iterable[Finding]]]
"""Looks at one thing; never raises a SecretaryError, and changes nothing."""
