"""Speech models that the owner has put into a folder of MODELS_DIR."""

from collections.abc import Sequence
from pathlib import Path

from services.engines import EngineContext


def subfolders(folder: Path) -> list[Path]:
    """List the folders inside `folder`, by name; [] when it is missing or cannot be read."""
    try:
        return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return []


def missing_files(folder: Path, needed: Sequence[str]) -> list[str]:
    """Return which of the `needed` files (relative paths) `folder` lacks or holds empty."""
    missing = []
    for name in needed:
        try:
            if (folder / name).stat().st_size == 0:
                missing.append(name)
        except OSError:
            missing.append(name)
    return missing


def read_languages(folder: Path, name: str = "language") -> tuple[str, ...]:
    """Return the ISO 639-1 codes that the file `name` of a model folder lists, () when there is none."""
    try:
        words = (folder / name).read_text(encoding="utf-8").replace(",", " ").lower().split()
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(word for word in words if len(word) == 2 and word.isalpha())


def wanted_languages(context: EngineContext) -> tuple[str, ...] | None:
    """Return the languages that are to be loaded (option "languages": "ru en"), None for all that are there."""
    listed = context.options.get("languages")
    return None if listed is None else tuple(listed.split())
