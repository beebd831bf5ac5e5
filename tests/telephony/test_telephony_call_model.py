"""Every order of what a modem says about calls, and of what we do meanwhile, against what a call may be."""

import copy
from dataclasses import dataclass

import pytest

from telephony.at.urcs import Busy, CallBegin, CallEnd, CallerId, CallWaiting, MissedCall, NoCarrier, Ring, Urc
from telephony.call_state import (
    Begun,
    CallState,
    Change,
    Ended,
    Missed,
    Named,
    NotTaken,
    Phase,
    Ringing,
    SecondCaller,
)

NUMBER = "+79991234567"
COLLEAGUE = "+79990000007"
LONG, SHORT = 4.0, 0.2  # seconds: past every late message, and within its reach
DEPTH = {"idle": 5}
"""Steps that are tried in every order; 4 behind another start."""

SAID: dict[str, Urc] = {
    "RING": Ring(),
    "CLIP": CallerId(NUMBER, 145),
    "BEGIN": CallBegin(),
    "END": CallEnd(7),
    "NO CARRIER": NoCarrier(),
    "BUSY": Busy(),
    "MISSED_CALL": MissedCall(NUMBER),
    "CCWA": CallWaiting("+79990000009", 145),
}
DONE = ("dial", "gone", "silence", "wait")  # silence: no ring for 12 s; gone: hung up, or listed no more
START = {"idle": (), "ringing": ("RING", "CLIP"), "talking": ("RING", "BEGIN"), "dialling": ("dial",)}


@dataclass(slots=True)
class Told:
    """What an owner believes who only hears of the changes."""

    phase: Phase = Phase.IDLE
    number: str = ""

    def hear(self, change: Change, step: str) -> None:
        match change:
            case Ringing(rings):
                assert self.phase is (Phase.IDLE if rings == 1 else Phase.RINGING)
                self.phase = Phase.RINGING
            case Named():
                assert self.phase is Phase.RINGING
            case Begun():
                assert self.phase is not Phase.TALKING
                self.phase = Phase.TALKING
            case Ended():
                assert self.phase is Phase.TALKING
                self.phase = Phase.IDLE
            case NotTaken():
                assert self.phase is Phase.DIALLING
                self.phase = Phase.IDLE
            case Missed() if self.phase is Phase.RINGING:
                self.phase = Phase.IDLE
            case Missed():  # one whose rings were not heard, or who called during another call
                assert step == "MISSED_CALL"
            case SecondCaller():
                assert self.phase is not Phase.IDLE


def advance(state: CallState, told: Told, step: str, now: float) -> float:
    """Take one step; return what time it is then."""
    changes: list[Change] = []
    match step:
        case "dial":
            if state.phase is Phase.IDLE:  # telephony.dialling asks before
                state.dialling(COLLEAGUE)
                told.phase = Phase.DIALLING
        case "gone":
            changes = state.gone()
            assert state.phase is Phase.IDLE
        case "silence":
            now = max(now, state.deadline or now)
            changes = state.tick(now)
        case "wait":
            now += LONG
        case _:
            now += SHORT
            changes = state.take(SAID[step], now)
    for change in changes:
        told.hear(change, step)
    assert len(changes) <= 1
    assert told.phase is state.phase
    if state.phase is Phase.DIALLING:
        assert state.number == COLLEAGUE
    return now


@pytest.mark.parametrize("start", START)
def test_each_call_begins_once_and_ends_once(start: str) -> None:
    state, told, now = CallState(), Told(), 100.0
    for step in START[start]:
        now = advance(state, told, step, now)
    path: list[str] = []

    def follow(state: CallState, told: Told, now: float) -> None:
        if len(path) == DEPTH.get(start, 4):
            return
        for step in (*SAID, *DONE):
            path.append(step)
            branch, heard = copy.copy(state), copy.copy(told)
            try:
                then = advance(branch, heard, step, now)
            except AssertionError as error:
                raise AssertionError(f"{start}: {' > '.join(path)}") from error
            follow(branch, heard, then)
            path.pop()

    follow(state, told, now)
