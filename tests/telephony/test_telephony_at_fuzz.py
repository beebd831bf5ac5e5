"""Mutated dialogues with a model of a modem (bench/telephony/at.py): a seeded part always, the million in the soak."""

import random

import pytest

from bench.telephony.at import BrokenRuleError, Run, play
from telephony.at.dialogue import AtDialogue
from telephony.at.events import Event


def test_twenty_thousand_mutated_dialogues() -> None:
    score = play(seed=4, start=0, count=20_000)
    assert score.violations == []
    assert score.dialogues == 20_000
    # The dialogues went where it hurts: commands timed out, ports were opened again.
    assert score.commands > 60_000
    assert score.timed_out > 5_000
    assert score.lost > 1_000


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("quarter", range(4))
def test_a_million_mutated_dialogues(quarter: int) -> None:
    score = play(seed=1, start=quarter * 250_000, count=250_000)
    assert score.violations == []


class Deaf(AtDialogue):
    """Loses the last event of each read."""

    def receive(self, data: bytes, now: float) -> list[Event]:
        return super().receive(data, now)[:-1]


def test_the_fuzz_notices_a_dialogue_that_loses_something() -> None:
    run = Run(random.Random(1), unhurt=True)
    run.dialogue = Deaf()
    with pytest.raises(BrokenRuleError):
        run.play()
