"""What is done to users: kept out and let in, signed out, given another way in."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.people.account_shapes import OneTimeLink, User
from api.people.users import UserId, with_etag
from services.accounts.accounts import Accounts
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.storage.people.users import UserChange
from services.web.access import require
from services.web.problems import problem_responses

Doer = Annotated[SignedIn, require("users", Action.ACT)]


class SignedOut(BaseModel):
    """How many sessions of a user were ended."""

    ended: int


def user_actions_router(accounts: Accounts) -> APIRouter:
    """Make the routes /admin/users/{id}/{action}."""
    router = APIRouter(prefix="/admin/users", tags=["users"], responses=problem_responses(401, 403, 404, 422, 503))
    people, links = accounts.people, accounts.links

    @router.post("/{user_id}/deactivate", summary="Keep a user out", responses=problem_responses(409))
    async def deactivated(who: Doer, response: Response, user_id: UserId) -> User:
        """Keep a user out: all tokens, sessions and keys are void at once."""
        return with_etag(await people.edit(who.company_id, user_id, UserChange(active=False), by=who.role), response)

    @router.post("/{user_id}/activate", summary="Let a user in again")
    async def activated(who: Doer, response: Response, user_id: UserId) -> User:
        """Let a user sign in again."""
        return with_etag(await people.edit(who.company_id, user_id, UserChange(active=True), by=who.role), response)

    @router.post(
        "/{user_id}/reset-password",
        summary="Let a user choose another password",
        responses=problem_responses(409),
    )
    async def reset(who: Doer, request: Request, response: Response, user_id: UserId) -> OneTimeLink:
        """Get a link with which the user chooses another password, within a day and once."""
        link = await links.reset(who.company_id, user_id, invited_by=who.username, by=who.role)
        response.headers["Cache-Control"] = "no-store"
        return OneTimeLink(link=str(request.base_url).rstrip("/") + link.path, expires_at=link.record.expires_at)

    @router.post("/{user_id}/revoke-sessions", summary="Sign a user out everywhere")
    async def signed_out(who: Doer, user_id: UserId) -> SignedOut:
        """End all sessions of a user: the tokens are void at once."""
        return SignedOut(ended=await people.end_sessions(who.company_id, user_id, by=who.role))

    @router.post(
        "/{user_id}/reset-second-factor",
        status_code=204,
        summary="Remove a user's second factor",
    )
    async def without_factor(who: Doer, user_id: UserId) -> None:
        """Let somebody who has lost the authenticator app sign in without a code."""
        await people.reset_second_factor(who.company_id, user_id, by=who.role)

    return router
