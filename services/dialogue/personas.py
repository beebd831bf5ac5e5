"""The personas a new installation starts with: package data, edited by the owner afterwards."""

import tomllib
from importlib.resources import files
from typing import Any

from services.domain import Persona

SLUGS = ("anna", "marina", "emma")


def seed_personas() -> list[Persona]:
    """Return the shipped personas, the default of each language first."""
    folder = files("services.dialogue") / "personas"
    return [_persona(tomllib.loads((folder / f"{slug}.toml").read_text("utf-8"))) for slug in SLUGS]


def _persona(data: dict[str, Any]) -> Persona:
    return Persona(**{**data, "fillers": tuple(data.get("fillers", ()))})
