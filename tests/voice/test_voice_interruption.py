"""The caller speaks over the secretary and means it: she falls silent, and keeps of her words only what was heard."""

import pytest
from voice_call import Played, play
from voice_fakes import RATE, Act, FakeMouth, FakeSecretary, speaks

from services.dialogue.shapes import EndCall, ReplyText

ASKS = speaks(2, "read me the list")
"""Over at 3.2; the answer sounds from about 3.7 until about 14."""
FIRST = "One is the red house near the old market square."
SECOND = "Two is the green house behind the railway station."
LIST = f"{FIRST} {SECOND} Three is the white house across the river. Four is the blue house on top of the hill."
HANG_UP = Act(24, hang_up=True)
BARGE_IN, FRAMES = 0.3, 0.14
FRAME = RATE // 50


def interrupts(*acts: Act, between: float = 0.0, mouth: FakeMouth | None = None) -> Played:
    secretary = FakeSecretary({ASKS.text: LIST}, between=between)
    return play(ASKS, *acts, HANG_UP, secretary=secretary, mouth=mouth, no_input=60)


def words_heard(played: Played, text: str, until: float) -> list[str]:
    """The words of `text` of which the last sample was heard before second `until`."""
    positions = played.line.voice_positions(3.3, until)
    words = []
    for spoken in played.mouth.spoken:
        if spoken.text in text:
            offset = 0
            for word in spoken.text.split(" "):
                offset += len(word)
                frames = round(offset * 0.05 * RATE) // FRAME - 1
                if spoken.begin + frames * FRAME in positions:
                    words.append(word)
                offset += 1
    return words


@pytest.mark.parametrize("shift", [0.0, 0.007, 0.013, 0.02, 0.027])
def test_real_words_silence_her_soon_after_they_are_known(shift: float) -> None:
    wants = speaks(6 + shift, "no I want the green house", word=0.25)
    played = interrupts(wants)
    assert played.line.last_sound(8) <= wants.at + BARGE_IN + FRAMES, "she has paused after 0.3 s of speech"
    assert not played.line.sounds_between(wants.at + 0.5, wants.end + 0.25)
    assert played.secretary.asked == [ASKS.text, wants.text]


def test_of_an_interrupted_answer_is_kept_what_was_really_heard() -> None:
    wants = speaks(6, "no I want the green house")
    played = interrupts(wants)
    heard = str(played.turn(1)["heard"])
    assert played.turn(1)["intended"].startswith(heard)
    assert played.turn(1)["interrupted_by"] == "caller"
    truly = words_heard(played, LIST, wants.end)
    assert abs(len(heard.split()) - len(truly)) <= 1
    assert heard.split()[: len(truly) - 1] == truly[: len(heard.split())][: len(truly) - 1]
    assert f"secretary: {heard}" in played.remembered()


def test_the_mind_and_the_voice_stop_when_she_is_interrupted() -> None:
    wants = speaks(6, "no I want the green house")
    played = interrupts(wants, between=0.3, mouth=FakeMouth(speed=1.2))
    answer = played.secretary.begun[0]
    assert answer.closed_at is not None
    assert answer.closed_at <= wants.at + 1.0
    (cut,) = [each for each in played.mouth.spoken if each.closed_at is not None]
    assert cut.closed_at is not None
    assert cut.closed_at <= wants.at + 1.0


def test_an_old_sentence_is_never_spoken_in_the_next_turn() -> None:
    played = interrupts(speaks(6, "no I want the green house"))
    old = [each for each in played.mouth.spoken if each.text in LIST]
    positions = played.line.voice_positions(7.9)
    assert positions
    assert not [position for position in positions if any(each.begin <= position < each.end for each in old)]
    assert played.said()[-1] == "You said no I want the green house."


def test_an_interruption_while_the_second_of_two_ready_sentences_plays_keeps_the_first_whole() -> None:
    # The first sentence lasts until about 6.1.
    played = interrupts(speaks(7, "no I want the green house"), mouth=FakeMouth(speed=50))
    heard = str(played.turn(1)["heard"])
    assert heard.startswith(FIRST)
    assert FIRST != heard != f"{FIRST} {SECOND}"


@pytest.mark.parametrize("word", ["stop", "wait", "no", "hello"])
def test_one_short_word_that_means_it_stops_her(word: str) -> None:
    says = Act(6, 0.4, word)
    played = interrupts(says)
    assert played.turn(1)["interrupted_by"] == "caller"
    assert not played.line.sounds_between(says.end + 0.15, says.end + 0.35)
    assert played.secretary.asked == [ASKS.text, word]


def test_a_caller_who_interrupts_the_greeting_is_answered() -> None:
    asks = speaks(0.4, "what are your opening hours")
    played = play(asks, Act(12, hang_up=True))
    assert played.turn(0)["interrupted_by"] == "caller"
    assert not played.line.sounds_between(asks.at + 0.5, asks.end + 0.25)
    assert played.secretary.asked == [asks.text]


def test_a_caller_who_interrupts_the_answer_to_the_interruption_is_answered_too() -> None:
    first, second = speaks(6, "no I want the green house"), speaks(9, "sorry I meant the white house")
    played = interrupts(first, second)
    assert [turn["interrupted_by"] for turn in played.log.turns("secretary")] == ["", "caller", "caller", ""]
    assert played.secretary.asked == [ASKS.text, first.text, second.text]
    assert not played.line.sounds_between(second.at + 0.5, second.end + 0.25)


def test_a_caller_who_goes_on_before_the_answer_to_the_interruption_sounds_has_said_one_thing() -> None:
    wants = speaks(6, "no I want the", 0.7, "green house")
    played = interrupts(wants)
    assert played.secretary.asked == [ASKS.text, wants.text]
    assert not played.line.sounds_between(wants.at + 0.5, wants.end + 0.25)


def test_a_caller_who_interrupts_the_filler_is_heard() -> None:
    secretary = FakeSecretary({ASKS.text: LIST}, slow={ASKS.text: 6.0})
    # The filler sounds from about 4.7 to 5.7.
    wants = speaks(5.0, "never mind where is your office")
    played = play(ASKS, wants, HANG_UP, secretary=secretary, no_input=60)
    assert secretary.fillers
    assert not played.line.sounds_between(wants.at + 0.55, wants.end + 0.25)
    assert secretary.asked[-1].endswith(wants.text)
    assert LIST not in played.said()


def test_a_key_pressed_while_she_is_held_up_stops_her() -> None:
    played = interrupts(Act(6, 1.2, ""), Act(6.7, key="2"), Act(6.8, key="#"))
    assert played.turn(1)["interrupted_by"] == "digits"
    assert played.secretary.asked == [ASKS.text, "2"]
    assert not played.line.sounds_between(6.75, 6.8)


def test_a_caller_who_hangs_up_while_she_is_held_up_leaves_what_was_heard() -> None:
    played = play(ASKS, Act(6, 3, ""), Act(6.8, hang_up=True), secretary=FakeSecretary({ASKS.text: LIST}))
    turn = played.turn(1)
    truly = words_heard(played, LIST, 7)
    assert turn["interrupted_by"] == "hangup"
    assert len(truly) >= 1
    assert abs(len(str(turn["heard"]).split()) - len(truly)) <= 1


NOTICE = "This call is recorded for the quality of our service."


def notice_first() -> FakeSecretary:
    return FakeSecretary({ASKS.text: [ReplyText(f"{NOTICE} ", interruptible=False), ReplyText(LIST)]})


def test_a_notice_that_must_be_heard_is_said_to_its_end() -> None:
    # The notice sounds from about 3.7 to 6.4.
    over = speaks(4.2, "where is the green house")
    played = play(ASKS, over, HANG_UP, secretary=notice_first(), no_input=60)
    assert str(played.turn(1)["heard"]).startswith(NOTICE)
    notice = next(each for each in played.mouth.spoken if each.text == NOTICE)
    assert set(range(notice.begin, notice.end, RATE // 50)) <= set(played.line.voice_positions())
    assert played.secretary.asked == [ASKS.text, over.text], "what was said over it is answered after it"


def test_behind_the_notice_the_rest_may_be_interrupted() -> None:
    over = speaks(8, "no I want the green house")
    played = play(ASKS, over, HANG_UP, secretary=notice_first(), no_input=60)
    assert played.turn(1)["interrupted_by"] == "caller"
    assert str(played.turn(1)["heard"]).startswith(NOTICE)
    assert played.turn(1)["heard"] != f"{NOTICE} {LIST}"


def test_what_an_interrupted_answer_was_to_end_in_does_not_happen() -> None:
    secretary = FakeSecretary({ASKS.text: [ReplyText(LIST), EndCall()]})
    played = play(ASKS, speaks(6, "no I want the green house"), HANG_UP, secretary=secretary, no_input=60)
    assert played.reason == "caller_hangup"
    assert secretary.asked[-1] == "no I want the green house"


def test_ears_that_know_no_interim_words_still_let_her_be_interrupted() -> None:
    wants = speaks(6, "no I want the green house")
    secretary = FakeSecretary({ASKS.text: LIST})
    played = play(ASKS, wants, HANG_UP, secretary=secretary, ears={"lag": None}, no_input=60)
    assert not played.line.sounds_between(wants.at + 0.6, wants.end + 0.2)
    assert played.turn(1)["interrupted_by"] == "caller"
    assert secretary.asked == [ASKS.text, wants.text]


def test_without_ears_whoever_speaks_for_long_is_given_way() -> None:
    leaves = speaks(0.3, "please tell the doctor that I am late")
    played = play(leaves, Act(12, hang_up=True), deaf=True)
    assert played.turn(0)["interrupted_by"] == "caller"
    assert not played.line.sounds_between(leaves.at + 0.6, leaves.end + 1.9)
    assert played.kept == 1
