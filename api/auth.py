"""Signing in, and who is signed in."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr

from services.accounts.accounts import Accounts
from services.accounts.roles import Role
from services.web.access import Anybody
from services.web.problems import problem_responses


class Credentials(BaseModel):
    """A user's name and password."""

    username: Annotated[str, Field(min_length=1, max_length=200, examples=["owner"])]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024, examples=["four words taken apart"])]


class Token(BaseModel):
    """An access token, good for `expires_in` seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind of token
    expires_in: int


class Me(BaseModel):
    """Who is signed in."""

    id: str
    username: str
    role: Role
    company_id: str


def auth_router(accounts: Accounts) -> APIRouter:
    """Make the routes /admin/auth/login, which is public, and /admin/auth/me."""
    router = APIRouter(prefix="/admin/auth", tags=["sign-in"])

    @router.post("/login", summary="Sign in", responses=problem_responses(401, 422, 429, 503))
    async def login(request: Request, response: Response, given: Credentials) -> Token:
        """Exchange a name and a password for an access token. Failures are slowed down by user and by address."""
        address = request.client.host if request.client else ""
        token = await accounts.sign_in(given.username, given.password.get_secret_value(), address)
        response.headers["Cache-Control"] = "no-store"
        return Token(access_token=token.access_token, expires_in=token.expires_in)

    @router.get("/me", summary="Who is signed in", responses=problem_responses(401, 503))
    async def me(who: Anybody) -> Me:
        """Return who is signed in."""
        return Me(id=who.id, username=who.username, role=who.role, company_id=who.company_id)

    return router
