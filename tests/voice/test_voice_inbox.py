"""The inbox of a call: when its reader is held up, interim words go and everything else stays."""

from services.clock import LoopClock
from services.voice.hearing.listener import InterimHeard
from services.voice.inbox import Inbox
from services.voice.line import Digit


async def test_a_held_up_reader_loses_interim_words_only() -> None:
    inbox = Inbox(LoopClock())
    for number in range(1000):
        inbox.put(InterimHeard(str(number)))
    for key in "123":
        inbox.put(Digit(key))
    rest = list(inbox.rest())
    assert rest[-3:] == [Digit("1"), Digit("2"), Digit("3")]
    assert 100 < len(rest) < 200


async def test_waiting_ends_with_the_deadline_and_what_is_there_comes_first() -> None:
    clock = LoopClock()
    inbox = Inbox(clock)
    assert await inbox.next(clock.monotonic() + 0.01) is None
    inbox.put(Digit("1"))
    assert await inbox.next(clock.monotonic() - 1.0) == Digit("1")
