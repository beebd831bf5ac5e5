"""Who may use a route: the rule that each one carries, and the search for those without.

Access tokens come as bearer tokens only. A browser never adds them by itself, so no other site can act in a user's
name (CSRF).
"""

from collections.abc import Collection, Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.accounts.accounts import Accounts, SignedIn
from services.accounts.roles import Action, may
from services.errors import ForbiddenError, SignInError, StorageError

_bearer = HTTPBearer(auto_error=False, description="The access token of POST /admin/auth/login.")


class Rule:
    """Lets in who is signed in and may do `action` to `resource`; "" is what everybody signed in may do."""

    def __init__(self, resource: str = "", action: Action = Action.READ) -> None:
        self._resource = resource
        self._action = action

    async def __call__(
        self, request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> SignedIn:
        """Return who asks. Raises SignInError, ForbiddenError."""
        accounts: Accounts = request.app.state.accounts
        who = await accounts.signed_in(shown.credentials if shown else "")
        if self._resource and not may(who.role, self._resource, self._action):
            raise ForbiddenError(f"The role {who.role} may not {self._action} {self._resource}.")
        return who


def require(resource: str, action: Action) -> Any:
    """Return a route's rule, to annotate a parameter with.

    So that it knows who asks: `who: Annotated[SignedIn, require("calls", Action.READ)]`.
    """
    return Depends(Rule(resource, action))


Anybody = Annotated[SignedIn, Depends(Rule())]
"""The parameter of a route that everybody signed in may use."""


async def still_signed_in(request: Request) -> bool:
    """Return False when the token of a request that lasts is good no more: another password, a removed user."""
    accounts: Accounts = request.app.state.accounts
    try:
        await accounts.signed_in(request.headers.get("Authorization", "").partition(" ")[2])
    except SignInError:
        return False
    except StorageError:  # it cannot be looked up now: it was good a moment ago
        return True
    return True


def set_accounts(app: FastAPI, accounts: Accounts) -> None:
    """Give the rules of `app` the accounts they ask."""
    app.state.accounts = accounts


def without_rule(app: FastAPI, public: Collection[str]) -> list[str]:
    """Return the paths of all routes that carry no rule and are not `public`."""
    return sorted({path for path, ruled in _routes(app) if not ruled and path not in public})


def _routes(app: FastAPI) -> Iterator[tuple[str, bool]]:
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        yield str(route.path), dependant is not None and _has_rule(dependant)


def _has_rule(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Rule) or any(_has_rule(each) for each in dependant.dependencies)
