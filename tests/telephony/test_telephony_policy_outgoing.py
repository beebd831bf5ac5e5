import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from policy_house import COMPANY, LINE, MONDAY_NOON, PolicyHouse, open_policy_house

from services.errors import LineError, StorageError
from services.storage.calls.lines import Lines
from services.voice.directory import CallOrder
from telephony.policy.gatekeeper import Gatekeeper, Permit

FRIEND, STRANGER = "+79161234567", "+79160000001"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[PolicyHouse]:
    async with open_policy_house(tmp_path) as opened:
        yield opened


async def dial(keeper: Gatekeeper, to: str = STRANGER, **more: Any) -> Permit:
    return await keeper.outgoing(LINE, CallOrder(COMPANY, to, **more))


async def test_without_a_policy_only_who_called_is_called(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.call("89161234567", "missed", ago=timedelta(days=29), line="gsm-2")
    await house.call(STRANGER, "rejected")
    await house.call("+442079460012")
    await house.message("+79160000004", "in")
    assert (await dial(keeper, "8 916 123-45-67")).number == FRIEND
    assert (await dial(keeper, "+79160000004")).number == "+79160000004"
    with pytest.raises(LineError, match="has not called") as stranger:
        await dial(keeper)
    assert "outgoing.allow" in stranger.value.remedy
    with pytest.raises(LineError, match="abroad"):
        await dial(keeper, "+442079460012")
    house.clock.time += timedelta(days=2)
    with pytest.raises(LineError, match="last 30 days"):
        await dial(keeper, FRIEND)


@pytest.mark.parametrize("pattern", ["*", "+7*", "8 916 000-00-01"])
async def test_who_is_listed_is_called_at_once(house: PolicyHouse, pattern: str) -> None:
    keeper = house.gatekeeper()
    with pytest.raises(LineError):
        await dial(keeper)
    await house.lay_down({"outgoing": {"allow": [pattern]}})
    assert (await dial(keeper)).number == STRANGER


async def test_what_no_list_opens(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"outgoing": {"allow": ["*", "+7*", "+8*", "112", "101", "*"]}})
    for to in (
        "112",
        "+112",
        "101",
        "8 809 555-12-34",
        "+442079460012",
        "+881612345678",
        "900",
        "*100#",
        "1234567",
        "",
    ):
        with pytest.raises(LineError):
            await dial(keeper, to)
    await house.lay_down({"outgoing": {"allow": ["+44*", "900"]}})
    assert (await dial(keeper, "8 10 44 20 7946 0012")).number == "+442079460012"
    assert (await dial(keeper, "900")).number == "900"


async def test_the_owner_may_forbid_all_calls_and_calling_back(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.call(FRIEND)
    await house.lay_down({"outgoing": {"call_back": False}})
    with pytest.raises(LineError):
        await dial(keeper, FRIEND)
    await house.lay_down({"outgoing": {"enabled": False, "allow": ["*"]}})
    with pytest.raises(LineError, match="may place no calls"):
        await dial(keeper, FRIEND)


async def test_calls_in_opening_hours_only(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"hours": {"monday": ["09:00-18:00"]}, "outgoing": {"allow": ["*"], "hours_only": True}})
    await dial(keeper)
    house.clock.time = MONDAY_NOON + timedelta(hours=7)
    with pytest.raises(LineError, match="opening hours"):
        await dial(keeper)


async def test_a_day_is_the_company_s_day(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"outgoing": {"allow": ["*"], "per_day": 2}})
    await house.call(STRANGER, "busy", direction="out", ago=timedelta(hours=12, seconds=1))  # yesterday in Moscow
    await house.call(STRANGER, "busy", direction="out", ago=timedelta(hours=11, minutes=59))
    await house.call(STRANGER, direction="in")
    await house.call(STRANGER, direction="out", line="gsm-2")
    await dial(keeper)
    with pytest.raises(LineError, match="2 of 2") as raised:
        await dial(keeper, FRIEND)
    assert "outgoing.per_day" in raised.value.remedy
    house.clock.time = MONDAY_NOON + timedelta(hours=12)
    await dial(keeper)


async def test_one_number_is_not_called_all_day(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"outgoing": {"allow": ["*"], "per_number_per_day": 2}})
    await house.call("89160000001", "no_answer", direction="out", ago=timedelta(minutes=1))
    await dial(keeper)
    with pytest.raises(LineError, match=r"\+79160000001 is called no more today"):
        await dial(keeper)
    await dial(keeper, FRIEND)


async def test_orders_that_come_at_once_keep_to_the_cap(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"outgoing": {"allow": ["*"], "per_day": 3, "per_number_per_day": 100}})
    orders = await asyncio.gather(*(dial(keeper) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(each, Permit) for each in orders) == 3
    assert sum(isinstance(each, LineError) for each in orders) == 7


async def test_a_call_counts_once_whether_it_is_stored_or_not_yet(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"outgoing": {"allow": ["*"], "per_day": 2}})
    await dial(keeper)
    await house.call(STRANGER, "", direction="out")  # the same call, stored now
    await dial(keeper)
    with pytest.raises(LineError, match="2 of 2"):
        await dial(keeper)
    house.clock.time += timedelta(seconds=61)  # the second one never came to a call
    await dial(keeper)


async def test_an_outgoing_call_is_held_as_the_policy_says(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down(
        {
            "persona": "marina",
            "voice": "piper:irina",
            "max_call_seconds": 90,
            "record": True,
            "consent_notice": {"ru": "Запись."},
            "menu": [{"key": "1", "label": "x", "action": "message"}],
            "outgoing": {"allow": ["*"]},
            "callers": [{"number": FRIEND, "persona": "emma", "language": "en"}],
            "forward": {"to": "+79160000009", "when": "on_request"},
        }
    )
    permit = await dial(keeper, purpose="the order", opening="Здравствуйте!")
    assert (permit.persona, permit.language) == ("marina", "")
    terms = permit.terms
    assert (terms.purpose, terms.opening, terms.voice) == ("the order", "Здравствуйте!", "piper:irina")
    assert (terms.max_seconds, terms.notice, terms.record, terms.menu) == (90, "Запись.", True, ())
    assert terms.transfer_to == "+79160000009"
    english = await dial(keeper, FRIEND)
    assert (english.persona, english.language, english.terms.record) == ("emma", "en", False)
    asked = await dial(keeper, persona="anna")
    assert (asked.persona, asked.terms.voice) == ("anna", ""), "another secretary keeps her own voice"


async def test_whom_the_owner_wrote_into_the_policy_may_be_called_and_written_to(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    menu = [{"key": "0", "label": "x", "action": "transfer", "value": "+442079460012"}]
    await house.lay_down(
        {"forward": {"to": STRANGER, "when": "always"}, "menu": menu, "sms": {"per_number_per_hour": 1}}
    )
    assert (await dial(keeper)).number == STRANGER
    assert (await dial(keeper, "+442079460012")).number == "+442079460012"
    for _ in range(3):  # a colleague hears of every call that is for him
        assert await keeper.text_out(LINE, COMPANY, STRANGER) == STRANGER


async def test_who_wrote_is_answered_but_no_service_number(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    for number in (FRIEND, "+442079460012", "900", "+78095551234"):
        await house.message(number, "in")
    assert await keeper.text_out(LINE, COMPANY, "8 916 123-45-67") == FRIEND
    assert await keeper.text_out(LINE, COMPANY, "+442079460012") == "+442079460012"
    for to in ("900", "+78095551234", STRANGER, "MTS", "112", ""):
        with pytest.raises(LineError):
            await keeper.text_out(LINE, COMPANY, to)
    await house.lay_down({"sms": {"allow": ["+7*", "900"]}})
    assert await keeper.text_out(LINE, COMPANY, STRANGER) == STRANGER
    assert await keeper.text_out(LINE, COMPANY, "900") == "900"


async def test_messages_keep_to_their_caps(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"sms": {"allow": ["*"], "per_day": 3, "per_number_per_hour": 2}})
    await house.message(FRIEND, "out", ago=timedelta(minutes=61))
    await house.message(FRIEND, "out", ago=timedelta(minutes=59))
    assert await keeper.text_out(LINE, COMPANY, FRIEND) == FRIEND
    with pytest.raises(LineError, match="3 of 3") as day:
        await keeper.text_out(LINE, COMPANY, STRANGER)
    assert "sms.per_day" in day.value.remedy
    await house.lay_down({"sms": {"allow": ["*"], "per_number_per_hour": 2}})
    with pytest.raises(LineError, match="this hour"):
        await keeper.text_out(LINE, COMPANY, FRIEND)
    assert await keeper.text_out(LINE, COMPANY, STRANGER) == STRANGER


class Away:
    """A history that cannot be read."""

    async def has_reached_us(self, *_: object) -> bool:
        raise StorageError("The disk is full.")

    async def dialled(self, *_: object) -> list[Any]:
        raise StorageError("The disk is full.")

    texted = dialled


async def test_nothing_goes_out_unchecked(house: PolicyHouse) -> None:
    await house.lay_down({"outgoing": {"allow": [STRANGER]}, "sms": {"allow": [STRANGER]}})
    keeper = house.gatekeeper(calls=Away())
    for to in (STRANGER, FRIEND):
        with pytest.raises(LineError, match="cannot be checked"):
            await dial(keeper, to)
        with pytest.raises(LineError, match="cannot be checked"):
            await keeper.text_out(LINE, COMPANY, to)


async def test_an_unreadable_policy_lets_nothing_out(house: PolicyHouse) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"outgoing": {"allow": ["*"]}})
    await dial(keeper)
    await Lines(house.database).set_policy(COMPANY, LINE, {"outgoing": {"allow": "everybody"}})
    with pytest.raises(LineError, match="cannot be checked"):
        await dial(keeper)


async def test_with_the_database_closed_nothing_goes_out_and_calls_are_answered(
    house: PolicyHouse, tmp_path: Path
) -> None:
    keeper = house.gatekeeper()
    await house.lay_down({"outgoing": {"allow": ["*"]}, "persona": "marina"})
    await dial(keeper)
    await house.database.close()
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"secretary.db{ending}").write_bytes(b"no database")
    with pytest.raises(LineError, match="cannot be checked"):
        await dial(keeper)
    verdict = await keeper.incoming(LINE, COMPANY, FRIEND)
    assert verdict.persona == "marina"  # type: ignore[union-attr]
