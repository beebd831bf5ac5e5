"""Who acts when a command is run: the user of the operating system."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from services.storage.audit.acting import Actor, acting_as


@contextmanager
def command_acting(company_id: str) -> Iterator[None]:
    """Within the context whoever runs the command acts, in a company."""
    with acting_as(Actor(kind="command", name=_system_user(), company_id=company_id)):
        yield


def _system_user() -> str:
    """Return the name of who runs this, "" where the system knows none (a container with a bare user id)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
