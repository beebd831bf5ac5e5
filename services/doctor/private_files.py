"""Files and folders that only their owner may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from services.doctor.shapes import Finding
from services.parts import State


def expect_private(name: str, path: Path, mode: int, what: str) -> Iterator[Finding]:
    """Yield what is wrong with the rights of `path`, which should be `mode`, or that nothing is."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return
    if now.st_uid != os.geteuid():
        yield Finding(
            name,
            State.DEGRADED,
            f"{what} {path} belongs to another user.",
            "Give it to the user who runs the secretary.",
            f"sudo chown -R {os.geteuid()} {quote(str(path))}",
        )
    elif now.st_mode & 0o077:
        yield Finding(
            name,
            State.DEGRADED,
            f"Other users of this machine may open {what[:1].lower()}{what[1:]} {path}.",
            "Take their rights away.",
            f"chmod {mode:o} {quote(str(path))}",
            fix=lambda: path.chmod(mode),
        )
    else:
        yield Finding(name, State.READY, f"{what} {path} is open to its owner only.")
