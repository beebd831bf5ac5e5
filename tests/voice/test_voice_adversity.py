"""What a hard judge would try: instants that coincide, ears that change their mind, people who part at the same time."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import groupby

import pytest
from voice_call import Played, play
from voice_fakes import FILLERS, Act, FakeEars, FakeLine, FakeMouth, FakeSecretary, sounds, speaks

from services.dialogue.shapes import Conversation, EndCall, ReplyEvent, ReplyText, Transfer
from services.errors import LineError
from services.stt.protocol import Transcript
from services.tts.protocol import SpeechPiece, Voice

# The greeting "Hello, this is Emma." lasts 1 s.


# -- ears that change their mind --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.3, 1.2])
def test_ears_that_take_their_words_back_leave_nobody_waiting_for_an_answer_on_trial(seconds: float) -> None:
    played = play(Act(2, seconds, "hours", final=""), Act(16, hang_up=True))
    assert played.secretary.trials == ["hours"]
    assert played.line.sounds_between(2 + seconds, 12.5), "she asks whether anybody is there, or what was said"
    assert played.conversation.state.get("count", 0) == len(played.secretary.asked)


def test_words_that_broken_ears_had_told_are_kept_with_those_of_their_successors() -> None:
    act = speaks(2, "where is your office please")
    played = play(act, Act(12, hang_up=True), ears={"breaks_at": 2.8, "lag": 0.02})
    (heard,) = played.log.heard("caller")
    assert heard == act.text


def test_an_answer_prepared_before_a_sound_without_words_was_ready_when_the_turn_ended() -> None:
    act = Act(2, 1.5, "hours", pauses=((0.5, 0.25),), final="hours")
    played = play(act, Act(9, hang_up=True), ears=OneWord([act]))
    assert played.secretary.begun[0].sure
    stages = played.turn(1)["stages"]
    assert all(at >= 0 for at in stages.values()), stages


class OneWord(FakeEars):
    """Hears the word in the first half second, and nothing in what comes after it."""

    def __init__(self, acts: list[Act]) -> None:
        super().__init__([Act(acts[0].at, 0.5, acts[0].text)])
        self._sounds = acts


# -- what was no turn -------------------------------------------------------------------------------------------------


def test_a_click_over_her_speech_does_not_make_an_uh_huh_of_the_next_answer() -> None:
    played = play(sounds(0.5, 0.03), speaks(4, "okay"), Act(9, hang_up=True))
    assert played.secretary.asked == ["okay"]


def test_a_click_in_her_last_word_does_not_either() -> None:
    played = play(sounds(0.94, 0.03), speaks(4, "okay"), Act(9, hang_up=True))
    assert played.secretary.asked == ["okay"]


def test_an_uh_huh_does_not_cost_the_answer_that_is_owed() -> None:
    # The ears tell everything late: the question is understood while the caller says "okay", which began over her speech.
    secretary = FakeSecretary({"read it": "One two three four five six seven eight nine ten eleven twelve thirteen."})
    acts = speaks(2, "read it"), speaks(4.0, "and what about the hours", word=0.25), Act(5.9, 0.3, "okay")
    played = play(*acts, Act(16, hang_up=True), secretary=secretary, ears={"delay": 0.9, "lag": None})
    assert any("and what about the hours" in text for text in played.secretary.asked)


@pytest.mark.parametrize("head_start", [0.0, 1.0])
def test_a_television_that_stops_is_forgotten_whatever_the_head_start(head_start: float) -> None:
    secretary = FakeSecretary({"read it": "One two three four five six seven eight nine ten eleven twelve thirteen."})
    acts = speaks(2, "read it"), sounds(3.4, 2.4), speaks(6.9, "and another thing")
    played = play(*acts, Act(16, hang_up=True), secretary=secretary, head_start=head_start)
    assert played.turn(1)["interrupted_by"] == "caller"


# -- the filler -------------------------------------------------------------------------------------------------------


@dataclass
class SoftBeginning(FakeMouth):
    """Begins each text with a silence, as engines do."""

    quiet: float = 0.3

    def __post_init__(self) -> None:
        super().__init__()

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        quiet = 0.0 if text in FILLERS else self.quiet
        async for piece in super().synthesize(text, voice, rate, fixed=fixed):
            position = getattr(piece, "position", 0)
            samples = getattr(piece, "samples", None)
            if samples is not None and position < quiet * rate:
                samples[:] = 0
            yield piece


def owners(played: Played) -> list[str]:
    """Whose sound was heard, text by text."""
    texts = [
        next(each.text for each in played.mouth.spoken if each.begin <= position < each.end)
        for position in played.line.voice_positions()
    ]
    return [text for text, _ in groupby(texts)]


@pytest.mark.parametrize("first_text", [1.05, 1.07, 1.09, 1.11, 1.13, 1.15, 1.17, 1.19, 1.21, 1.23])
@pytest.mark.parametrize("mouth", [FakeMouth, SoftBeginning])
def test_a_filler_and_an_answer_that_come_at_the_same_moment_do_not_speak_into_each_other(
    mouth: type[FakeMouth], first_text: float
) -> None:
    # The filler is due at 4.1, 1.5 s after the question; the answer comes at about that time.
    act, secretary = speaks(2, "hours please"), FakeSecretary(first_text=first_text)
    played = play(act, Act(9, hang_up=True), secretary=secretary, mouth=mouth(), head_start=0)
    heard = owners(played)
    assert len(heard) == len(set(heard)), heard
    assert heard[-1] == "You said hours please."


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
    """Hangs in the middle of the text that begins with `at`."""

    at: str = "Time is up"

    def __post_init__(self) -> None:
        super().__init__()

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        count = 0
        async for piece in super().synthesize(text, voice, rate, fixed=fixed):
            yield piece
            count += 1
            if text.startswith(self.at) and count > 12:
                await asyncio.Event().wait()


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
    assert played.log.turns("secretary")[2]["heard"] == "Sorry, something broke."


# -- passages that are heard to the end -------------------------------------------------------------------------------

NOTICE = "This call is being recorded, for the quality of our service."
REST = "And now ask what you want to know."


def notice() -> FakeSecretary:
    return FakeSecretary({"hello": [ReplyText(f"{NOTICE} ", interruptible=False), ReplyText(REST)]})


def test_keys_over_a_notice_are_answered_behind_it() -> None:
    secretary = notice()
    played = play(speaks(2, "hello"), *(Act(4 + n / 5, key=k) for n, k in enumerate("12#")), Act(16, hang_up=True),
                  secretary=secretary)  # fmt: skip
    assert str(played.turn(1)["heard"]).startswith(NOTICE)
    assert secretary.asked == ["hello", "12"]


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


# -- two languages ----------------------------------------------------------------------------------------------------


class Behindhand(FakeEars):
    """Takes 2.5 seconds for its first final transcript."""

    def answer(self, number: int, final: Transcript, out: asyncio.Queue) -> None:  # type: ignore[type-arg]
        asyncio.get_running_loop().call_later(2.5 if number == 0 else self._delay, self._give, final, out)


@pytest.mark.parametrize("delay", [0.3, 1.5])  # the second turn is under way, or its words are owed, at the change
def test_the_turn_behind_the_one_that_changes_the_language_is_not_swallowed(delay: float) -> None:
    acts = (
        speaks(2, "можно по-русски пожалуйста", language="ru"),
        speaks(3.75, "сколько стоит хлеб", word=0.2, language="ru"),
        speaks(11, "спасибо большое вам", language="ru"),
        Act(18, hang_up=True),
    )
    ears = (FakeEars if delay < 1 else Behindhand)(acts, delay=delay + 0.9 if delay < 1 else delay)
    played = play(*acts, ears=ears, languages=("en", "ru"))
    assert ears.opened == 2
    words = " ".join(str(text) for text in played.log.heard("caller"))
    assert "сколько стоит хлеб" in words
    last = played.log.turns("secretary")[-1]
    assert "спасибо большое вам" in last["intended"]
    assert last["stages"]["final_transcript"] < 2500, (
        "no final transcript is taken for one that is owed by the old ears"
    )


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
