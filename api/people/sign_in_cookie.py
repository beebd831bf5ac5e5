"""The cookie with the refresh token, and who may use it.

A browser adds cookies by itself, so another site could make it do so (CSRF). SameSite=Strict keeps the cookie from such
requests; besides, the route asks where the request comes from: Sec-Fetch-Site, which browsers send and pages cannot
set, else the Origin, else, for programs that send neither, a header that no form can send.
"""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from services.accounts.accounts import AccessToken
from services.errors import ForbiddenError
from services.storage.people.sessions import LIFETIME, Origin

COOKIE = "secretary_refresh"
_PATH = "/admin/auth"
_AGENT = 200  # characters of a User-Agent that are kept


def give_cookie(request: Request, response: Response, token: AccessToken) -> None:
    """Lay the refresh token down, when there is a new one; out of the reach of scripts, and of no use elsewhere."""
    response.headers["Cache-Control"] = "no-store"
    if token.refresh_token is not None:
        response.set_cookie(
            COOKIE,
            token.refresh_token,
            max_age=int(LIFETIME.total_seconds()),
            path=_PATH,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )


def take_cookie(request: Request, response: Response) -> None:
    """Make the browser forget the refresh token."""
    response.delete_cookie(COOKIE, path=_PATH, secure=request.url.scheme == "https", httponly=True, samesite="strict")


def own_pages_only(request: Request) -> None:
    """Let a request pass that a page of this installation, or a program, has made. Raises ForbiddenError."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        allowed = site in ("same-origin", "none")
    elif origin is not None:
        allowed = _place(origin) == request.headers.get("host", "").casefold()
    else:
        allowed = request.headers.get("x-requested-with", "").casefold() == "secretary"
    if not allowed:
        raise ForbiddenError(
            "This request comes from another site.", "Send X-Requested-With: secretary from a program."
        )


OwnPagesOnly = Depends(own_pages_only)


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.casefold()
    except ValueError:
        return ""


def _origin(request: Request) -> Origin:
    return Origin(address_of(request), request.headers.get("user-agent", "")[:_AGENT])


From = Annotated[Origin, Depends(_origin)]
"""The parameter of a route that notes where a person signs in."""


def address_of(request: Request) -> str:
    """Return the network address that a request comes from, "" where there is none."""
    return request.client.host if request.client else ""
