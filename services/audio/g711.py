"""G.711 companding (ITU-T G.711, 1988): one byte a sample, mu-law and A-law, by table.

Samples are int16. Mu-law: bias 132, clip at 32635, all bits of the code inverted. A-law: the even bits inverted (XOR
0x55). A sample exactly on the edge between two intervals may lawfully go to either; we take the reference form, in
which mu-law works on the magnitude and A-law on its one's complement.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Samples

_ULAW_BIAS = 132
_ULAW_CLIP = 32_635
_ALAW_EVEN_BITS = 0x55


def ulaw_encode(samples: Samples) -> bytes:
    """Compress (n,) int16 to n bytes of mu-law."""
    return _ulaw_codes()[_as_index(samples)].tobytes()


def ulaw_decode(data: bytes) -> Samples:
    """Expand n bytes of mu-law to (n,) int16."""
    return _ulaw_values()[np.frombuffer(data, np.uint8)]


def alaw_encode(samples: Samples) -> bytes:
    """Compress (n,) int16 to n bytes of A-law."""
    return _alaw_codes()[_as_index(samples)].tobytes()


def alaw_decode(data: bytes) -> Samples:
    """Expand n bytes of A-law to (n,) int16."""
    return _alaw_values()[np.frombuffer(data, np.uint8)]


def _as_index(samples: Samples) -> NDArray[np.uint16]:
    return np.ascontiguousarray(samples, np.int16).view(np.uint16)


def _all_samples() -> NDArray[np.int32]:
    """Every int16 value, in the order of its bits read as uint16."""
    return np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)


@cache
def _ulaw_codes() -> NDArray[np.uint8]:
    sample = _all_samples()
    magnitude = np.minimum(np.abs(sample), _ULAW_CLIP) + _ULAW_BIAS
    exponent = np.log2(magnitude).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    code: NDArray[np.int32] = ~(sign | exponent << 4 | mantissa) & 0xFF
    return code.astype(np.uint8)


@cache
def _ulaw_values() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _ULAW_BIAS << (code >> 4 & 0x07)) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def _alaw_codes() -> NDArray[np.uint8]:
    sample = _all_samples()
    magnitude = np.where(sample < 0, ~sample, sample) >> 4  # 11 bits
    exponent = np.maximum(np.log2(np.maximum(magnitude, 1)).astype(np.int32) - 3, 1)
    # The two lowest segments have the same step: the first differs only by its exponent bits.
    code = np.where(magnitude < 16, magnitude, exponent << 4 | magnitude >> (exponent - 1) & 0x0F)
    return ((code | np.where(sample < 0, 0, 0x80)) ^ _ALAW_EVEN_BITS).astype(np.uint8)


@cache
def _alaw_values() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ _ALAW_EVEN_BITS
    exponent, mantissa = code >> 4 & 0x07, code & 0x0F
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, (mantissa << 4) + 264 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
