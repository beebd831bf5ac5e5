"""kill -9 while the modem lives on: it is brought to a known state, and what was said and written is all there."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from killed_house import MOMENTS, killed_house


async def _killed(folder: Path, seed: int, moments: Sequence[str], *, texts_sent: bool) -> None:
    async with killed_house(folder, seed) as house:
        for moment in moments:
            await house.round(moment)
        await house.texts_settled(120.0 if texts_sent else 20.0, sent=texts_sent)
        assert house.wrong_calls() == []
        assert house.wrong_texts() == []


async def test_killed_in_a_talk_at_an_answer_and_at_a_text(tmp_path: Path) -> None:
    await _killed(tmp_path, 7, ("talking", "being answered", "a text is sent"), texts_sent=False)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 6))
async def test_killed_at_every_moment(tmp_path: Path, seed: int) -> None:
    moments = list(MOMENTS) * 2
    random.Random(seed).shuffle(moments)
    await _killed(tmp_path, seed, moments, texts_sent=True)
