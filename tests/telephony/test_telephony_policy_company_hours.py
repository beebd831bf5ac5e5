"""A company's opening hours hold for its lines."""

from datetime import timedelta
from pathlib import Path

from policy_house import COMPANY, LINE, MONDAY_NOON, open_policy_house

from services.storage.people.companies import Companies
from telephony.policy.gatekeeper import Admit


async def test_a_line_without_hours_of_its_own_keeps_the_companys(tmp_path: Path) -> None:
    async with open_policy_house(tmp_path) as house:
        keeper, companies = house.gatekeeper(language="en"), Companies(house.database)
        settings = {"hours": {"monday": "09:00-18:00"}, "holidays": [{"day": "2026-11-30", "hours": ""}]}
        await companies.edit(COMPANY, {"settings": settings})
        opened = await keeper.incoming(LINE, COMPANY, "+79161234567")
        house.clock.time = MONDAY_NOON + timedelta(days=1)
        closed = await keeper.incoming(LINE, COMPANY, "+79161234567")
        house.clock.time = MONDAY_NOON + timedelta(days=7)
        holiday = await keeper.incoming(LINE, COMPANY, "+79161234567")
        await house.lay_down({"hours": {"tuesday": ["00:00-24:00"], "monday": ["00:00-24:00"]}})
        own = await keeper.incoming(LINE, COMPANY, "+79161234567")
    greetings = [bool(each.terms.greeting) for each in (opened, closed, holiday, own) if isinstance(each, Admit)]
    assert greetings == [False, True, True, False], "outside of hours the greeting says so"
