"""The end of a call under strain: two people who part at once, voices that hang, effects that fail, notices."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest
from voice_call import play
from voice_fakes import Act, FakeLine, FakeMouth, FakeSecretary, sounds, speaks

from services.audio.frame import Frame
from services.dialogue.shapes import Conversation, EndCall, ReplyEvent, ReplyText, Transfer
from services.errors import LineError
from services.tts.protocol import SpeechPiece, Voice

# -- parting ----------------------------------------------------------------------------------------------------------

PARTS = speaks(2, "thank you goodbye")
LONG_GOODBYE = "Thank you very much for calling us today and goodbye until next time."


def parting() -> FakeSecretary:
    return FakeSecretary(
        {
            PARTS.text: [ReplyText(LONG_GOODBYE), EndCall()],
            **{each: [ReplyText("Bye bye."), EndCall()] for each in ("bye", "goodbye", "thank you goodbye bye")},
        }
    )


@pytest.mark.parametrize("at", [3.6, 4.4, 5.6, 6.4, 6.6, 6.7])
@pytest.mark.parametrize("text", ["bye", "okay", "thank you bye bye", "have a nice day goodbye"])
def test_who_says_goodbye_over_her_goodbye_does_not_begin_another_round(text: str, at: float) -> None:
    secretary = parting()
    played = play(PARTS, speaks(at, text), secretary=secretary)
    assert played.reason == "goodbye"
    assert secretary.asked == [PARTS.text]
    assert played.turn(1)["heard"] == LONG_GOODBYE


def test_who_says_thank_you_and_asks_on_over_her_goodbye_is_answered() -> None:
    secretary = parting()
    played = play(PARTS, speaks(4, "thank you but one more question"), Act(14, hang_up=True), secretary=secretary)
    assert secretary.asked == [PARTS.text, "thank you but one more question"]
    assert played.reason == "caller_hangup"


@pytest.mark.parametrize("lag", [0.06, None])
def test_a_word_into_the_end_of_her_goodbye_is_waited_for_until_the_ears_have_told_it(lag: float | None) -> None:
    # The goodbye ends at about 6.8; the ears need 1.2 s for what was said into it.
    secretary = parting()
    acts = PARTS, Act(5.95, 0.28, "Anna"), Act(14, hang_up=True)
    played = play(*acts, secretary=secretary, ears={"delay": 1.2, "lag": lag}, line=FakeLine(acts, 30))
    assert secretary.asked == [PARTS.text, "Anna"]
    assert played.reason == "caller_hangup"


@dataclass
class NeverDone(FakeMouth):
    """Hangs after `count` frames of the text that begins with `at`."""

    at: str = "Time is up"
    count: int = 12

    def __post_init__(self) -> None:
        super().__init__()

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        frames = 0
        async for piece in super().synthesize(text, voice, rate, fixed=fixed):
            frames += isinstance(piece, Frame)
            if text.startswith(self.at) and frames > self.count:
                await asyncio.Event().wait()
            yield piece


def test_a_call_whose_last_sentence_hangs_is_ended_all_the_same() -> None:
    played = play(speaks(2, "hours"), mouth=NeverDone(), max_call=30, no_input=60, longest=120)
    assert played.reason == "max_call"


def test_an_answer_whose_voice_hangs_in_the_middle_is_given_up() -> None:
    played = play(speaks(2, "hours"), Act(25, hang_up=True), mouth=NeverDone(at="You said"))
    broken, sorry = played.log.turns("secretary")[1:3]
    assert broken["interrupted_by"] == "failure"
    assert sorry["heard"] == "Sorry, something broke."


# -- effects ----------------------------------------------------------------------------------------------------------


class NobodyThere(FakeLine):
    """Cannot connect with anybody."""

    async def transfer(self, to: str) -> None:
        raise LineError("The colleague does not answer.")


def test_a_transfer_that_fails_is_told() -> None:
    acts = speaks(2, "a person please"), Act(14, hang_up=True)
    secretary = FakeSecretary({"a person please": [ReplyText("One moment, I connect you."), Transfer("100")]})
    played = play(*acts, secretary=secretary, line=NobodyThere(acts, 20))
    assert played.log.turns("secretary")[2]["heard"] == "Nobody is there."


# -- passages that are heard to the end -------------------------------------------------------------------------------

NOTICE = "This call is being recorded, for the quality of our service."
REST = "And now ask what you want to know."


def notice() -> FakeSecretary:
    return FakeSecretary({"hello": [ReplyText(f"{NOTICE} ", interruptible=False), ReplyText(REST)]})


def test_keys_over_a_notice_are_answered_behind_it() -> None:
    secretary = notice()
    keys = [Act(4 + number / 5, key=key) for number, key in enumerate("12#")]
    played = play(speaks(2, "hello"), *keys, Act(16, hang_up=True), secretary=secretary)
    assert str(played.turn(1)["heard"]).startswith(NOTICE)
    assert secretary.asked == ["hello", "12"]


@pytest.mark.parametrize("at", [4.6, 4.7, 4.8, 4.9, 5.0, 5.1])
def test_who_speaks_between_two_sentences_of_a_notice_does_not_cut_it(at: float) -> None:
    # The voice needs 0.5 s for each beginning: between the two sentences, from about 5.0, nothing is there to be heard.
    text = "This call is being recorded, as all are. It helps us to serve you."
    secretary = FakeSecretary({"hello": [ReplyText(text, interruptible=False)]})
    acts = speaks(2, "hello"), speaks(at, "wait", word=0.4), Act(14, hang_up=True)
    played = play(*acts, secretary=secretary, mouth=FakeMouth(first=0.5, speed=1.05))
    assert played.turn(1)["heard"] == text
    assert secretary.asked == ["hello", "wait"]


def test_a_text_typed_over_a_notice_is_answered_behind_it() -> None:
    secretary = notice()
    played = play(speaks(2, "hello"), Act(4, typed="prices"), Act(16, hang_up=True), secretary=secretary)
    assert str(played.turn(1)["heard"]).startswith(NOTICE)
    assert secretary.asked == ["hello", "prices"]


def test_what_was_typed_over_a_notice_is_kept_when_the_caller_hangs_up() -> None:
    played = play(speaks(2, "hello"), Act(4, typed="prices"), Act(5, hang_up=True), secretary=notice())
    assert played.log.heard("caller") == ["hello", "prices"]
    assert played.secretary.last is not None
    assert played.secretary.last.text == "prices"


# -- the line and the clock --------------------------------------------------------------------------------------------


class Signals(FakeLine):
    """Takes two minutes to hang up, while a flickering sound comes."""

    async def hangup(self) -> None:
        await asyncio.sleep(60)
        await super().hangup()


def test_a_line_that_is_slow_to_hang_up_loses_nothing_to_a_flood_of_sounds() -> None:
    flicker = [sounds(5 + n * 0.1, 0.04) for n in range(600)]
    acts = [PARTS, *flicker]
    played = play(*acts, line=Signals(acts, 120))
    assert played.reason == "goodbye"


@dataclass
class Owing(FakeSecretary):
    """Talks of her own accord when the time is up."""

    async def time_is_up(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Time is up.")
        yield EndCall("max_call")


def test_a_question_that_was_put_off_is_kept_when_the_time_is_up() -> None:
    # The question is understood at 27.5, while the caller is speaking on and on: overtime ends it all at 40.
    acts = speaks(25, "what are the hours", word=0.3), Act(26.8, 20.0, " ".join(f"w{n}" for n in range(50)))
    secretary = Owing()
    played = play(*acts, secretary=secretary, ears={"delay": 0.6}, max_call=30, no_input=60, longest=90)
    assert played.reason == "max_call"
    assert secretary.last is not None
    assert secretary.last.text.startswith("what are the hours w0 w1")


def test_a_question_into_the_silence_whose_voice_hangs_does_not_end_the_talk() -> None:
    played = play(Act(27, hang_up=True), mouth=NeverDone(at="Are you", count=0))
    assert played.degraded() == ["reply"]
    assert played.said()[1] == "Sorry, something broke."
