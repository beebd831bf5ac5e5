"""The second factor of whoever is signed in."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, Field

from api.people.account_shapes import Code, Password, Request
from api.people.sign_in_cookie import From
from services.accounts.own_account import OwnAccount
from services.web.access import Anybody
from services.web.problems import problem_responses


class TotpSeed(BaseModel):
    """What an authenticator app is given: typed (`secret`, base32) or as a QR code (`uri`, otpauth)."""

    secret: str
    uri: str


class TotpCode(Request):
    """A code of the app."""

    code: Annotated[Code, Field(min_length=6)]


class RecoveryCodes(BaseModel):
    """Codes that stand in for the app, each once; they are shown only now."""

    recovery_codes: list[str]


class OwnPassword(Request):
    """The own password, to confirm what is asked."""

    password: Password


def totp_router(own: OwnAccount) -> APIRouter:
    """Make the routes /admin/auth/totp..."""
    router = APIRouter(prefix="/admin/auth/totp", tags=["sign-in"], responses=problem_responses(401, 403, 422, 503))

    @router.post("/begin", summary="Begin a second factor", responses=problem_responses(409))
    async def begun(who: Anybody, response: Response) -> TotpSeed:
        """Get the seed for an authenticator app (TOTP, RFC 6238). It counts once a first code has confirmed it."""
        seed = await own.begin_second_factor(who)
        response.headers["Cache-Control"] = "no-store"
        return TotpSeed(secret=seed.secret, uri=seed.uri)

    @router.post("/confirm", summary="Put the second factor in force", responses=problem_responses(404, 409))
    async def confirmed(who: Anybody, origin: From, response: Response, given: TotpCode) -> RecoveryCodes:
        """Confirm with a code of the app; from now on each sign-in asks for one. Keep the recovery codes safe."""
        codes = await own.confirm_second_factor(who, given.code, origin.address)
        response.headers["Cache-Control"] = "no-store"
        return RecoveryCodes(recovery_codes=codes)

    @router.delete("", status_code=204, summary="Remove the second factor", responses=problem_responses(404, 429))
    async def removed(who: Anybody, origin: From, given: Annotated[OwnPassword, Body()]) -> None:
        """Sign in without a code again; takes the password."""
        await own.remove_second_factor(who, given.password.get_secret_value(), origin.address)

    return router
