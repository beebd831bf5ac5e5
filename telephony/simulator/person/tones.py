"""The tones of a telephone line, int16 at 8 kHz."""

import numpy as np

from telephony.simulator.log import SimulatorError
from telephony.simulator.person.resample import Samples

RATE = 8_000
CHUNK = 160

_LOW = (697, 770, 852, 941)
_HIGH = (1209, 1336, 1477, 1633)
_KEYS = "123A456B789C*0#D"
RINGBACK_ON, RINGBACK_CYCLE = 1.0, 5.0
KEY_PAUSE = 0.04


def dtmf(key: str, seconds: float = 0.1) -> Samples:
    """The two tones of a key (ITU-T Q.23), -9 dBFS each, then 40 ms of silence."""
    if len(key) != 1 or key not in _KEYS:
        raise SimulatorError(f"A phone has no key {key!r}; it has 0-9, *, # and A-D.")
    row, column = divmod(_KEYS.index(key), 4)
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * _LOW[row] * time) + np.sin(2 * np.pi * _HIGH[column] * time)
    return np.concatenate([(wave * 11_600).astype(np.int16), np.zeros(round(KEY_PAUSE * RATE), np.int16)])


def beep(seconds: float = 0.4, frequency: float = 1_000.0) -> Samples:
    """The tone after which a voicemail records, -6 dBFS, with 5 ms ramps so that it does not click."""
    time = np.arange(round(seconds * RATE)) / RATE
    ramp = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.005)
    return (16_400 * ramp * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def ringback(position: int) -> Samples:
    """20 ms of the tone "it rings there", `position` samples after its start: 425 Hz, 1 s on and 4 s off."""
    time = (position + np.arange(CHUNK)) / RATE
    tone = 3000 * np.sin(2 * np.pi * 425 * time)
    return (tone * (time % RINGBACK_CYCLE < RINGBACK_ON)).astype(np.int16)
