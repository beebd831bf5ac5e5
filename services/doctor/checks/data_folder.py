"""The data folder: there, ours, closed to others."""

import os
from collections.abc import Iterable
from shlex import quote

from services.doctor.private_files import expect_private
from services.doctor.shapes import Examined, Finding
from services.parts import State


async def check(house: Examined) -> Iterable[Finding]:
    """Look at DATA_DIR and its rights."""
    folder = house.settings.data_dir
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        there = folder.exists()
        return [
            Finding(
                "data folder",
                State.DOWN,
                f"{folder} cannot be written to." if there else f"There is no folder {folder}.",
                "Make it a folder that this user may write to, or point SECRETARY_DATA_DIR elsewhere.",
                "" if there else f"mkdir -m 700 -p {quote(str(folder))}",
                required=True,
                fix=None if there else lambda: folder.mkdir(mode=0o700, parents=True),
            )
        ]
    return expect_private("data folder", folder, 0o700, "The data folder")
