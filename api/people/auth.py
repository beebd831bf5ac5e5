"""Signing in and out, and who is signed in."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.people.account_shapes import Credentials, Token, shown_token
from api.people.sign_in_cookie import COOKIE, From, OwnPagesOnly, give_cookie, take_cookie
from services.accounts.accounts import Accounts
from services.accounts.own_account import OwnAccount
from services.accounts.roles import Role
from services.errors import SignInError
from services.web.access import Anybody
from services.web.limits import ByAddress
from services.web.problems import problem_responses, problem_to


class Me(BaseModel):
    """Who is signed in."""

    id: str
    username: str
    role: Role
    company_id: str


def auth_router(accounts: Accounts, own: OwnAccount) -> APIRouter:
    """Make the routes /admin/auth/login and /refresh, which are public, /logout and /me."""
    router = APIRouter(prefix="/admin/auth", tags=["sign-in"])

    @router.post("/login", summary="Sign in", responses=problem_responses(401, 422, 429, 503), dependencies=[ByAddress])
    async def login(request: Request, response: Response, origin: From, given: Credentials) -> Token:
        """Exchange a name and a password for an access token. Failures are slowed down by user and by address.

        Whoever has a second factor and sends no code is answered 401 with the code "totp_required". A cookie is laid
        down besides, with which POST /admin/auth/refresh gives further access tokens.
        """
        token = await accounts.sign_in(
            given.username,
            given.password.get_secret_value(),
            origin.address,
            user_agent=origin.user_agent,
            code=given.code,
        )
        give_cookie(request, response, token)
        return shown_token(token)

    @router.post(
        "/refresh",
        summary="Get a new access token",
        responses=problem_responses(401, 403, 503),
        dependencies=[OwnPagesOnly, ByAddress],
        response_model=Token,
    )
    async def refresh(request: Request, response: Response, origin: From) -> Token | Response:
        """Exchange the refresh cookie for an access token; the cookie is replaced.

        A cookie is good once (for another 10 s it is answered the same again): showing an older one ends the session,
        as somebody must have copied it. 403 for requests of other sites.
        """
        try:
            token = await accounts.refresh(request.cookies.get(COOKIE, ""), origin)
        except SignInError as error:
            refused = problem_to(error)
            take_cookie(request, refused)
            return refused
        give_cookie(request, response, token)
        return shown_token(token)

    @router.post("/logout", status_code=204, summary="Sign out", responses=problem_responses(401, 403, 422, 503))
    async def logout(who: Anybody, request: Request, response: Response) -> None:
        """End this session: its access tokens and its cookie are void at once."""
        await own.sign_out(who)
        take_cookie(request, response)

    @router.get("/me", summary="Who is signed in", responses=problem_responses(401, 403, 422, 503))
    async def me(who: Anybody) -> Me:
        """Return who is signed in."""
        return Me(id=who.id, username=who.username, role=who.role, company_id=who.company_id)

    return router
