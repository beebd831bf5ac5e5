"""A call's end is told once, whatever the modem says in whatever order."""

import itertools

import pytest

from telephony.at.urcs import CallBegin, CallEnd, CallerId, MissedCall, NoCarrier, Ring, Urc
from telephony.call_state import RING_SILENCE, Begun, CallState, Change, Ended, Missed, Named, Phase, Ringing

NUMBER = "+79991234567"


def play(state: CallState, *urcs: Urc, now: float = 0.0) -> list[Change]:
    return [change for urc in urcs for change in state.take(urc, now)]


def ringing() -> CallState:
    state = CallState()
    assert play(state, Ring(), CallerId(NUMBER, 145), Ring(), CallerId(NUMBER, 145)) == [
        Ringing(1, ""),
        Named(NUMBER),
        Ringing(2, NUMBER),
    ]
    return state


def talking() -> CallState:
    state = ringing()
    assert play(state, CallBegin(), Ring(), CallerId("", 128)) == [Begun()]
    return state


@pytest.mark.parametrize("count", [1, 2])
def test_end_and_no_carrier_in_either_order(count: int) -> None:
    ends: list[Urc] = [CallEnd(12), NoCarrier()]
    for order in itertools.permutations(ends, count):
        state = talking()
        assert [type(change) for change in play(state, *order)] == [Ended]
        assert state.phase is Phase.IDLE


def test_late_no_carrier_does_not_end_the_next_call() -> None:
    state = talking()
    assert play(state, CallEnd(31), now=10.0) == [Ended(31)]
    assert play(state, Ring(), now=10.5) == [Ringing(1, "")]
    assert play(state, NoCarrier(), now=11.0) == []
    assert state.phase is Phase.RINGING
    assert play(state, NoCarrier(), now=12.0) == [Missed("")]


def test_late_end_does_not_end_the_next_call() -> None:
    state = talking()
    assert play(state, NoCarrier(), now=10.0) == [Ended(None)]
    assert play(state, Ring(), CallEnd(31), now=10.5) == [Ringing(1, "")]


def test_the_end_of_a_call_before_does_not_end_one_that_rings() -> None:
    state = ringing()
    assert play(state, CallEnd(7), NoCarrier()) == []
    assert state.phase is Phase.RINGING
    state = CallState()
    state.expect_leftovers(0.0)
    assert play(state, Ring(), NoCarrier(), CallEnd(1), now=1.0) == [Ringing(1, "")]


@pytest.mark.parametrize(
    "end",
    [[MissedCall(NUMBER)], [MissedCall("")], [NoCarrier(), MissedCall(NUMBER)], [MissedCall(NUMBER), NoCarrier()]],
)
def test_missed_call_is_told_once(end: list[Urc]) -> None:
    state = ringing()
    assert play(state, *end) == [Missed(NUMBER)]
    assert state.phase is Phase.IDLE
    assert play(state, Ring(), MissedCall("")) == [Ringing(1, ""), Missed("")]


def test_rings_that_stop_without_a_word_are_a_missed_call() -> None:
    state = ringing()
    assert state.deadline == RING_SILENCE
    assert state.tick(RING_SILENCE - 0.1) == []
    assert state.tick(RING_SILENCE) == [Missed(NUMBER)]
    assert play(state, MissedCall(NUMBER), now=13.0) == []


def test_withheld_number_does_not_inherit_the_last_one() -> None:
    state = talking()
    play(state, CallEnd(1), CallerId(NUMBER, 145))
    assert play(state, Ring(), CallerId("", 128)) == [Ringing(1, "")]
    assert state.number == ""
