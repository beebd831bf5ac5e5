"""How her sound comes out: without holes between the sentences, in order, and nothing twice."""

import pytest
from voice_call import play
from voice_fakes import RATE, Act, FakeMouth, FakeSecretary, speaks

ASKS = speaks(2, "tell me about the house")
HANG_UP = Act(26, hang_up=True)
SENTENCES = (
    "The house stands near the river.",
    "It has nine rooms and a large garden.",
    "There is a school around the corner.",
    "The trains leave every ten minutes.",
    "You may move in at once.",
)


def tells(between: float = 0.005) -> FakeSecretary:
    return FakeSecretary({ASKS.text: " ".join(SENTENCES)}, first_text=0.1, between=between)


def test_between_sentences_there_is_no_gap_anybody_hears() -> None:
    played = play(ASKS, HANG_UP, secretary=tells(), mouth=FakeMouth(first=0.03, speed=20), no_input=60)
    assert played.said() == [" ".join(SENTENCES)]
    assert max(played.line.silences(ASKS.end, 25), default=0.0) <= 0.06
    assert played.turn(1)["playout"] == {"gaps": 0, "longest_gap": pytest.approx(0, abs=60)}


def test_her_words_are_heard_in_order_and_once() -> None:
    played = play(ASKS, HANG_UP, secretary=tells(), mouth=FakeMouth(first=0.03, speed=20), no_input=60)
    spoken = [each for each in played.mouth.spoken[1:] if each.done]
    assert [each.text for each in spoken] == list(SENTENCES)
    wanted = [position for each in spoken for position in range(each.begin, each.end, RATE // 50)]
    assert played.line.voice_positions(ASKS.end) == wanted


def test_a_model_as_slow_as_speech_makes_no_gaps_inside_its_sentences() -> None:
    # A word in 0.35 s is slower than the voice, so there are holes between sentences, and only there.
    played = play(ASKS, HANG_UP, secretary=tells(between=0.35), mouth=FakeMouth(first=0.03, speed=20), no_input=60)
    assert played.said() == [" ".join(SENTENCES)]
    assert len(played.line.silences(ASKS.end, 25)) <= len(SENTENCES) - 1


def test_a_voice_that_stalls_is_told_in_the_turn() -> None:
    mouth = FakeMouth(first=0.03, speed=1.05, stalls={2: (20, 0.5)})
    played = play(ASKS, HANG_UP, secretary=tells(), mouth=mouth, no_input=60)
    longest = max(played.line.silences(ASKS.end, 25))
    assert longest > 0.3
    told = played.turn(1)["playout"]
    assert told["gaps"] >= 1
    assert told["longest_gap"] == pytest.approx(longest * 1000, abs=40)


def test_a_pause_for_the_caller_is_not_told_as_a_gap() -> None:
    played = play(ASKS, Act(7, 1.0, ""), HANG_UP, secretary=tells(), mouth=FakeMouth(first=0.03, speed=20), no_input=60)
    assert max(played.line.silences(ASKS.end, 25)) > 0.3
    assert played.turn(1)["playout"]["gaps"] == 0


def test_the_first_clause_is_heard_while_the_rest_is_being_written() -> None:
    answer = "Certainly, the house stands near the river, and it has nine rooms, a garden, and a view of the old town."
    secretary = FakeSecretary({ASKS.text: answer}, first_text=0.1, between=0.15)
    played = play(ASKS, HANG_UP, secretary=secretary, mouth=FakeMouth(first=0.03, speed=20))
    written = secretary.begun[0].at + 0.1 + 0.15 * len(answer.split())
    assert ASKS.end + played.line.first_sound(ASKS.end) < written - 1.0


def test_the_stages_of_a_turn_come_in_their_order_and_add_up_at_the_far_end() -> None:
    played = play(ASKS, HANG_UP, secretary=tells(), mouth=FakeMouth(first=0.03, speed=20), no_input=60)
    stages = played.turn(1)["stages"]
    assert stages["first_text"] <= stages["first_clause"] <= stages["first_frame"] <= stages["first_sound"]
    assert stages["end_of_turn"] <= stages["final_transcript"] <= stages["first_sound"]
    assert stages["first_sound"] == pytest.approx(played.line.first_sound(ASKS.end) * 1000, abs=60)
