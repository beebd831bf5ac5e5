"""Machines that take a call of ours: told from people by their words and a beep; a person is never left a message."""

from pathlib import Path

import numpy as np
import pytest
from terms_call import Held, hold
from virtual_time import run_virtually
from voice_fakes import RATE, Act, FakeLine, speaks

from services.audio.files import read_audio
from services.audio.frame import Frame, Samples
from services.clock import LoopClock
from services.domain import CallTerms
from services.voice.calling.guess import Guess, Taken
from services.voice.hearing.beep import Beep, BeepListener

OPENING = "Hello, this is Emma, your cake is ready."  # 2 s
TERMS = CallTerms(opening=OPENING)
MAILBOX = "please leave a message after the tone"


class Beeping(FakeLine):
    """The other side beeps at a second, for 0.4 s at 1 kHz."""

    beep_at = 0.0

    def _caller(self, number: int) -> Frame:
        frame = super()._caller(number)
        if not self.beep_at <= frame.position / RATE < self.beep_at + 0.4:
            return frame
        times = np.arange(frame.position, frame.end) / RATE
        return Frame((900 * np.sin(2 * np.pi * 1000 * times)).astype(np.int16), RATE, frame.position)


def place(*acts: Act, beep_at: float = 0.0, **given: object) -> Held:
    line = Beeping(acts, 60)
    line.beep_at = beep_at or 1e9
    return hold(*acts, line=line, **{"terms": TERMS, "info": {"direction": "out"}, **given})  # type: ignore[arg-type]


# -- mailboxes --------------------------------------------------------------------------------------------------------


def test_a_mailbox_is_left_the_opening_after_its_beep_in_one_breath() -> None:
    held = place(speaks(0.5, "hi you have reached Bob", 0.3, MAILBOX), beep_at=5.0)
    assert held.said() == [OPENING]
    assert held.line.first_sound(5.4) < 0.3, "right behind the beep"
    assert not held.line.sounds_between(0, 5.3)
    assert not held.line.silences(5.4, 60)
    assert (held.end["outcome"], held.end["reason"]) == ("voicemail", "voicemail")
    assert held.end["seconds"] < 13


def test_a_mailbox_that_does_not_beep_is_spoken_to_after_a_silence() -> None:
    held = place(speaks(0.5, MAILBOX))
    assert held.said() == [OPENING]
    assert held.line.first_sound(2.6) == pytest.approx(1.6, abs=0.4)
    assert held.end["outcome"] == "voicemail"


def test_a_message_that_began_before_the_beep_is_begun_anew() -> None:
    held = place(speaks(0.5, MAILBOX), beep_at=5.2)
    cut, message = held.said()
    assert OPENING.startswith(str(cut))
    assert message == OPENING
    assert held.line.first_sound(5.6) < 0.3


def test_a_mailbox_that_begins_like_a_person_is_found_out_and_left_the_whole_message() -> None:
    acts = speaks(0.5, "hi it is Bob"), speaks(2.9, "please leave your name after the tone")
    held = place(*acts, beep_at=6.0)
    cut, message = held.said()
    assert OPENING.startswith(str(cut))
    assert message == OPENING
    assert held.line.first_sound(6.9) < 0.3
    assert held.end["outcome"] == "voicemail"


def test_a_monologue_in_words_that_nobody_knows_is_a_machine_when_it_beeps() -> None:
    held = place(speaks(0.5, *["lorem ipsum dolor sit amet consetetur"] * 3), beep_at=6.8)
    assert held.said()[-1] == OPENING
    assert held.end["outcome"] == "voicemail"


def test_without_ears_a_monologue_that_beeps_is_a_machine_too() -> None:
    held = place(speaks(0.5, *["lorem ipsum dolor sit amet consetetur"] * 3), beep_at=6.8, deaf=True)
    assert held.end["outcome"] == "voicemail"


def test_a_machine_that_hangs_up_first_was_a_mailbox_all_the_same() -> None:
    held = place(speaks(0.5, MAILBOX), Act(3.5, hang_up=True))
    assert held.said() == []
    assert held.end["outcome"] == "voicemail"


def test_a_mailbox_leaves_no_recording_of_a_call_that_nobody_was_told_about() -> None:
    held = place(speaks(0.5, MAILBOX), terms=CallTerms(opening=OPENING, notice="This call is recorded."))
    assert held.said() == [OPENING], "no notice for a machine"
    assert held.recorded() == []


# -- the network ------------------------------------------------------------------------------------------------------


def test_an_announcement_of_the_network_is_not_reached() -> None:
    held = place(speaks(0.5, "the person you are calling is not available", 0.3, "please try again later"))
    assert held.said() == []
    assert (held.end["outcome"], held.end["reason"]) == ("no_answer", "announcement")


class Informing(FakeLine):
    """Sends the three special information tones at 0.5 s."""

    def _caller(self, number: int) -> Frame:
        frame = super()._caller(number)
        which = int((frame.position / RATE - 0.5) // 0.34)
        if which not in (0, 1, 2):
            return frame
        times = np.arange(frame.position, frame.end) / RATE
        tone = 900 * np.sin(2 * np.pi * (950, 1400, 1800)[which] * times)
        return Frame(tone.astype(np.int16), RATE, frame.position)


def test_the_tones_before_an_announcement_say_that_nobody_is_reached() -> None:
    acts = (speaks(2.0, "lorem ipsum dolor sit"),)
    held = hold(*acts, line=Informing(acts, 30), terms=TERMS, info={"direction": "out"})
    assert (held.end["outcome"], held.end["reason"]) == ("no_answer", "announcement")


def test_an_announcement_that_takes_messages_is_a_mailbox() -> None:
    held = place(speaks(0.5, "the person you are calling is not available", 0.3, MAILBOX), beep_at=6.2)
    assert held.said() == [OPENING]
    assert held.end["outcome"] == "voicemail"


def test_an_announcement_that_ends_the_call_itself_is_not_reached() -> None:
    held = place(speaks(0.5, "the number you have dialed is not in service"), Act(4.0, hang_up=True))
    assert held.end["outcome"] == "no_answer"


# -- people -----------------------------------------------------------------------------------------------------------


def test_a_person_who_picks_up_behind_the_machine_is_talked_to() -> None:
    held = place(speaks(0.5, MAILBOX), speaks(3.9, "hello hello"), Act(16, hang_up=True))
    assert held.said()[0] == OPENING
    assert held.end["outcome"] == "answered"


def test_a_person_who_answers_the_message_is_talked_to() -> None:
    acts = speaks(0.5, MAILBOX), speaks(7.2, "yes what is it about"), Act(17, hang_up=True)
    held = place(*acts, terms=CallTerms(opening=OPENING, purpose="the cake"))
    assert held.said()[-1] == "I am calling about this: the cake."
    assert held.end["outcome"] == "answered"


@pytest.mark.parametrize(
    "words",
    [
        "Smith and Partners good morning this is Jane how can I help you today",
        "he is not available right now would you like to leave a message",
        "this is Bob Miller from the sales department I am in the car just now but go ahead",
    ],
)
def test_a_long_greeting_is_a_person(words: str) -> None:
    held = place(speaks(0.5, words), Act(14, hang_up=True))
    assert held.said()[0] == OPENING
    assert held.end["outcome"] == "answered"


def test_a_beep_behind_a_short_hello_means_nothing() -> None:
    held = place(speaks(0.5, "hello"), Act(9, hang_up=True), beep_at=1.6)
    assert held.said() == [OPENING]
    assert held.end["outcome"] == "answered"


def test_words_of_a_machine_late_in_a_call_mean_nothing() -> None:
    acts = speaks(0.5, "hello"), speaks(25, "so I speak after the tone"), Act(36, hang_up=True)
    held = place(*acts, no_input=60)
    assert held.end["outcome"] == "answered"
    assert len(held.said()) == 2


# -- the guess by itself ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("Абонент временно недоступен. Перезвоните позже.", Taken.ANNOUNCEMENT),
        ("аппарат абонента выключен или находится вне зоны действия сети", Taken.ANNOUNCEMENT),
        ("Оставьте сообщение после сигнала.", Taken.MAILBOX),
        ("абонент не может ответить на ваш звонок оставьте сообщение после звукового сигнала", Taken.MAILBOX),
        ("Hi, I can't come to the phone right now.", Taken.MAILBOX),
        ("your call has been forwarded to an automated voice messaging system", Taken.MAILBOX),
        ("the subscriber is temporarily unavailable", Taken.ANNOUNCEMENT),
        ("алло", Taken.PERSON),
        ("да, слушаю вас", Taken.PERSON),
        ("Стоматология «Мята», здравствуйте, чем могу помочь?", Taken.PERSON),
        ("я сейчас занят, перезвоните позже", Taken.PERSON),
        ("его нет, оставьте сообщение, что ему передать", Taken.PERSON),
        ("is this a voicemail", Taken.PERSON),
        ("his phone is switched off, he is not available", Taken.PERSON),
        ("он вне зоны действия сети, телефон недоступен", Taken.PERSON),
        ("she is unavailable, call back later", Taken.PERSON),
        ("Hi, the person you are calling is using a screening service. Please say your name.", Taken.PERSON),
    ],
)
def test_words_tell_machines_from_people(text: str, taken: Taken) -> None:
    guess = Guess(LoopClock())
    guess.hear(text)
    assert guess.taken is taken


def test_a_weak_word_counts_in_one_long_breath_only() -> None:
    class Clock(LoopClock):
        now_ = 0.0

        def monotonic(self) -> float:
            return self.now_

    clock = Clock()
    guess = Guess(clock)
    guess.voice()
    clock.now_ = 4.2
    guess.pause()
    clock.now_ = 4.5  # a pause that is none
    guess.voice()
    guess.hear("you have reached Bob, who is not available")
    assert guess.taken is Taken.MAILBOX
    other = Guess(clock)
    other.voice()
    clock.now_ = 9.0
    other.hear("this telephone is switched off")
    assert other.taken is Taken.ANNOUNCEMENT


@pytest.mark.parametrize("text", ["hello", "алло да слушаю", "yes speaking", "Да-да, я вас слушаю"])
def test_first_words_of_people(text: str) -> None:
    assert Guess(LoopClock()).is_person(text)


@pytest.mark.parametrize("text", ["I will call you back as soon as I can", "за соединение плата не взимается", ""])
def test_words_that_may_be_a_machines(text: str) -> None:
    assert not Guess(LoopClock()).is_person(text)


# -- the beep ---------------------------------------------------------------------------------------------------------


def beeps(samples: Samples) -> int:
    found: list[Beep] = []
    listener = BeepListener(RATE, found.append)
    for start in range(0, len(samples) - 159, 160):
        listener.push(Frame(samples[start : start + 160], RATE, start))
    return len(found)


@pytest.mark.parametrize("frequency", [400, 850, 1000, 1400, 2000])
@pytest.mark.parametrize("seconds", [0.3, 0.5, 1.0])
def test_a_tone_is_a_beep(frequency: int, seconds: float) -> None:
    rng = np.random.default_rng(5)
    times = np.arange(round(seconds * RATE)) / RATE
    tone = np.concatenate([2000 * np.sin(2 * np.pi * frequency * times), np.zeros(RATE // 2)])
    assert beeps((tone + rng.normal(0, 60, len(tone))).astype(np.int16)) == 1


def test_two_tones_at_once_and_noise_are_no_beep() -> None:
    times = np.arange(RATE) / RATE
    keys = 2000 * np.sin(2 * np.pi * 770 * times) + 2000 * np.sin(2 * np.pi * 1336 * times)
    noise = np.random.default_rng(7).normal(0, 3000, RATE)
    assert beeps(np.concatenate([keys, noise, np.zeros(800)]).astype(np.int16)) == 0


def test_speech_is_no_beep() -> None:
    spoken = [read_audio(path, RATE) for path in sorted((Path(__file__).parents[1] / "speech").glob("*.wav"))[:12]]
    assert spoken
    assert beeps(np.concatenate(spoken)[: 60 * RATE]) == 0


def test_nothing_is_listened_for_late_in_a_call() -> None:
    async def late() -> int:
        found: list[Beep] = []
        listener = BeepListener(RATE, found.append)
        tone = (2000 * np.sin(2 * np.pi * 1000 * np.arange(160) / RATE)).astype(np.int16)
        for number in range(20):
            listener.push(Frame(tone if number < 15 else np.zeros(160, np.int16), RATE, 100 * RATE + number * 160))
        return len(found)

    assert run_virtually(late()) == 0
