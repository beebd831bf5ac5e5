"""Roles, and what each may do: the one table of permissions.

What a row does not grant is refused, so a new resource is the owner's until it is entered here.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a user is: owner (of the whole installation), admin (of a company), user (own resources), guest (reads)."""

    OWNER = "owner"
    ADMIN = "admin"
    USER = "user"
    GUEST = "guest"


class Action(StrEnum):
    """What is done to a resource: looked at, changed, deleted, or made to act in the world (a call, a text message)."""

    READ = "read"
    EDIT = "edit"
    DELETE = "delete"
    ACT = "act"


_R, _E, _D, _A = Action.READ, Action.EDIT, Action.DELETE, Action.ACT
_ALL = frozenset(Action)
_LOOK = frozenset({_R})
_NONE: frozenset[Action] = frozenset()

# Columns: an admin in the own company, a user, a guest. The owner may do everything in every company.
_GRANTED: dict[str, tuple[frozenset[Action], frozenset[Action], frozenset[Action]]] = {
    # what the whole installation shares
    "companies": (_NONE, _NONE, _NONE),
    "company": (frozenset({_R, _E}), _LOOK, _LOOK),
    "services": (_LOOK, _NONE, _NONE),
    "monitor": (_LOOK, _NONE, _NONE),
    "settings": (_LOOK, _NONE, _NONE),
    "backups": (_NONE, _NONE, _NONE),
    "models": (_LOOK, _LOOK, _NONE),
    # people
    "users": (_ALL, _NONE, _NONE),
    "api-keys": (_ALL, _ALL, _NONE),
    "audit": (_LOOK, _NONE, _NONE),
    "usage": (_LOOK, _NONE, _NONE),
    "legal": (_ALL, _LOOK, _LOOK),
    "consents": (_ALL, _NONE, _NONE),
    # what the secretary says, and how
    "personas": (_ALL, _LOOK, _LOOK),
    "faq": (_ALL, _LOOK, _LOOK),
    "presets": (_ALL, _LOOK, _LOOK),
    "voices": (_ALL, _LOOK, _LOOK),
    "speech": (_ALL, frozenset({_R, _A}), _NONE),
    # what happens on the lines
    "gsm": (_ALL, _LOOK, _NONE),
    "calls": (_ALL, _LOOK, _NONE),
    "recordings": (_ALL, _NONE, _NONE),
    "texts": (_ALL, _NONE, _NONE),
    "contacts": (_ALL, _NONE, _NONE),
    "messages": (_ALL, _LOOK, _NONE),
    "chats": (_ALL, _ALL, _NONE),
    "assistant": (_ALL, frozenset({_R, _A}), _NONE),
    # other programs
    "webhooks": (_ALL, _NONE, _NONE),
    "outbox": (_ALL, _NONE, _NONE),
}

OWN_ONLY = frozenset({"chats", "api-keys"})
"""Resources of which a user reaches the own ones only; an admin reaches the company's."""


def may(role: Role, resource: str, action: Action) -> bool:
    """Tell whether `role` may do `action` to `resource` ("calls", "gsm") in the own company."""
    if role is Role.OWNER:
        return True
    admin, user, guest = _GRANTED.get(resource, (_NONE, _NONE, _NONE))
    return action in {Role.ADMIN: admin, Role.USER: user, Role.GUEST: guest}[role]


def resources() -> frozenset[str]:
    """Return every resource that has a row."""
    return frozenset(_GRANTED)
