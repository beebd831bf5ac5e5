"""What is known of a line: read anew for each call, and remembered for when the database is away."""

from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar

import structlog

from services.domain import CompanyProfile
from services.errands import Errands
from services.errors import LineError, SecretaryError
from telephony.policy.company_hours import with_company_hours
from telephony.policy.decisions import Place
from telephony.policy.policy import LinePolicy
from telephony.policy.reading import policy_of

READ_SECONDS = 0.5
"""What a ringing phone waits for a policy before the one that was read last is used."""
CHECK_SECONDS = 5.0
"""A call or message of our own can wait longer, but does not go out unchecked."""

T = TypeVar("T")

log = structlog.get_logger()


class LineBook(Protocol):
    """Where the policies of lines are kept (services.storage.calls.lines.Lines)."""

    async def policy(self, company_id: str, name: str) -> Mapping[str, Any] | None:
        """Return a line's policy as it was stored, None when there is no such line. Raises StorageError."""
        ...


class CompanyBook(Protocol):
    """Where companies are described (services.storage.people.companies.Companies)."""

    async def profile(self, company_id: str) -> CompanyProfile | None:
        """Return the company's profile, None when there is no such company. Raises StorageError."""
        ...


class Known:
    """Policies and companies; `language` is the house's, "" for each company's own."""

    def __init__(self, lines: LineBook, companies: CompanyBook, errands: Errands, language: str = "") -> None:
        self._lines = lines
        self._companies = companies
        self._errands = errands
        self._language = language
        self._policies: dict[tuple[str, str], LinePolicy] = {}
        self._profiles: dict[str, CompanyProfile] = {}

    async def refresh(self, line: str, company_id: str) -> bool:
        """Read a line's policy and its company; False when that took too long or failed. Never raises."""
        try:
            await self._errands.within(READ_SECONDS, self._read(line, company_id))
        except Exception as error:  # a driver's own errors, too: the phone is ringing
            log.warning("the policy that was read last is used", line=line, error=str(error))
            return False
        return True

    async def check(self, line: str, company_id: str) -> None:
        """Read a line's policy and its company. Raises LineError when they cannot be read."""
        await self.ask(self._read(line, company_id))

    async def ask(self, reading: Coroutine[Any, Any, T]) -> T:
        """Return what is read. Raises LineError when it cannot be: then nothing may go out."""
        try:
            return await self._errands.within(CHECK_SECONDS, reading)
        except Exception as error:
            if not isinstance(error, SecretaryError):
                log.exception("a line's limits cannot be checked")
            raise LineError(
                f"Nothing is called or written to while its limits cannot be checked. {error}", "Try again later."
            ) from error

    def policy(self, line: str, company_id: str) -> LinePolicy:
        """Return the policy that was read last, the default one when none ever was; its hours, or the company's."""
        policy = self._policies.get((company_id, line)) or LinePolicy()
        return with_company_hours(policy, self.company(company_id))

    def company(self, company_id: str) -> CompanyProfile:
        """Return the company that was read last, a nameless one when it never was."""
        return self._profiles.get(company_id) or CompanyProfile(company_id, "", self._language, "")

    def place(self, company_id: str) -> Place:
        """Return where the company stands."""
        return Place.of(self.company(company_id), self._language)

    async def _read(self, line: str, company_id: str) -> None:
        profile = await self._companies.profile(company_id)
        if profile is not None:
            self._profiles[company_id] = profile
        self._policies[company_id, line] = policy_of(await self._lines.policy(company_id, line))
