"""When the caller has finished: the words, the tone, the pace and what was asked."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voice.endpointing.endings import ending_of
from services.voice.endpointing.pace import CallerPace
from services.voice.endpointing.policy import TurnPolicy, TurnSoFar
from services.voice.endpointing.wording import Ending
from services.voice.settings import VoiceSettings

CASES = Path(__file__).parent / "turn_cases"
SETTINGS = VoiceSettings()
FINISHED, OPEN, UNFINISHED = SETTINGS.end_of_turn_finished, SETTINGS.end_of_turn, SETTINGS.end_of_turn_unfinished


class Case(NamedTuple):
    label: Ending
    language: str
    expects: str
    text: str

    @property
    def found(self) -> Ending:
        return ending_of(self.text, self.language, self.expects)


def cases(name: str) -> list[Case]:
    lines = (CASES / f"{name}.txt").read_text("utf-8").splitlines()
    parts = [[part.strip() for part in line.split("|")] for line in lines if line and not line.startswith("#")]
    return [Case(Ending(label), language, expects.strip("-"), text) for label, language, expects, text in parts]


def accuracy(labelled: Sequence[Case]) -> float:
    return sum(case.found is case.label for case in labelled) / len(labelled)


def wait(text: str = "", language: str = "en", **more: object) -> float:
    turn = {"interim": text, "language": language, "ears": True, **more}
    return TurnPolicy(SETTINGS).wait(TurnSoFar(**turn))  # type: ignore[arg-type] # a test's short hand


@pytest.mark.parametrize("case", cases("tuned"), ids=lambda case: f"{case.language} {case.text[-40:]}")
def test_the_words_that_the_lists_were_made_for(case: Case) -> None:
    assert case.found is case.label


def test_words_that_the_lists_were_not_tuned_on() -> None:
    unseen = cases("held_out")
    assert len(unseen) >= 90
    assert accuracy(unseen) >= 0.95, Counter((case.label, case.found) for case in unseen)


def test_no_half_sentence_of_either_list_is_cut_off_early() -> None:
    everything = cases("tuned") + cases("held_out")
    assert [case for case in everything if case.label is Ending.UNFINISHED and case.found is Ending.FINISHED] == []


def test_punctuation_and_case_change_nothing() -> None:
    plain = [case for case in cases("held_out") if case.text[-1].isalpha()]
    printed = [case._replace(text=f"{case.text.capitalize()}.") for case in plain]
    assert [case for case, other in zip(plain, printed, strict=True) if case.found is not other.found] == []


@pytest.mark.parametrize("text", ["my name is", "where are you", "э-э", "восемь девятьсот", ""])
def test_an_unknown_language_is_left_to_the_silence(text: str) -> None:
    assert wait(text, "fr") == OPEN


def test_a_question_is_answered_fast_and_a_half_sentence_waited_for() -> None:
    assert wait("what are your opening hours") == FINISHED
    assert wait("i have a problem with my computer") == OPEN
    assert wait("my name is") == UNFINISHED
    assert wait() == OPEN


def test_speech_that_nobody_understands_ends_after_a_long_silence() -> None:
    turn = TurnSoFar("", "en", ears=False)
    assert TurnPolicy(SETTINGS).wait(turn) == SETTINGS.end_of_message


def test_yes_is_an_answer_only_to_a_question() -> None:
    assert wait("да", "ru", expects="yes_no") == FINISHED
    assert wait("да", "ru", expects="number") == OPEN
    assert wait("хорошо", "ru", expects="yes_no") == FINISHED
    assert wait("хорошо", "ru") == OPEN


def test_a_number_is_waited_for_until_it_is_whole() -> None:
    groups = ["восемь", "девятьсот двадцать пять", "сто двадцать три", "сорок пять", "шестьдесят семь"]
    waits = [wait(" ".join(groups[:count]), "ru", expects="number") for count in range(1, 6)]
    assert waits == [UNFINISHED] * 4 + [FINISHED]


def test_a_number_with_a_prefix_is_a_figure_longer() -> None:
    assert wait("one four one five five five five two six seven", expects="number") == UNFINISHED
    assert wait("four one five five five five two six seven one", expects="number") == FINISHED
    assert wait("плюс семь девятьсот двадцать пять сто двадцать три сорок пять шесть", "ru") == UNFINISHED


def test_a_fast_caller_may_pause_between_the_groups_of_a_number() -> None:
    assert wait("four one five", expects="number", usual_pause=0.1, over=1.0) == UNFINISHED


def test_an_amount_is_no_number_under_dictation() -> None:
    assert ending_of("я буду в десять тридцать", "ru", "") is Ending.OPEN
    assert ending_of("это стоит сто двадцать три", "ru", "") is Ending.OPEN
    assert ending_of("i will come at ten thirty five", "en", "") is Ending.OPEN


def test_a_message_is_told_in_several_sentences() -> None:
    assert wait("my invoice is wrong", expects="message") == pytest.approx((OPEN + UNFINISHED) / 2)
    assert wait("when can you call me", expects="message") > FINISHED
    assert wait("my invoice is wrong that's all", expects="message") == FINISHED


def test_the_tone_decides_where_the_words_do_not() -> None:
    words = "i have a problem with my computer"
    assert wait(words, over=1.0) == FINISHED
    assert wait(words, over=0.5) == OPEN
    assert wait(words, over=0.0) == UNFINISHED


def test_the_tone_does_not_overrule_clear_words() -> None:
    assert wait("what are your opening hours", over=0.0) == OPEN
    assert OPEN < wait("my name is", over=1.0) < UNFINISHED


def test_the_tone_of_a_single_word_is_not_asked() -> None:
    assert wait("yes", expects="yes_no", over=0.0, spoken=0.4) == FINISHED


def test_a_slow_caller_is_given_more_time_and_a_fast_one_less() -> None:
    words = "i have a problem with my computer"
    assert wait(words, usual_pause=0.2) < wait(words) < wait(words, usual_pause=0.9)


@given(
    text=st.text(max_size=60) | st.sampled_from([case.text for case in cases("tuned")]),
    language=st.sampled_from(["ru", "en", "de", ""]),
    pause=st.none() | st.floats(0, 5),
    over=st.none() | st.floats(0, 1),
    expects=st.sampled_from(["", "yes_no", "number", "name", "message"]),
)
def test_every_wait_is_within_the_settings(
    text: str, language: str, pause: float | None, over: float | None, expects: str
) -> None:
    seconds = wait(text, language, usual_pause=pause, over=over, expects=expects)
    assert FINISHED <= seconds <= UNFINISHED


def test_the_pace_of_a_caller_is_known_after_three_pauses() -> None:
    pace = CallerPace()
    pace.paused(0.3)
    pace.paused(0.4)
    assert pace.usual_pause is None
    pace.paused(0.25)
    assert pace.usual_pause == 0.4


def test_one_long_pause_among_many_is_not_usual() -> None:
    pace = CallerPace()
    for seconds in [0.25] * 9 + [2.5]:
        pace.paused(seconds)
    assert pace.usual_pause == 0.25


def test_an_answer_taken_back_makes_us_patient_at_once_and_not_for_ever() -> None:
    pace = CallerPace()
    for _ in range(5):
        pace.paused(0.25)
    pace.cut_off()
    assert pace.usual_pause is not None
    assert pace.usual_pause >= 0.9
    for _ in range(12):
        pace.paused(0.25)
    assert pace.usual_pause == 0.25


def test_a_gap_inside_a_word_is_no_pause_and_going_away_neither() -> None:
    pace = CallerPace()
    for seconds in (8.0, 9.0, 10.0, 0.0, 0.1, 0.12, 0.15):
        pace.paused(seconds)
    assert pace.usual_pause is None
