"""Text messages of one line: a clock that jumps, and a real database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sms_line import COMPANY, LINE, JumpingClock, TroubledStore, texts_in

from services.storage.texts.messages import TextMessages
from telephony.sms.service import SmsService


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def texts(tmp_path: Path, clock: JumpingClock) -> AsyncIterator[TextMessages]:
    async with texts_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def store(texts: TextMessages) -> TroubledStore:
    return TroubledStore(texts.of_line(COMPANY, LINE))


@pytest.fixture
def service(store: TroubledStore, clock: JumpingClock) -> Callable[..., SmsService]:
    """Make the service of the line."""
    return lambda **more: SmsService(store, clock, **more)
