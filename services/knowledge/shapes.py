"""FAQ matches and where the entries come from."""

from dataclasses import dataclass
from typing import Protocol

from services.domain import FaqEntry


@dataclass(frozen=True, slots=True)
class FaqMatch:
    """A candidate: `score` is 0..1."""

    entry: FaqEntry
    score: float


class FaqSource(Protocol):
    """Where the entries of a company come from."""

    async def entries(self, company_id: str) -> list[FaqEntry]:
        """Return the enabled entries of a company."""
        ...

    async def revision(self, company_id: str) -> str:
        """Return a mark that changes whenever the entries change, so that an index is rebuilt only then."""
        ...
