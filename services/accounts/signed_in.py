"""Who asks."""

from dataclasses import dataclass
from datetime import datetime

from services.accounts.roles import OWN_ONLY, Action, Role, may
from services.domain import Reach


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks: a user, checked for this very request, and until when the token is good.

    `company_id` is the company it is asked in: the user's own, or the one that an owner has named (X-Company).
    `session_id` is of whoever has signed in; `key_id` and `scopes` are of an API key, which reaches no further than
    both its scopes and its user's role (None: no key, no narrowing).
    """

    id: str
    company_id: str
    username: str
    role: Role
    expires_at: datetime
    session_id: str = ""
    key_id: str = ""
    scopes: frozenset[str] | None = None

    def may(self, resource: str, action: Action) -> bool:
        """Tell whether the role grants it and, with an API key, the key's scopes do, too ("calls:read", "calls")."""
        if not may(self.role, resource, action):
            return False
        return self.scopes is None or not self.scopes.isdisjoint({resource, f"{resource}:{action}"})

    def reach(self, resource: str) -> Reach:
        """Return whose rows of `resource` are within reach: the company's, or the own ones only."""
        own = resource in OWN_ONLY and self.role not in (Role.OWNER, Role.ADMIN)
        return Reach(self.company_id, self.id if own else None)
