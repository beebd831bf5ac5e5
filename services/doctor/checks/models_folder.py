"""The folder of downloaded models."""

from collections.abc import Iterable
from shlex import quote

from services.doctor.shapes import Examined, Finding
from services.parts import State


async def check(house: Examined) -> Iterable[Finding]:
    """Look whether MODELS_DIR is there."""
    folder = house.settings.models_dir
    if folder.is_dir():
        return [Finding("models folder", State.READY, f"Models are looked for in {folder}.")]
    return [
        Finding(
            "models folder",
            State.DEGRADED,
            f"There is no folder {folder}: only engines that need no download work.",
            "Make it, or point SECRETARY_MODELS_DIR at it.",
            f"mkdir -p {quote(str(folder))}",
            fix=lambda: folder.mkdir(parents=True),
        )
    ]
