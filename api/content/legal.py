"""Legal texts: written in versions, published, shown to everybody."""

from dataclasses import asdict
from datetime import datetime
from html import escape
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.storage.content.legal import LegalKind, LegalText, LegalTexts
from services.web.access import require
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

TextId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
CompanyId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", examples=["ru"])]
Words = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200_000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
        examples=["We record calls to serve you better."],
    ),
]

_TITLES = {
    "privacy": "Privacy",
    "terms": "Terms",
    "recording_notice": "Notice of recording",
    "consent_processing": "Consent to processing",
}
_PAGE = '<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title><pre>{text}</pre></html>'

log = structlog.get_logger()


class NewText(BaseModel):
    """A new version of a text, at first a draft."""

    model_config = ConfigDict(extra="forbid")

    kind: LegalKind
    language: Language
    text: Words


class TextShown(BaseModel):
    """A version of a text; `published_at` is null while it is a draft."""

    id: str
    kind: LegalKind
    language: str
    version: int
    text: str
    published_at: datetime | None
    created_at: datetime


def legal_router(texts: LegalTexts) -> APIRouter:
    """Make the routes /admin/legal and /admin/legal/{id}."""
    router = APIRouter(prefix="/admin/legal", tags=["legal"], responses=problem_responses(401, 403, 422, 503))

    @router.post("", status_code=201, summary="Write a new version")
    async def added(
        who: Annotated[SignedIn, require("legal", Action.EDIT)], response: Response, new: NewText
    ) -> TextShown:
        """Store a new version of a text. Nobody is shown it until it is published; its words never change."""
        text = await texts.add(who.company_id, new.kind, new.language, new.text)
        response.headers["Location"] = f"/admin/legal/{text.id}"
        return _shown(text)

    @router.get("", summary="List the versions")
    async def listed(
        who: Annotated[SignedIn, require("legal", Action.READ)],
        page: AskedPage,
        kind: LegalKind | None = None,
        language: Annotated[Language | None, Query()] = None,
    ) -> Page[TextShown]:
        """List the versions of all texts, newest first."""
        found, cursor = await texts.list(who.company_id, page.limit, page.cursor, kind=kind, language=language)
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.get("/{text_id}", summary="Show a version", responses=problem_responses(404))
    async def shown(who: Annotated[SignedIn, require("legal", Action.READ)], text_id: TextId) -> TextShown:
        """Return a version of a text."""
        return _shown(await texts.get(who.company_id, text_id))

    @router.post("/{text_id}/publish", summary="Publish a version", responses=problem_responses(404))
    async def published(who: Annotated[SignedIn, require("legal", Action.ACT)], text_id: TextId) -> TextShown:
        """Show a version to everybody, from now on; the newest one that is published counts."""
        text = await texts.publish(who.company_id, text_id)
        log.info("a legal text was published", kind=text.kind, version=text.version, user=who.username)
        return _shown(text)

    @router.delete("/{text_id}", status_code=204, summary="Delete a draft", responses=problem_responses(404, 409))
    async def deleted(who: Annotated[SignedIn, require("legal", Action.DELETE)], text_id: TextId) -> None:
        """Delete a draft. 409 for what people have been shown: it stays as evidence."""
        await texts.remove(who.company_id, text_id)

    return router


def public_legal_router(texts: LegalTexts) -> APIRouter:
    """Make the route /legal/{company}/{kind}, which is for everybody."""
    router = APIRouter(prefix="/legal", tags=["legal"], responses=problem_responses(404, 422, 503))

    @router.get(
        "/{company_id}/{kind}",
        response_class=PlainTextResponse,
        summary="Read a legal text",
        responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
    )
    async def read(
        request: Request,
        company_id: CompanyId,
        kind: LegalKind,
        language: Annotated[Language | Literal[""], Query(description="empty: the first there is")] = "",
    ) -> Response:
        """Return the current version, as plain text, or as a page for a browser (Accept: text/html)."""
        wanted = language or next(iter(await texts.languages(company_id, kind)), "")
        text = await texts.current(company_id, kind, wanted) if wanted else None
        if text is None:
            raise HTTPException(404, "There is no such text.")
        headers = {
            "Content-Language": text.language,
            "Vary": "Accept",
            "Cache-Control": "public, max-age=300",
            "ETag": f'"{text.language}-{text.version}"',
        }
        if "text/html" in request.headers.get("Accept", ""):
            page = _PAGE.format(language=text.language, title=_TITLES[text.kind], text=escape(text.text))
            return HTMLResponse(page, headers=headers)
        return PlainTextResponse(text.text, headers=headers)

    return router


def _shown(text: LegalText) -> TextShown:
    return TextShown(**{name: value for name, value in asdict(text).items() if name != "company_id"})
