"""What somebody does with a link that is good once: set the installation up, join, choose another password."""

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import Field

from api.calls.shapes import PRINTED
from api.page_language import LANGUAGES, preferred
from api.people import account_shapes
from api.people.account_shapes import LinkToken, Password, Token, Username, shown_token
from api.people.sign_in_cookie import From, give_cookie
from services.accounts.accounts import Accounts
from services.web.limits import ByAddress
from services.web.problems import problem_responses

CompanyName = Annotated[str, Field(max_length=200, pattern=rf"^{PRINTED}*$", examples=["Bakery on the corner"])]


class SetUp(account_shapes.Request):
    """The first owner; `company_name` renames the company, which has a name of its own otherwise."""

    token: LinkToken
    username: Username
    password: Password
    company_name: Annotated[str, Field(max_length=200, pattern=rf"^{PRINTED}*$", examples=["Bakery on the corner"])] = (
        ""
    )


class Acceptance(account_shapes.Request):
    """Who accepts an invitation; `username` may be left out where the invitation names it."""

    token: LinkToken
    username: Annotated[str, Field(max_length=200, pattern=rf"^{PRINTED}*$", examples=["boris"])] = ""
    password: Password


class NewPassword(account_shapes.Request):
    """The password that a user chooses anew."""

    token: LinkToken
    password: Password


def set_up_router(accounts: Accounts, language: str) -> APIRouter:
    """Make the routes /setup, /auth/accept-invitation and /auth/reset-password, and the page for all of them."""
    router = APIRouter(tags=["sign-in"])

    @router.post(
        "/setup",
        status_code=201,
        summary="Set the installation up",
        responses=problem_responses(401, 409, 422, 429, 503),
        dependencies=[ByAddress],
    )
    async def set_up(request: Request, response: Response, origin: From, given: SetUp) -> Token:
        """Make the first owner with the link that the first start prints, and sign in. Void once there is an owner."""
        user = await accounts.links.set_up(
            given.token.get_secret_value(), given.username, given.password.get_secret_value(), given.company_name
        )
        token = await accounts.begin_session(user, origin)
        give_cookie(request, response, token)
        response.headers["Location"] = f"/admin/users/{user.id}"
        return shown_token(token)

    @router.post(
        "/auth/accept-invitation",
        status_code=201,
        summary="Accept an invitation",
        responses=problem_responses(401, 422, 429, 503),
        dependencies=[ByAddress],
    )
    async def accepted(request: Request, response: Response, origin: From, given: Acceptance) -> Token:
        """Join the company that the invitation is of, and sign in."""
        user = await accounts.links.join(
            given.token.get_secret_value(), given.username, given.password.get_secret_value()
        )
        token = await accounts.begin_session(user, origin)
        give_cookie(request, response, token)
        response.headers["Location"] = f"/admin/users/{user.id}"
        return shown_token(token)

    @router.post(
        "/auth/reset-password",
        status_code=204,
        summary="Choose another password",
        responses=problem_responses(404, 422, 429, 503),
        dependencies=[ByAddress],
    )
    async def reset(given: NewPassword) -> None:
        """Choose another password with a link of an administrator. All sessions end; sign in with it now."""
        await accounts.links.choose_password(given.token.get_secret_value(), given.password.get_secret_value())

    _add_page(router, language)
    return router


def _add_page(router: APIRouter, language: str) -> None:
    pages = files("api.pages")
    page = {each: (pages / f"setup.{each}.html").read_text("utf-8") for each in LANGUAGES}
    style, script = [(pages / name).read_text("utf-8") for name in ("setup.css", "setup.js")]

    @router.get("/setup", include_in_schema=False)
    async def shown(request: Request) -> HTMLResponse:
        wanted = preferred(request.headers.get("accept-language", ""), language)
        return HTMLResponse(page[wanted], headers={"Cache-Control": "no-store"})

    @router.get("/setup.css", include_in_schema=False)
    async def css() -> PlainTextResponse:
        return PlainTextResponse(style, media_type="text/css")

    @router.get("/setup.js", include_in_schema=False)
    async def js() -> PlainTextResponse:
        return PlainTextResponse(script, media_type="text/javascript")
