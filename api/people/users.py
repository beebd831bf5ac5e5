"""Users of a company, as its administrators see them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.people.account_shapes import User, UserEdit, UserRequest, shown_user
from services.accounts.accounts import Accounts
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.storage.people.users import UserChange, UserRecord
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

UserId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Reader = Annotated[SignedIn, require("users", Action.READ)]
Editor = Annotated[SignedIn, require("users", Action.EDIT)]
Deleter = Annotated[SignedIn, require("users", Action.DELETE)]


def users_router(accounts: Accounts) -> APIRouter:
    """Make the routes /admin/users and /admin/users/{id}, without the actions."""
    router = APIRouter(prefix="/admin/users", tags=["users"], responses=problem_responses(401, 403, 422, 503))
    people = accounts.people

    @router.post("", status_code=201, summary="Make a user", responses=problem_responses(429))
    async def made(who: Editor, response: Response, wanted: UserRequest) -> User:
        """Make a user of the company; the role is at most the own one."""
        given = wanted.model_dump(exclude={"password"})
        user = await people.add(who.company_id, password=wanted.password.get_secret_value(), by=who.role, **given)
        response.headers["Location"] = f"/admin/users/{user.id}"
        return with_etag(user, response)

    @router.get("", summary="List users")
    async def listed(who: Reader, page: AskedPage) -> Page[User]:
        """List the users of the company, newest first."""
        found, cursor = await people.page(who.company_id, page.limit, page.cursor)
        return Page(items=[shown_user(each) for each in found], next_cursor=cursor)

    @router.get("/{user_id}", summary="Show a user", responses=problem_responses(404))
    async def shown(who: Reader, response: Response, user_id: UserId) -> User:
        """Return a user."""
        return with_etag(await people.find(who.company_id, user_id), response)

    @edit_route(router, "/{user_id}", summary="Change a user", responses=problem_responses(404, 409, 412))
    async def edited(
        who: Editor, response: Response, user_id: UserId, expected: ExpectedVersion, wanted: UserEdit
    ) -> User:
        """Change a user. 409 when no active owner would be left, 403 for who stands above oneself."""
        change = UserChange(**wanted.model_dump())
        return with_etag(await people.edit(who.company_id, user_id, change, expected=expected, by=who.role), response)

    @router.delete("/{user_id}", status_code=204, summary="Delete a user", responses=problem_responses(404, 409))
    async def deleted(who: Deleter, user_id: UserId) -> None:
        """Delete a user with all sign-ins, API keys and chats. 409 for the last active owner."""
        await people.remove(who.company_id, user_id, by=who.role)

    return router


def with_etag(user: UserRecord, response: Response) -> User:
    """Return a user, with the version as the ETag."""
    give_etag(response, user.version)
    return shown_user(user)
