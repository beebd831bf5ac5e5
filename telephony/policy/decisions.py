"""The decisions themselves: a policy, a number and a moment in, an answer out. Nothing is read or counted here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.domain import CallTerms, CompanyProfile, MenuItem
from services.errors import LineError
from services.text.phone_numbers import WITHHELD, region_of
from services.voice.directory import CallOrder
from telephony.policy.fields import text_in
from telephony.policy.hours import open_at
from telephony.policy.numbers import matches
from telephony.policy.policy import Caller, LinePolicy
from telephony.policy.texts import AFTER_HOURS, LOST_CALL
from telephony.policy.tolls import dialable
from telephony.policy.verdicts import Admit, Forward, Permit, Refuse


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands: the zone of its clock, the region of its numbers, and the language of its house."""

    zone: ZoneInfo
    region: str
    language: str

    @classmethod
    def of(cls, company: CompanyProfile, language: str) -> "Place":
        """Return a company's place; `language` is the house's, "" for the company's own. A strange zone is UTC."""
        try:
            zone = ZoneInfo(company.time_zone)
        except (ValueError, OSError, KeyError):
            zone = ZoneInfo("UTC")
        return cls(zone, region_of(company.time_zone, company.language), language or company.language)


def door(policy: LinePolicy, number: str, place: Place, now: datetime) -> Refuse | None:
    """Return why a caller is not answered, None for who may come in as far as lists and hours tell."""
    if listed(policy.block, number, place.region):
        return Refuse("blocked", number=number)
    if policy.allow and not listed(policy.allow, number, place.region):
        return Refuse("not_allowed", number=number)
    if open_at(policy.hours, place.zone, now) or policy.forward.when in ("after_hours", "always"):
        return None
    if policy.outside_hours == "answer":
        return None
    return Refuse("closed", ring_out=policy.outside_hours == "ring", number=number)


def welcome(policy: LinePolicy, number: str, place: Place, now: datetime, rings: int) -> Admit:
    """Return how a caller who may come in is served; `rings` where the policy does not say."""
    caller = caller_of(policy, number, place.region)
    language = caller.language or policy.language
    spoken = language or place.language
    opened = open_at(policy.hours, place.zone, now)
    greeting = text_in(caller.greeting, spoken)
    if not opened:
        greeting = text_in(policy.after_hours_greeting, spoken) or AFTER_HOURS.get(spoken, greeting)
    forward, when = person(policy, place.region), policy.forward.when
    on_request = forward if when == "on_request" else None
    notice, record = consent(policy, spoken)
    terms = CallTerms(
        voice=caller.voice or policy.voice,
        greeting=greeting,
        notice=notice,
        record=record,
        max_seconds=policy.max_call_seconds,
        menu=menu(policy, spoken, place.region),
        transfer_to=on_request.to if on_request else "",
    )
    return Admit(
        persona=caller.persona or policy.persona,
        language=language,
        rings=policy.answer_after_rings or rings,
        terms=terms,
        forward=forward if when == "always" or (when == "after_hours" and not opened) else None,
        on_request=on_request,
        number=number,
    )


def permit(policy: LinePolicy, order: CallOrder, number: str, place: Place) -> Permit:
    """Return how an outgoing call that is allowed is held."""
    caller = caller_of(policy, number, place.region)
    persona = caller.persona or policy.persona
    language = caller.language or policy.language
    notice, record = consent(policy, language or place.language)
    on_request = person(policy, place.region) if policy.forward.when == "on_request" else None
    terms = CallTerms(
        # A voice was chosen for the line's own secretary: another one who was asked for keeps hers.
        voice="" if order.persona not in ("", persona) else caller.voice or policy.voice,
        notice=notice,
        record=record,
        max_seconds=policy.max_call_seconds,
        transfer_to=on_request.to if on_request else "",
        purpose=order.purpose,
        opening=order.opening,
    )
    return Permit(number, order.persona or persona, language, terms, on_request)


def listed(patterns: Sequence[str], number: str, region: str) -> bool:
    """Tell whether any pattern describes a normal number."""
    return any(matches(pattern, number, region) for pattern in patterns)


def caller_of(policy: LinePolicy, number: str, region: str) -> Caller:
    """Return the closest description of a caller, an empty one where there is none; of two alike the first."""
    best = max(policy.callers, key=lambda each: matches(each.number, number, region), default=None)
    if best is None or not matches(best.number, number, region):
        return Caller(number=WITHHELD)
    return best


def person(policy: LinePolicy, region: str) -> Forward | None:
    """Return to whom calls are forwarded, None when to nobody or to what cannot be dialled."""
    rule = policy.forward
    if rule.when == "never":
        return None
    try:
        return Forward(dialable(rule.to, region), rule.how, rule.line)
    except LineError:
        return None


def menu(policy: LinePolicy, language: str, region: str) -> tuple[MenuItem, ...]:
    """Return the menu in `language`; a choice that has no label in it, or nobody to connect with, is left out."""
    items = []
    for choice in policy.menu:
        label, value = text_in(choice.label, language), text_in(choice.value, language)
        if choice.action == "transfer":
            value = _connect_with(policy, value, region)
        if label and (value or choice.action == "message"):
            items.append(MenuItem(choice.key, label, choice.action, value))
    return tuple(items)


def _connect_with(policy: LinePolicy, value: str, region: str) -> str:
    try:
        return dialable(value or policy.forward.to, region)
    except LineError:
        return ""


def consent(policy: LinePolicy, language: str) -> tuple[str, bool | None]:
    """Return the notice before a recording in `language`, and whether to record.

    Where the owner wants a notice that does not exist in the call's language, nothing is recorded.
    """
    if policy.record is False or not policy.consent_notice:
        return "", policy.record
    notice = text_in(policy.consent_notice, language)
    return (notice, policy.record) if notice else ("", False)


def lost_call_text(policy: LinePolicy, company: CompanyProfile, language: str) -> str:
    """Return the message to a caller whose call our own modem failed."""
    text = text_in(policy.lost_call_text, language) or LOST_CALL.get(language, "")
    name = company.fact("name", language) or company.name
    return text.replace("{company}", name)
