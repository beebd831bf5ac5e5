"""Rotating the installation's key: a new one signs and seals, what was sealed with older ones is sealed anew.

The order makes it safe to be stopped anywhere, by kill -9 or a power cut: the new key is on the disk before anything is
sealed with it, and an old one goes only when nothing that is stored needs it. Started again, it goes on.
"""

from dataclasses import dataclass
from typing import Protocol

import structlog

from services.accounts.secret_key import SecretKey

KEPT = 2
"""Keys that stay: the current one, and the one before, so that whoever is signed in stays so."""

log = structlog.get_logger()


class Sealed(Protocol):
    """What is sealed with the installation's key (services.storage.vault.secrets.Secrets)."""

    async def reseal(self) -> int:
        """Seal anew, with the current key, what is sealed with older ones; return how many."""
        ...

    async def key_ids(self) -> set[str]:
        """Return the ids of the keys in use."""
        ...


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the current key's id, how many secrets were sealed anew, the ids of the keys that went."""

    key_id: str
    resealed: int
    dropped: tuple[str, ...]


async def rotate(key: SecretKey, sealed: Sealed, *, drop_old: bool = False) -> Rotation:
    """Make a new key the current one. Raises StorageError, and then every key is kept.

    Access tokens of the key before stay good until they are over; with `drop_old` they are void at once.
    """
    key_id = key.rotate()
    log.info("a new key was made", key=key_id)
    return await _tidy(key, sealed, kept=1 if drop_old else KEPT)


async def _tidy(key: SecretKey, sealed: Sealed, kept: int) -> Rotation:
    resealed = await sealed.reseal()
    in_use = await sealed.key_ids()
    spare = tuple(each for each in key.ids()[kept:] if each not in in_use)
    if spare:
        key.drop(spare)
        log.info("old keys were dropped", keys=spare)
    return Rotation(key.ids()[0], resealed, spare)
