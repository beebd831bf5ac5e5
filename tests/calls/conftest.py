"""The whole installation with a simulated modem, in this process."""

import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from phone import Phone

from services.installation import Installation, OpenInstallation
from telephony.commands.simulated import SimulatedLine, simulated_line

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def open_installation() -> OpenInstallation:
    """The orchestrator's own composition; it is run, not imported, as the command line does."""
    opener: OpenInstallation = runpy.run_path(str(ROOT / "orchestrator.py"))["open_installation"]
    return opener


@pytest.fixture
def phone(open_installation: OpenInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """Open an installation in an empty folder with a simulated modem plugged in."""
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def opened(
        *faults: str, answer_after_rings: int = 1, **settings: Any
    ) -> AsyncIterator[tuple[Installation, SimulatedLine]]:
        given: dict[str, Any] = {"language": "en", **settings}
        async with (
            open_installation(**given) as installation,
            simulated_line(installation, faults, answer_after_rings=answer_after_rings) as line,
        ):
            yield installation, line

    return opened
