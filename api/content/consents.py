"""Consents: recorded, listed, taken back."""

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self

import structlog
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.calls.shapes import PRINTED, ContactNumber
from api.moments import Moment
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.retention.contacts import spelled
from services.storage.content.consents import Consent, Consents, ContactKind, NewConsent
from services.storage.people.companies import Companies
from services.web.access import require
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

ConsentId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", examples=["recording"])]
Line = Annotated[str, Field(max_length=500, pattern=rf"^{PRINTED}*$")]

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_USER = re.compile(r"[0-9A-Za-z-]{1,64}")

log = structlog.get_logger()


class ConsentGiven(BaseModel):
    """A consent to record. `kind` is what was agreed to; `text_id` the version of the legal text that was shown."""

    model_config = ConfigDict(extra="forbid")

    contact_kind: ContactKind = "number"
    contact: Annotated[str, Field(min_length=1, max_length=256, pattern=rf"^{PRINTED}*$", examples=["+79161234567"])]
    kind: Kind
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", examples=["gsm"])]
    text_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$")] | None = None
    evidence: Annotated[Line, Field(examples=["call 5f0c, turn 2"])] = ""
    given_at: Moment | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        contact = self.contact.strip()
        if self.contact_kind == "email" and not _EMAIL.fullmatch(contact):
            raise ValueError("this is no e-mail address")
        if self.contact_kind == "user" and not _USER.fullmatch(contact):
            raise ValueError("this is no user's id")
        if not contact:
            raise ValueError("name a contact")
        return self


class ConsentShown(BaseModel):
    """A consent; it holds while `withdrawn_at` is null."""

    id: str
    contact_kind: ContactKind
    contact: str
    kind: str
    text_id: str | None
    channel: str
    evidence: str
    given_at: datetime
    withdrawn_at: datetime | None
    created_at: datetime


def consents_router(consents: Consents, companies: Companies) -> APIRouter:
    """Make the routes /admin/consents and /admin/consents/{id}."""
    router = APIRouter(prefix="/admin/consents", tags=["consents"], responses=problem_responses(401, 403, 422, 503))

    @router.post("", status_code=201, summary="Record a consent")
    async def recorded(
        who: Annotated[SignedIn, require("consents", Action.EDIT)], response: Response, given: ConsentGiven
    ) -> ConsentShown:
        """Record that somebody has agreed to something, now or at `given_at`."""
        contact = given.contact.strip()
        if given.contact_kind == "number":
            contact, *_ = await spelled(companies, who.company_id, contact)
        elif given.contact_kind == "email":
            contact = contact.casefold()
        new = NewConsent(**{**given.model_dump(), "contact": contact})
        consent = await consents.record(who.company_id, new)
        response.headers["Location"] = f"/admin/consents/{consent.id}"
        log.info("a consent was recorded", consent=consent.id, kind=consent.kind, user=who.username)
        return _shown(consent)

    @router.get("", summary="List consents")
    async def listed(
        who: Annotated[SignedIn, require("consents", Action.READ)],
        page: AskedPage,
        contact: Annotated[ContactNumber | None, Query()] = None,
        kind: Annotated[Kind | None, Query()] = None,
    ) -> Page[ConsentShown]:
        """List consents, newest first; of one contact: a number in any spelling, an e-mail address, a user's id."""
        contacts = None
        if contact is not None:
            contacts = {*await spelled(companies, who.company_id, contact), contact.casefold()}
        found, cursor = await consents.list(who.company_id, page.limit, page.cursor, contacts=contacts, kind=kind)
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.get("/{consent_id}", summary="Show a consent", responses=problem_responses(404))
    async def shown(who: Annotated[SignedIn, require("consents", Action.READ)], consent_id: ConsentId) -> ConsentShown:
        """Return a consent."""
        return _shown(await consents.get(who.company_id, consent_id))

    @router.post("/{consent_id}/withdraw", summary="Take a consent back", responses=problem_responses(404))
    async def withdrawn(
        who: Annotated[SignedIn, require("consents", Action.ACT)], consent_id: ConsentId
    ) -> ConsentShown:
        """Note that a consent does not hold any more; that it once did stays recorded."""
        consent = await consents.withdraw(who.company_id, consent_id)
        log.info("a consent was taken back", consent=consent.id, kind=consent.kind, user=who.username)
        return _shown(consent)

    return router


def _shown(consent: Consent) -> ConsentShown:
    return ConsentShown(**{name: value for name, value in asdict(consent).items() if name != "company_id"})
