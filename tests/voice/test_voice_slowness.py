"""When something takes long the caller hears so: never a silence nobody explains."""

import pytest
from voice_call import Played, play
from voice_fakes import FILLERS, RATE, Act, FakeMouth, FakeSecretary, sounds, speaks

ASKS = speaks(2, "what are your opening hours")
"""Over at 3.5."""
HANG_UP = Act(30, hang_up=True)


def was_heard(played: Played, text: str) -> bool:
    """Tell whether every sample of `text` was heard."""
    positions = set(played.line.voice_positions())
    return any(
        each.text == text and set(range(each.begin, each.end, RATE // 50)) <= positions for each in played.mouth.spoken
    )


def slow_by(seconds: float) -> FakeSecretary:
    return FakeSecretary(slow={ASKS.text: seconds})


def test_an_answer_in_time_comes_without_a_filler() -> None:
    played = play(ASKS, HANG_UP, secretary=slow_by(1.0), no_input=60)
    assert played.secretary.fillers == []
    assert played.said() == [f"You said {ASKS.text}."]


def test_a_slow_answer_is_bridged_by_a_short_phrase() -> None:
    played = play(ASKS, HANG_UP, secretary=slow_by(4.0), no_input=60)
    assert played.secretary.fillers == [FILLERS[0]]
    assert played.line.first_sound(ASKS.end) == pytest.approx(1.5, abs=0.1)
    assert was_heard(played, FILLERS[0])
    assert was_heard(played, f"You said {ASKS.text}.")
    assert f"secretary: You said {ASKS.text}." in played.remembered()


def test_an_answer_that_comes_during_the_filler_waits_until_it_is_said() -> None:
    # The filler sounds from about 5.0 to 6.0; the answer is there at about 5.6.
    played = play(ASKS, HANG_UP, secretary=slow_by(2.0), no_input=60)
    filler, answer = played.mouth.text(FILLERS[0]), played.mouth.text("You said")
    assert was_heard(played, FILLERS[0])
    positions = played.line.voice_positions(4.5)
    assert positions == sorted(positions)
    assert positions[0] == filler.begin
    assert positions[-1] == answer.end - RATE // 50
    assert max(played.line.silences(4.5, 12), default=0.0) <= 0.06


def test_two_slow_answers_are_not_bridged_by_the_same_phrase() -> None:
    again = speaks(13, "where is your office")
    secretary = FakeSecretary(slow={ASKS.text: 3.0, again.text: 3.0})
    played = play(ASKS, again, HANG_UP, secretary=secretary, no_input=60)
    assert secretary.fillers == list(FILLERS)
    assert all(was_heard(played, phrase) for phrase in FILLERS)


def test_slow_ears_are_bridged_too() -> None:
    played = play(ASKS, HANG_UP, ears={"delay": 3.0, "lag": None}, no_input=60)
    assert played.secretary.fillers
    assert played.line.first_sound(ASKS.end) == pytest.approx(1.5, abs=0.15)
    assert played.said()[-1] == f"You said {ASKS.text}."


def test_a_filler_is_no_turn_of_the_conversation() -> None:
    played = play(ASKS, HANG_UP, secretary=slow_by(3.0), no_input=60)
    assert played.said() == [f"You said {ASKS.text}."]
    assert all(FILLERS[0] not in text for text in played.remembered())


def test_an_answer_that_never_comes_is_given_up_in_human_words() -> None:
    secretary = FakeSecretary(hangs=(ASKS.text,))
    played = play(ASKS, HANG_UP, secretary=secretary, no_input=60)
    assert was_heard(played, "Sorry, something broke.")
    sorry = played.log.turns("secretary")[-1]
    assert float(str(sorry["start"])) - ASKS.end == pytest.approx(10.0, abs=0.5)
    assert played.degraded() == ["reply"]
    assert secretary.begun[0].closed_at is not None, "and nothing is left of it"


def test_after_an_answer_that_never_came_the_next_one_does() -> None:
    secretary = FakeSecretary(hangs=(ASKS.text,))
    again = speaks(18, "where is your office")
    played = play(ASKS, again, HANG_UP, secretary=secretary, no_input=60)
    assert played.said()[-1] == f"You said {again.text}."


def test_a_voice_that_hangs_is_given_up_in_time() -> None:
    # The first attempt never gives a sound; the apology is spoken by the next.
    played = play(ASKS, HANG_UP, mouth=FakeMouth(hangs=(1, 2)), no_input=60)
    assert played.line.sounds_between(ASKS.end, ASKS.end + 11.5)


def test_a_voice_that_begins_slowly_is_bridged_or_waited_for() -> None:
    played = play(ASKS, HANG_UP, mouth=FakeMouth(first=1.0), no_input=60)
    assert played.line.first_sound(ASKS.end) <= 2.7
    assert was_heard(played, f"You said {ASKS.text}.")


def test_a_caller_who_is_silent_is_asked_and_then_parted_from() -> None:
    played = play(longest=90)
    assert played.log.heard("secretary") == ["Hello, this is Emma.", "Are you there?", "Are you there?", "Goodbye."]
    assert played.reason == "no_input"


def test_a_caller_is_not_asked_whether_they_are_there_while_an_answer_is_awaited() -> None:
    played = play(ASKS, HANG_UP, secretary=slow_by(9.5), no_input=3.0, answer_timeout=20)
    assert "Are you there?" not in played.said()[:1]


def test_the_wait_is_told_in_the_trace_of_the_turn() -> None:
    played = play(ASKS, HANG_UP, secretary=slow_by(4.0), no_input=60)
    stages = played.turn(1)["stages"]
    assert stages["first_sound"] == pytest.approx(played.line.first_sound(ASKS.end + 2.8) * 1000 + 2800, abs=120)
    assert stages["first_text"] > 3500


def test_a_filler_that_cannot_be_spoken_costs_the_phrase_only() -> None:
    mouth = FakeMouth(breaks={1: 0})
    played = play(ASKS, HANG_UP, secretary=slow_by(4.0), mouth=mouth, no_input=60)
    assert mouth.spoken[1].text == FILLERS[0]
    assert played.said() == [f"You said {ASKS.text}."]


def test_a_caller_who_speaks_again_while_the_answer_is_slow_is_not_bridged_over() -> None:
    goes_on = speaks(4.6, "and where is your office I would like to come by on Monday")
    played = play(ASKS, goes_on, HANG_UP, secretary=slow_by(4.0), no_input=60)
    assert not played.line.sounds_between(goes_on.at, goes_on.end)
    assert played.secretary.asked[-1] == f"{ASKS.text} {goes_on.text}"


def test_nobody_is_asked_to_wait_after_a_cough() -> None:
    played = play(ASKS, sounds(12, 0.2), HANG_UP, ears={"delay": 2.5}, no_input=60)
    assert not played.line.sounds_between(11, 25)


def test_a_phrase_that_no_answer_follows_does_not_end_her_patience() -> None:
    # These ears tell their words afterwards only, so that a cough is bridged; then nobody says anything any more.
    played = play(ASKS, sounds(10, 0.2), Act(24, hang_up=True), ears={"delay": 2.0, "lag": None})
    assert len(played.secretary.fillers) == 2
    assert played.said()[1:] == ["Are you there?"]
