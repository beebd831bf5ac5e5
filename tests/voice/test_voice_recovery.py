"""Parts break and callers come in between: she is never stuck, and the next word is understood again."""

import pytest
from voice_call import Played, play
from voice_fakes import Act, FakeMouth, FakeSecretary, sounds, speaks

ASKS = speaks(2, "read me the list")
LIST = (
    "One is the red house near the old market square. Two is the green house behind the railway station. "
    "Three is the white house across the river. Four is the blue house on top of the hill."
)
AGAIN = speaks(20, "where is your office")
HANG_UP = Act(28, hang_up=True)


def answers_again(played: Played) -> bool:
    """Tell whether the question at 20 s was understood and its answer heard whole, in time."""
    asked = played.secretary.asked[-1] == AGAIN.text
    return asked and played.said()[-1] == f"You said {AGAIN.text}." and played.line.first_sound(AGAIN.end) <= 1.4


def listens(*acts: Act, secretary: FakeSecretary | None = None, **given: object) -> Played:
    secretary = secretary or FakeSecretary({ASKS.text: LIST})
    return play(ASKS, *acts, AGAIN, HANG_UP, secretary=secretary, no_input=60, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "acts",
    [
        (speaks(6, "wait"),),
        (speaks(6, "wait"), speaks(6.8, "stop")),
        (sounds(6, 0.2), speaks(6.5, "no the green house")),
        (sounds(6, 1.0), speaks(7.6, "no the green house")),
        (speaks(6, "no the green house"), sounds(8.2, 0.3)),
        (sounds(6, 3.0), sounds(9.5, 3.0)),
        tuple(sounds(4 + 0.7 * number, 0.4) for number in range(12)),
        tuple(speaks(4 + 1.1 * number, "yes", word=0.35) for number in range(8)),
        tuple(speaks(3.3 + 0.9 * number, "hello hello") for number in range(8)),
    ],
    ids=["wait", "wait-stop", "cough-no", "noise-no", "no-noise", "noises", "coughs", "yesses", "hellos"],
)
def test_whatever_comes_in_between_the_next_question_is_answered(acts: tuple[Act, ...]) -> None:
    assert answers_again(listens(*acts))


@pytest.mark.parametrize("at", [round(3.2 + 0.08 * step, 2) for step in range(12)])
def test_an_interruption_at_the_first_sound_of_the_answer_does_not_leave_her_stuck(at: float) -> None:
    assert answers_again(listens(speaks(at, "the green house please")))


@pytest.mark.parametrize("at", [round(13.0 + 0.16 * step, 2) for step in range(12)])
def test_an_interruption_at_her_last_sound_does_not_leave_her_stuck(at: float) -> None:
    assert answers_again(listens(speaks(at, "and what then")))


@pytest.mark.parametrize("at", [round(3.2 + 0.08 * step, 2) for step in range(12)])
def test_a_noise_at_the_first_sound_of_the_answer_costs_nothing_of_it(at: float) -> None:
    played = listens(sounds(at, 0.4))
    assert played.turn(1)["heard"] == LIST
    assert played.secretary.asked == [ASKS.text, AGAIN.text]


def test_ears_that_break_while_she_is_held_up_do_not_leave_her_silent() -> None:
    played = listens(sounds(6, 1.2), ears={"breaks_at": 6.6})
    assert played.turn(1)["heard"] == LIST
    assert answers_again(played)
    assert played.degraded() == ["stt"]


def test_ears_that_never_answer_about_a_noise_do_not_leave_her_silent() -> None:
    played = play(
        ASKS, sounds(6, 1.2), HANG_UP, secretary=FakeSecretary({ASKS.text: LIST}), ears={"delay": 3.0}, no_input=60
    )
    assert played.turn(1)["heard"] == LIST


def test_a_voice_that_breaks_while_she_is_held_up_is_apologised_for() -> None:
    played = listens(sounds(6, 1.2), mouth=FakeMouth(speed=1.0, breaks={2: 20}))
    assert "Sorry, something broke." in played.said()
    assert answers_again(played)


def test_a_mind_that_breaks_in_mid_sentence_is_apologised_for_once() -> None:
    played = listens(secretary=FakeSecretary({ASKS.text: LIST}, broken=1))
    assert answers_again(played)
    assert len([text for text in played.said() if text == "Sorry, something broke."]) <= 1


def test_an_interruption_is_answered_though_the_voice_broke_just_then() -> None:
    wants = speaks(6, "no the green house")
    played = listens(wants, mouth=FakeMouth(breaks={2: 10}))
    assert answers_again(played)


def test_three_failures_in_a_row_end_the_call_instead_of_silence() -> None:
    played = play(mouth=FakeMouth(fails=99), longest=60)
    assert played.reason == "failure"


def test_her_voice_is_at_its_full_level_after_every_disturbance() -> None:
    played = listens(sounds(5, 0.2), speaks(8, "no the green house"), sounds(11.2, 0.15))
    assert answers_again(played)
    begin = AGAIN.end + played.line.first_sound(AGAIN.end)
    assert played.line.level(begin + 0.5) == pytest.approx(0, abs=0.1)


def test_words_said_over_her_and_not_understood_in_time_are_answered_in_the_end() -> None:
    wants = speaks(9, "no the green house")
    secretary = FakeSecretary({ASKS.text: LIST})
    play(ASKS, wants, HANG_UP, secretary=secretary, ears={"delay": 2.5, "lag": None}, no_input=60)
    assert secretary.asked == [ASKS.text, wants.text]
