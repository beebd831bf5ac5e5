"""Sounds over the secretary's speech that want nothing of her: she speaks lower for a moment, and goes on."""

from itertools import pairwise
from typing import Any

import pytest
from voice_call import Played, play
from voice_fakes import CHARACTER_SECONDS, RATE, Act, FakeSecretary, sounds, speaks

ASKS = speaks(2, "read me the list")
"""Over at 3.2; the answer sounds from about 3.7 until about 13."""
LIST = (
    "One is the red house near the old market square. Two is the green house behind the railway station. "
    "Three is the white house across the river. Four is the blue house on top of the hill."
)
HANG_UP = Act(20, hang_up=True)
FRAME = RATE // 50


def listens(*acts: Act, **given: Any) -> Played:
    return play(ASKS, *acts, HANG_UP, secretary=FakeSecretary({ASKS.text: LIST}), no_input=60, **given)


def wanted(played: Played) -> list[int]:
    """All samples of the list, by the frame, in the order of speaking."""
    pieces = [each for each in played.mouth.spoken if each.text in LIST and each.done]
    return [position for each in pieces for position in range(each.begin, each.end, FRAME)]


def heard_once(played: Played) -> bool:
    """Tell whether every sample of the list was heard, in order and once."""
    return played.line.voice_positions(3.3) == wanted(played) and played.turn(1)["heard"] == LIST


def heard_to_the_end(played: Played) -> bool:
    """Tell whether the list was heard to its end, some of it perhaps twice (a word begun anew)."""
    heard = played.line.voice_positions(3.3)
    backwards = [before + FRAME - after for before, after in pairwise(heard) if after != before + FRAME]
    repeats = all(0 < back <= RATE // 2 for back in backwards)
    return set(heard) == set(wanted(played)) and repeats and played.turn(1)["heard"] == LIST


def lowest(played: Played, since: float, until: float) -> float:
    """The lowest level of her voice between two seconds, in decibels."""
    return min(played.line.level(since + step / 50) for step in range(round((until - since) * 50)))


@pytest.mark.parametrize("shift", [0.0, 0.005, 0.011, 0.017, 0.024, 0.03])
def test_her_voice_is_lowered_within_a_tenth_of_a_second_of_the_callers_first_sound(shift: float) -> None:
    at = 6 + shift
    played = listens(sounds(at, 0.2))
    lowered = next(second / 100 for second in range(600, 700) if played.line.level(second / 100) < -10)
    assert lowered - at <= 0.1


def test_a_cough_lowers_her_voice_and_stops_nothing() -> None:
    played = listens(sounds(6, 0.16))
    assert heard_once(played)
    assert lowest(played, 6, 6.3) == pytest.approx(-14, abs=1)
    assert played.line.level(8.0) == pytest.approx(0, abs=0.1), "and is raised again"
    assert played.secretary.asked == [ASKS.text]
    assert played.log.heard("caller") == [ASKS.text]


def test_several_coughs_stop_nothing() -> None:
    assert heard_once(listens(*[sounds(5 + 1.3 * number, 0.16) for number in range(5)]))


@pytest.mark.parametrize("word", ["uh-huh", "yes", "okay", "mhm", "right", "I see"])
def test_a_caller_who_says_that_they_listen_is_not_taken_for_an_interruption(word: str) -> None:
    played = listens(Act(6, 0.25, word))
    assert heard_once(played)
    assert lowest(played, 6, 6.4) < -10
    assert played.secretary.asked == [ASKS.text]


@pytest.mark.parametrize("word", ["uh-huh", "yes", "okay"])
def test_a_drawn_out_yes_holds_her_up_for_a_moment_and_she_goes_on_where_she_was(word: str) -> None:
    played = listens(Act(6, 0.6, word))
    assert heard_to_the_end(played)
    assert not played.turn(1)["interrupted_by"]
    assert played.secretary.asked == [ASKS.text]


def test_a_caller_who_says_yes_after_every_sentence_hears_them_all() -> None:
    assert heard_to_the_end(listens(*[Act(5.5 + 2.4 * number, 0.3, "yes") for number in range(3)]))


def test_an_uh_huh_as_she_says_her_last_word_is_not_answered() -> None:
    end = listens().line.last_sound(22)
    played = listens(Act(end - 0.3, 0.25, "uh-huh"))
    assert heard_once(played)
    assert played.secretary.asked == [ASKS.text]


def test_a_yes_that_goes_on_is_an_interruption() -> None:
    played = listens(speaks(6, "yes but where is the green house"))
    assert played.turn(1)["interrupted_by"] == "caller"
    assert played.secretary.asked == [ASKS.text, "yes but where is the green house"]


@pytest.mark.parametrize("early", [0.4, 0.2, 0.1])
def test_a_yes_to_her_question_is_an_answer_and_no_uh_huh(early: float) -> None:
    question = "Your number is one two three four five. Is that right?"
    end = play(ASKS, HANG_UP, secretary=FakeSecretary({ASKS.text: question}), no_input=60).line.last_sound(12)
    secretary = FakeSecretary({ASKS.text: question})
    play(ASKS, Act(end - early, 0.3, "yes"), HANG_UP, secretary=secretary, no_input=60)
    assert secretary.asked == [ASKS.text, "yes"]


def test_a_noise_of_a_second_makes_her_wait_and_go_on_where_she_was() -> None:
    played = listens(sounds(6, 1.0))
    assert heard_to_the_end(played)
    assert not played.turn(1)["interrupted_by"]
    assert played.secretary.asked == [ASKS.text]
    assert 0.3 <= max(played.line.silences(5.5, 9)) <= 1.0 + 0.6, "while it lasts and no longer"


def test_after_a_noise_she_begins_again_at_a_word() -> None:
    played = listens(sounds(6, 1.0))
    positions = played.line.voice_positions(3.3)
    before, resumed = next(each for each in pairwise(positions) if each[1] != each[0] + FRAME)
    spoken = next(each for each in played.mouth.spoken if each.begin <= resumed < each.end)
    character = (resumed - spoken.begin) / RATE / CHARACTER_SECONDS
    words = [0, *(number + 1 for number, letter in enumerate(spoken.text) if letter == " ")]
    assert min(abs(character - start) for start in words) <= 1, spoken.text[: round(character)]
    assert 0 < before + FRAME - resumed <= RATE // 2


@pytest.mark.parametrize("seconds", [0.4, 0.7, 1.4, 2.5])
def test_a_noise_that_falls_into_her_thinking_does_not_cost_the_answer(seconds: float) -> None:
    played = listens(sounds(ASKS.end + 0.25, seconds))
    assert heard_to_the_end(played)
    assert played.secretary.asked == [ASKS.text]


def test_a_television_that_runs_for_a_minute_does_not_keep_her_silent() -> None:
    television = sounds(6, 60)
    played = play(
        ASKS, television, Act(70, hang_up=True), secretary=FakeSecretary({ASKS.text: LIST}), longest=75, no_input=60
    )
    assert heard_to_the_end(played)
    assert not played.turn(1)["interrupted_by"]
    assert sum(played.line.silences(3.3, 30)) <= 1.5 + 1.0, "she waits once, not again and again"


def test_a_television_that_begins_before_the_answer_does_not_hold_it_back_for_ever() -> None:
    noise = sounds(ASKS.end + 0.25, 60)
    played = play(
        ASKS, noise, Act(70, hang_up=True), secretary=FakeSecretary({ASKS.text: LIST}), longest=75, no_input=60
    )
    assert played.line.first_sound(ASKS.end) <= 5
    assert played.turn(1)["heard"] == LIST
    assert played.secretary.asked == [ASKS.text]


def test_a_television_that_runs_from_the_start_does_not_silence_the_greeting() -> None:
    played = play(sounds(0, 30), Act(31, hang_up=True), longest=40, no_input=60)
    assert played.log.heard("secretary")[0] == "Hello, this is Emma."
    assert played.line.first_sound(0) <= 3.0


@pytest.mark.parametrize("noise", [sounds(6, 60), sounds(0.5, 60)])
def test_a_caller_who_speaks_over_the_television_is_heard(noise: Act) -> None:
    secretary = FakeSecretary({ASKS.text: LIST})
    stop = speaks(10, "stop I have heard enough")
    played = play(ASKS, noise, stop, Act(70, hang_up=True), secretary=secretary, longest=75, no_input=60)
    cut = [turn for turn in played.log.turns("secretary") if turn["interrupted_by"] == "caller"]
    assert len(cut) == 1
    assert str(cut[0]["intended"]).startswith("One is")
    assert not played.line.sounds_between(stop.at + 0.7, stop.end + 0.1)


def test_a_lowered_voice_has_no_gap() -> None:
    played = listens(sounds(6, 0.2), Act(8, 0.25, "yes"))
    assert max(played.line.silences(4, 14), default=0.0) <= 0.06


def test_an_uh_huh_while_she_thinks_is_no_question() -> None:
    secretary = FakeSecretary({ASKS.text: LIST, f"{ASKS.text} uh-huh": LIST}, first_text=2.0)
    played = play(ASKS, Act(4.6, 0.25, "uh-huh"), HANG_UP, secretary=secretary, filler_after=9, no_input=60)
    assert played.turn(1)["heard"] == LIST


@pytest.mark.parametrize("decibels", [-6.0, -20.0])
def test_how_far_she_is_lowered_is_the_owners_choice(decibels: float) -> None:
    played = listens(sounds(6, 0.2), duck_db=decibels)
    assert lowest(played, 6, 6.3) == pytest.approx(decibels, abs=1)


def test_a_caller_who_left_the_television_on_is_asked_and_parted_from() -> None:
    played = play(sounds(1.5, 80), Act(88, hang_up=True), longest=90)
    assert played.log.heard("secretary")[1:] == ["Are you there?", "Are you there?", "Goodbye."]
    assert (played.line.hung_up_at or 90) < 45


def test_a_caller_who_answers_over_the_television_that_they_are_there_is_heard() -> None:
    here = speaks(14, "yes I am here what are your hours")
    played = play(sounds(1.5, 60), here, Act(66, hang_up=True), longest=70)
    assert played.secretary.asked[-1].endswith(here.text)
