"""The tier of the speech cache that several processes share: what one of them has spoken, none speaks again."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from services.tts.cache_file import decode, encode
from services.tts.protocol import SpeechPiece

LIFE = 7 * 86_400.0
"""Seconds without being spoken anew after which speech is forgotten there."""
_NOBODYS = "-"  # fixed texts are no company's secret, and the key holds the voice

log = structlog.get_logger()


class SharedBytes(Protocol):
    """A cache that other processes see, too (services.shared.cache); it answers quickly or not at all, never raises."""

    async def get(self, company_id: str, key: str) -> bytes | None:
        """Return a value, None when there is none."""
        ...

    async def set(self, company_id: str, key: str, value: bytes, life: float) -> None:
        """Keep a value for `life` seconds; one that is too long is not kept."""
        ...


class SharedTier:
    """Speech by the name of its key, as the file on the disk would be."""

    def __init__(self, store: SharedBytes) -> None:
        self._store = store

    async def find(self, name: str, rate: int) -> tuple[SpeechPiece, ...] | None:
        """Return the pieces, None when there are none or they are damaged."""
        data = await self._store.get(_NOBODYS, f"speech:{name}")
        if data is None:
            return None
        try:
            return decode(data, rate)
        except ValueError as error:
            log.warning("Shared speech is passed over.", speech=name, problem=str(error))
            return None

    async def keep(self, name: str, rate: int, pieces: Sequence[SpeechPiece]) -> None:
        """Keep the pieces for the other processes."""
        await self._store.set(_NOBODYS, f"speech:{name}", encode(pieces, rate), LIFE)
