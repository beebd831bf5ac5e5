"""Companies: made, changed, deactivated, removed by an owner; the own one changed by its administrator."""

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Query, Response

from api.people.company_shapes import CompanyEdit, CompanyShown, NewCompany, OwnersCompanyEdit, shown
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.dialogue.personas import seed_personas
from services.knowledge.seed import seed_faq
from services.retention.eraser import Eraser
from services.settings import LANGUAGES
from services.storage.books import Books
from services.storage.people.companies import CompanyRecord
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

CompanyId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Changed = Callable[[str], None]

log = structlog.get_logger()


def companies_router(books: Books, eraser: Eraser, changed: Changed) -> APIRouter:
    """Make the routes /admin/companies; `changed` is told whose plan or settings are others now."""
    router = APIRouter(prefix="/admin/companies", tags=["companies"], responses=problem_responses(401, 403, 422, 503))
    _add_own(router, books, changed)
    _add_all(router, books)
    _add_one(router, books, eraser, changed)
    return router


def _add_own(router: APIRouter, books: Books, changed: Changed) -> None:
    @router.get("/current", summary="Show the own company", responses=problem_responses(404))
    async def current(who: Annotated[SignedIn, require("company", Action.READ)], response: Response) -> CompanyShown:
        """Return the company in which is asked."""
        return _told(response, await books.companies.get(who.company_id))

    @edit_route(router, "/current", summary="Change the own company", responses=problem_responses(404, 412))
    async def current_edited(
        who: Annotated[SignedIn, require("company", Action.EDIT)],
        response: Response,
        expected: ExpectedVersion,
        edit: CompanyEdit,
    ) -> CompanyShown:
        """Change what is given of the company in which is asked. New facts and hours count from the next call on."""
        company = await books.companies.edit(who.company_id, edit.changes(), expected)
        changed(company.id)
        return _told(response, company)


def _add_all(router: APIRouter, books: Books) -> None:
    @router.get("", summary="List the companies")
    async def listed(_: Annotated[SignedIn, require("companies", Action.READ)], page: AskedPage) -> Page[CompanyShown]:
        """List the companies, newest first."""
        found, cursor = await books.companies.list(page.limit, page.cursor)
        return Page(items=[shown(each) for each in found], next_cursor=cursor)

    @router.post("", status_code=201, summary="Make a company")
    async def added(
        who: Annotated[SignedIn, require("companies", Action.EDIT)], response: Response, wanted: NewCompany
    ) -> CompanyShown:
        """Make a company, with the personas and questions every company begins with."""
        entries = [entry for language in LANGUAGES for entry in seed_faq(language)]
        company = await books.founding.found(wanted.values(), seed_personas(), entries)
        response.headers["Location"] = f"/admin/companies/{company.id}"
        log.info("a company was made", company=company.id, user=who.username)
        return _told(response, company)


def _add_one(router: APIRouter, books: Books, eraser: Eraser, changed: Changed) -> None:
    @router.get("/{company_id}", summary="Show a company", responses=problem_responses(404))
    async def one(
        _: Annotated[SignedIn, require("companies", Action.READ)], response: Response, company_id: CompanyId
    ) -> CompanyShown:
        """Return a company."""
        return _told(response, await books.companies.get(company_id))

    @edit_route(router, "/{company_id}", summary="Change a company", responses=problem_responses(404, 412))
    async def edited(
        _: Annotated[SignedIn, require("companies", Action.EDIT)],
        response: Response,
        company_id: CompanyId,
        expected: ExpectedVersion,
        edit: OwnersCompanyEdit,
    ) -> CompanyShown:
        """Change what is given of a company, its plan and its limits."""
        company = await books.companies.edit(company_id, edit.changes(), expected)
        changed(company.id)
        return _told(response, company)

    @router.post("/{company_id}/deactivate", summary="Deactivate a company", responses=problem_responses(404, 409))
    async def deactivated(
        who: Annotated[SignedIn, require("companies", Action.ACT)], response: Response, company_id: CompanyId
    ) -> CompanyShown:
        """Let nobody of the company in: sign-ins, sessions and keys are void. Its calls are answered all the same."""
        company = await books.companies.set_active(company_id, False)
        log.info("a company was deactivated", company=company_id, user=who.username)
        return _told(response, company)

    @router.post("/{company_id}/activate", summary="Activate a company", responses=problem_responses(404))
    async def activated(
        who: Annotated[SignedIn, require("companies", Action.ACT)], response: Response, company_id: CompanyId
    ) -> CompanyShown:
        """Let the people of the company in again."""
        company = await books.companies.set_active(company_id, True)
        log.info("a company was activated", company=company_id, user=who.username)
        return _told(response, company)

    @router.delete("/{company_id}", status_code=204, summary="Delete a company", responses=problem_responses(404, 409))
    async def deleted(
        who: Annotated[SignedIn, require("companies", Action.DELETE)],
        company_id: CompanyId,
        everything: Annotated[bool, Query(description="people, calls and recordings, too")] = False,
    ) -> None:
        """Delete a company for good. 409 while it has people or calls, unless `everything` is to go."""
        await eraser.erase_company(company_id, everything=everything)
        log.info("a company was deleted", company=company_id, user=who.username)


def _told(response: Response, company: CompanyRecord) -> CompanyShown:
    give_etag(response, company.version)
    return shown(company)
