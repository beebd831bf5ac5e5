"""The orchestrator's functions for tests. Nothing imports it, so it is run like a script, once."""

import runpy
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@cache
def orchestrator() -> dict[str, Any]:
    """Return what orchestrator.py defines: open_installation, open_house, Settings, main."""
    return runpy.run_path(str(ROOT / "orchestrator.py"))
