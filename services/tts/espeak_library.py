"""The C interface of libespeak-ng (speak_lib.h), as much of it as is used. Global state: one per process."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from services.errors import EngineError, EngineUnavailableError

_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_POSITION_CHARACTER = 1
_EVENT_LIST_END, _EVENT_WORD = 0, 1
_PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "range": 4}

BUFFER_MS = 20


class _EventId(ctypes.Union):
    _fields_: ClassVar = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word begins: `start` (0-based) and `length` in characters, `position` in samples of this synthesis."""

    start: int
    length: int
    position: int


Hear = Callable[[list[SpokenWord], bytes], bool]
"""Takes the words that begin in a chunk and its int16 samples; returns False to stop."""


class EspeakLibrary:
    """libespeak-ng, initialised. Use it from one thread at a time."""

    def __init__(self, path: str, data_path: str) -> None:
        try:
            self._library = ctypes.CDLL(path)
        except OSError as error:
            raise EngineUnavailableError(
                f"The espeak-ng library cannot be loaded: {error}.", "Install the package espeakng-loader again."
            ) from None
        rate = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, BUFFER_MS, data_path.encode(), _DONT_EXIT)
        if rate <= 0:
            raise EngineUnavailableError(
                "The data of espeak-ng cannot be read.", "Install the package espeakng-loader again."
            )
        self.rate: int = rate
        self._voice = ""
        self._hear: Hear | None = None
        self._stopped = False
        self._callback = _Callback(self._on_chunk)  # kept: C holds only a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]

    def speak(self, text: str, voice: str, parameters: dict[str, int], *, pause: bool, hear: Hear) -> bool:
        """Speak plain `text` with `voice`, giving each chunk to `hear`; return False when `hear` stopped it.

        `parameters` are rate (words a minute), pitch, range and volume (0 to 100, 50 natural; volume 100). `pause` adds
        the pause that follows a sentence. Raises EngineError for a voice that is not there.
        """
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                self._voice = ""
                raise EngineError(f"espeak-ng has no voice {voice!r}.")
            self._voice = voice
        for name, value in parameters.items():
            self._library.espeak_SetParameter(_PARAMETERS[name], value, 0)
        encoded = text.encode("utf-8", "replace")
        self._hear, self._stopped = hear, False
        try:
            flags = _CHARS_UTF8 | (_END_PAUSE if pause else 0)
            status = self._library.espeak_Synth(encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, flags, None, None)
        finally:
            self._hear = None
        if status != 0:
            raise EngineError(f"espeak-ng failed with status {status}.")
        return not self._stopped

    def _on_chunk(self, samples: int | None, count: int, events: "ctypes._Pointer[_Event]") -> int:
        words = []
        index = 0
        while (event := events[index]).type != _EVENT_LIST_END:
            if event.type == _EVENT_WORD:
                words.append(SpokenWord(event.text_position - 1, event.length, event.sample))
            index += 1
        sound = ctypes.string_at(samples, count * 2) if samples and count > 0 else b""
        if self._hear is not None and not self._hear(words, sound):
            self._stopped = True
        return 1 if self._stopped else 0
