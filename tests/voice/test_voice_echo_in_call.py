"""Her own voice comes back over the line: she does not stop for it, and still hears the caller through it."""

from typing import Any

import pytest
from voice_call import Played, play
from voice_fakes import RATE, Act, Echo, FakeLine, FakeSecretary, speaks

ASKS = speaks(2, "read me the list")
LIST = (
    "One is the red house near the old market square. Two is the green house behind the railway station. "
    "Three is the white house across the river. Four is the blue house on top of the hill."
)
HANG_UP = Act(18, hang_up=True)
LOUD = -8.0
"""Decibels at which the echo of the fake voice is as loud as what the fake detector takes for a caller."""
DELAYS = [0.06, 0.12, 0.18, 0.25]


def on_a_speakerphone(*acts: Act, delay: float, decibels: float = LOUD, **given: Any) -> Played:
    every = (ASKS, *acts, HANG_UP)
    line = FakeLine(every, 20, echo=Echo(delay, decibels))
    return play(*every, secretary=FakeSecretary({ASKS.text: LIST}), line=line, no_input=60, **given)


def heard_whole(played: Played) -> bool:
    """Tell whether every sample of the list was heard."""
    pieces = [each for each in played.mouth.spoken if each.text in LIST and each.done]
    wanted = {at for each in pieces for at in range(each.begin, each.end, RATE // 50)}
    return wanted <= set(played.line.voice_positions()) and played.turn(1)["heard"] == LIST


@pytest.mark.parametrize("delay", DELAYS)
def test_she_does_not_take_her_own_voice_for_the_caller(delay: float) -> None:
    played = on_a_speakerphone(delay=delay)
    assert heard_whole(played)
    assert played.secretary.asked == [ASKS.text]
    assert played.log.heard("caller") == [ASKS.text]
    assert not any(turn["interrupted_by"] for turn in played.log.turns("secretary")[1:])


def test_without_a_canceller_this_echo_would_disturb_her() -> None:
    played = on_a_speakerphone(delay=0.12, echo_canceller=False)
    assert played.log.heard("caller") != [ASKS.text]


@pytest.mark.parametrize("delay", DELAYS)
def test_once_the_echo_is_known_it_does_not_lower_her_voice(delay: float) -> None:
    played = on_a_speakerphone(delay=delay)
    begin = ASKS.end + played.line.first_sound(ASKS.end)
    low = [step for step in range(400) if -40 < played.line.level(begin + 1 + step / 50) < -3]
    assert len(low) <= 5


@pytest.mark.parametrize("delay", DELAYS)
def test_a_caller_who_speaks_over_the_echo_is_heard_and_understood(delay: float) -> None:
    wants = speaks(7, "no I want the green house")
    played = on_a_speakerphone(wants, delay=delay)
    assert played.turn(1)["interrupted_by"] == "caller"
    assert played.secretary.asked == [ASKS.text, wants.text]
    assert not played.line.sounds_between(wants.at + 0.8, wants.end + 0.2)


@pytest.mark.parametrize("delay", DELAYS)
def test_the_quiet_echo_of_an_ordinary_line_changes_nothing(delay: float) -> None:
    played = on_a_speakerphone(delay=delay, decibels=-20)
    assert heard_whole(played)
    assert played.secretary.asked == [ASKS.text]
