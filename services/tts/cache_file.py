"""Speech as a file: the frames, the word marks and their order, with a digest that tells damage.

Little-endian: the magic and the format's number, the BLAKE2b digest (16 bytes) of all that follows; then the rate, the
number of frames and the number of marks (uint32 each); the marks, of four int32 each: frames before it, start, length,
position; the samples, int16. Frames are 20 ms and follow one another from position 0.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Frame, frame_samples
from services.tts.protocol import SpeechPiece, WordMark

FORMAT = 1
_MAGIC = b"AISPEECH"
_HEAD = struct.Struct("<8sI16s")
_COUNTS = struct.Struct("<III")
_MARK_FIELDS = 4


def storable(pieces: Sequence[SpeechPiece], rate: int) -> bool:
    """Tell whether `pieces` are speech as this file can hold it: whole frames of `rate`, one after another from 0."""
    size, end = frame_samples(rate), 0
    for piece in pieces:
        if isinstance(piece, Frame):
            if piece.rate != rate or piece.position != end or len(piece.samples) != size:
                return False
            end += size
    return end > 0


def encode(pieces: Sequence[SpeechPiece], rate: int) -> bytes:
    """Return the file of storable `pieces`."""
    frames: list[NDArray[np.int16]] = []
    marks: list[tuple[int, int, int, int]] = []
    for piece in pieces:
        if isinstance(piece, Frame):
            frames.append(piece.samples)
        else:
            marks.append((len(frames), piece.start, piece.length, piece.position))
    content = b"".join(
        (
            _COUNTS.pack(rate, len(frames), len(marks)),
            np.array(marks, "<i4").tobytes(),
            np.concatenate(frames).astype("<i2", copy=False).tobytes(),
        )
    )
    return _HEAD.pack(_MAGIC, FORMAT, _digest(content)) + content


def decode(data: bytes, rate: int) -> tuple[SpeechPiece, ...]:
    """Return the pieces of a file. Raises ValueError when it is damaged, of another format, or not of `rate`."""
    if len(data) < _HEAD.size + _COUNTS.size:
        raise ValueError("the file is cut short")
    magic, version, digest = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != FORMAT:
        raise ValueError("the file is of another format")
    if _digest(data[_HEAD.size :]) != digest:
        raise ValueError("the file is damaged")
    told_rate, frames, marks = _COUNTS.unpack_from(data, _HEAD.size)
    size, start = frame_samples(rate), _HEAD.size + _COUNTS.size
    sound = start + 4 * _MARK_FIELDS * marks
    if told_rate != rate or len(data) != sound + 2 * size * frames:
        raise ValueError("the file is of another rate or length")
    table: NDArray[Any] = np.frombuffer(data, "<i4", _MARK_FIELDS * marks, start).reshape(marks, _MARK_FIELDS)
    samples = np.frombuffer(data, "<i2", size * frames, sound).astype(np.int16, copy=False)
    return tuple(_in_order(table.tolist(), [samples[at : at + size] for at in range(0, len(samples), size)], rate))


def _in_order(marks: list[list[int]], blocks: list[NDArray[np.int16]], rate: int) -> list[SpeechPiece]:
    pieces: list[SpeechPiece] = []
    waiting = iter([*marks, [len(blocks) + 1, 0, 0, 0]])
    before, *mark = next(waiting)
    for index in range(len(blocks) + 1):
        while before == index:
            pieces.append(WordMark(*mark))
            before, *mark = next(waiting)
        if index < len(blocks):
            pieces.append(Frame(blocks[index], rate, index * len(blocks[index])))
    return pieces


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
