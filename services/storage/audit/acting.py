"""Who acts in this task: the web and the commands say it once, the audit reads it where something is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where.

    `kind` is what `id` and `name` are of: a user signed in, an API key, the command line, a webhook, the house itself;
    `company_id` is the company it is done in, "" when in none; `address` is of the network, "" when there is none.
    """

    kind: Literal["user", "key", "command", "webhook", "system"]
    id: str = ""
    name: str = ""
    company_id: str = ""
    address: str = ""
    request_id: str = ""


SYSTEM = Actor("system")

_acting: ContextVar[Actor] = ContextVar("acting", default=SYSTEM)


def acting() -> Actor:
    """Return who acts in this task."""
    return _acting.get()


def act_as(actor: Actor) -> None:
    """From now on `actor` acts in this task, to its end: for the dependency of a request."""
    _acting.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Within the context `actor` acts in this task."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)
