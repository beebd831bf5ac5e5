"""A message left in a whole call: spoken, keyed, read back and confirmed; or simply broken off."""

import asyncio
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from phone import Phone

from services.audio.files import read_audio
from telephony.simulator import SimulatedCall, read_wav

SPEECH = Path(__file__).resolve().parents[1] / "speech"
NUMBER = "+442079460000"
SPOKEN_SECONDS = 4.0

Sound = NDArray[np.int16]


def spoken(name: str) -> Sound:
    return read_wav(SPEECH / f"{name}-rms.wav")


def likeness(sound: Sound, voice: Sound) -> float:
    """Return how much of `voice` is found in `sound`: the greatest normalised cross-correlation, 0..1."""
    heard, wanted = sound.astype(np.float64), voice.astype(np.float64)
    size = 1 << (len(heard) + len(wanted)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)), size)
    running = np.concatenate([[0.0], np.cumsum(heard**2)])
    energy = np.max(running[min(len(wanted), len(heard)) :] - running[: max(1, len(running) - len(wanted))])
    return float(product.max() / np.sqrt(energy * (wanted**2).sum()))


async def test_a_spoken_message_with_a_keyed_number_is_confirmed_and_kept_with_its_sound(phone: Phone) -> None:
    async with phone() as (installation, line):
        placed = await line.place(
            NUMBER, [spoken("message"), spoken("matter"), spoken("name"), "89123456789#", spoken("yes")]
        )
        turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
        talk = "\n".join(f"{turn.role}: {turn.heard}" for turn in turns)
        (message,) = await installation.books.messages.list(installation.company_id)
        assert message.call_id == placed.call_id, talk
        assert message.number == "89123456789", talk
        assert "doctor" in message.matter, talk
        assert message.name, talk
        assert message.confirmed, talk
        sound = read_audio(installation.settings.data_dir / message.audio_path, 8000)
        assert likeness(sound, spoken("matter")) > 0.7
        assert likeness(sound, spoken("name")) > 0.5
        assert likeness(sound, spoken("football")) < 0.4, "not just any voice"


async def test_a_russian_caller_who_hangs_up_in_mid_sentence_has_left_a_message(phone: Phone) -> None:
    sentence = spoken("long")

    async def talk(call: SimulatedCall) -> None:
        await call.answered()
        await asyncio.sleep(1.0)
        call.speak(sentence)  # over the greeting, which gives way
        await asyncio.sleep(SPOKEN_SECONDS)
        await call.hang_up()

    async with phone(language="ru") as (installation, line):
        placed = await line.hold(NUMBER, talk)
        turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
        assert [turn.role for turn in turns] == ["secretary", "caller"], "nobody is answered after hanging up"
        assert turns[0].interrupted_by == "caller"
        (message,) = await installation.books.messages.list(installation.company_id)
        assert message.call_id == placed.call_id
        assert (message.number, message.matter, message.confirmed) == (NUMBER, "", False)
        sound = read_audio(installation.settings.data_dir / message.audio_path, 8000)
        assert likeness(sound, sentence[: round((SPOKEN_SECONDS - 0.5) * 8000)]) > 0.7
