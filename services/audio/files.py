"""Reading and writing sound files. Blocking: call it from a thread where an event loop runs."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Samples
from services.audio.resample import StreamingResampler
from services.errors import AudioError

LONGEST_SECONDS = 2 * 3600
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
FORMATS = {".wav": ("WAV", "PCM_16"), ".ogg": ("OGG", "OPUS"), ".flac": ("FLAC", "PCM_16")}


def read_audio(path: Path, rate: int) -> Samples:
    """Read a sound file as (n,) int16 at `rate` Hz; several channels are averaged.

    Takes every format libsndfile knows (WAV, FLAC, OGG, MP3, AIFF...), up to two hours. Raises AudioError.
    """
    import soundfile as sf

    _expect_readable(path)
    try:
        with path.open("rb") as stream, sf.SoundFile(stream) as sound:
            if sound.frames > LONGEST_SECONDS * sound.samplerate:
                raise _too_long(path)
            resampler = StreamingResampler(sound.samplerate, rate)
            parts = [resampler.process(block) for block in _mono_blocks(sound, path)]
    except sf.LibsndfileError as error:
        raise AudioError(
            f"{path.name} is not a sound file, or it is damaged.",
            "Save it again as WAV, FLAC, OGG or MP3.",
        ) from error
    except OSError as error:
        raise _refused(path, error) from error
    samples = np.concatenate([*parts, resampler.flush()])
    if not len(samples):
        raise AudioError(f"{path.name} holds no sound.", "Record it again, or choose another file.")
    return samples


def write_audio(path: Path, samples: Samples, rate: int) -> None:
    """Write (n,) or (n, 2) int16 as .wav, .ogg (Opus) or .flac, by the suffix of `path`.

    The file appears whole or not at all, with mode 0600; missing folders are made. Raises AudioError.
    """
    import soundfile as sf

    container, encoding = expect_format(path, rate)
    channels = 1 if samples.ndim == 1 else samples.shape[-1]
    if samples.dtype != np.int16 or samples.ndim > 2 or channels not in (1, 2):
        raise AudioError(f"Expected 16-bit audio of one or two channels, got {samples.dtype} of {samples.shape}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)  # mode 0600
        draft = Path(name)
        try:
            with os.fdopen(handle, "w+b") as stream:
                with sf.SoundFile(stream, "w", rate, channels, encoding, format=container) as sound:
                    # One call with a long Ogg stream overflows libsndfile's stack in some versions.
                    for start in range(0, len(samples), rate):
                        sound.write(samples[start : start + rate])
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, sf.LibsndfileError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise AudioError(
            f"{path.name} cannot be written: {reason}.", "Check the free space and the rights of its folder."
        ) from error


def _expect_readable(path: Path) -> None:
    try:
        about = path.stat()
    except OSError as error:
        raise _refused(path, error) from error
    if not stat.S_ISREG(about.st_mode):
        raise AudioError(f"{path.name} is not a file but a folder or device.", "Name a sound file.")
    if about.st_size == 0:
        raise AudioError(f"{path.name} is empty.", "Record it again, or choose another file.")


def _refused(path: Path, error: OSError) -> AudioError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return AudioError(f"There is no file {path}.", "Check the path.")
    if isinstance(error, PermissionError):
        return AudioError(f"{path} may not be read.", "Give this user the right to read it.")
    return AudioError(f"{path} cannot be read: {error.strerror or error}.", "Check the disk it lies on.")


def _too_long(path: Path) -> AudioError:
    return AudioError(f"{path.name} is longer than two hours.", "Cut it into parts.")


def _mono_blocks(sound: Any, path: Path) -> Iterator[Samples]:
    """Read to the end in pieces of ten seconds, as mono int16; a header that lies about the length is not believed."""
    left = LONGEST_SECONDS * sound.samplerate
    # float32 because libsndfile scales it for every encoding; int16 from a float file would come unscaled.
    while len(block := sound.read(10 * sound.samplerate, dtype="float32", always_2d=True)):
        left -= len(block)
        if left < 0:
            raise _too_long(path)
        yield _int16(block.mean(axis=1, dtype=np.float64))


def _int16(values: NDArray[np.float64]) -> Samples:
    """Full scale 1.0 to int16, clipped; a NaN in a damaged float file becomes silence."""
    return np.clip(np.rint(np.nan_to_num(values) * 32768), -32768, 32767).astype(np.int16)


def expect_format(path: Path, rate: int) -> tuple[str, str]:
    """Return container and encoding of a file that `write_audio` can write. Raises AudioError for a wrong suffix."""
    known = FORMATS.get(path.suffix.lower())
    if known is None:
        raise AudioError(
            f"Sound cannot be written as {path.suffix or 'a file without suffix'}.", "Use .wav, .ogg, .flac."
        )
    if known[1] == "OPUS" and rate not in OPUS_RATES:
        raise AudioError(
            f"An .ogg (Opus) file cannot hold {rate} Hz.",
            f"Resample to one of {', '.join(map(str, OPUS_RATES))}, or write .wav or .flac.",
        )
    return known
