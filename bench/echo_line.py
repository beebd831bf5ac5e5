"""A line that returns what is played on it, and who hears that: for bench/echo.py and the tests of the canceller."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from services.audio.frame import Frame, Samples, frame_samples
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from services.audio.resample import resample
from services.engines import EngineContext
from services.tts.espeak import EspeakEngine
from services.voice.hearing.vad import SileroModel, VoiceActivity

TEXTS = {
    "en+f3": "Thank you for calling the dental practice on Mill Street. This call may be recorded. We are open from "
    "Monday to Friday, between nine in the morning and six in the evening. On Saturdays we are open until two. Would "
    "you like to make an appointment? Our address is forty two Mill Street, second floor. There is a lift. If you come "
    "by bus, get off at the town hall. A check-up costs sixty pounds. One moment, please. I have found three free "
    "times this week: Tuesday at ten thirty, Wednesday at four, and Friday at noon. Which one suits you best?",
    "en+m3": "Good evening. You have reached the office of Smith and Sons. How can I help you? Yes. I will pass that "
    "on. Please tell me your name and your number after the tone, and somebody will call you back before five o'clock "
    "tomorrow. Your order number is seven, three, nine, zero, zero, two. It left our warehouse yesterday, and it "
    "should reach you on Thursday. Is there anything else? No? Then thank you very much, and goodbye.",
    "ru+f3": "Здравствуйте! Вы позвонили в клинику доктора Иванова. Разговор записывается. Мы работаем с понедельника "
    "по пятницу с девяти утра до шести вечера, а в субботу до двух. Хотите записаться на приём? Наш адрес: улица "
    "Ленина, дом сорок два, второй этаж. Одну минуту, пожалуйста. Есть три свободных времени на этой неделе: вторник "
    "в десять тридцать, среда в шестнадцать и пятница в полдень. Какое вам подходит?",
    "ru+m3": "Добрый вечер. Это виртуальный секретарь компании «Северный ветер». Чем могу помочь? Да. Я передам. "
    "Назовите, пожалуйста, ваше имя и номер телефона, и вам перезвонят завтра до пяти часов. Номер вашего заказа семь, "
    "три, девять, ноль, ноль, два. Он вышел со склада вчера и будет у вас в четверг. Есть ещё вопросы? Нет?",
}
"""What the secretary says, by espeak's voice."""


async def secretary(rate: int, voices: tuple[str, ...] = tuple(TEXTS)) -> dict[str, Samples]:
    """Let espeak-ng say the texts; some 25 s of speech each, by voice."""
    nowhere = Path("/nonexistent")  # espeak brings all it needs
    engine = await EspeakEngine().load(EngineContext(models_dir=nowhere, data_dir=nowhere))
    spoken = {}
    try:
        for name in voices:
            voice = next(each.voice for each in engine.voices() if each.voice.name == name)
            pieces = [piece async for piece in engine.synthesize(TEXTS[name], voice, rate)]
            spoken[name] = np.concatenate([piece.samples for piece in pieces if isinstance(piece, Frame)])
    finally:
        await engine.close()
    return spoken


@dataclass(frozen=True, slots=True)
class Line:
    """One path back to us: `delay` in seconds (any fraction of a sample), `level` in dB of what was played.

    The echo, and the caller with it, pass a telephone's band (200 to 3400 Hz) and a codec: "alaw", "ulaw", or "gsm",
    the real GSM full-rate codec of libsndfile, which the echo passes on the way out too. `noise`: RMS of the white
    noise of the caller's side.
    """

    delay: float
    level: float
    codec: str = "alaw"
    noise: float = 4.0

    def heard(self, played: Samples, rate: int, caller: Samples | None = None) -> Samples:
        """Return what comes from the caller's side while `played` goes out: an array as long."""
        sound = _gsm(played, rate) if self.codec == "gsm" else fit(played, len(played))
        mixed = _delayed(sound, rate, self.delay) * 10 ** (self.level / 20)
        mixed += np.random.default_rng(0).normal(0, self.noise, len(mixed))
        if caller is not None:
            mixed += fit(caller, len(mixed))
        coded = to_int16(mixed)
        if self.codec == "gsm":
            return to_int16(_gsm(coded, rate))
        return alaw_decode(alaw_encode(coded)) if self.codec == "alaw" else ulaw_decode(ulaw_encode(coded))


class Canceller(Protocol):
    """What is measured."""

    def played(self, frame: Frame) -> None:
        """Take what goes out."""

    def clean(self, frame: Frame) -> Frame:
        """Return what is left of what comes in."""
        ...


def frames(samples: Samples, rate: int) -> list[Frame]:
    """Cut (n,) samples into whole frames; a rest is dropped."""
    size = frame_samples(rate)
    return [Frame(samples[start : start + size], rate, start) for start in range(0, len(samples) - size + 1, size)]


def cleaned(canceller: Canceller, played: Samples, heard: Samples, rate: int) -> Samples:
    """Pass one stream through, the tap's frame before the caller's."""
    left = []
    for out, back in zip(frames(played, rate), frames(heard, rate), strict=True):
        canceller.played(out)
        left.append(canceller.clean(back).samples)
    return np.concatenate(left)


def speaking(model: SileroModel, samples: Samples, rate: int) -> list[tuple[float, float]]:
    """Return when voice activity said that somebody speaks: (on, off) in seconds, as it was decided."""
    activity = VoiceActivity(model.detector(rate), rate)
    spans, began = [], None
    for frame in frames(samples, rate):
        now = frame.end / rate
        if activity.push(frame).speaking:
            began = now if began is None else began
        elif began is not None:
            spans.append((began, now))
            began = None
    return spans if began is None else [*spans, (began, len(samples) / rate)]


def fit(samples: NDArray[np.generic], size: int) -> NDArray[np.float64]:
    """Cut, or pad with silence, to `size` samples."""
    return np.pad(samples.astype(np.float64), (0, max(0, size - len(samples))))[:size]


def to_int16(sound: NDArray[np.float64]) -> Samples:
    """Round and clip."""
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


def _delayed(sound: NDArray[np.float64], rate: int, seconds: float) -> NDArray[np.float64]:
    size = 1 << (len(sound) + rate).bit_length()
    hertz = np.fft.rfftfreq(size, 1 / rate)
    band = 1 / np.sqrt(1 + (hertz / 3400) ** 12) / np.sqrt(1 + (200 / np.maximum(hertz, 1e-9)) ** 6)
    return np.fft.irfft(np.fft.rfft(sound, size) * band * np.exp(-2j * np.pi * hertz * seconds), size)[: len(sound)]


def _gsm(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Through GSM 06.10 and back, at 8 kHz."""
    narrow = resample(samples, rate, 8000) if rate != 8000 else samples
    with io.BytesIO() as file:
        soundfile.write(file, narrow, 8000, format="WAV", subtype="GSM610")
        file.seek(0)
        coded, _ = soundfile.read(file, dtype="int16")
    coded = fit(coded, len(narrow)).astype(np.int16)
    return fit(resample(coded, 8000, rate) if rate != 8000 else coded, len(samples))
