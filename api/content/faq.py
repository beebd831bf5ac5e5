"""The FAQ: what the secretary answers by itself."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.calls.shapes import PRINTED
from api.content.text_shapes import Edit, Language, LineOfText, LongText
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.domain import FaqEntry
from services.knowledge.faq import FaqMatcher
from services.storage.content.faq import FaqEntries, FaqRecord
from services.storage.people.companies import Companies
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

EntryId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_.-]{1,64}$")]
Reading = Annotated[SignedIn, require("faq", Action.READ)]
Editing = Annotated[SignedIn, require("faq", Action.EDIT)]
Deleting = Annotated[SignedIn, require("faq", Action.DELETE)]

Answer = Annotated[LongText, Field(min_length=1, examples=["From nine to six, on Saturdays until two."])]
Question = Annotated[LineOfText, Field(examples=["When are you open?"])]
Alternatives = Annotated[list[LineOfText], Field(max_length=50, examples=[["What are your hours?"]])]


class NewEntry(BaseModel):
    """A question with its answer, and other ways to ask it."""

    model_config = ConfigDict(extra="forbid")

    question: Question
    answer: Answer
    alternatives: Alternatives = []
    language: Language
    enabled: bool = True


class EntryEdit(Edit):
    """What is to be changed of an entry."""

    question: Question | None = None
    answer: Answer | None = None
    alternatives: Alternatives | None = None
    language: Language | None = None
    enabled: bool | None = None


class EntryShown(BaseModel):
    """An entry; one that is not enabled answers nobody."""

    id: str
    question: str
    answer: str
    alternatives: list[str]
    language: str
    enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime


class FaqQuery(BaseModel):
    """What somebody may say; without a language it is taken for the company's."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(min_length=1, max_length=500, pattern=rf"^{PRINTED}+$", examples=["are you open?"])]
    language: Language | None = None
    limit: Annotated[int, Field(ge=1, le=20)] = 5


class MatchShown(BaseModel):
    """A candidate; `score` is 0 to 1, and `answers` tells whether the secretary would answer with it."""

    id: str
    question: str
    answer: str
    language: str
    score: float
    answers: bool


def faq_router(entries: FaqEntries, companies: Companies, matcher: FaqMatcher) -> APIRouter:
    """Make the routes /admin/faq."""
    router = APIRouter(prefix="/admin/faq", tags=["faq"], responses=problem_responses(401, 403, 422, 503))

    @router.get("", summary="List FAQ entries")
    async def listed(
        who: Reading, page: AskedPage, language: Language | None = None, enabled: bool | None = None
    ) -> Page[EntryShown]:
        """List entries, newest first, those that are switched off included."""
        found, cursor = await entries.list(
            who.company_id, page.limit, page.cursor, language=language or "", enabled=enabled
        )
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.post("", status_code=201, summary="Add an FAQ entry")
    async def added(who: Editing, response: Response, given: NewEntry) -> EntryShown:
        """Add an entry; it counts from the next question on."""
        entry = FaqEntry("", given.question, given.answer, given.language, tuple(given.alternatives), given.enabled)
        stored = await entries.add(who.company_id, entry)
        response.headers["Location"] = f"/admin/faq/{stored.entry.id}"
        return _given(response, stored)

    @router.post("/search", summary="Try the FAQ")
    async def search(who: Reading, wanted: FaqQuery) -> Page[MatchShown]:
        """Return the entries that fit, the best first, however unlikely, with what the secretary thinks of each."""
        language = wanted.language or await _language(companies, who.company_id)
        found = await matcher.match(who.company_id, wanted.query, language, wanted.limit)
        sure = {match.entry.id for match in await matcher.answers(who.company_id, wanted.query, language)}
        return Page(
            items=[
                MatchShown(
                    id=match.entry.id,
                    question=match.entry.question,
                    answer=match.entry.answer,
                    language=match.entry.language,
                    score=round(min(1.0, max(0.0, match.score)), 4),
                    answers=match.entry.id in sure,
                )
                for match in found
            ],
            next_cursor=None,
        )

    @router.get("/{entry_id}", summary="Show an FAQ entry", responses=problem_responses(404))
    async def shown(who: Reading, response: Response, entry_id: EntryId) -> EntryShown:
        """Return one entry; the ETag is for changing it."""
        return _given(response, await entries.get(who.company_id, entry_id))

    @edit_route(router, "/{entry_id}", summary="Change an FAQ entry", responses=problem_responses(404, 412))
    async def edited(
        who: Editing, response: Response, entry_id: EntryId, given: EntryEdit, version: ExpectedVersion
    ) -> EntryShown:
        """Change what is given; it counts from the next question on."""
        return _given(response, await entries.edit(who.company_id, entry_id, given.changes(), version))

    @router.delete("/{entry_id}", status_code=204, summary="Delete an FAQ entry", responses=problem_responses(404, 412))
    async def deleted(who: Deleting, entry_id: EntryId, version: ExpectedVersion) -> None:
        """Delete an entry."""
        await entries.remove(who.company_id, entry_id, version)

    return router


async def _language(companies: Companies, company_id: str) -> str:
    company = await companies.profile(company_id)
    return company.language if company is not None else ""


def _given(response: Response, stored: FaqRecord) -> EntryShown:
    give_etag(response, stored.version)
    return _shown(stored)


def _shown(stored: FaqRecord) -> EntryShown:
    entry = stored.entry
    return EntryShown(
        id=entry.id,
        question=entry.question,
        answer=entry.answer,
        alternatives=list(entry.alternatives),
        language=entry.language,
        enabled=entry.enabled,
        version=stored.version,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
