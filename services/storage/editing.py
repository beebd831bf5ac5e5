"""What every edit of a row does: refuse a stale one, and change only what differs."""

from collections.abc import Mapping
from typing import Any

from services.errors import StaleError


def expect_version(version: int, expected: int | None) -> None:
    """Raise StaleError when the row has not the version that whoever edits it has read; None has read none."""
    if expected is not None and version != expected:
        raise StaleError("Somebody else has changed it meanwhile.", "Read it again and repeat the change.")


def set_changed(row: object, changes: Mapping[str, Any]) -> bool:
    """Set the attributes of a row that differ; tell whether any did."""
    different = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    return bool(different)
