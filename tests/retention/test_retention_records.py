"""The clean-up of what is neither call nor text: the audit log, when it is not kept for ever, and idempotency keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_house import House, api_house

from services.retention.retention import Retention
from services.retention.settings import RetentionSettings
from services.retention.usual_sweeps import usual_sweeps
from services.storage.leases import Leases


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


def _retention(house: House, audit_days: int) -> Retention:
    books, settings = house.platform.books, RetentionSettings(audit_days=audit_days)
    leases = Leases(house.database, house.clock)
    return Retention(
        settings, books.retention, house.platform.sound_files, house.clock, leases, usual_sweeps(settings, books)
    )


async def test_the_audit_log_is_kept_for_ever_unless_days_are_set(house: House) -> None:
    audit = house.platform.books.audit
    head = await audit.head()
    house.clock.ahead += 40 * 86_400
    await _retention(house, 0).clean_up()
    assert (await audit.verify()).checked == head.seq
    await _retention(house, 30).clean_up()
    verdict = await audit.verify()
    assert (verdict.checked, verdict.findings) == (1, ()), "the note of the cut"


async def test_idempotency_keys_go_after_a_day(house: House) -> None:
    keys = house.platform.books.idempotency
    await keys.claim("default", "k1", "asked")
    await _retention(house, 0).clean_up()
    assert (await keys.claim("default", "k1", "asked")).state == "going_on"
    house.clock.ahead += 86_401
    await _retention(house, 0).clean_up()
    assert await keys.clean_up(10) == 0
