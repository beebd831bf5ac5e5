"""HTTP of the telephone lines: what is laid down for each, and its text messages."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Protocol

import structlog
from fastapi import APIRouter, Body, Header, HTTPException, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.domain import Persona
from services.errors import LineError, SettingsError
from services.storage import cursor as cursors
from services.storage.calls.lines import LineRecord
from services.storage.texts.records import TextMessage
from services.web.access import require
from services.web.idempotency import Idempotent, IdempotentRoute
from services.web.limits import limited
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses
from telephony.policy.policy import LinePolicy
from telephony.policy.reading import policy_of, read_policy, stored_form

log = structlog.get_logger()

_ETAG = re.compile(r'"([0-9]{1,18})"')
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LinePolicy"}}},
    }
}

LineName = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
Reading = Annotated[SignedIn, require("gsm", Action.READ)]
Editing = Annotated[SignedIn, require("gsm", Action.EDIT)]
Writing = Annotated[SignedIn, require("texts", Action.ACT)]
ReadingTexts = Annotated[SignedIn, require("texts", Action.READ)]


class PolicyBook(Protocol):
    """Where the lines are kept (services.storage.calls.lines.Lines)."""

    async def get(self, company_id: str, name: str) -> LineRecord | None:
        """Return one line."""
        ...

    async def set_policy(
        self, company_id: str, name: str, policy: Mapping[str, Any], version: int | None = None
    ) -> LineRecord | None:
        """Replace a line's policy; None when it has not that version any more."""
        ...


class PersonaBook(Protocol):
    """Where personas are kept (services.storage.content.personas.Personas)."""

    async def get(self, company_id: str, slug: str) -> Persona | None:
        """Return one persona."""
        ...


class TextBook(Protocol):
    """Where text messages are kept (services.storage.texts.messages.TextMessages)."""

    async def list(
        self, company_id: str, limit: int = 50, *, number: str = "", line: str = "", before: datetime | None = None
    ) -> Sequence[TextMessage]:
        """Return the newest messages first."""
        ...


class TextSender(Protocol):
    """Who sends the text messages of a line (telephony.sms.service.SmsService)."""

    async def send(self, number: str, text: str, purpose: str = "") -> str:
        """Queue a message and return its id. Raises LineError."""
        ...


class TextRequest(BaseModel):
    """A text message to send."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(min_length=2, max_length=40, examples=["+79161234567"])]
    text: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]+$", examples=["Your order is ready."])]


class TextQueued(BaseModel):
    """A message that waits to be sent."""

    id: str


class TextShown(BaseModel):
    """A text message, see services.storage.texts.records.TextMessage."""

    id: str
    line: str
    direction: str
    number: str
    text: str
    kind: str
    status: str
    error: str
    attempts: int
    purpose: str
    reply_to: str
    answered: bool
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None


def lines_router(
    lines: PolicyBook, personas: PersonaBook, texts: TextBook, sender: Callable[[str, str], TextSender | None]
) -> APIRouter:
    """Make the routes /admin/gsm/{line}/policy and sms; `sender` gives a company's line, None when it has none."""
    router = APIRouter(
        prefix="/admin/gsm/{line}",
        tags=["lines"],
        responses=problem_responses(401, 403, 404, 422, 503),
        route_class=IdempotentRoute,
    )

    async def known(company_id: str, line: str) -> LineRecord:
        found = await lines.get(company_id, line)
        if found is None:
            raise HTTPException(404, f"There is no line {line!r}.")
        return found

    @router.get("/policy", summary="Read the policy of a line")
    async def policy(who: Reading, line: LineName, response: Response) -> LinePolicy:
        """Return what is laid down for a line, defaults included; the ETag is for changing it."""
        found = await known(who.company_id, line)
        response.headers["ETag"] = f'"{found.version}"'
        return policy_of(found.policy)

    @router.put(
        "/policy", summary="Replace the policy of a line", responses=problem_responses(412, 428), openapi_extra=_BODY
    )
    async def changed(
        who: Editing,
        line: LineName,
        response: Response,
        given: Annotated[Any, Body()],
        if_match: Annotated[
            str, Header(max_length=64, description="the ETag that was read; * changes it blindly")
        ] = "",
    ) -> LinePolicy:
        """Replace it, from the next call on. What is left out gets its default. 412: somebody else changed it."""
        await known(who.company_id, line)
        version = _version(if_match)
        try:
            wanted = read_policy(given)
            await _expect_personas(personas, who.company_id, wanted)
        except SettingsError as error:
            raise HTTPException(422, str(error)) from None
        stored = await lines.set_policy(who.company_id, line, stored_form(wanted), version)
        if stored is None:
            raise HTTPException(412, "The policy was changed since it was read. Read it again.")
        log.info("a line's policy was changed", line=line, version=stored.version, user=who.username)
        response.headers["ETag"] = f'"{stored.version}"'
        return wanted

    @router.post("/sms", status_code=202, summary="Send a text message", responses=problem_responses(409))
    async def send(
        who: Writing,
        _once: Idempotent,
        _limited: Annotated[None, limited("texts_per_day", "sms")],
        line: LineName,
        wanted: TextRequest,
    ) -> TextQueued:
        """Send a text message, as soon as the modem can. 409 says why not: the line's policy, an empty text."""
        await known(who.company_id, line)
        texting = sender(who.company_id, line)
        if texting is None:
            raise LineError(f"The line {line!r} sends no text messages now.", "GET /admin/gsm tells how it is.")
        queued = await texting.send(wanted.to, wanted.text)
        log.info("a text message was queued", message=queued, line=line, user=who.username)
        return TextQueued(id=queued)

    @router.get("/sms", summary="List text messages")
    async def messages(
        who: ReadingTexts,
        line: LineName,
        page: AskedPage,
        number: Annotated[str, Query(pattern=r"^[^\x00]{0,64}$", description="only those with this number")] = "",
    ) -> Page[TextShown]:
        """List a line's text messages, newest first."""
        await known(who.company_id, line)
        before = cursors.decode(page.cursor)[0] if page.cursor else None
        found = await texts.list(who.company_id, page.limit + 1, number=number, line=line, before=before)
        items = [TextShown(**{name: asdict(each)[name] for name in TextShown.model_fields}) for each in found]
        more = len(items) > page.limit
        last = items[page.limit - 1] if more else None
        return Page(
            items=items[: page.limit],
            next_cursor=cursors.encode(last.created_at, last.id) if last is not None else None,
        )

    return router


def _version(if_match: str) -> int | None:
    """Return the version that is to be replaced, None for whichever there is."""
    if if_match == "*":
        return None
    found = _ETAG.fullmatch(if_match)
    if not if_match:
        raise HTTPException(428, "Send the ETag of the policy that is to be replaced as If-Match.")
    if found is None:
        raise HTTPException(412, "If-Match is not an ETag of this policy.")
    return int(found[1])


async def _expect_personas(personas: PersonaBook, company_id: str, policy: LinePolicy) -> None:
    """Raise SettingsError for a persona that does not exist: the call would be taken by somebody else."""
    named = {policy.persona, *(caller.persona for caller in policy.callers)}
    named |= {str(choice.value) for choice in policy.menu if choice.action == "persona"}
    for slug in sorted(named - {""}):
        if await personas.get(company_id, slug) is None:
            raise SettingsError(f"The policy names the persona {slug!r}, which there is not.")
