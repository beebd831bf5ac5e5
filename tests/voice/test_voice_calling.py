"""A call of our own: who takes it speaks first, and is told who calls at once; and what was ready before the answer."""

import asyncio
import random

import pytest
from terms_call import Held, NamedVoices, hold
from voice_fakes import Act, FakeEars, FakeLine, sounds, speaks

from services.domain import CallTerms
from services.voice.line import Capability

OPENING = "Hello, this is Emma, your cake is ready."  # 2 s
TERMS = CallTerms(opening=OPENING, purpose="the cake")
OUT = {"direction": "out"}
MAILBOX = "please leave a message after the tone"


def place(*acts: Act, **given: object) -> Held:
    return hold(*acts, **{"terms": TERMS, "info": OUT, **given})  # type: ignore[arg-type]


def test_who_says_hello_is_told_who_calls_before_the_words_are_known() -> None:
    held = place(speaks(0.6, "hello"), Act(9, hang_up=True))
    assert held.said()[0] == OPENING
    assert not held.line.sounds_between(0, 0.9), "nobody talks over a hello"
    assert held.line.first_sound(0.9) < 0.8
    assert held.log.heard("caller") == ["hello"]
    assert held.end["outcome"] == "answered"
    assert held.said() == [OPENING], "the hello itself is not answered a second time"


def test_who_says_nothing_is_spoken_to_after_a_moment() -> None:
    held = place(Act(5, hang_up=True))
    assert held.line.first_sound(0) == pytest.approx(1.25, abs=0.15)
    assert held.said() == [OPENING]


def test_a_click_on_the_line_is_no_hello() -> None:
    held = place(sounds(0.3, 0.04), Act(5, hang_up=True))
    assert held.line.first_sound(0) == pytest.approx(1.25, abs=0.2)


def test_a_late_hello_is_waited_for() -> None:
    held = place(speaks(1.1, "hello who is there"), Act(9, hang_up=True))
    assert held.line.first_sound(0) > 2.3
    assert held.said() == [OPENING]


def test_slow_ears_do_not_keep_who_says_hello_waiting() -> None:
    acts = speaks(0.6, "hello"), Act(9, hang_up=True)
    held = place(*acts, ears=FakeEars(acts, delay=2.0, lag=None))
    assert held.line.first_sound(0.9) < 0.8
    assert held.said() == [OPENING]


def test_a_person_is_answered_as_on_any_call() -> None:
    held = place(speaks(0.6, "hello"), speaks(5, "what is it about"), speaks(10, "goodbye"))
    assert held.said()[1:] == ["I am calling about this: the cake.", "Thank you for your time. Goodbye!"]
    assert held.end["reason"] == "goodbye"


def test_who_interrupts_the_opening_with_a_hello_hears_it_again() -> None:
    held = place(speaks(2.0, "hello hello", word=0.4), Act(9, hang_up=True))
    first, again = held.said()
    assert first != OPENING
    assert again == OPENING


def test_who_falls_silent_is_asked_once_and_left_in_peace() -> None:
    held = place(speaks(0.6, "hello"), longest=60)
    assert held.said()[1] == "Are you still there?"
    assert str(held.said()[2]).endswith("Sorry to have troubled you!")
    assert held.end["seconds"] < 30


def test_the_notice_comes_before_the_opening_and_the_recording_behind_it() -> None:
    terms = CallTerms(opening=OPENING, notice="This call is recorded.")
    held = place(speaks(0.6, "hello"), Act(9, hang_up=True), terms=terms)
    assert held.said() == [f"This call is recorded. {OPENING}"]


class Ringing(FakeLine):
    """Rings for ten seconds."""

    capabilities = FakeLine.capabilities | {Capability.DIGITS_OUT}

    async def answer(self) -> None:
        await asyncio.sleep(10)
        await super().answer()


def test_the_opening_is_spoken_while_the_telephone_rings() -> None:
    acts = speaks(0.6, "hello"), Act(9, hang_up=True)
    mouth = NamedVoices(first=2.0)
    held = place(*acts, line=Ringing(acts), mouth=mouth)
    assert held.said() == [OPENING]
    assert held.line.first_sound(0.9) < 0.8, "though the voice needs two seconds"
    assert [each.text for each in mouth.spoken] == [OPENING], "once"
    assert not mouth.spoken[0].fixed, "and it is kept by nobody"


def test_a_call_that_is_taken_at_once_has_its_opening_all_the_same() -> None:
    held = place(speaks(0.6, "hello"), Act(12, hang_up=True), mouth=NamedVoices(first=2.0))
    assert held.said() == [OPENING]


def test_without_ears_the_call_is_opened_too() -> None:
    acts = speaks(0.6, "hello"), Act(9, hang_up=True)
    held = place(*acts, deaf=True)
    assert str(held.said()[0]) == OPENING
    assert held.line.first_sound(0.9) < 0.8


def test_a_whole_opening_with_its_notice_is_made_once_and_ahead() -> None:
    acts = speaks(0.6, "hello"), Act(14, hang_up=True)
    mouth = NamedVoices(first=0.5)
    terms = CallTerms(purpose="your order of 12 cakes is ready.", notice="This call is recorded. Thank you.")
    held = place(*acts, line=Ringing(acts), mouth=mouth, terms=terms)
    assert str(held.said()[0]).startswith("This call is recorded. Thank you. Hello! This is Emma,")
    texts = [each.text for each in mouth.spoken]
    assert len(texts) == len(set(texts)) == 5
    assert not held.line.silences(0.9, 14), "nothing had to be waited for between its sentences"


def test_a_voice_that_fails_ahead_is_tried_again() -> None:
    acts = speaks(0.6, "hello"), Act(9, hang_up=True)
    held = place(*acts, line=Ringing(acts), mouth=NamedVoices(fails=1))
    assert held.said() == [OPENING]


SAID = ("hello", "yes", MAILBOX, "the person you are calling is not available", "lorem ipsum dolor sit amet", "goodbye")


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_other_side_does_the_call_comes_to_an_end(seed: int) -> None:
    dice = random.Random(seed)
    acts, at = [], dice.uniform(0.1, 2.0)
    for _ in range(dice.randrange(5)):
        kind = dice.random()
        if kind < 0.6:
            acts.append(speaks(at, *[dice.choice(SAID)] * dice.randint(1, 3)))
        elif kind < 0.8:
            acts.append(sounds(at, dice.uniform(0.02, 6.0)))
        else:
            acts.append(Act(at, key=dice.choice("12#*")))
        at = acts[-1].end + dice.uniform(0.1, 4.0)
    if dice.random() < 0.3:
        acts.append(Act(dice.uniform(0.0, at), hang_up=True))
    held = place(*acts, longest=200, deaf=dice.random() < 0.2, max_call=60.0)
    assert held.types()[-1] == "ended"
    assert held.end["outcome"] in ("answered", "voicemail", "no_answer")
    assert held.end["reason"] != "failure"
    assert held.end["seconds"] < 110
