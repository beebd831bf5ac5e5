"""When has the caller finished? Nobody is cut off in mid-thought, and a whole question is answered at once."""

import pytest
from voice_call import Played, play
from voice_fakes import Act, FakeSecretary, speaks

HANG_UP = Act(20, hang_up=True)
EARS = 0.1
"""How long the fake ears take for their final word."""
FRAMES = 0.08
"""A window of voice detection, a frame each way, and the steps in which the far end is looked at."""


def wait_after(played: Played, act: Act) -> float:
    """Seconds from the last word of `act` to the first sound of the answer, at the far end."""
    return played.line.first_sound(act.end)


def not_cut_off(played: Played, act: Act) -> bool:
    """Tell whether the secretary was silent as long as the caller spoke, pauses included, and took it as one turn."""
    return not played.line.sounds_between(act.at, act.end) and played.secretary.asked == [act.text]


@pytest.mark.parametrize(
    "words", ["what are your opening hours", "where is your office", "yes", "no thank you", "can I speak to the doctor"]
)
def test_a_caller_who_has_asked_a_whole_question_is_answered_at_once(words: str) -> None:
    asks = speaks(2, words)
    wait = wait_after(play(asks, HANG_UP), asks)
    assert 0.25 + EARS <= wait <= 0.4 + EARS + FRAMES


@pytest.mark.parametrize(
    "words", ["I would like to", "my name is", "I am calling because", "um", "the invoice is wrong and"]
)
def test_a_caller_who_has_not_finished_the_sentence_is_given_time(words: str) -> None:
    asks = speaks(2, words)
    wait = wait_after(play(asks, HANG_UP), asks)
    assert 1.0 + EARS <= wait <= 1.2 + EARS + FRAMES


@pytest.mark.parametrize("pause", [0.2, 0.5, 0.9])
def test_a_caller_who_thinks_in_the_middle_of_a_sentence_is_not_cut_off(pause: float) -> None:
    asks = speaks(2, "I would like to", pause, "make an appointment")
    played = play(asks, HANG_UP)
    assert not_cut_off(played, asks)
    assert played.ears.ended == 1


def test_a_caller_who_says_um_between_the_words_is_not_cut_off() -> None:
    asks = speaks(2, "could you tell me um", 0.8, "where your um", 0.8, "office is")
    assert not_cut_off(play(asks, HANG_UP), asks)


def test_a_caller_who_dictates_a_number_in_groups_is_heard_to_its_end() -> None:
    asks = speaks(2, "four one five", 0.9, "five five five", 0.9, "two six", 0.9, "seven one")
    played = play(asks, HANG_UP)
    assert not_cut_off(played, asks)
    assert wait_after(played, asks) <= 1.2 + EARS + FRAMES


def test_a_caller_who_has_dictated_a_whole_number_does_not_wait_as_for_half_of_one() -> None:
    whole = speaks(2, "my number is eight nine one two three four five six seven eight nine")
    half = speaks(2, "my number is eight nine one two")
    assert wait_after(play(whole, HANG_UP), whole) < wait_after(play(half, HANG_UP), half) - 0.3


def test_a_caller_who_speaks_for_half_a_minute_with_short_breaths_has_one_turn() -> None:
    story: list[str | float] = []
    for number in range(12):
        story += [f"and then on day {number}", 0.25, "the computer broke again", 0.25]
    tells = speaks(2, *story, "that is all")
    played = play(tells, Act(45, hang_up=True))
    assert not_cut_off(played, tells)


def test_a_slow_caller_who_was_cut_off_once_gets_more_time() -> None:
    # The pause is longer than what anybody gets who has not yet been cut off.
    first = speaks(2, "my computer broke", 0.75, "last week after the update")
    second = speaks(15, "my printer broke", 0.75, "last month after the move")
    played = play(first, second, Act(30, hang_up=True))
    assert played.line.sounds_between(first.at, first.end), "the test means a caller who is cut off"
    assert not played.line.sounds_between(second.at, second.end)
    assert played.secretary.asked[-1] == second.text


def test_a_caller_who_never_pauses_is_listened_to_in_turns_and_not_talked_over() -> None:
    tells = speaks(2, " ".join(f"word{number}" for number in range(80)))
    played = play(tells, Act(40, hang_up=True), longest_turn=10)
    first = str(played.log.heard("caller")[0])
    assert len(first.split()) == pytest.approx(10 / 0.3, abs=3), "what was said so far is stored, come what may"
    assert played.secretary.asked == [tells.text]
    assert not played.line.sounds_between(tells.at, tells.end)


def test_a_caller_whom_nobody_can_understand_may_pause_for_long() -> None:
    leaves = speaks(2, "please tell the doctor", 1.5, "that I am late")
    played = play(leaves, HANG_UP, deaf=True)
    assert not played.line.sounds_between(leaves.at, leaves.end + 1.9)
    assert played.kept == 1
    assert wait_after(played, leaves) <= 2.0 + FRAMES + 0.1


def test_a_caller_who_asks_the_next_question_right_after_the_answer_is_answered_again() -> None:
    secretary = FakeSecretary({"where is your office": "In Green Street."})
    first, second = speaks(2, "where is your office"), speaks(4.6, "when are you open")
    played = play(first, second, HANG_UP, secretary=secretary)
    assert secretary.asked == [first.text, second.text]
    assert wait_after(played, second) <= 0.4 + EARS + FRAMES


def test_the_wait_is_the_same_wherever_the_last_word_falls_between_two_frames() -> None:
    waits = []
    for step in range(8):
        asks = speaks(2 + step * 0.004, "what are your opening hours")
        waits.append(wait_after(play(asks, HANG_UP), asks))
    assert max(waits) - min(waits) <= 0.06
