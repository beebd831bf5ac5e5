"""Who may use a route: the rule that each one carries, and the search for those without.

Access tokens come as bearer tokens only. A browser never adds them by itself, so no other site can act in a user's
name (CSRF).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.accounts.accounts import Accounts
from services.accounts.roles import Action, Role
from services.accounts.signed_in import SignedIn
from services.errors import ForbiddenError, SignInError, StorageError
from services.storage.audit.acting import Actor, act_as
from services.web.limits import count_request

_COMPANY = "the company to act in, where it is not the user's own: for an owner"
_bearer = HTTPBearer(auto_error=False, description="The access token of POST /admin/auth/login.")


class Rule:
    """Lets in who is signed in and may do `action` to `resource`; "" is what everybody signed in may do."""

    def __init__(self, resource: str = "", action: Action = Action.READ) -> None:
        self.resource = resource
        self.action = action

    async def __call__(
        self,
        request: Request,
        shown: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        company: Annotated[str, Header(alias="X-Company", pattern=r"^[0-9A-Za-z-]{0,64}$", description=_COMPANY)] = "",
    ) -> SignedIn:
        """Return who asks, and note that they act. Raises SignInError, ForbiddenError, TooManyAttemptsError."""
        accounts: Accounts = request.app.state.accounts
        who = await accounts.signed_in(shown.credentials if shown else "")
        if company and company != who.company_id:
            who = await _elsewhere(accounts, who, company)
        await count_request(request, who)
        if self.resource and not who.may(self.resource, self.action):
            raise ForbiddenError(f"The role {who.role} may not {self.action} {self.resource}.")
        if not self.resource and who.key_id and request.method != "GET":
            # A user's own account: password, second factor, sessions. Whoever finds a key must not get hold of it.
            raise ForbiddenError("An API key cannot do this.", "Sign in with a name and a password.")
        act_as(_actor(request, who))
        return who


async def _elsewhere(accounts: Accounts, who: SignedIn, company_id: str) -> SignedIn:
    """Return an owner as acting in another company; a key stays in its own.

    Raises ForbiddenError, the same where there is no such company.
    """
    if who.key_id or who.role is not Role.OWNER or not await accounts.knows_company(company_id):
        raise ForbiddenError("You may not act in this company.")
    return replace(who, company_id=company_id)


def _actor(request: Request, who: SignedIn) -> Actor:
    return Actor(
        kind="key" if who.key_id else "user",
        id=who.key_id or who.id,
        name=who.username,
        company_id=who.company_id,
        address=request.client.host if request.client else "",
        request_id=getattr(request.state, "request_id", ""),
    )


def require(resource: str, action: Action) -> Any:
    """Return a route's rule, to annotate a parameter with.

    So that it knows who asks: `who: Annotated[SignedIn, require("calls", Action.READ)]`.
    """
    return Depends(Rule(resource, action))


Anybody = Annotated[SignedIn, Depends(Rule())]
"""The parameter of a route that everybody signed in may use."""


async def still_signed_in(request: Request) -> bool:
    """Return False when the token of a request that lasts is good no more: another password, role, a removed user."""
    accounts: Accounts = request.app.state.accounts
    before: SignedIn | None = getattr(request.state, "who", None)
    try:
        now = await accounts.signed_in(request.headers.get("Authorization", "").partition(" ")[2])
    except SignInError:
        return False
    except StorageError:  # it cannot be looked up now: it was good a moment ago
        return True
    return before is None or now.role is before.role


def set_accounts(app: FastAPI, accounts: Accounts) -> None:
    """Give the rules of `app` the accounts they ask."""
    app.state.accounts = accounts


@dataclass(frozen=True, slots=True)
class RuledRoute:
    """A route with its methods (none: a WebSocket) and the rule that it carries, None without one."""

    path: str
    methods: tuple[str, ...]
    rule: Rule | None


def routes_of(app: FastAPI) -> list[RuledRoute]:
    """Return every route of `app` with its rule."""
    found = []
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        methods = tuple(sorted(getattr(route, "methods", None) or ()))
        found.append(RuledRoute(str(route.path), methods, None if dependant is None else _rule_of(dependant)))
    return found


def without_rule(app: FastAPI, public: Collection[str]) -> list[str]:
    """Return the paths of all routes that carry no rule and are not `public`."""
    return sorted({route.path for route in routes_of(app) if route.rule is None and route.path not in public})


def _rule_of(dependant: Dependant) -> Rule | None:
    if isinstance(dependant.call, Rule):
        return dependant.call
    return next((rule for each in dependant.dependencies if (rule := _rule_of(each))), None)
