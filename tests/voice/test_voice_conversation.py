"""What a caller does and what happens, in virtual time: exact and instant."""

import pytest
from voice_call import play
from voice_fakes import Act, FakeMouth, FakeSecretary

from services.voice.latency import Stage

# The greeting "Hello, this is Emma." lasts 1 s.


def test_a_question_is_answered_and_both_sides_are_stored() -> None:
    played = play(Act(2, 1.0, "what are your hours"), Act(9, hang_up=True))
    assert played.secretary.asked == ["what are your hours"]
    assert played.log.heard("caller") == ["what are your hours"]
    assert played.log.heard("secretary") == ["Hello, this is Emma.", "You said what are your hours."]
    assert played.reason == "caller_hangup"
    assert [turn.role for turn in played.conversation.history] == ["secretary", "caller", "secretary"]


def test_the_stages_of_an_answer_add_up_to_what_the_far_end_hears() -> None:
    played = play(Act(2, 1.0, "hours"), Act(9, hang_up=True))
    stages = played.log.turns("secretary")[1]["stages"]
    assert isinstance(stages, dict)
    assert set(stages) == set(Stage) - {Stage.FILLER}
    assert stages["end_of_turn"] == pytest.approx(500, abs=60)
    assert stages["final_transcript"] - stages["end_of_turn"] == pytest.approx(100, abs=25)
    assert stages["first_sound"] == pytest.approx(played.line.first_sound(3.0) * 1000, abs=60)


def test_the_caller_is_heard_from_the_first_syllable_of_a_turn_after_the_greeting_was_cut() -> None:
    played = play(Act(0.3, 1.0, "hello are you there"), Act(9, hang_up=True))
    assert played.secretary.asked == ["hello are you there"]


def test_an_interruption_silences_the_line_and_keeps_what_was_heard() -> None:
    answer = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."
    secretary = FakeSecretary({"count": answer})
    # The caller falls silent at 2.5; the answer begins at about 3.1 and would last 4.9 s. The interruption is at 5.0.
    played = play(Act(2, 0.5, "count"), Act(5, 1.0, "stop"), Act(12, hang_up=True), secretary=secretary)
    heard = str(played.log.heard("secretary")[1])
    assert answer.startswith(heard)
    assert 5 <= len(heard.split()) <= 10
    assert played.log.turns("secretary")[1]["interrupted_by"] == "caller"
    assert not played.line.sounds_between(5.5, 6.4)
    assert secretary.asked == ["count", "stop"]


def test_what_was_meant_to_be_said_is_stored_whole_when_the_first_sentence_is_cut() -> None:
    answer = "One two three four five six seven eight nine ten. Eleven twelve thirteen fourteen fifteen sixteen."
    played = play(
        Act(2, 0.5, "count"), Act(4, 1.0, "stop"), Act(9, hang_up=True), secretary=FakeSecretary({"count": answer})
    )
    turn = played.log.turns("secretary")[1]
    assert turn["interrupted_by"] == "caller"
    assert turn["intended"] == answer
    assert answer.startswith(str(turn["heard"]))
    assert "Eleven" not in str(turn["heard"])


def test_a_cough_stops_nothing_and_is_not_answered() -> None:
    played = play(Act(2, 1.0, "hours"), Act(4.2, 0.16, ""), Act(9, hang_up=True))
    assert played.log.heard("secretary")[1] == "You said hours."
    assert played.secretary.asked == ["hours"]


def test_a_short_word_over_the_speech_does_not_stop_it_and_is_answered_after_it() -> None:
    secretary = FakeSecretary({"read it back": "Your number is one two three four five, is that right?"})
    played = play(Act(2, 0.8, "read it back"), Act(4.5, 0.2, "yes"), Act(14, hang_up=True), secretary=secretary)
    assert played.log.heard("secretary")[1] == "Your number is one two three four five, is that right?"
    assert secretary.asked == ["read it back", "yes"]


def test_a_caller_who_goes_on_before_the_answer_is_heard_has_said_one_thing() -> None:
    secretary = FakeSecretary(first_text=1.5)
    acts = Act(2, 1.0, "I would like"), Act(4.2, 1.0, "to know your hours"), Act(14, hang_up=True)
    played = play(*acts, secretary=secretary)
    assert secretary.asked[-1] == "I would like to know your hours"
    assert played.log.heard("secretary")[1:] == ["You said I would like to know your hours."]
    assert played.conversation.state == {"count": 1}, "the overtaken answer must leave no trace"


def test_goodbye_ends_the_call_after_the_last_word_was_played() -> None:
    played = play(Act(2, 1.0, "goodbye"))
    assert played.reason == "goodbye"
    assert played.log.heard("secretary")[1] == "You said goodbye."
    last = max(at for at, sound in played.line.heard if sound)
    assert last - played.line.first_sound(3.0) - 3.0 == pytest.approx(len("You said goodbye.") * 0.05, abs=0.1)


def test_silence_is_asked_about_and_then_ended_politely() -> None:
    played = play(longest=90)
    assert played.log.heard("secretary") == ["Hello, this is Emma.", "Are you there?", "Are you there?", "Goodbye."]
    assert played.reason == "no_input"


def test_keys_become_one_number() -> None:
    played = play(*[Act(2 + 0.3 * n, key=key) for n, key in enumerate("123")], Act(9, hang_up=True))
    assert played.secretary.asked == ["123"]
    assert played.log.turns("caller")[0]["source"] == "digits"


def test_a_key_stops_the_speech() -> None:
    played = play(Act(0.3, key="5"), Act(0.4, key="#"), Act(9, hang_up=True))
    assert played.log.turns("secretary")[0]["interrupted_by"] == "digits"
    assert played.secretary.asked == ["5"]


def test_typed_text_is_a_turn() -> None:
    played = play(Act(2, typed="what are your hours"), Act(9, hang_up=True))
    assert played.secretary.asked == ["what are your hours"]
    assert played.log.turns("caller")[0]["source"] == "typed"


def test_hanging_up_in_mid_sentence_still_stores_the_last_words() -> None:
    played = play(Act(2, 3.0, "please call me back"), Act(4, hang_up=True))
    assert played.log.heard("caller") == ["please call me"]
    assert played.secretary.last is not None
    assert played.kept == 1


def test_hanging_up_while_the_secretary_speaks_stores_what_was_heard() -> None:
    played = play(Act(0.5, hang_up=True))
    turn = played.log.turns("secretary")[0]
    assert turn["interrupted_by"] == "hangup"
    assert str(turn["intended"]).startswith(str(turn["heard"]))
    assert turn["heard"] != turn["intended"]


def test_without_ears_a_message_is_kept_by_its_sound() -> None:
    played = play(Act(2, 3.0, "unheard"), Act(12, hang_up=True), deaf=True)
    assert played.log.heard("caller") == [""]
    assert played.kept == 1
    assert played.log.heard("secretary")[1] == "Your message is kept."
    assert not played.conversation.abilities.ears


def test_ears_that_never_answer_do_not_silence_the_secretary() -> None:
    played = play(Act(2, 1.0, "hours"), Act(14, hang_up=True), ears={"silent": True, "lag": None})
    assert played.log.heard("secretary")[1] == "Your message is kept."


def test_words_whose_final_transcript_never_comes_are_answered_as_they_were_heard() -> None:
    played = play(Act(2, 1.0, "hours"), Act(14, hang_up=True), ears={"silent": True})
    assert played.log.heard("secretary")[1] == "You said hours."


def test_ears_that_break_are_replaced() -> None:
    played = play(Act(2, 1.0, "hours"), Act(7, 1.0, "address"), Act(14, hang_up=True), ears={"fails_at": 0})
    assert played.ears.opened == 2
    assert "address" in played.secretary.asked
    assert [e.data["part"] for e in played.log.events if e.type == "degraded"] == ["stt"]


def test_a_broken_answer_is_apologised_for() -> None:
    played = play(Act(2, 1.0, "hours"), Act(9, hang_up=True), secretary=FakeSecretary(broken=2))
    assert played.log.heard("secretary")[1] == "Sorry, something broke."


def test_a_voice_that_stays_broken_ends_the_call_instead_of_silence() -> None:
    played = play(mouth=FakeMouth(fails=99))
    assert played.reason == "failure"


def test_a_line_that_ends_without_a_word_ends_the_call() -> None:
    played = play(longest=3.0)
    assert played.reason == "line_lost"


PARTING = "Time is up, goodbye."


def test_a_call_at_its_time_limit_ends_politely_though_both_sides_keep_talking() -> None:
    acts = [Act(2.0 + 4 * n, 1.5, f"question {n}") for n in range(20)]
    played = play(*acts, max_call=30.0, longest=90)
    assert played.reason == "max_call"
    assert played.log.heard("secretary")[-1] == PARTING, "nobody interrupts the last sentence"
    begun = played.log.turns("secretary")[-1]["start"]
    assert isinstance(begun, float)
    assert 30.0 <= begun <= 40.0


def test_the_time_limit_lets_the_caller_finish_and_keeps_what_was_said() -> None:
    played = play(Act(5, 2.0, "hours"), Act(27, 6.0, "please tell the doctor"), max_call=30.0, longest=90)
    begun = played.log.turns("secretary")[-1]["start"]
    assert isinstance(begun, float)
    assert 33.0 < begun < 35.0, "the sentence ended at 33"
    assert "please tell the doctor" not in played.secretary.asked
    assert played.secretary.last is not None
    assert played.secretary.last.text == "please tell the doctor"
    assert played.reason == "max_call"


def test_a_caller_who_never_pauses_is_parted_from_after_ten_seconds_more() -> None:
    played = play(Act(20, 60.0, " ".join(["and then"] * 90)), max_call=30.0, longest=90)
    begun = played.log.turns("secretary")[-1]["start"]
    assert isinstance(begun, float)
    assert begun == pytest.approx(40.0, abs=0.5)
    assert played.log.heard("secretary")[-1] == PARTING
    assert played.reason == "max_call"


def test_a_key_does_not_stop_the_parting_at_the_time_limit() -> None:
    played = play(Act(20, 1.0, "hours"), Act(30.3, key="5"), Act(30.4, key="#"), max_call=30.0, longest=90)
    assert played.log.heard("secretary")[-1] == PARTING
    assert played.reason == "max_call"
