"""How calls end: the last word is heard, and whoever speaks up in time is still answered."""

import pytest
from voice_call import Played, play
from voice_fakes import RATE, Act, FakeLine, FakeMouth, FakeSecretary, sounds, speaks

from services.dialogue.shapes import EndCall, ReplyText

PARTS = speaks(2, "thank you goodbye")
"""Over at 2.9; her goodbye sounds from about 3.3."""
ANSWER = f"You said {PARTS.text}."


def whole_goodbye_heard(played: Played, text: str = ANSWER) -> bool:
    spoken = next(each for each in played.mouth.spoken if each.text == text)
    return set(range(spoken.begin, spoken.end, RATE // 50)) <= set(played.line.voice_positions())


def test_the_last_word_is_heard_before_the_line_is_closed() -> None:
    played = play(PARTS)
    assert played.reason == "goodbye"
    assert whole_goodbye_heard(played)
    assert played.line.hung_up_at is not None
    assert played.line.hung_up_at >= played.line.last_sound() - 0.02
    assert played.line.hung_up_at - played.line.last_sound() <= 0.2


@pytest.mark.parametrize("held", [0.06, 0.2])
def test_the_last_word_is_heard_on_a_line_that_holds_sound_back(held: float) -> None:
    played = play(PARTS, line=FakeLine([PARTS], 30, held=held))
    assert played.reason == "goodbye"
    assert whole_goodbye_heard(played)


def test_a_line_that_is_slow_to_drain_is_waited_for() -> None:
    played = play(PARTS, line=FakeLine([PARTS], 30, held=0.06, slow_end=1.5))
    assert whole_goodbye_heard(played)
    assert played.line.hung_up_at is not None
    assert played.line.hung_up_at - played.line.last_sound() >= 1.45


def test_a_slow_voice_does_not_cost_the_last_word() -> None:
    played = play(PARTS, mouth=FakeMouth(speed=0.8))
    assert whole_goodbye_heard(played)
    assert played.reason == "goodbye"


def test_a_goodbye_of_two_sentences_is_heard_whole() -> None:
    secretary = FakeSecretary({PARTS.text: [ReplyText("It was a pleasure. "), ReplyText("Goodbye."), EndCall()]})
    played = play(PARTS, secretary=secretary)
    assert whole_goodbye_heard(played, "It was a pleasure.")
    assert whole_goodbye_heard(played, "Goodbye.")
    assert played.reason == "goodbye"


LONG_GOODBYE = "Thank you very much for calling us today and goodbye until next time."


def parting_at_length() -> FakeSecretary:
    return FakeSecretary({PARTS.text: [ReplyText(LONG_GOODBYE), EndCall()], "bye": [ReplyText("Bye."), EndCall()]})


def test_a_caller_who_has_one_more_question_during_the_goodbye_is_answered() -> None:
    asks = speaks(4.2, "wait when are you open tomorrow")
    played = play(PARTS, asks, Act(15, hang_up=True), secretary=parting_at_length())
    assert played.secretary.asked == [PARTS.text, asks.text]
    assert played.reason == "caller_hangup"
    assert not played.line.sounds_between(asks.at + 0.5, asks.end + 0.25)


def test_a_caller_who_speaks_up_with_the_last_word_is_answered() -> None:
    end = play(PARTS, secretary=parting_at_length()).line.last_sound()
    asks = speaks(end - 0.15, "wait when are you open tomorrow")
    played = play(PARTS, asks, Act(20, hang_up=True), secretary=parting_at_length())
    assert played.secretary.asked == [PARTS.text, asks.text]
    assert played.reason == "caller_hangup"


@pytest.mark.parametrize("act", [Act(5, 0.3, "bye"), Act(5, 0.25, "yes"), sounds(5, 0.2)])
def test_a_bye_over_her_goodbye_ends_the_call_as_it_should(act: Act) -> None:
    played = play(PARTS, act, secretary=parting_at_length(), longest=30)
    assert played.reason in ("goodbye", "no_input")
    assert played.line.hung_up_at is not None
    assert played.line.hung_up_at < 12


def test_a_television_does_not_keep_the_line_open_for_ever() -> None:
    played = play(PARTS, sounds(5, 100), secretary=parting_at_length(), longest=110)
    assert played.reason == "goodbye"
    assert played.line.hung_up_at is not None
    assert played.line.hung_up_at < 15
    assert whole_goodbye_heard(played, LONG_GOODBYE)


def test_a_caller_who_hangs_up_in_the_goodbye_is_stored_as_they_left() -> None:
    played = play(PARTS, Act(4.5, hang_up=True), secretary=parting_at_length())
    assert played.reason == "caller_hangup"
    assert played.turn(1)["interrupted_by"] == "hangup"
    assert 0 < len(str(played.turn(1)["heard"])) < len(LONG_GOODBYE)


def test_a_goodbye_without_a_voice_still_ends_the_call() -> None:
    played = play(PARTS, mouth=FakeMouth(breaks={1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0}), longest=60)
    assert played.reason in ("goodbye", "failure")
    assert played.line.hung_up_at is not None
    assert played.line.hung_up_at < 20


def test_a_secretary_who_ends_the_call_without_a_word_ends_it() -> None:
    played = play(speaks(2, "that is all"), secretary=FakeSecretary({"that is all": [EndCall("done")]}), longest=20)
    assert played.reason == "done"
