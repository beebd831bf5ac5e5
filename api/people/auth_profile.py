"""The own account: profile, password, sessions."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from api.people.account_shapes import Moment, Password, Profile, ProfileEdit, Request
from api.people.sign_in_cookie import From
from services.accounts.accounts import Accounts
from services.accounts.own_account import OwnAccount
from services.accounts.roles import Role
from services.storage.people.users import UserChange, UserRecord
from services.web.access import Anybody
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import Page
from services.web.problems import problem_responses

SessionId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]


class PasswordChange(Request):
    """The password as it is, and as it shall be."""

    old_password: Password
    new_password: Password


class Session(BaseModel):
    """A sign-in that lasts; `last_used_at` is when it was refreshed, `current` marks the one that asks."""

    id: str
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    address: str
    user_agent: str
    current: bool


class Ended(BaseModel):
    """How many sessions were ended."""

    ended: int


def profile_router(accounts: Accounts, own: OwnAccount) -> APIRouter:
    """Make the routes /admin/auth/profile, /change-password and /sessions."""
    router = APIRouter(prefix="/admin/auth", tags=["sign-in"], responses=problem_responses(401, 403, 422, 503))

    @router.get("/profile", summary="Show the own profile")
    async def profile(who: Anybody, response: Response) -> Profile:
        """Return the own profile."""
        return await _shown(await own.profile(who), response)

    @edit_route(router, "/profile", summary="Change the own profile", responses=problem_responses(412))
    async def edited(who: Anybody, response: Response, expected: ExpectedVersion, wanted: ProfileEdit) -> Profile:
        """Change what is given of the own name, e-mail address and language."""
        return await _shown(await own.edit(who, UserChange(**wanted.model_dump()), expected), response)

    @router.post(
        "/change-password", status_code=204, summary="Change the own password", responses=problem_responses(409, 429)
    )
    async def password_changed(who: Anybody, origin: From, given: PasswordChange) -> None:
        """Choose another password. All other sessions end; this one goes on."""
        old, new = given.old_password.get_secret_value(), given.new_password.get_secret_value()
        await own.change_password(who, old, new, origin.address)

    @router.get("/sessions", summary="List the own sessions")
    async def sessions(who: Anybody) -> Page[Session]:
        """List where one is signed in, the last used first."""
        found = [
            Session(
                id=each.id,
                created_at=each.created_at,
                last_used_at=each.last_used_at,
                expires_at=each.expires_at,
                address=each.address,
                user_agent=each.user_agent,
                current=each.id == who.session_id,
            )
            for each in await own.sessions(who)
        ]
        return Page(items=found, next_cursor=None)

    @router.delete(
        "/sessions/{session_id}", status_code=204, summary="End an own session", responses=problem_responses(404)
    )
    async def ended(who: Anybody, session_id: SessionId) -> None:
        """End a session: its tokens are void at once."""
        await own.revoke(who, session_id)

    @router.post("/sessions/revoke-others", summary="End all other sessions")
    async def others_ended(who: Anybody) -> Ended:
        """End all of the own sessions but the one that asks."""
        return Ended(ended=await own.revoke_others(who))

    async def _shown(user: UserRecord, response: Response) -> Profile:
        give_etag(response, user.version)
        factor = await accounts.second_factor.state(user)
        return Profile(
            id=user.id,
            username=user.username,
            role=Role(user.role),
            company_id=user.company_id,
            display_name=user.display_name,
            email=user.email,
            language=user.language,
            second_factor=factor is not None,
            recovery_codes_left=factor.recovery_left if factor else 0,
        )

    return router
