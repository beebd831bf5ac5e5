"""A cough, unclear speech, and a short answer that the ears did not catch."""

from services.dialogue.shapes import Utterance
from services.domain import AudioSpan
from services.voice.hearing.listener import PRE_ROLL
from services.voice.utterances import is_noise


def sound(seconds: float, text: str = "") -> Utterance:
    return Utterance(text, "en", "speech", None, AudioSpan(5.0, 5.0 + seconds + 2 * PRE_ROLL))


def test_a_short_sound_without_words_is_a_cough() -> None:
    assert is_noise(sound(0.4))
    assert not is_noise(sound(0.8))


def test_a_short_word_is_no_noise() -> None:
    assert not is_noise(sound(0.2, "yes"))


def test_where_a_yes_is_waited_for_a_short_voice_is_unclear_speech() -> None:
    assert not is_noise(sound(0.3), "yes_no")
    assert is_noise(sound(0.3), "name")
    assert is_noise(sound(0.1), "yes_no")


def test_a_sound_without_a_place_in_the_recording_is_noise() -> None:
    assert is_noise(Utterance("", "en", "speech"))
