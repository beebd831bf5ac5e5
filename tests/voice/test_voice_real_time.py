"""Scenarios in real time: recorded speech, the real Silero, the real espeak-ng, the whole reception with its recording.

All calls are held at once, on one event loop, before the first test looks at its own. The words are scripted (except
where the real ears listen), since what is tested is when she speaks and when she is silent.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paced_line import RATE, PacedLine, Track, recorded
from voice_desk import EarsOf, a_desk
from voice_fakes import Act, FakeEars, FakeSecretary, MemoryLog

from services.audio.files import read_audio
from services.audio.frame import Samples
from services.dialogue.shapes import EndCall, ReplyText
from services.engines import EngineContext
from services.stt.manager import Ears
from services.stt.settings import SttSettings
from services.tts.manager import Mouth
from services.tts.settings import TtsSettings
from services.voice.hearing.vad import SileroModel
from services.voice.reception import Reception

LEAD = 0.15
"""Seconds of silence at both ends of each recording."""
HOURS = "what are your opening hours"
LIST = (
    "One is the red house near the old market square. Two is the green house behind the railway station. "
    "Three is the white house across the river."
)
PARTING = "It was a pleasure to talk with you. Goodbye."


@dataclass
class Scene:
    """A caller's sounds with what the ears make of them, and afterwards what became of the call."""

    seconds: float
    sounds: list[tuple[float, Samples]] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=lambda: {HOURS: LIST})
    slow: Mapping[str, float] = field(default_factory=dict)
    echo: tuple[float, float] | None = None
    real_ears: bool = False
    outgoing: bool = False
    log: MemoryLog = field(default_factory=MemoryLog)

    def says(self, at: float, name: str, text: str) -> "Scene":
        """Add a recorded sentence at second `at`, heard as `text`."""
        samples = recorded(name)
        self.sounds.append((at, samples))
        self.acts.append(Act(at + LEAD, len(samples) / RATE - 2 * LEAD, text))
        return self

    def says_with_a_pause(self, at: float, name: str, text: str, cut: float, pause: float) -> "Scene":
        """Add a recorded sentence that is torn apart `cut` seconds after its beginning."""
        samples, edge = recorded(name), round(cut * RATE)
        self.sounds += [(at, samples[:edge]), (at + cut + pause, samples[edge:])]
        length = len(samples) / RATE - 2 * LEAD + pause
        self.acts.append(Act(at + LEAD, length, text, pauses=((cut - LEAD, pause),)))
        return self

    def sound(self, at: float, samples: Samples) -> "Scene":
        """Add a sound without words."""
        self.sounds.append((at, samples))
        self.acts.append(Act(at, len(samples) / RATE))
        return self

    async def hold(self, folder: Path, **parts: Any) -> None:
        """Hold the call through the real reception."""
        self.line = PacedLine(Track(self.seconds, *self.sounds), echo=self.echo)
        if self.outgoing:
            self.line.info = replace(self.line.info, direction="out")
        self.secretary = FakeSecretary(self.answers, slow=self.slow)
        self.folder = folder
        if not self.real_ears:
            parts["ears"] = EarsOf(FakeEars(self.acts))
        await Reception(a_desk(folder, self.log, secretary=self.secretary, **parts)).take(self.line)

    @property
    def ended(self) -> Mapping[str, Any]:
        return self.log.events[-1].data

    def answer(self) -> Mapping[str, Any]:
        """The secretary's first turn behind the greeting."""
        return self.log.turns("secretary")[1]

    def recording(self) -> Samples:
        """The stored recording: (samples, 2)."""
        (path,) = (each for each in self.folder.rglob("*.ogg") if ".message-" not in each.name)
        return read_audio(path, RATE)


def noise(seconds: float, level: int) -> Samples:
    samples: Samples = (np.random.default_rng(5).standard_normal(round(seconds * RATE)) * level).astype(np.int16)
    return samples


def television(seconds: float) -> Samples:
    """Return several voices at once, as from the next room."""
    names = ("long-rms", "long-slt", "football-rms", "matter-slt", "appointment-rms")
    mixed = sum(np.resize(recorded(name), round(seconds * RATE)).astype(np.float64) for name in names)
    samples: Samples = (np.asarray(mixed) * 0.25).astype(np.int16)
    return samples


def scenes() -> dict[str, Scene]:
    """The calls; the greeting lasts about 1.5 s, a first question at 2.5 s is over at about 4.5 s."""

    def asks(seconds: float) -> Scene:
        return Scene(seconds).says(2.5, "hours-slt", HOURS)

    return {
        "asks": Scene(12, answers={}, real_ears=True).says(2.5, "hours-slt", HOURS),
        "interrupts": asks(14).says(7.0, "football-slt", "who won the football game yesterday"),
        "coughs": asks(16).sound(7.0, noise(0.15, 4000)),
        "nods": asks(16).says(7.0, "yes-slt", "yes"),
        "dictates": Scene(12).says(2.5, "number-slt", "four one five five five five two six seven one"),
        "hesitates": Scene(10).says_with_a_pause(2.5, "name-slt", "my name is John Smith", 1.05, 0.8),
        "breathes": Scene(12).says_with_a_pause(2.5, "hours-slt", f"where is it {HOURS}", 1.0, 0.2),
        "parts": Scene(16, answers={"thank you": [ReplyText(PARTING), EndCall()]}).says(2.5, "thanks-slt", "thank you"),
        "leaves": asks(7.5),
        "speakerphone": Scene(14, echo=(0.15, -20.0))
        .says(2.5, "hours-slt", HOURS)
        .says(8.0, "office-slt", "no the office"),
        "television": asks(24).sound(6.5, television(17)),
        "waits": Scene(14, slow={HOURS: 3.5}).says(2.5, "hours-slt", HOURS),
        "picks up": Scene(8, outgoing=True).says(0.5, "yes-slt", "yes"),
        "mailbox": Scene(24, outgoing=True)
        .says(0.5, "matter-slt", "please leave your message after the tone")
        .sound(0.5 + len(recorded("matter-slt")) / RATE + 0.8, beep(0.5)),
    }


def beep(seconds: float) -> Samples:
    samples: Samples = (4000 * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)
    return samples


async def hold_all(folder: Path) -> dict[str, Scene]:
    """Hold all calls at once with shared engines."""
    calls, context = scenes(), EngineContext(folder / "models", folder)
    mouth, ears = Mouth(context, TtsSettings(engine="espeak")), Ears(context, SttSettings(engine="pocketsphinx"))
    async with AsyncExitStack() as stack:
        for part in (mouth, ears):
            stack.push_async_callback(part.close)
            await part.start(["en"])
        vad = SileroModel().detector
        holding = (call.hold(folder / name, vad=vad, mouth=mouth, ears=ears) for name, call in calls.items())
        await asyncio.gather(*holding)
        assert len(asyncio.all_tasks()) <= 1 + _POOLS, asyncio.all_tasks()
    return calls


_POOLS = 6
"""Tasks that the two workers keep for themselves."""


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    return asyncio.run(hold_all(tmp_path_factory.mktemp("calls")))


def test_a_caller_who_asks_is_understood_and_answered(held: dict[str, Scene]) -> None:
    call = held["asks"]
    assert "hours" in str(call.log.heard("caller")[0])
    assert str(call.answer()["heard"]).startswith("You said")
    assert call.line.first_sound(4.5) <= 2.0
    assert call.line.sounds(4.6, 12) > 1.0


def test_a_caller_who_speaks_over_her_silences_her(held: dict[str, Scene]) -> None:
    call = held["interrupts"]
    assert call.line.sounds(5.5, 7.0) > 1.0, "she was speaking"
    assert call.line.sounds(8.2, 9.5) == 0.0
    answer = call.answer()
    assert answer["interrupted_by"] == "caller"
    assert LIST.startswith(str(answer["heard"]))
    assert 2 <= len(str(answer["heard"]).split()) < len(LIST.split())
    assert call.secretary.asked == [HOURS, "who won the football game yesterday"]


@pytest.mark.parametrize("name", ["coughs", "nods"])
def test_a_caller_who_coughs_or_nods_hears_the_answer_to_its_end(held: dict[str, Scene], name: str) -> None:
    call = held[name]
    assert call.answer()["heard"] == LIST
    assert call.answer()["interrupted_by"] == ""
    assert call.secretary.asked == [HOURS]


def test_a_caller_who_dictates_a_number_is_heard_to_its_end(held: dict[str, Scene]) -> None:
    call = held["dictates"]
    assert call.secretary.asked == ["four one five five five five two six seven one"]
    assert call.line.sounds(2.5, 6.1) == 0.0


def test_a_caller_who_thinks_in_the_middle_of_a_sentence_is_not_cut_off(held: dict[str, Scene]) -> None:
    call = held["hesitates"]
    assert call.secretary.asked == ["my name is John Smith"]
    assert call.line.sounds(2.5, 5.2) == 0.0


def test_a_caller_who_takes_a_breath_hears_nothing_of_what_was_begun(held: dict[str, Scene]) -> None:
    call = held["breathes"]
    assert call.secretary.asked == [f"where is it {HOURS}"]
    assert call.line.sounds(2.5, 4.7) == 0.0


def test_the_goodbye_is_heard_to_its_last_word(held: dict[str, Scene]) -> None:
    call = held["parts"]
    assert call.ended["reason"] == "goodbye"
    assert call.answer()["heard"] == PARTING
    assert call.line.hung_up_at is not None
    assert call.line.last_sound() <= call.line.hung_up_at + 0.05
    seconds = len(call.recording()) / RATE
    assert seconds == pytest.approx(call.line.hung_up_at, abs=0.3), "and so it is recorded"


def test_a_caller_who_leaves_in_the_middle_leaves_what_was_heard(held: dict[str, Scene]) -> None:
    call = held["leaves"]
    assert call.ended["reason"] == "caller_hangup"
    answer = call.answer()
    assert answer["interrupted_by"] == "hangup"
    assert LIST.startswith(str(answer["heard"]))
    assert 2 <= len(str(answer["heard"]).split()) < len(LIST.split())


def test_her_own_voice_coming_back_is_not_the_caller_and_the_caller_still_is(held: dict[str, Scene]) -> None:
    call = held["speakerphone"]
    assert call.line.sounds(6.0, 8.0) > 1.2, "her echo does not silence her"
    assert call.answer()["interrupted_by"] == "caller"
    assert call.secretary.asked == [HOURS, "no the office"]
    assert call.line.sounds(9.0, 9.5) == 0.0


def test_a_television_in_the_next_room_does_not_keep_her_silent(held: dict[str, Scene]) -> None:
    call = held["television"]
    assert call.answer()["heard"] == LIST
    assert call.answer()["interrupted_by"] == ""


def test_a_slow_answer_is_bridged(held: dict[str, Scene]) -> None:
    call = held["waits"]
    assert call.secretary.fillers
    assert call.line.first_sound(4.6) <= 2.5
    assert call.line.sounds(5.5, 8.0) > 0.5
    assert str(call.answer()["heard"])[:3] == "One"


def test_every_call_is_stored_whole_and_its_recording_can_be_read(held: dict[str, Scene]) -> None:
    for call in held.values():
        kinds = [event.type.value for event in call.log.events]
        assert kinds[:2] == ["started", "answered"]
        assert kinds[-1] == "ended"
        broken = {event.data["part"] for event in call.log.events if event.type.value == "degraded"}
        assert broken <= {"message sound"}, "the fake books keep no sounds"
        turns = [event.data for event in call.log.events if event.type.value == "turn"]
        assert [turn["index"] for turn in turns] == list(range(len(turns)))
        assert np.abs(call.recording()).max() > 1000


def test_who_takes_a_call_of_ours_is_told_who_calls_right_behind_the_hello(held: dict[str, Scene]) -> None:
    call = held["picks up"]
    opening = call.log.turns("secretary")[0]
    hello = 0.5 + len(recorded("yes-slt")) / RATE - LEAD
    assert call.log.heard("secretary") == ["Hello, this is Emma."]
    assert 0.0 < float(str(opening["start"])) - hello < 0.9, "its last consonant is hardly a voice"
    assert call.ended["outcome"] == "answered"


def test_a_mailbox_is_left_the_opening_behind_its_beep(held: dict[str, Scene]) -> None:
    call = held["mailbox"]
    over = 0.5 + len(recorded("matter-slt")) / RATE + 0.8 + 0.5
    turns = call.log.turns("secretary")
    assert turns[-1]["heard"] == "Hello, this is Emma."
    assert 0.0 < float(str(turns[-1]["start"])) - over < 0.6
    assert (call.ended["outcome"], call.ended["reason"]) == ("voicemail", "voicemail")
