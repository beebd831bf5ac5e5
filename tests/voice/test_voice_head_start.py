"""The answer begun while the caller pauses: heard early when the caller has finished, and never noticed when not."""

from collections.abc import Sequence
from typing import Any

import pytest
from voice_call import Played, play
from voice_fakes import Act, FakeEars, FakeMouth, FakeSecretary, a_conversation, speaks
from voice_mouth import Spoken

from services.dialogue.shapes import EndCall, KeepAudio, ReplyEvent, ReplyText
from services.domain import AudioSpan

HANG_UP = Act(15, hang_up=True)
QUESTION = "what are your opening hours"
BREATH = 0.22
"""Long enough for a head start, too short for the end of any turn."""


def call(*acts: Act, **given: Any) -> Played:
    """Play a call in which nobody is asked whether they are still there."""
    return play(*acts, **{"no_input": 60, **given})


def left_no_trace(played: Played, of: str) -> bool:
    """Tell whether nothing of the answer to `of` was heard, stored or remembered."""
    answer = f"You said {of}."
    said_to_nobody = all(spoken.text != answer for spoken in heard_texts(played))
    told = [str(turn["intended"]) for turn in played.log.turns("secretary")]
    remembered = [turn.text for turn in played.conversation.history]
    return said_to_nobody and answer not in told and of not in remembered and of not in played.secretary.stored


def heard_texts(played: Played) -> list[Spoken]:
    """The texts of which any sample was heard."""
    positions = played.line.voice_positions()
    return [each for each in played.mouth.spoken if any(each.begin <= position < each.end for position in positions)]


def test_the_answer_to_a_whole_question_is_begun_before_its_end_is_certain() -> None:
    asks = speaks(2, QUESTION)
    played = call(asks, HANG_UP)
    (begun,) = played.secretary.begun
    assert begun.at - asks.end == pytest.approx(0.12, abs=0.08)
    assert begun.done
    assert played.secretary.asked == [QUESTION]
    assert played.conversation.state == {"count": 1}


def test_the_thinking_time_of_a_slow_mind_is_hidden_in_the_end_of_the_turn() -> None:
    asks = speaks(2, QUESTION)
    quick = call(asks, HANG_UP, secretary=FakeSecretary(first_text=0.0))
    slow = call(asks, HANG_UP, secretary=FakeSecretary(first_text=0.2))
    late = call(asks, HANG_UP, secretary=FakeSecretary(first_text=0.2), head_start=0)
    assert slow.line.first_sound(asks.end) - quick.line.first_sound(asks.end) <= 0.02
    assert late.line.first_sound(asks.end) - quick.line.first_sound(asks.end) >= 0.18


def test_a_caller_who_goes_on_after_a_breath_never_notices_that_an_answer_was_begun() -> None:
    asks = speaks(2, "where is your office", BREATH, "on Green Street")
    played = call(asks, HANG_UP)
    assert "where is your office" in played.secretary.trials, "the test means an answer that was overtaken"
    assert left_no_trace(played, "where is your office")
    assert not played.line.sounds_between(asks.at, asks.end)
    assert played.secretary.asked == [asks.text]
    assert played.log.heard("caller") == [asks.text]
    assert played.conversation.state == {"count": 1}


def test_what_the_secretary_remembered_before_survives_an_answer_that_was_overtaken() -> None:
    conversation = a_conversation()
    conversation.state.update(name="Anna", count=5)
    asks = speaks(2, "where is your office", BREATH, "on Green Street")
    played = call(asks, HANG_UP, conversation=conversation)
    assert played.conversation.state == {"name": "Anna", "count": 6}


def test_the_overtaken_answer_is_closed_and_so_is_its_voice() -> None:
    asks = speaks(2, "where is your office", BREATH, "on Green Street")
    mouth = FakeMouth(speed=1.0)
    played = call(asks, HANG_UP, mouth=mouth, secretary=FakeSecretary(between=0.1))
    overtaken = next(each for each in played.secretary.begun if not each.sure)
    assert overtaken.closed_at is not None
    next_word = asks.at + 5 * 0.3 + BREATH
    assert overtaken.closed_at <= next_word + 0.1
    assert all(each.done or each.closed_at is not None for each in mouth.spoken)


def test_a_caller_who_breathes_after_every_word_group_is_answered_once() -> None:
    groups: list[str | float] = []
    for words in ("where is the office", "of the dentist", "in Green Street", "near the station"):
        groups += [words, BREATH]
    asks = speaks(2, *groups, "please")
    played = call(asks, HANG_UP)
    assert played.secretary.asked == [asks.text]
    assert played.log.heard("secretary") == ["Hello, this is Emma.", f"You said {asks.text}."]
    assert len(played.secretary.stored) == 1


def test_an_answer_that_was_ready_long_before_the_end_is_still_held_back() -> None:
    asks = speaks(2, "where is your office", 0.45, "and what does it cost")
    secretary = FakeSecretary(first_text=0.0)
    played = call(asks, HANG_UP, secretary=secretary, end_of_turn_finished=0.6)
    assert secretary.trials
    assert not played.line.sounds_between(asks.at, asks.end)


def test_words_that_the_ears_correct_in_the_end_are_asked_anew() -> None:
    asks = speaks(2, "what are your opening ours", final="what are your opening hours")
    played = call(asks, HANG_UP)
    assert played.secretary.asked == ["what are your opening hours"]
    assert left_no_trace(played, "what are your opening ours")
    assert played.said() == ["You said what are your opening hours."]


def test_a_final_transcript_that_only_adds_marks_is_the_same_question() -> None:
    asks = speaks(2, QUESTION, final="What are your opening hours?")
    played = call(asks, HANG_UP)
    assert len(played.secretary.begun) == 1
    assert played.log.heard("caller") == ["What are your opening hours?"]


def test_ears_that_lag_behind_do_not_make_half_a_question_be_answered() -> None:
    asks = speaks(2, "where is your office and when is it open")
    played = call(asks, HANG_UP, ears={"lag": 0.5, "delay": 0.3})
    assert played.secretary.asked == [asks.text]
    assert played.said() == [f"You said {asks.text}."]


def test_ears_without_interim_words_are_waited_for() -> None:
    asks = speaks(2, QUESTION)
    played = call(asks, HANG_UP, ears={"lag": None})
    assert played.secretary.asked == [QUESTION]
    assert len(played.secretary.begun) == 1
    assert played.said() == [f"You said {QUESTION}."]


def test_a_caller_who_seems_to_part_and_goes_on_is_not_hung_up_on() -> None:
    asks = speaks(2, "goodbye", BREATH, "was the name of the film I want to see")
    played = call(asks, HANG_UP)
    assert "goodbye" in played.secretary.trials
    # The whole still holds the word; the fake secretary parts then, after its last word, and not before.
    assert not played.line.sounds_between(asks.at, asks.end)
    assert played.secretary.asked == [asks.text]


@pytest.mark.parametrize("effect", [EndCall("goodbye"), KeepAudio("message", (AudioSpan(0, 1),))])
def test_what_an_overtaken_answer_wanted_to_be_done_is_not_done(effect: ReplyEvent) -> None:
    secretary = FakeSecretary({"where is your office": [effect, ReplyText("Here.")]})
    asks = speaks(2, "where is your office", BREATH, "and when is it open")
    played = call(asks, Act(12, hang_up=True), secretary=secretary)
    assert "where is your office" in secretary.trials
    assert played.reason == "caller_hangup"
    assert played.kept == 0


def test_a_mind_that_breaks_on_trial_is_not_apologised_for_when_the_caller_goes_on() -> None:
    asks = speaks(2, "where is your office", BREATH, "and when is it open")
    played = call(asks, HANG_UP, secretary=FakeSecretary(broken=1, first_text=0.02))
    assert played.secretary.trials
    assert played.said() == [f"You said {asks.text}."]
    assert played.degraded() == []


def test_a_mind_that_breaks_on_trial_is_not_silent_when_the_caller_has_finished() -> None:
    played = call(speaks(2, QUESTION), HANG_UP, secretary=FakeSecretary(broken=1))
    assert played.said() in (["Sorry, something broke."], [f"You said {QUESTION}."])


def test_a_voice_that_breaks_on_trial_is_not_silent_when_the_caller_has_finished() -> None:
    played = call(speaks(2, QUESTION), HANG_UP, mouth=FakeMouth(breaks={1: 3}))
    assert played.line.sounds_between(3.5, 6.0)


def test_a_caller_who_hangs_up_during_the_head_start_leaves_the_words_not_the_answer() -> None:
    played = call(speaks(2, QUESTION), Act(3.8, hang_up=True))
    assert played.secretary.begun
    assert played.log.heard("caller") == [QUESTION]
    assert [turn["heard"] for turn in played.log.turns("secretary")] == ["Hello, this is Emma."]
    assert played.secretary.stored == []
    assert played.secretary.last is not None
    assert played.secretary.last.text == QUESTION


def test_a_key_pressed_during_the_head_start_is_answered_instead() -> None:
    played = call(speaks(2, "where is your office"), Act(3.4, key="1"), Act(3.45, key="#"), HANG_UP)
    assert "1" in played.secretary.asked
    assert played.conversation.state["count"] == len(played.secretary.asked)


def test_without_a_head_start_nothing_is_begun_on_trial() -> None:
    asks = speaks(2, "where is your office", BREATH, "and when is it open")
    played = call(asks, HANG_UP, head_start=0)
    assert [each.text for each in played.secretary.begun] == [asks.text]


def test_the_wait_of_a_second_question_is_not_spent_on_the_first_one() -> None:
    # The same words again: an answer on trial belongs to its own turn.
    first, second = speaks(2, QUESTION), speaks(7, QUESTION)
    played = call(first, second, Act(13, hang_up=True))
    assert played.secretary.asked == [QUESTION, QUESTION]
    assert played.said() == [f"You said {QUESTION}."] * 2


class Slow(FakeEars):
    """Gives the interim words early and the final ones after two seconds."""

    def __init__(self, acts: Sequence[Act]) -> None:
        super().__init__(acts, delay=2.0)


def test_an_answer_on_trial_waits_for_slow_ears() -> None:
    asks = speaks(2, QUESTION)
    played = call(asks, HANG_UP, ears=Slow([asks]), filler_after=9)
    assert played.secretary.asked == [QUESTION]
    assert played.line.first_sound(asks.end) == pytest.approx(0.3 + 2.0, abs=0.15)
