"""Limits over HTTP: every request counts. What is left is told by services.web.limit_headers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import Depends, Request

from services.accounts.limits import MINUTE, Limits, Standing, raise_refused
from services.accounts.plans import LimitName
from services.accounts.signed_in import SignedIn
from services.accounts.throttle import network_of
from services.errors import TooManyAttemptsError
from services.shared.windows import Windows

PUBLIC_A_MINUTE = 600
NOTED = "limits"


@dataclass(frozen=True, slots=True)
class Noted:
    """What a request was counted against, and what is to be done when it is answered with a refusal or fails."""

    standings: list[Standing] = field(default_factory=list)
    came_to_nothing: list[Callable[[], None]] = field(default_factory=list)


async def count_request(request: Request, who: SignedIn) -> None:
    """Count a request of somebody signed in, by company and user. Raises TooManyAttemptsError."""
    request.state.who = who
    limits: Limits | None = getattr(request.app.state, "limits", None)
    if limits is None:  # an application without limits: a test's
        return
    group = _group(request.url.path)
    _note(request, standings := await limits.ask(f"{group}_per_minute", who.company_id, who.id))
    raise_refused(standings)
    if group == "api_requests":
        limits.note(group, who.company_id, who.id)


def limited(limit: str, channel: str = "") -> Any:
    """Return the dependency of a route with a cost, to annotate a parameter with; it comes after the route's rule.

    `_: Annotated[None, limited("calls_per_day")]`. A request that is refused or fails takes nothing from it.
    """
    assert LimitName.parse(limit) is not None, limit

    async def take_one(request: Request) -> None:
        await take_from(request, limit, channel=channel)

    return Depends(take_one)


async def take_from(request: Request, limit: str, cost: int = 1, *, channel: str = "") -> None:
    """Do the same in a route, where the cost is known there only. Raises TooManyAttemptsError."""
    limits: Limits | None = getattr(request.app.state, "limits", None)
    who: SignedIn | None = getattr(request.state, "who", None)
    if limits is None or who is None:  # nobody was let in: the rule's own header is malformed, and that is the answer
        return
    standings = await limits.ask(limit, who.company_id, who.id, cost, channel=channel)
    noted = _note(request, standings)
    raise_refused(standings)
    noted.came_to_nothing.append(partial(limits.give_back, limit, who.company_id, who.id, cost, channel=channel))


async def count_address(request: Request) -> None:
    """Count a request of somebody unknown, by address. Raises TooManyAttemptsError."""
    windows: Windows | None = getattr(request.app.state, "windows", None)
    if windows is None:
        return
    address = network_of(request.client.host) if request.client else ""
    now = await windows.hit(f"public:{address}", PUBLIC_A_MINUTE, MINUTE)
    standing = Standing("address_requests_per_minute", now.allowed, now.most, now.left, now.reset_after, MINUTE)
    _note(request, [standing])
    if not now.allowed:
        raise TooManyAttemptsError(
            "Too many requests come from this address.", "Try again in a minute.", retry_after=now.reset_after
        )


ByAddress = Depends(count_address)
"""The dependency of a route that needs no sign-in: 600 requests a minute from one address to all such routes."""


def _group(path: str) -> str:
    if path.startswith("/v1/"):
        return "api_requests"
    return "sign_ins" if path.startswith("/admin/auth/") else "requests"


def _note(request: Request, standings: Sequence[Standing]) -> Noted:
    """Have the answer tell of these limits."""
    noted: Noted = request.scope.setdefault("state", {}).setdefault(NOTED, Noted())
    noted.standings.extend(standings)
    return noted
