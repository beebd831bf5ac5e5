"""Roles, and what each may do."""

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


def may(role: Role, resource: str, action: Action) -> bool:  # noqa: ARG001 - the rule's shape; the owner needs no table
    """Tell whether `role` may do `action` to `resource` ("calls", "gsm").

    What is not granted is refused: everything is the owner's, and the other roles have been granted nothing.
    """
    return role is Role.OWNER
