"""What a company has used of what costs, and what its limits leave."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.accounts.counter import UsageCounter
from services.accounts.limits import Limits
from services.accounts.plans import NOUNS
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.errors import RefusedError
from services.storage.people.usage import Usage
from services.web.access import require
from services.web.problems import problem_responses

LONGEST_DAYS = 366
_USUAL_DAYS = 30
_KINDS = "|".join(NOUNS)

Reading = Annotated[SignedIn, require("usage", Action.READ)]
Kind = Annotated[
    str, Field(pattern=rf"^({_KINDS})(\.[a-z0-9_-]{{1,32}})?$", examples=["calls"], description="what was used")
]
Day = Annotated[date, Query(ge=date(1970, 1, 1), le=date(2200, 12, 31))]


class UsedOnDay(BaseModel):
    """How much of a kind was used on a day in UTC; `calls.gsm` is the part of `calls` that went over one channel."""

    day: date
    kind: Annotated[str, Field(examples=["calls"])]
    count: int


class UsageReport(BaseModel):
    """The days from `from` to `to`, newest first, all on one page; a day without a count is not listed."""

    model_config = ConfigDict(populate_by_name=True)

    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    items: list[UsedOnDay]
    next_cursor: None = None


class LimitShown(BaseModel):
    """A limit: `left` of `most` within `window` seconds, more in `reset_after` seconds.

    What begins with `user_` is the fair share of each user, as it stands for who asks.
    """

    name: Annotated[str, Field(examples=["calls_per_day"])]
    most: int
    left: int
    window: float
    reset_after: float


class LimitsShown(BaseModel):
    """The company's plan and every limit that holds; what is not listed has none."""

    plan: Annotated[str, Field(examples=["standard"])]
    limits: list[LimitShown]


def usage_router(usage: Usage, counter: UsageCounter, limits: Limits) -> APIRouter:
    """Make the routes /admin/usage and /admin/usage/limits."""
    router = APIRouter(prefix="/admin/usage", tags=["usage"], responses=problem_responses(401, 403, 422, 503))

    @router.get("", summary="What was used")
    async def used(
        who: Reading,
        first: Annotated[Day | None, Query(alias="from", description="29 days before the last one by default")] = None,
        last: Annotated[Day | None, Query(alias="to", description="today by default")] = None,
        kind: Annotated[list[Kind] | None, Query(max_length=20, description="all kinds by default")] = None,
    ) -> UsageReport:
        """Return the company's usage by day and kind; 366 days at most."""
        to = last or counter.today()
        since = first or to - timedelta(days=_USUAL_DAYS - 1)
        if not 0 <= (to - since).days < LONGEST_DAYS:
            raise RefusedError(f"From {since} to {to} is no span of 1 to {LONGEST_DAYS} days.")
        await counter.flush()
        found = await usage.list(who.company_id, since, to, kind or ())
        items = [UsedOnDay(day=each.day, kind=each.kind, count=each.count) for each in found]
        return UsageReport(first=since, last=to, items=items)

    @router.get("/limits", summary="What is left")
    async def left(who: Reading) -> LimitsShown:
        """Return how each limit of the company stands now."""
        return LimitsShown(
            plan=await limits.plan_name(who.company_id),
            limits=[
                LimitShown(
                    name=each.name,
                    most=each.most,
                    left=each.left,
                    window=each.window,
                    reset_after=round(each.reset_after, 3),
                )
                for each in await limits.standings(who.company_id, who.id)
            ],
        )

    return router
