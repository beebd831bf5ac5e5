import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from policy_house import COMPANY, LINE, MONDAY_NOON, PolicyHouse, open_policy_house
from virtual_time import run_virtually

from services.clock import LoopClock
from services.domain import CompanyProfile, MenuItem
from services.errands import Errands
from services.errors import StorageError
from services.storage.calls.lines import Lines
from telephony.policy.gatekeeper import Admit, Forward, Gatekeeper, Refuse

CALLER = "+79161234567"
NIGHT = MONDAY_NOON + timedelta(hours=11)
OFFICE_HOURS = {day: ["09:00-18:00"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[PolicyHouse]:
    async with open_policy_house(tmp_path) as opened:
        yield opened


async def admit(keeper: Gatekeeper, number: str = CALLER) -> Admit:
    verdict = await keeper.incoming(LINE, COMPANY, number)
    assert isinstance(verdict, Admit)
    return verdict


async def refuse(keeper: Gatekeeper, number: str = CALLER) -> Refuse:
    verdict = await keeper.incoming(LINE, COMPANY, number)
    assert isinstance(verdict, Refuse)
    return verdict


async def test_without_a_policy_everybody_is_answered(house: PolicyHouse) -> None:
    keeper = house.gatekeeper(rings=3)
    verdict = await admit(keeper, "8 (916) 123-45-67")
    assert (verdict.number, verdict.persona, verdict.language, verdict.rings) == (CALLER, "", "", 3)
    assert (verdict.terms.greeting, verdict.terms.record, verdict.terms.max_seconds) == ("", None, None)
    assert verdict.forward is None
    assert (await admit(keeper, "")).number == ""


async def test_an_edit_acts_on_the_next_call(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await admit(keeper)
    await house.lay_down({"block": [CALLER]})
    assert (await refuse(keeper)).reason == "blocked"
    await house.lay_down({"persona": "marina", "answer_after_rings": 4, "max_call_seconds": 60})
    verdict = await admit(keeper)
    assert (verdict.persona, verdict.rings, verdict.terms.max_seconds) == ("marina", 4, 60)


async def test_who_is_blocked_and_who_is_not_on_the_list(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"allow": ["+7916*"], "block": ["8 916 123-45-67"]})
    assert await refuse(keeper, "79161234567") == Refuse("blocked", number=CALLER), "the block list wins"
    await admit(keeper, "+79160000001")
    assert (await refuse(keeper, "+79991234567")).reason == "not_allowed"
    assert (await refuse(keeper, "")).reason == "not_allowed"
    await house.lay_down({"block": ["withheld"]})
    assert (await refuse(keeper, "")).reason == "blocked"
    await admit(keeper, CALLER)


async def test_outside_hours_the_owner_s_wish_counts(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    hours = {"hours": OFFICE_HOURS}
    await house.lay_down({**hours, "outside_hours": "reject"})
    await admit(keeper)
    house.clock.time = NIGHT
    assert await refuse(keeper) == Refuse("closed", ring_out=False, number=CALLER)
    await house.lay_down({**hours, "outside_hours": "ring"})
    assert (await refuse(keeper)).ring_out
    await house.lay_down({**hours, "after_hours_greeting": {"ru": "Мы закрыты."}})
    assert (await admit(keeper)).terms.greeting == "Мы закрыты."
    await house.lay_down(hours)
    assert "не работаем" in (await admit(keeper)).terms.greeting
    await house.lay_down({**hours, "language": "en", "after_hours_greeting": {"ru": "Мы закрыты."}})
    assert "We are closed" in (await admit(keeper)).terms.greeting


async def test_the_closest_description_of_a_caller_counts(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    callers = [
        {"number": "*", "persona": "anna"},
        {
            "number": "+7916*",
            "persona": "marina",
            "voice": "piper:irina",
            "greeting": {"ru": "Добрый день, {company}."},
        },
        {"number": "8 916 123 45 67", "persona": "emma", "language": "en", "greeting": {"ru": "Рада слышать."}},
        {"number": "withheld", "voice": "piper:ruslan"},
    ]
    await house.lay_down({"persona": "house", "voice": "piper:house", "callers": callers})
    emma = await admit(keeper, CALLER)
    assert (emma.persona, emma.language, emma.terms.voice, emma.terms.greeting) == ("emma", "en", "piper:house", "")
    marina = await admit(keeper, "+79160000001")
    assert (marina.persona, marina.terms.voice) == ("marina", "piper:irina")
    assert marina.terms.greeting == "Добрый день, {company}."
    assert (await admit(keeper, "+74950000001")).persona == "anna"
    withheld = await admit(keeper, "anonymous")
    assert (withheld.persona, withheld.terms.voice) == ("house", "piper:ruslan")


@pytest.mark.parametrize(
    ("policy", "notice", "record"),
    [
        ({}, "", None),
        ({"consent_notice": "Запись."}, "Запись.", None),
        ({"consent_notice": {"ru": "Запись."}, "record": True}, "Запись.", True),
        ({"consent_notice": {"ru": "Запись."}, "record": False}, "", False),
        (
            {"consent_notice": {"en": "Recorded."}, "record": True},
            "",
            False,
        ),  # no notice in this language: no recording
    ],
)
async def test_what_is_recorded_is_announced(
    house: PolicyHouse, policy: dict[str, Any], notice: str, record: bool | None
) -> None:
    await house.lay_down(policy)
    terms = (await admit(house.gatekeeper())).terms
    assert (terms.notice, terms.record) == (notice, record)


async def test_a_call_goes_to_a_person_when_the_owner_says(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    rule = {"to": "8 916 000-00-01", "how": "line", "line": "gsm-2"}
    person = Forward("+79160000001", "line", "gsm-2")
    wishes = {"hours": OFFICE_HOURS, "outside_hours": "reject"}
    await house.lay_down({**wishes, "forward": {**rule, "when": "on_request"}})
    verdict = await admit(keeper)
    assert (verdict.forward, verdict.on_request, verdict.terms.transfer_to) == (None, person, "+79160000001")
    await house.lay_down({**wishes, "forward": {**rule, "when": "after_hours"}})
    assert (await admit(keeper)).forward is None
    house.clock.time = NIGHT
    verdict = await admit(keeper)
    assert (verdict.forward, verdict.on_request, verdict.terms.transfer_to) == (person, None, "")
    house.clock.time = MONDAY_NOON
    await house.lay_down({**wishes, "forward": {**rule, "when": "always"}})
    assert (await admit(keeper)).forward == person
    await house.lay_down({**wishes, "forward": rule})
    assert (await admit(keeper)).forward is None


async def test_the_menu_is_in_the_language_of_the_call(house: PolicyHouse) -> None:
    menu = [
        {
            "key": "1",
            "label": {"ru": "часы", "en": "hours"},
            "action": "say",
            "value": {"ru": "С девяти.", "en": "At 9."},
        },
        {"key": "2", "label": {"ru": "цены"}, "action": "say", "value": "Сто."},
        {"key": "0", "label": "?", "action": "transfer", "value": "8 916 000-00-01"},
        {"key": "9", "label": "?", "action": "transfer"},  # nobody is named for the line
        {"key": "*", "label": "?", "action": "message"},
    ]
    await house.lay_down({"menu": menu, "callers": [{"number": CALLER, "language": "en"}]})
    keeper = house.gatekeeper()
    last = (MenuItem("0", "?", "transfer", "+79160000001"), MenuItem("*", "?", "message"))
    english = (await admit(keeper)).terms.menu
    assert english == (MenuItem("1", "hours", "say", "At 9."), *last)
    russian = (await admit(keeper, "+79160000002")).terms.menu
    assert russian == (MenuItem("1", "часы", "say", "С девяти."), MenuItem("2", "цены", "say", "Сто."), *last)


async def test_too_many_calls_of_one_caller_within_an_hour(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"calls_per_hour": 2})
    await house.call(CALLER, ago=timedelta(minutes=61))
    await house.call(CALLER, "rejected")
    await house.call(CALLER, direction="out")
    await house.call(CALLER, line="gsm-2")
    await house.call("79161234567", "missed", ago=timedelta(minutes=59))  # told without the plus
    await admit(keeper)
    await house.call(CALLER, "")
    assert (await refuse(keeper)).reason == "too_many"
    await admit(keeper, "+79160000001")
    house.clock.time += timedelta(minutes=2)
    await admit(keeper)


async def test_withheld_numbers_are_counted_together(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"calls_per_hour": 1})
    await house.call("", "missed")
    assert (await refuse(keeper, "")).reason == "too_many"
    await admit(keeper)


class Broken:
    """Books that go away."""

    def __init__(self, house: PolicyHouse) -> None:
        self._lines = Lines(house.database)
        self.trouble: Exception | None = None

    async def policy(self, company_id: str, name: str) -> Mapping[str, Any] | None:
        if self.trouble:
            raise self.trouble
        return await self._lines.policy(company_id, name)

    async def calls_from(self, *_: object) -> int:
        raise StorageError("The disk is full.")

    async def profile(self, company_id: str) -> CompanyProfile | None:
        raise StorageError("The disk is full.")


@pytest.mark.parametrize("trouble", [StorageError("The disk is full."), RuntimeError("a driver's own")])
async def test_with_the_database_away_the_last_policy_is_used(house: PolicyHouse, trouble: Exception) -> None:
    books = Broken(house)
    keeper = house.gatekeeper(lines=books)
    await house.lay_down({"block": [CALLER], "persona": "marina"})
    assert (await refuse(keeper)).reason == "blocked"
    books.trouble = trouble
    assert (await refuse(keeper, "89161234567")).reason == "blocked"
    assert (await admit(keeper, "+79160000001")).persona == "marina"
    assert (await keeper.policy(LINE, COMPANY)).persona == "marina"


async def test_with_the_database_away_from_the_start_the_phone_is_answered(house: PolicyHouse) -> None:
    books = Broken(house)
    books.trouble = StorageError("The disk is full.")
    keeper = house.gatekeeper(lines=books, companies=books, language="en")
    verdict = await admit(keeper)
    assert (verdict.number, verdict.persona, verdict.rings) == (CALLER, "", 1)


async def test_a_policy_that_nobody_can_read_stops_no_call(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"persona": "marina"})
    await admit(keeper)
    await Lines(house.database).set_policy(COMPANY, LINE, {"field_of_a_later_version": 1})
    assert (await admit(keeper)).persona == "marina"
    assert (await admit(house.gatekeeper())).persona == ""


async def test_calls_that_cannot_be_counted_are_answered(house: PolicyHouse) -> None:
    await house.lay_down({"calls_per_hour": 1})
    await house.call(CALLER)
    await admit(house.gatekeeper(calls=Broken(house)))


class Slow:
    """Books that do not answer; with `policies` only the history is slow."""

    def __init__(self, policies: Mapping[str, Any] | None = None) -> None:
        self._policies = policies

    async def policy(self, company_id: str, name: str) -> Mapping[str, Any] | None:
        return self._policies if self._policies is not None else await self._never()

    async def calls_from(self, *_: object) -> int:
        return await self._never()

    async def profile(self, company_id: str) -> CompanyProfile | None:
        return None

    async def _never(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize("policies", [None, {"calls_per_hour": 1}])
def test_a_slow_database_holds_a_caller_up_for_less_than_a_second(policies: Mapping[str, Any] | None) -> None:
    async def ring() -> float:
        books, clock, errands = Slow(policies), LoopClock(), Errands()
        began = clock.monotonic()
        await admit(Gatekeeper(books, books, books, clock, errands))  # type: ignore[arg-type]
        took = clock.monotonic() - began
        await errands.close()
        return took

    assert 0.3 < run_virtually(ring()) < 1.0


async def test_a_lost_caller_gets_what_the_owner_wants(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    assert (await keeper.lost_call(LINE, COMPANY))[0] == "nothing"
    await house.lay_down({"lost_call": "sms"})
    wish, text = await keeper.lost_call(LINE, COMPANY)
    assert wish == "sms"
    assert text.startswith("Пекарня: звонок прервался")
    assert (await keeper.lost_call(LINE, COMPANY, "en"))[1].startswith("The Bakery: your call was cut off")
    await house.lay_down({"lost_call": "call_back", "lost_call_text": "{company} перезвонит."})
    assert await keeper.lost_call(LINE, COMPANY) == ("call_back", "Пекарня перезвонит.")
