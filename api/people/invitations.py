"""Invitations to join a company."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from api.calls.shapes import PRINTED
from api.people import account_shapes
from api.people.account_shapes import Email, Moment, OneTimeLink
from services.accounts.accounts import Accounts
from services.accounts.roles import Action, Role
from services.accounts.signed_in import SignedIn
from services.storage.people.invitations import InvitationRecord, Invitations
from services.web.access import require
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

InvitationId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]


class InvitationRequest(account_shapes.Request):
    """Whom to invite; with a `username` the invitation is for that name only."""

    role: Role
    email: Email = ""
    username: Annotated[str, Field(max_length=200, pattern=rf"^{PRINTED}*$")] = ""


class Invitation(BaseModel):
    """An invitation that nobody has accepted yet."""

    id: str
    role: Role
    email: str
    username: str
    invited_by: str
    created_at: Moment
    expires_at: Moment


class NewInvitation(Invitation, OneTimeLink):
    """An invitation with its link."""


def invitations_router(accounts: Accounts, invitations: Invitations) -> APIRouter:
    """Make the routes /admin/invitations."""
    router = APIRouter(prefix="/admin/invitations", tags=["users"], responses=problem_responses(401, 403, 422, 503))

    @router.post("", status_code=201, summary="Invite somebody")
    async def invited(
        who: Annotated[SignedIn, require("users", Action.EDIT)],
        request: Request,
        response: Response,
        wanted: InvitationRequest,
    ) -> NewInvitation:
        """Get a link with which somebody joins the company, within three days and once. The house sends no mail."""
        link = await accounts.links.invite(who.company_id, invited_by=who.username, by=who.role, **wanted.model_dump())
        response.headers["Location"] = f"/admin/invitations/{link.record.id}"
        response.headers["Cache-Control"] = "no-store"
        return NewInvitation(**_shown(link.record).model_dump(), link=str(request.base_url).rstrip("/") + link.path)

    @router.get("", summary="List invitations")
    async def listed(who: Annotated[SignedIn, require("users", Action.READ)], page: AskedPage) -> Page[Invitation]:
        """List the invitations that are open, newest first."""
        found, cursor = await invitations.page(who.company_id, page.limit, page.cursor)
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.get("/{invitation_id}", summary="Show an invitation", responses=problem_responses(404))
    async def shown(who: Annotated[SignedIn, require("users", Action.READ)], invitation_id: InvitationId) -> Invitation:
        """Return an invitation that is open, without its link."""
        return _shown(await invitations.get(who.company_id, invitation_id))

    @router.delete(
        "/{invitation_id}", status_code=204, summary="Take an invitation back", responses=problem_responses(404)
    )
    async def deleted(who: Annotated[SignedIn, require("users", Action.DELETE)], invitation_id: InvitationId) -> None:
        """Take an invitation back: its link is void."""
        await invitations.remove(who.company_id, invitation_id)

    return router


def _shown(record: InvitationRecord) -> Invitation:
    return Invitation(**{name: getattr(record, name) for name in Invitation.model_fields})
