"""Whom a line may write to and answer: by its settings alone, or by the policy its owner has laid down."""

from dataclasses import replace
from typing import Protocol

from services.domain import CompanyProfile
from services.text.phone_numbers import normal, region_of
from telephony.policy.decisions import caller_of, listed
from telephony.policy.policy import LinePolicy
from telephony.sms.fields import dialable
from telephony.sms.rules import SmsRules
from telephony.sms.settings import SmsSettings


class TextDoor(Protocol):
    """What is allowed; asked for each message, so that a change acts on the next one."""

    async def rules(self, number: str = "") -> SmsRules:
        """Return what holds for `number`; never raises."""
        ...

    async def permit(self, number: str) -> str:
        """Count a message to `number` and return the number to write to. Raises LineError when it may not be sent."""
        ...

    async def persona(self, number: str) -> str:
        """Return the slug of the persona that answers `number`, "" for the language's own; never raises."""
        ...


class OpenDoor:
    """A TextDoor without a policy."""

    def __init__(self, settings: SmsSettings | None = None) -> None:
        self._rules = SmsRules.of(settings or SmsSettings())

    async def rules(self, number: str = "") -> SmsRules:  # noqa: ARG002
        """Return what the settings say."""
        return self._rules

    async def permit(self, number: str) -> str:
        """Return the number without separators. Raises LineError for what is no number."""
        return dialable(number)

    async def persona(self, number: str) -> str:  # noqa: ARG002
        """Leave it to the language."""
        return ""


class Policies(Protocol):
    """Who knows the line's policy and counts what it sends (telephony.policy.gatekeeper.Gatekeeper)."""

    async def policy(self, line: str, company_id: str) -> LinePolicy:
        """Return what is in force now; never raises."""
        ...

    async def text_out(self, line: str, company_id: str, to: str) -> str:
        """Count a message and return the number to write to. Raises LineError."""
        ...


class PolicyDoor:
    """A TextDoor by the line's policy; what the policy does not say is as the settings say."""

    def __init__(
        self, policies: Policies, line: str, company: CompanyProfile, settings: SmsSettings | None = None
    ) -> None:
        self._policies = policies
        self._line = line
        self._company_id = company.id
        self._region = region_of(company.time_zone, company.language)
        self._settings = settings or SmsSettings()

    async def rules(self, number: str = "") -> SmsRules:
        """Return what holds for `number`; never raises."""
        policy = await self._policies.policy(self._line, self._company_id)
        settings, sms = self._settings, policy.sms
        return replace(
            SmsRules.of(settings),
            answer=settings.answer and sms.answer,
            answers_per_hour=min(settings.answers_per_hour, sms.per_number_per_hour),
            reports=settings.reports and sms.delivery_reports,
            blocked=listed(policy.block, normal(number, self._region), self._region),
        )

    async def permit(self, number: str) -> str:
        """Count a message to `number` and return the number to write to. Raises LineError when it may not be sent."""
        return await self._policies.text_out(self._line, self._company_id, number)

    async def persona(self, number: str) -> str:
        """Return the slug of the persona that answers `number`, "" for the language's own; never raises."""
        policy = await self._policies.policy(self._line, self._company_id)
        caller = caller_of(policy, normal(number, self._region), self._region)
        return caller.persona or policy.persona
